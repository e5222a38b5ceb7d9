//! `einwahl dialplan diff`, `publish`, `history`, `rollback` and `replay`: what the API of a running gateway does, for people and
//! for scripts. Exits with 0 if it is done or the same, 1 if the answer is no, 2 if the command was used in a wrong way.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use einwahl::config::read_folder;
use einwahl::dialplan::Severity;
use einwahl::publish::Files;
use einwahl::words::{Both, Language};
use serde_json::{Value, json};

use super::super::remote::{Gateway, Trouble, list, word};
use super::super::say;

#[derive(Subcommand)]
pub enum Publishing {
    /// Show what differs between a folder and the plan that runs; exits with 1 if something does
    Diff {
        /// The folder of the plan
        folder: PathBuf,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Publish a folder: it is checked, with its examples, and decides the calls that begin from then on
    Publish {
        /// The folder of the plan
        folder: PathBuf,
        /// Why
        #[arg(long, default_value = "")]
        comment: String,
        /// The version that it was made from; the one that runs, if nothing is said. When somebody has published since, nothing
        /// is overwritten
        #[arg(long)]
        parent: Option<u64>,
        /// Keep it as a draft that somebody else has to agree to
        #[arg(long)]
        draft: bool,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// List the versions, the newest first
    History {
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Go back: publish the files of an earlier version again
    Rollback {
        /// Its number
        version: u64,
        /// Why
        #[arg(long, default_value = "")]
        comment: String,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Show which calls of the last days would go elsewhere by the plan in a folder; exits with 1 if one would
    Replay {
        /// The folder of the plan
        folder: PathBuf,
        /// So many days
        #[arg(long, default_value_t = 7)]
        days: u32,
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        gateway: Gateway,
    },
}

impl Publishing {
    const fn gateway(&self) -> &Gateway {
        match self {
            Self::Diff { gateway, .. }
            | Self::Publish { gateway, .. }
            | Self::History { gateway, .. }
            | Self::Rollback { gateway, .. }
            | Self::Replay { gateway, .. } => gateway,
        }
    }
}

type Outcome = Result<ExitCode, Trouble>;

pub fn run(command: Publishing) -> ExitCode {
    let language = command.gateway().tongue.language();
    let done = match command {
        Publishing::Diff { folder, gateway } => diff(&folder, &gateway),
        Publishing::Publish { folder, comment, parent, draft, gateway } => {
            publish(&folder, &comment, parent, draft, &gateway)
        }
        Publishing::History { json, gateway } => history(json, &gateway),
        Publishing::Rollback { version, comment, gateway } => {
            let body = json!({ "version": version, "comment": comment });
            gateway
                .ask("POST", "dialplan/rollback", Some(body))
                .map(|done| tell_published(&done, gateway.tongue.language()))
        }
        Publishing::Replay { folder, days, json, gateway } => replay(&folder, days, json, &gateway),
    };
    match done {
        Ok(code) => code,
        Err(trouble) => {
            if let Trouble::Refused(problem) = &trouble {
                tell_refused(problem, language);
            }
            trouble.ends()
        }
    }
}

fn diff(folder: &Path, gateway: &Gateway) -> Outcome {
    let ours = files(folder)?;
    let running = gateway.ask("GET", "dialplan", None)?;
    let theirs: Vec<(String, String)> =
        serde_json::from_value::<std::collections::BTreeMap<_, _>>(field(&running, "files"))
            .map_err(|error| Trouble::Failed(format!("the gateway's answer cannot be read: {error}")))?
            .into_iter()
            .collect();
    let theirs = Files::new(theirs).map_err(|why| Trouble::Failed(why.to_string()))?;
    let changes = theirs.changes_to(&ours);
    for change in &changes {
        say(&format!("--- {} (version {})\n+++ {}", change.name, number(&running, "version"), change.name));
        say(change.diff.trim_end());
    }
    if changes.is_empty() {
        let version = number(&running, "version");
        say(&match gateway.tongue.language() {
            Language::De => format!("wie Version {version}, die in Betrieb ist"),
            Language::En => format!("the same as version {version}, which runs"),
        });
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn publish(folder: &Path, comment: &str, parent: Option<u64>, draft: bool, gateway: &Gateway) -> Outcome {
    let files = texts(&files(folder)?);
    let parent = match parent {
        Some(parent) => json!(parent),
        None => field(&gateway.ask("GET", "dialplan", None)?, "version"),
    };
    let body = json!({ "files": files, "parent": parent, "comment": comment });
    if draft {
        let kept = gateway.ask("PUT", "dialplan/draft", Some(body))?;
        let author = word(&kept, "author");
        say(&match gateway.tongue.language() {
            Language::De => format!("gespeichert als Entwurf von {author}; eine zweite Person muss zustimmen"),
            Language::En => format!("kept as the draft of {author}, for somebody else to agree to"),
        });
        return Ok(ExitCode::SUCCESS);
    }
    gateway.ask("POST", "dialplan/publish", Some(body)).map(|done| tell_published(&done, gateway.tongue.language()))
}

fn history(json: bool, gateway: &Gateway) -> Outcome {
    let mut all = Vec::new();
    let mut path = String::from("dialplan/versions?limit=500");
    loop {
        let page = gateway.ask("GET", &path, None)?;
        all.extend_from_slice(list(&page, "versions"));
        let Some(next) = page.get("next").and_then(Value::as_u64) else { break };
        path = format!("dialplan/versions?limit=500&before={next}");
    }
    if json {
        say(&serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(ExitCode::SUCCESS);
    }
    for version in &all {
        let agreed =
            version.get("approvedBy").and_then(Value::as_str).map_or_else(String::new, |by| format!(", {by} agreed"));
        let again = version
            .get("restores")
            .and_then(Value::as_u64)
            .map_or_else(String::new, |of| format!(" (version {of} again)"));
        say(&format!(
            "{:>6}  {}  {}{agreed}{again}  {}",
            number(version, "version"),
            word(version, "at"),
            word(version, "by"),
            word(version, "comment")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn replay(folder: &Path, days: u32, json: bool, gateway: &Gateway) -> Outcome {
    let body = json!({ "files": texts(&files(folder)?), "days": days });
    let told = gateway.ask("POST", "dialplan/replay", Some(body))?;
    let moved = number(&told, "moved");
    if json {
        say(&serde_json::to_string_pretty(&told).unwrap_or_default());
    } else {
        for group in list(&told, "groups") {
            let way = |end: &str| {
                let way = field(group, end);
                format!("{} ({})", word(&way, "decision"), way.get("rule").and_then(Value::as_str).unwrap_or("none"))
            };
            let (calls, called) = (number(group, "calls"), word(group, "called"));
            say(&format!("{calls:>6} × {called}: {} → {}", way("from"), way("to")));
        }
        let calls = number(&told, "calls");
        say(&match gateway.tongue.language() {
            Language::De => format!("{moved} von {calls} Anrufen der letzten {days} Tage gingen anders"),
            Language::En => format!("{moved} of {calls} calls of the last {days} days would go elsewhere"),
        });
        let unsure = number(&told, "unsure");
        if unsure > 0 {
            say(&match gateway.tongue.language() {
                Language::De => format!(
                    "{unsure} davon sind unsicher: ihre Aufzeichnungen sind älter und halten nicht fest, wonach der Plan fragt"
                ),
                Language::En => format!(
                    "{unsure} of them are not certain: their records are older, and do not hold what the plan asks for"
                ),
            });
        }
    }
    Ok(if moved == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_published(done: &Value, language: Language) -> ExitCode {
    for warning in list(done, "warnings") {
        say(&problem(warning, language));
    }
    let version = number(done, "version");
    say(&match language {
        Language::De => format!("Version {version} ist in Betrieb"),
        Language::En => format!("version {version} runs"),
    });
    ExitCode::SUCCESS
}

/// What a refusal holds beside its sentence.
fn tell_refused(refusal: &Value, language: Language) {
    for one in list(refusal, "problems") {
        say(&problem(one, language));
    }
    for file in list(&field(refusal, "conflict"), "files") {
        let who = match word(file, "side") {
            "theirs" => Both::new("von anderen geändert", "changed by somebody else"),
            "yours" => Both::new("von Ihnen geändert", "changed by you"),
            "both" => {
                Both::new("von beiden geändert, an verschiedenen Stellen", "changed by both, in different places")
            }
            _ => Both::new("von beiden an derselben Stelle geändert", "changed by both in the same place"),
        };
        say(&format!("{}: {}", word(file, "name"), who.said(language)));
    }
}

fn problem(problem: &Value, language: Language) -> String {
    let (file, line, column) = (word(problem, "file"), number(problem, "line"), number(problem, "column"));
    let severity = if word(problem, "severity") == "error" { Severity::Error } else { Severity::Warning };
    let (severity, help_is) = severity.headings(language);
    let (message, help) = (word(problem, "message"), word(problem, "help"));
    format!("{severity}: {message}\n  {file}:{line}:{column}\n  {help_is}: {help}")
}

fn files(folder: &Path) -> Result<Files, Trouble> {
    read_folder(folder).map_err(|error| Trouble::Usage(error.to_string()))
}

fn texts(files: &Files) -> Value {
    files.iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect::<serde_json::Map<_, _>>().into()
}

fn field(of: &Value, name: &str) -> Value {
    of.get(name).cloned().unwrap_or_default()
}

fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or_default()
}
