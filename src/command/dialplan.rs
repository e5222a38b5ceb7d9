//! `einwahl dialplan lint`, `trace`, `import` and `schema`, and the plan's part of `einwahl check`.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use einwahl::config::Config;
use einwahl::dialplan::{Facts, Plan, Problem, Told};
use einwahl::gateway::local_time;
use einwahl::words::{Language, LanguageTag, Personal, PhoneNumber, TrunkName};

use super::tongue::Tongue;
use super::{fails, say, with_config, wrong};

#[path = "importing.rs"]
mod importing;
#[path = "publishing.rs"]
mod publishing;

#[derive(Subcommand)]
pub enum Dialplan {
    /// Against a running gateway, by its API
    #[command(flatten)]
    Publishing(publishing::Publishing),
    /// Look for mistakes in a dialplan; tells all of them, with file, line and what to do
    Lint {
        /// The folder of the plan; without one, that of the configuration
        folder: Option<PathBuf>,
        /// The configuration, for the rooms, trunks and the area code
        #[arg(long)]
        config: Option<PathBuf>,
        /// As text, or as one JSON document
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        #[command(flatten)]
        tongue: Tongue,
    },
    /// Show what a call would do, rule by rule; no call is made
    Trace {
        /// The number, as it is dialled
        called: String,
        /// The caller's number
        #[arg(long)]
        from: Option<String>,
        /// The number for which the trunk vouches
        #[arg(long)]
        asserted: Option<String>,
        /// The number that diverted the call
        #[arg(long)]
        diversion: Option<String>,
        /// The language that the telephone likes best
        #[arg(long)]
        accepts: Option<String>,
        /// The trunk by which the call comes
        #[arg(long)]
        trunk: Option<String>,
        /// The call comes with TLS
        #[arg(long)]
        secure: bool,
        /// At this local time, like 2026-11-24T08:00; now, if left out
        #[arg(long)]
        at: Option<String>,
        /// The configuration
        #[arg(long)]
        config: Option<PathBuf>,
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        tongue: Tongue,
    },
    /// Make a plan of what others wrote, and tell what became of each line
    Import(importing::Import),
    /// Print the JSON Schema of a plan's files, for editors that complete and check them
    Schema,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

pub fn run(command: Dialplan) -> ExitCode {
    match command {
        Dialplan::Publishing(command) => publishing::run(command),
        Dialplan::Import(command) => importing::run(command),
        Dialplan::Lint { folder, config, format, tongue } => with_config(config, |mut config| {
            config.dialplan.folder = folder.or(config.dialplan.folder);
            lint(&config, format, tongue.language())
        }),
        Dialplan::Trace { called, from, asserted, diversion, accepts, trunk, secure, at, config, json, tongue } => {
            let facts = || -> Result<Facts, String> {
                Ok(Facts {
                    called,
                    caller: number("--from", from)?,
                    asserted: number("--asserted", asserted)?,
                    diverted: number("--diversion", diversion)?,
                    language: parsed::<LanguageTag>("--accepts", accepts)?,
                    trunk: parsed::<TrunkName>("--trunk", trunk)?,
                    secure,
                })
            };
            match facts() {
                Ok(facts) => {
                    with_config(config, |config| trace(&config, facts, at.as_deref(), json, tongue.language()))
                }
                Err(why) => wrong(&why),
            }
        }
        Dialplan::Schema => {
            say(&serde_json::to_string_pretty(&einwahl::dialplan::schema()).unwrap_or_default());
            ExitCode::SUCCESS
        }
    }
}

fn number(option: &str, text: Option<String>) -> Result<Option<Personal<PhoneNumber>>, String> {
    Ok(parsed::<PhoneNumber>(option, text)?.map(Personal::new))
}

fn parsed<T: FromStr<Err: Display>>(option: &str, text: Option<String>) -> Result<Option<T>, String> {
    text.map(|text| text.parse()).transpose().map_err(|error| format!("{option}: {error}"))
}

/// Tells every problem; whether the plan can be used.
pub fn lint(config: &Config, format: Format, language: Language) -> ExitCode {
    let (plan, problems) = match config.plan() {
        Ok(checked) => checked,
        Err(error) => return fails(&error.to_string()),
    };
    match format {
        Format::Json => {
            let told: Vec<Told<'_>> = problems.iter().map(|problem| problem.told(language)).collect();
            say(&serde_json::to_string_pretty(&told).unwrap_or_default());
        }
        Format::Text => {
            for problem in &problems {
                say(&format!("{}\n", problem.told(language)));
            }
            say(&summary(plan.len(), &problems, language));
        }
    }
    if problems.iter().any(Problem::is_error) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn summary(rules: usize, problems: &[Problem], language: Language) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    match language {
        Language::De => format!("Wählplan: {rules} Regeln, {errors} Fehler, {warnings} Hinweise"),
        Language::En => format!("dialplan: {rules} rules, {errors} errors, {warnings} warnings"),
    }
}

fn trace(config: &Config, facts: Facts, at: Option<&str>, json: bool, language: Language) -> ExitCode {
    let (plan, problems) = match config.plan() {
        Ok(checked) => checked,
        Err(error) => return fails(&error.to_string()),
    };
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    if errors > 0 {
        return fails(&format!("the plan has {errors} errors: `einwahl dialplan lint` tells them"));
    }
    let zone = match config.zone() {
        Ok(zone) => zone,
        Err(error) => return fails(&error.to_string()),
    };
    let time = match at {
        None => Ok(local_time(&zone)),
        Some(text) => text.parse::<jiff::civil::DateTime>().and_then(|time| time.to_zoned_datetime(zone)),
    };
    let Ok(time) = time else {
        return wrong("--at: write a local time like 2026-11-24T08:00");
    };
    let (taken, trace) = plan.trace(&facts, &time);
    let said = taken
        .map_or_else(|| Plan::said_of_nothing(language), |taken| taken.decision.for_call(&facts.called).said(language));
    let decided = said.text;
    if json {
        let document = serde_json::json!({ "called": facts.called, "at": time.to_string(), "trace": trace, "rule": trace.rule(), "decision": decided });
        say(&serde_json::to_string_pretty(&document).unwrap_or_default());
    } else {
        let international = trace.international.as_ref().map_or_else(String::new, |number| format!(" ({number})"));
        say(&match language {
            Language::De => format!("{}{international} am {}", facts.called, time.strftime("%d.%m.%Y um %H:%M")),
            Language::En => format!("{}{international} at {}", facts.called, time.strftime("%a %Y-%m-%d %H:%M")),
        });
        for step in &trace.steps {
            say(&format!("  {:<28} {:<24} {}", step.rule, step.outcome.said(language), step.place));
        }
        say(&format!("→ {decided}"));
    }
    if taken.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
