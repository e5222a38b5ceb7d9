//! Accounts while no gateway runs: for the first one, and for the day on which nobody can sign in. In: what an admin of the
//! machine wants. Out: the same entries in the store and in the audit that a running gateway would write. Who may write in the
//! folder may do this.

use std::path::Path;

use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::access::FOLDER;
use super::accounts::{Change, one_time};
use super::chance::random;
use super::keeping::Place;
use super::{clock, keeping};
use crate::account::{Account, PasswordHash, Role};
use crate::records::Deed;
use crate::store::{self, Failed, Revision, Value};
use crate::words::AccountName;

/// The folder, for as long as nobody else uses it.
pub struct AtRest {
    kept: keeping::Kept,
    accounts: Vec<(Account, Revision)>,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum Cannot {
    /// See [`store::CannotOpen`].
    #[error(transparent)]
    Open(#[from] store::CannotOpen),
    /// There is one.
    #[error("there is an account {0} already: `einwahl account reset {0}` gives it a new password")]
    Taken(AccountName),
    /// There is none.
    #[error("there is no account {0}: `einwahl account list` tells those that there are")]
    Unknown(AccountName),
    /// The system gives no randomness, or no memory for a hash.
    #[error("the system gives no randomness, or not enough memory, for a password")]
    NoPassword,
    /// See [`Failed`].
    #[error(transparent)]
    Store(#[from] Failed),
}

/// Stands in the audit.
const BY: &str = "einwahl account";

impl AtRest {
    /// Opens the folder.
    ///
    /// # Errors
    /// Somebody uses it, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Cannot> {
        let kept = Place::Folder(folder.to_owned()).open()?;
        let account = |entry: &store::Entry| {
            let is_one = entry.key.starts_with(FOLDER);
            is_one.then(|| Account::from_kept(entry.value.as_bytes()).ok().map(|account| (account, entry.revision)))?
        };
        let accounts = kept.entries.iter().filter_map(account).collect();
        Ok(Self { kept, accounts })
    }

    /// All of them, in the order of their names.
    pub fn list(&self) -> Vec<Account> {
        self.accounts.iter().map(|(account, _)| account.clone()).collect()
    }

    /// A new account; gives its one-time password.
    ///
    /// # Errors
    /// There is one, or it cannot be kept.
    pub fn add(&mut self, name: AccountName, role: Role) -> Result<Zeroizing<String>, Cannot> {
        if self.find(&name).is_ok() {
            return Err(Cannot::Taken(name));
        }
        let (password, hash) = hashed()?;
        let account = Account::new(name, role, hash, clock::moment());
        self.keep(&account, None)?;
        self.note(Deed::AccountMade { account: account.name.to_string(), role, by: BY.to_owned() });
        Ok(password)
    }

    /// Gives an account a one-time password, and takes its second factor away.
    ///
    /// # Errors
    /// There is none, or it cannot be kept.
    pub fn reset(&mut self, name: &AccountName) -> Result<Zeroizing<String>, Cannot> {
        let (account, revision) = self.find(name)?;
        let (password, hash) = hashed()?;
        self.keep(&account.reset(hash, clock::moment()), Some(revision))?;
        self.note(Deed::AccountReset { account: name.to_string(), by: BY.to_owned() });
        Ok(password)
    }

    /// Changes an account.
    ///
    /// # Errors
    /// There is none, or it cannot be kept.
    pub fn change(&mut self, name: &AccountName, change: Change) -> Result<(), Cannot> {
        let (account, revision) = self.find(name)?;
        let (changed, deeds) = change.of(&account, BY);
        self.keep(&changed, Some(revision))?;
        deeds.into_iter().for_each(|deed| self.note(deed));
        Ok(())
    }

    fn find(&self, name: &AccountName) -> Result<(Account, Revision), Cannot> {
        let found = self.accounts.iter().find(|(account, _)| account.name == *name);
        found.cloned().ok_or_else(|| Cannot::Unknown(name.clone()))
    }

    /// Writes, and waits until it is written.
    fn keep(&mut self, account: &Account, expects: Option<Revision>) -> Result<(), Cannot> {
        let (key, value) = (format!("{FOLDER}{}", account.name), Some(Value::new(account.to_kept())));
        self.kept.store.want(store::Wish { ticket: 0, key, expects, value })?;
        let revision = answered(&mut self.kept.stored)?;
        self.accounts.retain(|(other, _)| other.name != account.name);
        self.accounts.push((account.clone(), revision));
        Ok(())
    }

    fn note(&self, deed: Deed) {
        self.kept.audit.note(clock::moment(), deed);
    }
}

fn answered(events: &mut mpsc::Receiver<store::Event>) -> Result<Revision, Failed> {
    while let Some(event) = events.blocking_recv() {
        if let store::Event::Answered { outcome, .. } = event {
            return outcome;
        }
    }
    Err(Failed::Out(String::from("its thread has stopped")))
}

fn hashed() -> Result<(Zeroizing<String>, PasswordHash), Cannot> {
    let password = one_time().ok_or(Cannot::NoPassword)?;
    let salt = random().map_err(|_| Cannot::NoPassword)?;
    let hash = PasswordHash::of(&password, &salt).map_err(|_| Cannot::NoPassword)?;
    Ok((password, hash))
}
