//! What is done to accounts, by whomever: one-time passwords, changes, and what the audit says of them.

use zeroize::Zeroizing;

use super::meetings::letters;
use crate::account::{Account, Role};
use crate::records::Deed;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{PasswordHash, fit};

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
}
