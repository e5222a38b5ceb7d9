//! Who may sign in, and what they may do. In: names, passwords, codes, random bytes and the time. Out: a [`Stage`] of signing
//! in, a session, or why not. Pure: the gateway brings chance and the clock, keeps accounts in the store, and runs what is
//! slow on purpose where nobody waits.
//!
//! Signing in: the password → the code of an app ([`Stage::Code`]), or, at the first time, an app is made known
//! ([`Stage::Enrol`]) → a password that somebody else made is replaced ([`Stage::NewPassword`]) → [`Stage::In`]. Each step
//! gives the session a new identifier. Who is sent by the institution's own sign-in ([`oidc`]) is in at once.

mod kept;
pub mod oidc;
mod password;
mod role;
mod second;
mod sessions;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::words::AccountName;

pub use kept::Unreadable;
pub use password::{CannotHash, LEAST, MOST, PasswordHash, Unfit, fit};
pub use role::{InvalidRole, Role};
pub use second::{RECOVERIES, RECOVERY, RecoveryHash, SEED, Seed, recovery_code};
pub use sessions::{Fresh, Limits, NoSession, Opened, Session, Sessions, Token, Who};

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// What its owner may do.
    pub role: Role,
    /// Recognises the password.
    pub password: PasswordHash,
    /// Somebody else made the password: it holds until then, and is replaced at the first sign-in.
    pub once_until: Option<Timestamp>,
    /// The second factor, once there is one.
    pub second: Option<Second>,
    /// Nobody can sign in with it.
    pub disabled: bool,
    /// When it was made, or given back.
    pub made: Timestamp,
    /// When somebody last signed in with it.
    pub seen: Option<Timestamp>,
}

/// A second factor that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Second {
    /// What the app knows.
    pub seed: Seed,
    /// The step of the last code that was used: no earlier one counts any more, nor that one.
    pub last_step: u64,
    /// Recovery codes that are not used yet.
    pub recovery: Vec<RecoveryHash>,
}

/// How far somebody is with signing in. Only [`Stage::In`] may do anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; the code of the app is asked for.
    Code {
        /// So many wrong codes so far.
        wrong: u8,
    },
    /// The password was right, and there is no second factor yet: one is to be made known.
    Enrol {
        /// What the app was shown, once it was.
        seed: Option<Seed>,
    },
    /// The password has to be replaced.
    NewPassword,
    /// Signed in.
    In,
}

/// Why an account cannot be used although its password is right. Whoever signs in is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// An administrator has disabled it.
    Disabled,
    /// Nobody has used it for too long.
    Unused,
    /// The password that somebody else made was not replaced in time.
    TooLate,
}

impl Barred {
    /// As the audit writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Unused => "unused",
            Self::TooLate => "tooLate",
        }
    }
}

/// What was used up of a second factor and is not in the store yet, or never will be since that is out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    step: u64,
    recovery: BTreeSet<RecoveryHash>,
}

/// So many wrong codes, and one begins again with the password.
pub const WRONG_CODES: u8 = 5;

/// So long a password that somebody else made can be used.
const ONCE: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Account {
    /// A new account, with a password that its owner is told and has to replace.
    pub fn new(name: AccountName, role: Role, password: PasswordHash, now: Timestamp) -> Self {
        let once_until = Some(later(now, ONCE));
        Self { name, role, password, once_until, second: None, disabled: false, made: now, seen: None }
    }

    /// The same account with another password that its owner is told, and without a second factor: for who has lost both.
    #[must_use]
    pub fn reset(mut self, password: PasswordHash, now: Timestamp) -> Self {
        self.password = password;
        self.once_until = Some(later(now, ONCE));
        self.second = None;
        self.made = now;
        self
    }

    /// The same account with the password that its owner has chosen.
    #[must_use]
    pub fn with_password(mut self, password: PasswordHash) -> Self {
        self.password = password;
        self.once_until = None;
        self
    }

    /// What comes after a right password.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn enter(&self, unused: SignedDuration, now: Timestamp) -> Result<Stage, Barred> {
        if self.disabled {
            return Err(Barred::Disabled);
        }
        if later(self.seen.max(Some(self.made)).unwrap_or(self.made), unused) < now {
            return Err(Barred::Unused);
        }
        if self.once_until.is_some_and(|until| until < now) {
            return Err(Barred::TooLate);
        }
        Ok(if self.second.is_some() { Stage::Code { wrong: 0 } } else { Stage::Enrol { seed: None } })
    }

    /// What comes after the second factor.
    pub const fn after_second(&self) -> Stage {
        if self.once_until.is_some() { Stage::NewPassword } else { Stage::In }
    }

    /// Whether a code is right and was not used yet; then it is spent.
    pub fn takes_code(&self, code: &str, unix: u64, spent: &mut Spent) -> bool {
        let Some(second) = &self.second else { return false };
        let step = second.seed.step_of(code, unix).filter(|step| *step > second.last_step.max(spent.step));
        spent.step = step.unwrap_or(spent.step);
        step.is_some()
    }

    /// Whether a recovery code is right and was not used yet; then it is spent.
    pub fn takes_recovery(&self, code: &str, spent: &mut Spent) -> bool {
        let Some(second) = &self.second else { return false };
        let given = RecoveryHash::of(code);
        // Every one is looked at, found or not.
        let found = second.recovery.iter().fold(false, |found, hash| found | hash.is(&given));
        found && spent.recovery.insert(given)
    }

    /// The account after a sign-in: what was spent is gone for good.
    #[must_use]
    pub fn used(mut self, spent: &Spent, now: Timestamp) -> Self {
        if let Some(second) = &mut self.second {
            second.last_step = second.last_step.max(spent.step);
            second.recovery.retain(|hash| !spent.recovery.contains(hash));
        }
        self.seen = Some(now);
        self
    }

    /// The account with the second factor that its owner has just shown.
    #[must_use]
    pub fn enrolled(mut self, seed: Seed, step: u64, recovery: Vec<RecoveryHash>, now: Timestamp) -> Self {
        self.second = Some(Second { seed, last_step: step, recovery });
        self.seen = Some(now);
        self
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod stories;
