//! What is done to accounts: one-time passwords, changes, and what the audit says of them. In: wishes from the door. Out: accounts
//! that are kept; what an answer says is written.

use zeroize::Zeroizing;

use super::access::{Bearer, Known};
use super::chance::random;
use super::meetings::{Reply, letters, refusal_of};
use super::slow::Proof;
use super::{Gateway, clock};
use crate::account::{Account, CannotHash, PasswordHash, Role};
use crate::meeting::Fault;
use crate::records::Deed;
use crate::store::{Failed, Revision};
use crate::web::accounts::{Done, Wish};
use crate::web::{self, Refusal};
use crate::words::{AccountName, Both, both};

/// A password of about a hundred random bits, in pieces that can be told by telephone; it is replaced at the first sign-in.
pub(super) fn one_time() -> Option<Zeroizing<String>> {
    let text = Zeroizing::new(letters(20));
    let pieces: Vec<&str> = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    // Fewer letters: the system gives no randomness.
    (pieces.len() == 5).then(|| Zeroizing::new(pieces.join("-")))
}

/// Somebody is to have another role, or no access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The role from now on.
    pub role: Option<Role>,
    /// Closed, or open.
    pub disabled: Option<bool>,
}

impl Change {
    /// The account as it is then, and what is to be noted.
    pub(super) fn of(self, account: &Account, by: &str) -> (Account, Vec<Deed>) {
        let (name, by) = (account.name.to_string(), by.to_owned());
        let (mut changed, mut deeds) = (account.clone(), Vec::new());
        if let Some(role) = self.role.filter(|role| *role != account.role) {
            deeds.push(Deed::RoleChanged { account: name.clone(), from: account.role, to: role, by: by.clone() });
            changed.role = role;
        }
        if let Some(disabled) = self.disabled.filter(|disabled| *disabled != account.disabled) {
            changed.disabled = disabled;
            deeds.push(match disabled {
                true => Deed::AccountDisabled { account: name, by },
                false => Deed::AccountEnabled { account: name, by },
            });
        }
        (changed, deeds)
    }
}

/// Whether this account may administrate, and no other may.
pub(super) fn is_last_administrator<'a>(account: &Account, mut all: impl Iterator<Item = &'a Account>) -> bool {
    let may = |account: &Account| account.role == Role::Administrator && !account.disabled;
    may(account) && !all.any(|other| other.name != account.name && may(other))
}

/// An account that is with the store at an administrator's wish.
pub(super) struct Keeping {
    name: AccountName,
    act: Act,
    by: String,
    reply: Reply,
    /// How often somebody else was faster.
    lost: u32,
    /// What is to be noted of a change.
    changes: Vec<Deed>,
}

/// What is done to an account.
enum Act {
    Make { role: Role, password: Zeroizing<String>, hash: PasswordHash },
    Change(Change),
    Reset { password: Zeroizing<String>, hash: PasswordHash },
    Delete,
}

/// A one-time password is hashed, and then given to an account.
pub(super) struct Pending {
    name: AccountName,
    /// The role of a new account; `None` for one that there is.
    role: Option<Role>,
    password: Zeroizing<String>,
    by: String,
    reply: Reply,
}

/// More than an institution has people who administrate telephones.
const MOST: usize = 1_000;

/// A change that lost so often against others is given up.
const MOST_LOST: u32 = 5;

impl Gateway {
    pub(super) fn on_accounts(&mut self, wish: Wish, by: Bearer, reply: Reply) {
        match wish {
            Wish::List => {
                let all = self.access.accounts.values().map(|known| known.account.clone()).collect();
                drop(reply.send(Ok(web::Done::Accounts(Done::List(all)))));
            }
            Wish::Make { name, role } => match self.may_make(&name) {
                Ok(()) => self.hash_one_time(name, Some(role), by, reply),
                Err(refusal) => drop(reply.send(Err(refusal))),
            },
            Wish::Reset { name } => match self.access.accounts.contains_key(&name) {
                true => self.hash_one_time(name, None, by, reply),
                false => drop(reply.send(Err(Refusal::NotFound))),
            },
            Wish::Change { name, role, disabled } => {
                let act = Act::Change(Change { role, disabled });
                self.administrate(Keeping { name, act, by: by.name, reply, lost: 0, changes: Vec::new() });
            }
            Wish::Delete { name } => {
                self.administrate(Keeping { name, act: Act::Delete, by: by.name, reply, lost: 0, changes: Vec::new() })
            }
        }
    }

    /// A name stands for one in the audit: for a program or for a person.
    fn may_make(&self, name: &AccountName) -> Result<(), Refusal> {
        let fault = |message: Both| Err(Refusal::Faults(vec![Fault::new("name", message)]));
        if self.access.accounts.contains_key(name) {
            return fault(both!(
                "Ein Konto mit diesem Namen gibt es schon: Setzen Sie es zurück, oder wählen Sie einen anderen Namen",
                "there is an account with this name already: reset it, or choose another name"
            ));
        }
        if self.config.tokens.iter().any(|token| token.name.as_str() == name.as_str()) {
            return fault(both!(
                "Ein Token der Konfiguration hat diesen Namen: Wählen Sie einen anderen",
                "a token of the configuration has this name: choose another"
            ));
        }
        if self.access.accounts.len() >= MOST {
            fault(both!(
                "Es gibt so viele Konten, wie es geben darf: Löschen Sie eines",
                "there are as many accounts as may be: delete one"
            ))
        } else {
            Ok(())
        }
    }

    fn hash_one_time(&self, name: AccountName, role: Option<Role>, by: Bearer, reply: Reply) {
        let (Some(password), Ok(salt)) = (one_time(), random()) else {
            return drop(reply.send(Err(Refusal::Busy)));
        };
        if !self.access.slow.has_place() {
            return drop(reply.send(Err(Refusal::Busy)));
        }
        self.access.slow.run(move || {
            let hash = PasswordHash::of(&password, &salt);
            Proof::OneTime { pending: Pending { name, role, password, by: by.name, reply }, hash }
        });
    }

    pub(super) fn on_one_time(&mut self, pending: Pending, hash: Result<PasswordHash, CannotHash>) {
        let Pending { name, role, password, by, reply } = pending;
        let Ok(hash) = hash else { return drop(reply.send(Err(Refusal::Busy))) };
        let act = match role {
            Some(role) => Act::Make { role, password, hash },
            None => Act::Reset { password, hash },
        };
        self.administrate(Keeping { name, act, by, reply, lost: 0, changes: Vec::new() });
    }

    /// Wants an account to be as it is to be.
    fn administrate(&mut self, mut keeping: Keeping) {
        if let (Act::Change(change), Some(known)) = (&keeping.act, self.access.accounts.get(&keeping.name)) {
            keeping.changes = change.of(&known.account, &keeping.by).1;
        }
        match self.administrated(&keeping) {
            Ok((account, expects)) => {
                let name = keeping.name.clone();
                self.keep_account(&name, account.as_ref(), expects, super::sign_in::Keeping::Administrated(keeping));
            }
            Err(refusal) => drop(keeping.reply.send(Err(refusal))),
        }
    }

    fn administrated(&self, keeping: &Keeping) -> Result<(Option<Account>, Option<Revision>), Refusal> {
        let known = self.access.accounts.get(&keeping.name);
        if let Act::Make { role, hash, .. } = &keeping.act {
            self.may_make(&keeping.name)?;
            let account = Account::new(keeping.name.clone(), *role, hash.clone(), clock::moment());
            return Ok((Some(account), None));
        }
        let Known { account, revision } = known.ok_or(Refusal::NotFound)?;
        let next = match &keeping.act {
            Act::Make { .. } | Act::Delete => None,
            Act::Change(change) => Some(change.of(account, &keeping.by).0),
            Act::Reset { hash, .. } => Some(account.clone().reset(hash.clone(), clock::moment())),
        };
        let stays = next.as_ref().is_some_and(|next| next.role == Role::Administrator && !next.disabled);
        let all = self.access.accounts.values().map(|known| &known.account);
        if !stays && is_last_administrator(account, all) {
            let message = both!(
                "Dies ist das letzte Konto, das verwalten darf: Geben Sie zuerst einem anderen diese Rolle",
                "this is the last account that may administrate: give another one that role first"
            );
            return Err(Refusal::Faults(vec![Fault::new("role", message)]));
        }
        Ok((next, Some(*revision)))
    }

    /// The store has answered.
    pub(super) fn on_administrated(&mut self, keeping: Keeping, outcome: Result<Revision, Failed>) {
        match outcome {
            Err(Failed::Conflict) if keeping.lost < MOST_LOST => {
                return self.administrate(Keeping { lost: keeping.lost + 1, ..keeping });
            }
            Err(failed) => return drop(keeping.reply.send(Err(refusal_of(&failed)))),
            Ok(_) => {}
        }
        let Keeping { name, act, by, reply, changes, .. } = keeping;
        tracing::info!(account = %name, %by, "an account is {}", act.past());
        let account = self.access.accounts.get(&name).map(|known| Box::new(known.account.clone()));
        let done = match (act, account) {
            (Act::Make { role, password, .. }, Some(account)) => {
                self.note(Deed::AccountMade { account: name.to_string(), role, by });
                Ok(Done::Made(account, password))
            }
            (Act::Reset { password, .. }, Some(account)) => {
                self.access.sessions.close_all(name.as_str(), None);
                self.note(Deed::AccountReset { account: name.to_string(), by });
                Ok(Done::Reset(account, password))
            }
            (Act::Change(_), Some(account)) => {
                changes.into_iter().for_each(|deed| self.note(deed));
                Ok(Done::Changed(account))
            }
            (Act::Delete, _) => {
                self.note(Deed::AccountDeleted { account: name.to_string(), by });
                Ok(Done::Deleted)
            }
            (Act::Make { .. } | Act::Reset { .. } | Act::Change(_), None) => Err(Refusal::NotFound),
        };
        drop(reply.send(done.map(web::Done::Accounts)));
    }
}

impl Act {
    const fn past(&self) -> &'static str {
        match self {
            Self::Make { .. } => "made",
            Self::Change(_) => "changed",
            Self::Reset { .. } => "reset",
            Self::Delete => "deleted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::fit;

    fn account(name: &str, role: Role) -> Account {
        Account::new(name.parse().expect("a name"), role, PasswordHash::of_nobody(), jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_one_time_password_can_be_told_and_is_never_the_same() {
        let password = one_time().expect("randomness");
        assert_eq!((password.len(), password.matches('-').count()), (24, 4));
        assert_eq!(fit(&password, &"erika".parse().expect("a name")), Ok(()));
        assert_ne!(password, one_time().expect("randomness"));
    }

    #[test]
    fn what_changes_is_noted_and_what_stays_is_not() {
        let erika = account("erika", Role::Viewer);
        let change = Change { role: Some(Role::Editor), disabled: Some(false) };
        let (changed, deeds) = change.of(&erika, "otto");
        assert_eq!((changed.role, deeds.len()), (Role::Editor, 1));
        assert!(change.of(&changed, "otto").1.is_empty());
        let (closed, deeds) = Change { role: None, disabled: Some(true) }.of(&changed, "otto");
        assert!(closed.disabled && matches!(&deeds[..], [Deed::AccountDisabled { .. }]));
    }

    #[test]
    fn the_last_who_may_administrate_is_known() {
        let (erika, otto) = (account("erika", Role::Administrator), account("otto", Role::Administrator));
        let closed = Account { disabled: true, ..otto.clone() };
        assert!(!is_last_administrator(&erika, [&erika, &otto].into_iter()));
        assert!(is_last_administrator(&erika, [&erika, &closed].into_iter()));
        assert!(!is_last_administrator(&closed, [&closed].into_iter()));
    }
}
