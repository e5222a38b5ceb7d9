//! An admin and the commands, through the real binary.
#![cfg(feature = "gateway")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn einwahl(arguments: &[&str]) -> Output {
    spoken("C", arguments)
}

/// For somebody who has signed in with this locale.
fn spoken(locale: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_einwahl"));
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", locale);
    command.args(arguments).output().expect("runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A folder of its own for each test, with a plan and a configuration.
fn town(name: &str, plan: &str) -> (PathBuf, PathBuf) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("plan")).expect("a folder");
    std::fs::write(folder.join("plan/10-stadt.toml"), plan).expect("a plan");
    let config = folder.join("einwahl.toml");
    let text = format!(
        "[dialplan]\nfolder = {:?}\n[[trunks]]\nname = \"haus-1\"\nnetworks = [\"192.0.2.0/24\"]\n[[meetings]]\nroom = \"rat\"\nid = \"123456\"\n",
        folder.join("plan")
    );
    std::fs::write(&config, text).expect("a configuration");
    (folder, config)
}

const FIVE_FAULTS: &str = r#"[[rule]]
name = "Zentrale"
called = "X."
menu = "de"

[[rule]]
name = "Rat"
called = "12x4"
room = "rat"

[[rule]]
name = "Amt"
caled = "900"
called = "77"
reject = "no"

[[rule]]
name = "Saal"
called = "+49 30 5555"
trunk = "haus-9"
room = "saal"
"#;

#[test]
fn a_plan_with_planted_faults_is_told_of_each_with_file_line_and_help() {
    let (folder, config) = town("faults", FIVE_FAULTS);
    let config = config.to_str().unwrap();
    for arguments in [&["check", "--config", config][..], &["dialplan", "lint", "--config", config]] {
        let output = einwahl(arguments);
        let told = text(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let file = folder.join("plan/10-stadt.toml");
        for (line, what, help) in [
            (3, "could take 110", "emergency"),
            (8, "write X, Z and N as capitals", "X (any)"),
            (13, "\"caled\" means nothing here", "did you mean \"called\"?"),
            (15, "\"no\" is no way to refuse a call", "busy"),
            (20, "there is no trunk haus-9", "haus-1"),
            (21, "there is no room saal", "rat"),
        ] {
            let place = format!("{}:{line}:", file.display());
            let problem = told.split("\n\n").find(|problem| problem.contains(&place) && problem.contains(what));
            let problem = problem.unwrap_or_else(|| panic!("no {what:?} at line {line} in\n{told}"));
            assert!(problem.contains("help: ") && problem.contains(help), "{problem}");
        }
    }
}

#[test]
fn mistakes_are_told_in_the_language_that_is_asked_for_or_in_that_of_the_session() {
    let (_, config) = town("languages", FIVE_FAULTS);
    let config = config.to_str().unwrap();
    let (german, english) = ("Fehler: X, Z und N schreibt man groß", "error: write X, Z and N as capitals");
    let lint = ["dialplan", "lint", "--config", config];
    for (locale, more, told) in [
        ("de_AT.UTF-8", &[][..], german),
        ("en_GB.UTF-8", &[], english),
        ("fr_FR.UTF-8", &[], english),
        ("C", &[], english),
        ("", &["--language", "de"], german),
        ("de_DE", &["--language", "en"], english),
    ] {
        let text = text(&spoken(locale, &[&lint[..], more].concat()));
        assert!(text.contains(told), "{locale} {more:?}\n{text}");
    }
    let checked = text(&spoken("de_DE", &["check", "--config", config]));
    assert!(checked.contains(german) && checked.contains("Wählplan: 3 Regeln, "), "{checked}");
    let json = spoken("de_DE", &[&lint[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("one JSON document");
    let told: Vec<&str> = json.as_array().unwrap().iter().filter_map(|one| one["message"].as_str()).collect();
    assert!(told.contains(&"Den Raum saal gibt es nicht"), "{told:?}");
    let traced = ["dialplan", "trace", "069 90009 200", "--at", "2026-11-24T17:00", "--language", "de"];
    let traced = text(&einwahl(&[&traced[..], &["--config", "dialplans/examples/kleinstadt.toml"]].concat()));
    assert!(traced.contains("gilt zu dieser Zeit nicht") && traced.contains("am 24.11.2026 um 17:00"), "{traced}");
    assert!(traced.contains("→ Ansage auf Deutsch, dass geschlossen ist"), "{traced}");
    assert_eq!(einwahl(&[&lint[..], &["--language", "fr"]].concat()).status.code(), Some(2));
}

#[test]
fn a_trace_shows_rule_by_rule_what_a_call_would_do() {
    let config = "dialplans/examples/kleinstadt.toml";
    let trace = |at: &str| einwahl(&["dialplan", "trace", "069 90009 200", "--at", at, "--config", config]);
    let open = text(&trace("2026-11-24T09:00"));
    assert!(open.contains("(+496990009200)") && open.contains("→ sent on to sip:buergerbuero@pbx"), "{open}");
    assert!(open.contains("kleinstadt/10-kleinstadt.toml:"), "{open}");
    let closed = text(&trace("2026-11-24T17:00"));
    assert!(closed.contains("does not hold at this time") && closed.contains("office is closed"), "{closed}");
    let own = ["--asserted", "+49 69 90009 310", "--diversion", "310", "--accepts", "en"];
    let own = text(&einwahl(&[&["dialplan", "trace", "101", "--config", config][..], &own].concat()));
    assert!(own.contains("→ to the door of room “magistrat”"), "{own}");
    let emergency = einwahl(&["dialplan", "trace", "112", "--config", config, "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&emergency.stdout).expect("one JSON document");
    assert_eq!(document["rule"], "Notruf");
}

#[test]
fn the_plans_that_are_shipped_as_examples_have_at_least_thirty_examples_each_and_no_problem() {
    for plan in ["kleinstadt", "grossstadt", "schule"] {
        let output = einwahl(&["dialplan", "lint", "--config", &format!("dialplans/examples/{plan}.toml")]);
        let told = text(&output);
        assert!(told.contains("0 errors, 0 warnings") && output.status.success(), "{plan}: {told}");
        let files = std::fs::read_dir(format!("dialplans/examples/{plan}")).expect("a folder").flatten();
        let texts = files.map(|file| std::fs::read_to_string(file.path()).expect("a file"));
        let examples: usize = texts.map(|text| text.matches("[[example]]").count()).sum();
        assert!(examples >= 30, "{plan} has {examples} examples");
    }
}

#[test]
fn the_schema_in_the_documentation_is_the_one_that_is_printed() {
    let printed = einwahl(&["dialplan", "schema"]);
    let kept = std::fs::read_to_string("docs/dialplan.schema.json").expect("a file");
    assert!(String::from_utf8_lossy(&printed.stdout) == kept, "einwahl dialplan schema > docs/dialplan.schema.json");
}

#[test]
fn a_wrong_use_is_told_apart_from_a_no() {
    let (_, config) = town("use", "[[rule]]\nname = \"Rat\"\ncalled = \"100\"\nroom = \"rat\"\n");
    let config = config.to_str().unwrap();
    assert_eq!(einwahl(&["dialplan", "trace", "100", "--config", config]).status.code(), Some(0));
    assert_eq!(einwahl(&["dialplan", "trace", "101", "--config", config]).status.code(), Some(1));
    assert_eq!(einwahl(&["dialplan", "trace", "100", "--at", "gestern", "--config", config]).status.code(), Some(2));
    assert_eq!(einwahl(&["dialplan", "trace"]).status.code(), Some(2));
    assert_eq!(einwahl(&["dialplan", "lint", "/nowhere"]).status.code(), Some(1));
}
