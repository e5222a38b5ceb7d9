//! What is said of a plan is said in each language: of the same things, and without a word of the other.

use super::*;

/// A problem in a line, in English; in German it is the same.
pub(super) fn line(problem: &Problem) -> String {
    let (german, english) = (problem.told(Language::De), problem.told(Language::En));
    is_in_both(german.message, english.message);
    is_in_both(german.help, english.help);
    format!("{}:{} {} | {}", english.line, english.column, english.message, english.help)
}

/// Words that only English has, and that no plan is written with.
const ENGLISH: [&str; 61] = [
    "add", "already", "and", "any", "are", "as", "at", "be", "becomes", "begin", "begins", "but", "by", "call",
    "calls", "can", "cannot", "could", "does", "else", "every", "for", "give", "has", "here", "if", "is", "it", "its",
    "keep", "known", "leads", "leave", "let", "like", "may", "means", "more", "narrow", "never", "no", "nobody", "not",
    "nothing", "of", "or", "other", "read", "show", "that", "the", "there", "these", "they", "this", "what", "which",
    "whoever", "with", "without", "write",
];

/// Names of parts that stand in quotes in a suggestion, and are names no more in German.
const SUGGESTED: [&str; 8] = [
    "quotes",
    "Anführungszeichen",
    "name of hours",
    "Name der Öffnungszeiten",
    "name of a rule",
    "Name einer Regel",
    "classes",
    "Klassen",
];

fn is_in_both(german: &str, english: &str) {
    assert!(!german.is_empty() && german != english, "only in one language: {german:?}");
    let (prose, german_things) = parted(german);
    let (_, english_things) = parted(english);
    // What a library says of a rule for events is told in general.
    if !english.contains("this rule cannot be read") {
        assert_eq!(german_things, english_things, "{german}\n{english}");
    }
    let foreign: Vec<&str> = prose
        .split(|letter: char| !letter.is_alphabetic() && letter != '-')
        // What stands in capitals is a word of a file.
        .filter(|word| word.to_uppercase() != *word && ENGLISH.contains(&word.to_lowercase().as_str()))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?} in {german:?}");
}

/// Prose; and apart from it what stands in quotes, between accents and in brackets, and the numbers, in order.
fn parted(text: &str) -> (String, Vec<String>) {
    let (mut prose, mut things, mut within) = (String::new(), Vec::new(), None::<(char, String)>);
    for letter in text.chars() {
        within = match within {
            Some((end, thing)) if letter == end => {
                things.push(thing);
                None
            }
            Some((end, thing)) => Some((end, thing + &letter.to_string())),
            None => match letter {
                '"' | '`' => Some((letter, String::new())),
                '{' => Some(('}', String::new())),
                '[' => Some((']', String::new())),
                _ => {
                    prose.push(letter);
                    None
                }
            },
        };
    }
    things.retain(|thing| !SUGGESTED.iter().any(|suggested| thing.contains(suggested)));
    let digits = prose.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
    things.extend(digits.map(str::to_owned));
    things.sort();
    (prose, things)
}

#[test]
#[should_panic = "in one language"]
fn a_text_that_is_the_same_in_both_is_found() {
    is_in_both("there is no room rat", "there is no room rat");
}

#[test]
#[should_panic = "[\"is\", \"no\"]"]
fn a_word_that_was_left_in_english_is_found() {
    is_in_both("Der Raum is no da", "there is no room");
}

#[test]
#[should_panic = "saal"]
fn another_name_in_one_language_is_found() {
    is_in_both("Den Raum \"saal\" gibt es nicht", "there is no room \"rat\"");
}
