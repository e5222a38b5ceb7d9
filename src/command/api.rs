//! `einwahl api token`.

use std::process::ExitCode;

use clap::Subcommand;
use einwahl::config::TokenHash;
use einwahl::words::{Right, TokenName};

use super::{fails, say, wrong};

#[derive(Subcommand)]
pub enum Api {
    /// Make a token, and say what to write into the configuration
    Token {
        /// Whom it is for: a–z, 0–9, '-', '_'; stands in the audit
        name: String,
        /// What it may do: read, pins (see PINs), write (meetings; all three, if nothing is said), plan, edit, publish, calls, operate, audit, accounts
        #[arg(long, value_delimiter = ',', value_parser = right)]
        rights: Vec<Right>,
    },
}

fn right(name: &str) -> Result<Right, String> {
    Right::ALL
        .into_iter()
        .find(|right| right.name() == name)
        .ok_or_else(|| format!("{name:?} is none of {}", Right::ALL.map(Right::name).join(", ")))
}

pub fn run(command: Api) -> ExitCode {
    let Api::Token { name, rights } = command;
    let name: TokenName = match name.parse() {
        Ok(name) => name,
        Err(why) => {
            let why: einwahl::words::InvalidName = why;
            return wrong(&why.to_string());
        }
    };
    let mut bytes = [0; 32];
    if let Err(error) = getrandom::fill(&mut bytes) {
        return fails(&format!("the system gives no randomness: {error}"));
    }
    let token: String =
        std::iter::once(String::from("ew_")).chain(bytes.iter().map(|byte| format!("{byte:02x}"))).collect();
    let rights = if rights.is_empty() { Right::MEETINGS.to_vec() } else { rights };
    let rights: Vec<String> = rights.iter().map(|right| format!("\"{right}\"")).collect();
    say(&format!(
        "The token, which is shown only now:\n\n{token}\n\nFor einwahl.toml; it counts from the next start on:\n\n\
         [[api.tokens]]\nname = \"{name}\"\nhash = \"{}\"\nrights = [{}]",
        TokenHash::of(&token),
        rights.join(", ")
    ));
    ExitCode::SUCCESS
}
