//! What the reader knows is what the schema says, and the reverse.

use serde_json::{Value, json};

use super::*;

fn valid(schema: &jsonschema::Validator, text: &str) -> Result<(), String> {
    let plan: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let plan = serde_json::to_value(plan).map_err(|error| error.to_string())?;
    schema.validate(&plan).map_err(|error| format!("{error} at {}", error.instance_path()))
}

/// Every file of every plan that we ship. Beside the folder of an example lies a configuration for it.
fn shipped(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let is_configuration = path.with_extension("").is_dir() && path.is_file();
        if path.is_dir() {
            found.extend(shipped(&path));
        } else if path.extension().is_some_and(|end| end == "toml") && !is_configuration {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a file")));
        }
    }
    found
}

/// A plan of any schema is a plan of ours, and one of ours is one of the schema.
#[test]
fn every_shipped_plan_fits_the_schema() {
    let schema = jsonschema::draft202012::new(&schema()).expect("a schema");
    let shipped = shipped(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/dialplans")));
    assert!(shipped.len() > 1);
    for (name, text) in shipped {
        assert_eq!(valid(&schema, &text), Ok(()), "{name}");
    }
    assert_eq!(valid(&schema, super::TOWN), Ok(()));
    for wrong in [
        "[[rule]]\nname = \"A\"\ncaled = \"1\"\ncalled = \"1\"\nmenu = \"de\"\n",
        "[[rule]]\nname = \"A\"\ncalled = \"1\"\n",
        "[[rule]]\nname = \"A\"\ncalled = \"1\"\nmenu = \"de\"\nroom = \"rat\"\n",
        "[[rule]]\nname = \"A\"\ncalled = []\nmenu = \"de\"\n",
        "[[rule]]\nname = \"A\"\ncalled = \"1\"\nmenu = \"fr\"\n",
        "[hours.amt]\nmontag = \"08:00-16:00\"\n",
        "[tables.amt]\n",
        "[regeln]\n",
    ] {
        assert!(valid(&schema, wrong).is_err(), "{wrong}");
    }
    assert_eq!(valid(&schema, "[[rule]]\nname = \"A\"\ncalled = \"1\"\nmenu = \"${sprache}\"\n"), Ok(()));
}

/// Every word of the schema, with a value of a kind that it cannot have: the reader says so, in its line, so it reads the word.
#[test]
fn the_reader_reads_every_word_of_the_schema() {
    let schema = schema();
    let mut words = 0;
    let properties = |at: &str| -> Vec<String> {
        let found = schema.pointer(&format!("{at}/properties")).and_then(Value::as_object).expect(at);
        found.keys().cloned().collect()
    };
    for (at, before) in [
        ("", ""),
        ("/properties/rule/items", "[[rule]]\n"),
        ("/properties/example/items", "[[example]]\n"),
        ("/properties/rule/items/properties/when", "[[rule]]\nname = \"A\"\ncalled = \"1\"\n[rule.when]\n"),
        ("/properties/rule/items/properties/ring", "[[rule]]\nname = \"A\"\ncalled = \"1\"\n[rule.ring]\n"),
        (
            "/properties/rule/items/properties/transfer/anyOf/1",
            "[[rule]]\nname = \"A\"\ncalled = \"1\"\n[rule.transfer]\n",
        ),
        (
            "/properties/rule/items/properties/announce/anyOf/1",
            "[[rule]]\nname = \"A\"\ncalled = \"1\"\n[rule.announce]\n",
        ),
        (
            "/properties/rule/items/properties/emergency/anyOf/2",
            "[[rule]]\nname = \"A\"\ncalled = \"1\"\n[rule.emergency]\n",
        ),
        ("/properties/contexts/additionalProperties", "[contexts.amt]\n"),
        ("/properties/hours/additionalProperties", "[hours.amt]\n"),
        ("/properties/calendars/additionalProperties", "[calendars.amt]\n"),
        ("/properties/queues/additionalProperties", "[queues.amt]\n"),
        (
            "/properties/queues/additionalProperties/properties/callback/anyOf/1",
            "[queues.amt]\nagents = \"2001@pbx\"\n[queues.amt.callback]\n",
        ),
        ("/properties/callbacks/additionalProperties", "[callbacks.amt]\n"),
        ("/properties/tables/additionalProperties", "[tables.amt]\n"),
    ] {
        for word in properties(at) {
            words += 1;
            if word == "comment" {
                continue;
            }
            // What has to be there beside it, for the reader to get that far.
            let needed: &[(&str, &str)] = match at.rsplit_once("properties/").map_or("", |(_, last)| last) {
                "rule/items" => &[("name", "\"A\""), ("called", "\"1\"")],
                "ring" | "transfer/anyOf/1" => &[("to", "\"2001@pbx\"")],
                "queues/additionalProperties" => &[("agents", "\"2001@pbx\"")],
                "callbacks/additionalProperties" => &[("agents", "\"2001\""), ("trunk", "\"pbx\"")],
                "callback/anyOf/1" => &[("key", "\"1\"")],
                "announce/anyOf/1" => &[("say", "\"closed\"")],
                "emergency/anyOf/2" => &[("trunk", "\"pbx\"")],
                _ => &[],
            };
            let beside: String = needed
                .iter()
                .filter(|(name, _)| *name != word)
                .map(|(name, value)| format!("{name} = {value}\n"))
                .collect();
            let text = format!("{before}{beside}{word} = 0001-01-01\n");
            let line = text.lines().count();
            let told = told(source(&text));
            assert!(
                told.iter().any(|told| told.starts_with(&format!("{line}:")) && !told.contains("means nothing")),
                "{word} of {at}: {told:?}"
            );
        }
    }
    assert!(words > 50, "{words}");
    let day = schema.pointer("/properties/hours/additionalProperties/patternProperties").expect("days");
    assert_eq!(day.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(schema.pointer("/properties/rule/items/required"), Some(&json!(["name", "called"])));
}

/// What admins read tells every word.
#[test]
fn the_documentation_names_every_word_of_the_schema() {
    fn words(schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(object) => {
                if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                    found.extend(properties.keys().cloned());
                }
                object.values().for_each(|value| words(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| words(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let page = include_str!("../../../docs/dialplan.md");
    let mut found = BTreeSet::new();
    words(&schema(), &mut found);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let told: BTreeSet<&str> = page.split(|c| !is_word(c)).collect();
    let missing: Vec<&String> = found.iter().filter(|word| !told.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "docs/dialplan.md does not tell of {missing:?}");
}
