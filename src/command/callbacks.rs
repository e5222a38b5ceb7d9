//! `einwahl callbacks list` and `drop`: who wants to be called back, by a running gateway's API.

use std::process::ExitCode;

use clap::Subcommand;
use einwahl::words::CallbackId;
use serde_json::Value;

use super::remote::{Gateway, list, word};
use super::{say, wrong};

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
                say(&serde_json::to_string_pretty(list(&answer, "callbacks")).unwrap_or_default());
                ExitCode::SUCCESS
            }
            Ok(answer) => {
                let all = list(&answer, "callbacks");
                all.iter().for_each(|one| say(&line(one)));
                say(&format!("{} requests", all.len()));
                ExitCode::SUCCESS
            }
            Err(trouble) => trouble.ends(),
        },
        Callbacks::Drop { id, gateway } => match id.parse::<CallbackId>() {
            Ok(id) => match gateway.ask("DELETE", &format!("callbacks/{id}"), None) {
                Ok(_) => {
                    say(&format!("{id} is dropped"));
                    ExitCode::SUCCESS
                }
                Err(trouble) => trouble.ends(),
            },
            Err(why) => wrong(&why.to_string()),
        },
    }
}

/// `k7m2p9qw4xza6bcd  standesamt  +49 30 ···42  asked 2026-11-25T09:00:00Z, 1 tries, not before …, erased …`
fn line(one: &Value) -> String {
    let text = |name: &str| word(one, name);
    let now = if one.get("underWay") == Some(&Value::Bool(true)) { ", is being called" } else { "" };
    let tries = one.get("tries").and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{}  {}  {}  asked {}, {tries} tries, not before {}, erased {}{now}",
        text("id"),
        text("office"),
        text("number"),
        text("asked"),
        text("next"),
        text("until"),
    )
}
