//! `einwahl account`: people who may sign in. Works on the folder of the store, while no gateway uses it; with `--token-file` by
//! the API of one that runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use einwahl::account::{InvalidRole, Role};
use einwahl::gateway::{AtRest, Cannot, Change};
use einwahl::store::CannotOpen;
use einwahl::words::{AccountName, InvalidName};
use serde_json::{Value, json};

use super::remote::{Gateway, USUAL, word};
use super::tongue::Tongue;
use super::{audit, fails, say};

#[derive(Subcommand)]
pub enum Account {
    /// Make an account, and tell its one-time password
    Add {
        /// Its name: a–z, 0–9, '-', '_'; stands in the audit
        #[arg(value_parser = name)]
        name: AccountName,
        /// What its owner may do: viewer, editor, operator, auditor, administrator
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        place: Where,
    },
    /// Tell all accounts
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Give an account another role
    Role {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        /// What its owner may do from now on
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        place: Where,
    },
    /// Let nobody sign in with an account
    Disable {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Where,
    },
    /// Let its owner sign in again
    Enable {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Where,
    },
    /// Give an account a new one-time password, and take its second factor away
    Reset {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Where,
    },
}

#[derive(Args)]
pub struct Where {
    #[command(flatten)]
    kept: audit::Place,
    /// Ask the gateway that runs, with the token in this file: `einwahl api token NAME --rights accounts` makes one
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// The address of that gateway
    #[arg(long, value_name = "URL", default_value = USUAL, requires = "token_file")]
    gateway: String,
    /// Its certificate, or that of the authority that signed it, as a PEM file; if it is not publicly trusted
    #[arg(long, requires = "token_file")]
    certificate: Option<PathBuf>,
}

fn name(text: &str) -> Result<AccountName, InvalidName> {
    text.parse()
}

fn role(text: &str) -> Result<Role, InvalidRole> {
    text.parse()
}

pub fn run(command: Account) -> ExitCode {
    let (wish, place) = match command {
        Account::Add { name, role, place } => (Wish::Add(name, role), place),
        Account::List { json, place } => (Wish::List { json }, place),
        Account::Role { name, role, place } => (Wish::Change(name, Change { role: Some(role), disabled: None }), place),
        Account::Disable { name, place } => (Wish::Change(name, Change { role: None, disabled: Some(true) }), place),
        Account::Enable { name, place } => (Wish::Change(name, Change { role: None, disabled: Some(false) }), place),
        Account::Reset { name, place } => (Wish::Reset(name), place),
    };
    let Where { kept, token_file, gateway, certificate } = place;
    match token_file {
        Some(token_file) => by_api(&wish, &Gateway { gateway, token_file, certificate, tongue: Tongue::default() }),
        None => kept.with(|folder| in_folder(&folder, &wish)),
    }
}

/// What is wanted, wherever it is done.
enum Wish {
    Add(AccountName, Role),
    List { json: bool },
    Change(AccountName, Change),
    Reset(AccountName),
}

fn by_api(wish: &Wish, gateway: &Gateway) -> ExitCode {
    let asked = match wish {
        Wish::Add(name, role) => gateway.ask("POST", "accounts", Some(json!({"name": name, "role": role}))),
        Wish::List { .. } => gateway.ask("GET", "accounts", None),
        Wish::Change(name, Change { role, disabled }) => {
            let mut change = serde_json::Map::new();
            change.extend(role.map(|role| (String::from("role"), json!(role))));
            change.extend(disabled.map(|disabled| (String::from("disabled"), json!(disabled))));
            gateway.ask("PATCH", &format!("accounts/{name}"), Some(change.into()))
        }
        Wish::Reset(name) => gateway.ask("POST", &format!("accounts/{name}/reset"), Some(json!({}))),
    };
    match asked {
        Ok(done) => {
            say(&match wish {
                Wish::Add(name, _) | Wish::Reset(name) => told(name, word(&done, "oneTimePassword")),
                Wish::List { json } => listed(done.get("accounts").unwrap_or(&Value::Null), *json),
                Wish::Change(name, change) => changed(name, *change),
            });
            ExitCode::SUCCESS
        }
        Err(trouble) => trouble.ends(),
    }
}

fn in_folder(folder: &std::path::Path, wish: &Wish) -> ExitCode {
    match AtRest::open(folder).and_then(|mut at_rest| at_rest_does(&mut at_rest, wish)) {
        Ok(told) => {
            say(&told);
            ExitCode::SUCCESS
        }
        Err(why @ Cannot::Open(CannotOpen::InUse { .. })) => {
            fails(&format!("{why}; if a gateway runs there, ask it: --token-file FILE"))
        }
        Err(why) => fails(&why.to_string()),
    }
}

fn at_rest_does(at_rest: &mut AtRest, wish: &Wish) -> Result<String, Cannot> {
    Ok(match wish {
        Wish::Add(name, role) => told(name, &at_rest.add(name.clone(), *role)?),
        Wish::Reset(name) => told(name, &at_rest.reset(name)?),
        Wish::Change(name, change) => {
            at_rest.change(name, *change)?;
            changed(name, *change)
        }
        Wish::List { json } => listed(&at_rest.list().iter().map(shown).collect(), *json),
    })
}

fn changed(name: &AccountName, change: Change) -> String {
    match change {
        Change { role: Some(role), .. } => format!("{name} is {role} from now on"),
        Change { disabled: Some(true), .. } => format!("nobody can sign in as {name}"),
        Change { .. } => format!("{name} can sign in again"),
    }
}

/// An account, in the words of the API.
fn shown(account: &einwahl::account::Account) -> Value {
    json!({
        "name": account.name, "role": account.role, "disabled": account.disabled,
        "secondFactor": account.second.is_some(), "onceUntil": account.once_until.map(|time| time.to_string()),
        "lastSignIn": account.seen.map(|seen| seen.to_string()),
    })
}

fn listed(accounts: &Value, json: bool) -> String {
    if json {
        return accounts.to_string();
    }
    let line = |account: &Value| {
        let word = |word: &str| account.get(word).and_then(Value::as_str);
        let closed = if account.get("disabled") == Some(&Value::Bool(true)) { "  disabled" } else { "" };
        let (name, role) = (word("name").unwrap_or_default(), word("role").unwrap_or_default());
        format!("{name}  {role}  last sign-in {}{closed}", word("lastSignIn").unwrap_or("never"))
    };
    accounts.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

fn told(name: &AccountName, password: &str) -> String {
    format!(
        "The one-time password of {name}, which is shown only now and holds for seven days:\n\n{password}\n\n\
         At the first sign-in, at /admin, an app for codes is made known and a password is chosen."
    )
}
