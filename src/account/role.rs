//! Roles: each is a set of rights, and the only way to give rights to an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words::Right;

/// What somebody is for the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees meetings, dialplan and calls.
    Viewer,
    /// Writes the dialplan and publishes it.
    Editor,
    /// Makes meetings, and acts on the calls of now.
    Operator,
    /// Reads the audit; acts on nothing.
    Auditor,
    /// Everything, accounts too.
    Administrator,
}

/// No role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: write viewer, editor, operator, auditor or administrator")]
pub struct InvalidRole;

impl Role {
    /// All of them, the one who may least first.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Editor, Self::Operator, Self::Auditor, Self::Administrator];

    /// What it may do.
    pub const fn rights(self) -> &'static [Right] {
        use Right::{Audit, Calls, Edit, Operate, Pins, Plan, Publish, Read, Write};
        match self {
            Self::Viewer => &[Read, Plan, Calls],
            Self::Editor => &[Read, Plan, Calls, Edit, Publish],
            Self::Operator => &[Read, Plan, Calls, Pins, Write, Operate],
            Self::Auditor => &[Plan, Calls, Audit],
            Self::Administrator => &Right::ALL,
        }
    }

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(name: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(InvalidRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_administrators_make_accounts_and_who_audits_changes_nothing() {
        let with = |right| Role::ALL.into_iter().filter(move |role| role.rights().contains(&right));
        assert_eq!(with(Right::Accounts).collect::<Vec<_>>(), [Role::Administrator]);
        assert_eq!(with(Right::Audit).collect::<Vec<_>>(), [Role::Auditor, Role::Administrator]);
        for right in [Right::Write, Right::Edit, Right::Publish, Right::Operate, Right::Pins] {
            assert!(!Role::Auditor.rights().contains(&right) && !Role::Viewer.rights().contains(&right), "{right}");
        }
    }

    #[test]
    fn a_role_is_read_as_it_is_printed() {
        assert!(Role::ALL.into_iter().all(|role| role.to_string().parse() == Ok(role)));
        assert_eq!("root".parse::<Role>(), Err(InvalidRole));
    }
}
