//! What the prompts say, word for word: for people who speak their own.

use std::collections::BTreeMap;

use super::prompt::{Prompt, Spoken};
use crate::words::Language;

const fn file(language: Language) -> &'static str {
    match language {
        Language::De => include_str!("../../prompts/de.toml"),
        Language::En => include_str!("../../prompts/en.toml"),
    }
}

/// Every prompt of a language with its words; music and tones have none.
pub fn texts(language: Language) -> Vec<(Spoken, Option<String>)> {
    // The file is part of the program; a test reads it.
    let texts: BTreeMap<String, String> = toml::from_str(file(language)).unwrap_or_default();
    Prompt::all().map(|prompt| (prompt.in_language(language), texts.get(prompt.name()).cloned())).collect()
}

/// The words of one prompt, for who reads it.
pub fn words_of(spoken: Spoken) -> Option<String> {
    texts(spoken.language).into_iter().find(|(known, _)| *known == spoken)?.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_spoken_has_its_words_and_nothing_else_has() {
        for language in Language::ALL {
            for (spoken, text) in texts(language) {
                assert_eq!(text.is_none(), spoken.prompt.is_sound(), "{}", spoken.path());
            }
        }
    }
}
