//! `einwahl erase`: somebody is forgotten, by a running gateway's API.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::remote::Gateway;
use super::{fails, say};

#[derive(Args)]
pub struct Erase {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    gateway: Gateway,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// Everybody who has called with this number, as calls show it: in most cases with its country, like +49301234542
    #[arg(long)]
    number: Option<String>,
    /// Whoever made the call with this record
    #[arg(long)]
    record: Option<u64>,
}

pub fn run(command: Erase) -> ExitCode {
    let Erase { whose, gateway } = command;
    let body = match (whose.number, whose.record) {
        (Some(number), _) => json!({ "number": number }),
        (None, record) => json!({ "record": record }),
    };
    match gateway.ask("POST", "erasures", Some(body)) {
        Ok(done) => {
            let number = |word: &str| done.get(word).and_then(Value::as_u64).unwrap_or_default();
            say(&format!(
                "{} call records and {} requests to be called back are gone; {} institutions are asked to forget, too",
                number("records"),
                number("callbacks"),
                number("asked"),
            ));
            match (number("underWay"), number("notAsked")) {
                (0, 0) => ExitCode::SUCCESS,
                (under_way, not_asked) => fails(&format!(
                    "{under_way} calls are still up, and {not_asked} institutions could not be asked: ask again later"
                )),
            }
        }
        Err(trouble) => trouble.ends(),
    }
}
