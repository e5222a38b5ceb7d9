//! `einwahl prompts list`, and the prompts' part of `einwahl check`.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use einwahl::config::Config;
use einwahl::ivr;
use einwahl::words::Language;

use super::say;

#[derive(Subcommand)]
pub enum Prompts {
    /// Tell every prompt: the name of its file below the folder of `[menu] prompts`, and its words
    List {
        /// Only this language: de, en
        #[arg(long)]
        language: Option<Language>,
        /// As text, or as one JSON document
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

pub fn run(command: Prompts) -> ExitCode {
    let Prompts::List { language, format } = command;
    let languages = language.map_or_else(|| Language::ALL.to_vec(), |language| vec![language]);
    let mut all: Vec<(String, Option<String>)> = Vec::new();
    for (spoken, text) in languages.into_iter().flat_map(ivr::texts) {
        let name = spoken.path();
        // Music and tones are the same in every language.
        if !all.iter().any(|(other, _)| *other == name) {
            all.push((name, text));
        }
    }
    match format {
        Format::Text => {
            for (name, text) in all {
                say(&format!("{name:<24} {}", text.unwrap_or_else(|| String::from("(music or a tone)"))));
            }
        }
        Format::Json => {
            let list: Vec<_> =
                all.into_iter().map(|(name, text)| serde_json::json!({ "name": name, "text": text })).collect();
            say(&serde_json::to_string_pretty(&list).unwrap_or_default());
        }
    }
    ExitCode::SUCCESS
}

/// Tells all that is wrong with the institution's own prompts; whether they can be used.
pub fn check(config: &Config) -> bool {
    let Err(problems) = config.prompts() else {
        say("prompts: no errors");
        return true;
    };
    for problem in &problems {
        say(&format!("error: {problem}\n"));
    }
    say(&format!("prompts: {} errors", problems.len()));
    false
}
