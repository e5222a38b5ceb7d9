//! `einwahl account`: people who may sign in. Works on the folder of the store, while no gateway uses it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use einwahl::account::{InvalidRole, Role};
use einwahl::gateway::{AtRest, Cannot, Change};
use einwahl::words::{AccountName, InvalidName};

use super::{fails, say, with_config};

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
        place: Place,
    },
    /// Tell all accounts
    List {
        /// One JSON document
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
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
        place: Place,
    },
    /// Let nobody sign in with an account
    Disable {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Place,
    },
    /// Let its owner sign in again
    Enable {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Place,
    },
    /// Give an account a new one-time password, and take its second factor away
    Reset {
        /// Its name
        #[arg(value_parser = name)]
        name: AccountName,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
pub struct Place {
    /// The configuration, for the folder
    #[arg(long)]
    config: Option<PathBuf>,
    /// The folder itself
    #[arg(long, conflicts_with = "config")]
    folder: Option<PathBuf>,
}

fn name(text: &str) -> Result<AccountName, InvalidName> {
    text.parse()
}

fn role(text: &str) -> Result<Role, InvalidRole> {
    text.parse()
}

pub fn run(command: Account) -> ExitCode {
    match command {
        Account::Add { name, role, place } => place.with(|at_rest| {
            let password = at_rest.add(name.clone(), role)?;
            Ok(told(&name, &password))
        }),
        Account::Reset { name, place } => place.with(|at_rest| {
            let password = at_rest.reset(&name)?;
            Ok(told(&name, &password))
        }),
        Account::List { json, place } => place.with(|at_rest| Ok(list(&at_rest.list(), json))),
        Account::Role { name, role, place } => place.with(|at_rest| {
            at_rest.change(&name, Change { role: Some(role), disabled: None })?;
            Ok(format!("{name} is {role} from now on"))
        }),
        Account::Disable { name, place } => place.with(|at_rest| {
            at_rest.change(&name, Change { role: None, disabled: Some(true) })?;
            Ok(format!("nobody can sign in as {name}"))
        }),
        Account::Enable { name, place } => place.with(|at_rest| {
            at_rest.change(&name, Change { role: None, disabled: Some(false) })?;
            Ok(format!("{name} can sign in again"))
        }),
    }
}

impl Place {
    fn with(self, then: impl FnOnce(&mut AtRest) -> Result<String, Cannot>) -> ExitCode {
        match self.folder {
            Some(folder) => in_folder(&folder, then),
            None => with_config(self.config, |config| {
                in_folder(&config.store.folder(std::env::var("STATE_DIRECTORY").ok().as_deref()), then)
            }),
        }
    }
}

fn in_folder(folder: &std::path::Path, then: impl FnOnce(&mut AtRest) -> Result<String, Cannot>) -> ExitCode {
    match AtRest::open(folder).and_then(|mut at_rest| then(&mut at_rest)) {
        Ok(told) => {
            say(&told);
            ExitCode::SUCCESS
        }
        Err(why) => fails(&why.to_string()),
    }
}

fn told(name: &AccountName, password: &str) -> String {
    format!(
        "The one-time password of {name}, which is shown only now and holds for seven days:\n\n{password}\n\n\
         At the first sign-in, at /admin, an app for codes is made known and a password is chosen."
    )
}

fn list(accounts: &[einwahl::account::Account], json: bool) -> String {
    if json {
        let one = |account: &einwahl::account::Account| {
            serde_json::json!({
                "name": account.name, "role": account.role, "disabled": account.disabled,
                "secondFactor": account.second.is_some(), "oneTimePassword": account.once_until.is_some(),
                "lastSignIn": account.seen.map(|seen| seen.to_string()),
            })
        };
        return serde_json::Value::Array(accounts.iter().map(one).collect()).to_string();
    }
    let line = |account: &einwahl::account::Account| {
        let seen = account.seen.map_or_else(|| String::from("never"), |seen| format!("{seen:.0}"));
        let closed = if account.disabled { "  disabled" } else { "" };
        format!("{}  {}  last sign-in {seen}{closed}", account.name, account.role)
    };
    accounts.iter().map(line).collect::<Vec<_>>().join("\n")
}
