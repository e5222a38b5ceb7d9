//! What libraries say of a mistake, in German, too. In: their English sentence. Out: both; what is not known here is told in general.

use crate::words::{Both, both};

/// What the reader of TOML says.
pub(super) fn of_toml(message: &str) -> Both {
    let (what, expected) = message.split_once(", expected ").map_or((message, None), |(what, rest)| (what, Some(rest)));
    let what = german(&TOML, what).unwrap_or("So wird eine Datei dieser Art (TOML) nicht geschrieben");
    let expected = match expected {
        None => String::new(),
        // The sentence says it already.
        Some("literal string") => String::new(),
        Some("nothing") => String::from("; hier darf nichts mehr stehen"),
        Some(list) => format!("; hier fehlt: {}", expected_in_german(list)),
    };
    Both::new(format!("{what}{expected}"), message)
}

fn expected_in_german(list: &str) -> String {
    let one = |word: &str| german(&EXPECTED, word).unwrap_or(word).to_owned();
    list.split(", ").map(one).collect::<Vec<_>>().join(" oder ")
}

/// What the reader of regular expressions says.
pub(super) fn of_expression(why: &str) -> Both {
    let german = german(&EXPRESSION, why).unwrap_or("er lässt sich nicht lesen");
    Both::new(
        format!("Dieser reguläre Ausdruck ist nicht brauchbar: {german}"),
        format!("this regular expression cannot be used: {why}"),
    )
}

/// What the reader of rules for events that come again says. What is wrong stands in it between accents.
pub(super) fn of_recurrence(why: &str) -> Both {
    let which = why.split('`').nth(1).map_or_else(String::new, |which| format!(": `{which}`"));
    Both::new(
        format!("Diese Wiederholung kann nicht gelesen werden{which}"),
        format!("this rule cannot be read: {why}"),
    )
}

/// What the reader of tables says.
pub(super) fn of_table(error: &csv::Error) -> Both {
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return both!(
            "Diese Zeile hat {} Spalten, die erste {}",
            "this line has {} columns, the first has {}",
            len,
            expected_len
        );
    }
    Both::new("Diese Zeile kann nicht gelesen werden", error.to_string())
}

fn german<'a>(table: &[(&str, &'a str)], english: &str) -> Option<&'a str> {
    table.iter().find(|(known, _)| *known == english).map(|(_, german)| *german)
}

const TOML: [(&str, &str); 40] = [
    ("carriage return must be followed by newline", "Ein Wagenrücklauf steht ohne Zeilenende da"),
    ("cannot recurse further; max recursion depth met", "Das ist zu tief verschachtelt"),
    ("duplicate key", "Dieses Wort steht hier zum zweiten Mal"),
    ("extra `=`", "Hier steht ein `=` zu viel"),
    ("extra assignment between key-value pairs", "Hier steht ein `=` zu viel"),
    ("extra comma in array", "Hier steht ein Komma zu viel"),
    ("extra comma in inline table", "Hier steht ein Komma zu viel"),
    ("integers with a radix cannot be signed", "Eine solche Zahl hat kein Vorzeichen"),
    ("invalid comment character", "Dieses Zeichen darf in keinem Kommentar stehen"),
    ("invalid inline table element", "Das kann nicht zwischen `{` und `}` stehen"),
    ("invalid key-value pair", "Hier fehlt ein Wort, ein `=` oder ein Wert"),
    ("invalid unquoted key", "Dieses Wort muss in \"Anführungszeichen\" stehen"),
    ("invalid value", "Dieser Wert kann nicht gelesen werden"),
    ("invalid basic string", "Dieser Text kann nicht gelesen werden"),
    ("invalid literal string", "Dieser Text kann nicht gelesen werden"),
    ("invalid multi-line basic string", "Dieser Text kann nicht gelesen werden"),
    ("invalid multi-line literal string", "Dieser Text kann nicht gelesen werden"),
    ("key with no value", "Hinter diesem Wort steht kein Wert"),
    ("missing assignment between key-value pairs", "Zwischen Wort und Wert steht kein `=`"),
    ("missing comma between array elements", "Hier fehlt ein Komma"),
    ("missing comma between key-value pairs", "Hier fehlt ein Komma"),
    ("missing escaped value", "Hinter `\\` steht nichts"),
    ("missing key for inline table element", "Vor diesem Wert steht kein Wort"),
    ("missing opening quote", "Hier fehlt ein Anführungszeichen am Anfang"),
    ("missing value for key", "Hinter diesem Wort steht kein Wert"),
    ("missing value", "Hier fehlt ein Wert"),
    ("recursion limit", "Das ist zu tief verschachtelt"),
    ("string values must be quoted", "Ein Text muss in \"Anführungszeichen\" stehen"),
    ("too few unicode value digits", "Hier fehlen Ziffern hinter `\\u`"),
    ("unclosed array table", "Diese Überschrift hat kein `]]` am Ende"),
    ("unclosed array", "Diese Liste hat kein `]` am Ende"),
    ("unclosed inline table", "Hier fehlt ein `}` am Ende"),
    ("unclosed table", "Diese Überschrift hat kein `]` am Ende"),
    ("unexpected `=` in array", "In einer Liste steht kein `=`"),
    ("unexpected content between comment and newline", "Das gehört nicht hierher"),
    ("unexpected content", "Das gehört nicht hierher"),
    ("unexpected key or value", "Das gehört nicht in diese Zeile"),
    ("unexpected leading zero", "Vor einer Zahl darf keine 0 stehen"),
    ("unexpected sign", "Hier darf kein Vorzeichen stehen"),
    ("unquoted keys cannot be empty", "Hier fehlt ein Wort"),
];

const EXPECTED: [(&str, &str); 16] = [
    ("newline", "ein Zeilenende"),
    ("key", "ein Wort"),
    ("value", "ein Wert"),
    ("digits", "Ziffern"),
    ("numbers", "Ziffern"),
    ("letters", "Buchstaben"),
    ("characters", "Zeichen"),
    ("printable characters", "lesbare Zeichen"),
    ("basic string", "ein Text in \"Anführungszeichen\""),
    ("literal string", "ein Text in 'Hochkommas'"),
    ("multi-line basic string", "ein Text in \"\"\"Anführungszeichen\"\"\""),
    ("multi-line literal string", "ein Text in '''Hochkommas'''"),
    ("unicode hexadecimal value", "vier oder acht Ziffern"),
    ("non-double-quote visible characters", "lesbare Zeichen"),
    ("non-single-quote visible characters", "lesbare Zeichen"),
    ("non-single-quote characters", "lesbare Zeichen"),
];

const EXPRESSION: [(&str, &str); 16] = [
    ("unclosed group", "eine Klammer ( wird nicht geschlossen"),
    ("unopened group", "eine Klammer ) wurde nicht geöffnet"),
    ("unclosed character class", "eine Klammer [ wird nicht geschlossen"),
    (
        "invalid character class range, the start must be <= the end",
        "in einer Klasse steht der Anfang eines Bereichs hinter seinem Ende",
    ),
    ("invalid escape sequence found in character class", "in einer Klasse steht hinter \\ etwas Unbekanntes"),
    ("unrecognized escape sequence", "hinter \\ steht etwas Unbekanntes"),
    ("incomplete escape sequence, reached end of pattern prematurely", "hinter dem letzten \\ steht nichts"),
    ("repetition operator missing expression", "vor *, + oder ? steht nichts, was wiederholt wird"),
    ("repetition quantifier expects a valid decimal", "zwischen { und } steht keine Zahl"),
    ("unclosed counted repetition", "eine Klammer { wird nicht geschlossen"),
    (
        "invalid repetition count range, the start must be <= the end",
        "zwischen { und } steht die größere Zahl vor der kleineren",
    ),
    ("look-around, including look-ahead and look-behind, is not supported", "(?= und (?! gibt es hier nicht"),
    ("backreferences are not supported", "Rückverweise wie \\1 gibt es hier nicht"),
    ("unrecognized flag", "hinter (? steht etwas Unbekanntes"),
    ("Compiled regex exceeds size limit of 65536 bytes.", "er wird zu groß"),
    (
        "exceed the maximum number of nested parentheses/brackets (20)",
        "mehr als 20 Klammern sind ineinander verschachtelt",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    #[test]
    fn what_the_readers_of_files_say_most_often_is_known_in_german() {
        for (text, german) in [
            ("[[rule]\nname = \"A\"\n", "Diese Überschrift hat kein `]]` am Ende"),
            ("name \"A\"\n", "Hinter diesem Wort steht kein Wert; hier fehlt: `=`"),
            ("name =\n", "Ein Text muss in \"Anführungszeichen\" stehen"),
            ("name = \"A\n", "Dieser Text kann nicht gelesen werden; hier fehlt: `\"`"),
            ("name = A\n", "Ein Text muss in \"Anführungszeichen\" stehen"),
            ("name = \"A\"\nname = \"B\"\n", "Dieses Wort steht hier zum zweiten Mal"),
            ("called = [\"1\" \"2\"]\n", "Hier fehlt ein Komma"),
            ("called = [\"1\"\n", "Diese Liste hat kein `]` am Ende"),
            ("when = { from = \"1\"\n", "Hier fehlt ein `}` am Ende"),
        ] {
            let (_, errors) = toml::de::DeTable::parse_recoverable(text);
            let told: Vec<String> =
                errors.iter().map(|error| of_toml(error.message()).said(Language::De).to_owned()).collect();
            assert!(told.iter().any(|told| told.starts_with(german)), "{german}\nof\n{text}in\n{told:?} {errors:?}");
        }
        for text in
            ["2(1", "2)", "[12", "[9-1]", r"\y", r"\", "*1", "1{a}", "1{2", "1{3,2}", "(?=1)", r"(1)\1", "(?y)1"]
        {
            let error = regex::Regex::new(text).expect_err(text).to_string();
            let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            assert!(german(&EXPRESSION, last).is_some(), "{text}: {last}");
        }
    }
}
