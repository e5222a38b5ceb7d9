//! `einwahl callbacks list` and `drop`: who wants to be called back, by a running gateway's API.

use std::process::ExitCode;

use clap::Subcommand;
use einwahl::words::CallbackId;
use serde_json::Value;

use super::remote::{Gateway, Trouble};
use super::{fails, say, wrong};

#[derive(Subcommand)]
pub enum Callbacks {
    /// Show the requests, the first who asked first; numbers are masked
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        gateway: Gateway,
    },
    /// Erase a request: nobody is called back for it any more
    Drop {
        /// As `list` shows it
        id: String,
        #[command(flatten)]
        gateway: Gateway,
    },
}

pub fn run(command: Callbacks) -> ExitCode {
    match command {
        Callbacks::List { json, gateway } => match gateway.ask("GET", "callbacks", None) {
            Ok(answer) if json => {
                say(&serde_json::to_string_pretty(&answer["callbacks"]).unwrap_or_default());
                ExitCode::SUCCESS
            }
            Ok(answer) => {
                let all = answer["callbacks"].as_array().cloned().unwrap_or_default();
                all.iter().for_each(|one| say(&line(one)));
                say(&format!("{} requests", all.len()));
                ExitCode::SUCCESS
            }
            Err(trouble) => told(trouble),
        },
        Callbacks::Drop { id, gateway } => match id.parse::<CallbackId>() {
            Ok(id) => match gateway.ask("DELETE", &format!("callbacks/{id}"), None) {
                Ok(_) => {
                    say(&format!("{id} is dropped"));
                    ExitCode::SUCCESS
                }
                Err(trouble) => told(trouble),
            },
            Err(why) => wrong(&why.to_string()),
        },
    }
}

/// `k7m2p9qw4xza6bcd  standesamt  +49 30 ···42  asked 2026-11-25T09:00:00Z, 1 tries, not before …, erased …`
fn line(one: &Value) -> String {
    let text = |word: &str| one[word].as_str().unwrap_or_default().to_owned();
    let now = if one["underWay"] == true { ", is being called" } else { "" };
    format!(
        "{}  {}  {}  asked {}, {} tries, not before {}, erased {}{now}",
        text("id"),
        text("office"),
        text("number"),
        text("asked"),
        one["tries"],
        text("next"),
        text("until"),
    )
}

fn told(trouble: Trouble) -> ExitCode {
    match trouble {
        Trouble::Usage(why) => wrong(&why),
        Trouble::Failed(why) => fails(&why),
        Trouble::Refused(problem) => {
            let text = |word: &str| problem[word].as_str().unwrap_or_default().to_owned();
            fails(&format!("{}: {}", text("title"), text("detail")))
        }
    }
}
