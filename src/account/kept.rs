//! An account as it is kept in the store: one JSON object with the number of its form.

use serde::{Deserialize, Serialize};

use super::{Account, PasswordHash, RecoveryHash, Role, Second, Seed};
use crate::words::{AccountName, read_kept};

/// The form that we write.
const FORM: u32 = 1;

/// What is kept cannot be read. Says nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of this account cannot be read: {0}")]
pub struct Unreadable(String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    form: u32,
    name: AccountName,
    role: Role,
    password: PasswordHash,
    once_until: Option<String>,
    second: Option<KeptSecond>,
    disabled: bool,
    made: String,
    seen: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSecond {
    seed: String,
    last_step: u64,
    recovery: Vec<[u8; 32]>,
}

impl Account {
    /// As it is kept. Contains the seed of the second factor: to be sealed.
    pub fn to_kept(&self) -> Vec<u8> {
        let second = self.second.as_ref().map(|second| KeptSecond {
            seed: second.seed.base32().to_string(),
            last_step: second.last_step,
            recovery: second.recovery.iter().map(|hash| hash.0).collect(),
        });
        let kept = Kept {
            form: FORM,
            name: self.name.clone(),
            role: self.role,
            password: self.password.clone(),
            once_until: self.once_until.map(|time| time.to_string()),
            second,
            disabled: self.disabled,
            made: self.made.to_string(),
            seen: self.seen.map(|time| time.to_string()),
        };
        // Only text and numbers: there is nothing that could not be written.
        serde_json::to_vec(&kept).unwrap_or_default()
    }

    /// From what is kept.
    ///
    /// # Errors
    /// It is damaged, or of a newer form.
    pub fn from_kept(kept: &[u8]) -> Result<Self, Unreadable> {
        let kept = read_kept(kept, FORM, |kept: &Kept| kept.form).map_err(Unreadable)?;
        let second = |second: KeptSecond| {
            let seed = Seed::from_base32(&second.seed).ok_or_else(|| Unreadable(String::from("a seed is none")))?;
            let recovery = second.recovery.into_iter().map(RecoveryHash).collect();
            Ok(Second { seed, last_step: second.last_step, recovery })
        };
        let time = |text: String| text.parse().map_err(|_| Unreadable(String::from("a time is none")));
        Ok(Self {
            name: kept.name,
            role: kept.role,
            password: kept.password,
            once_until: kept.once_until.map(time).transpose()?,
            second: kept.second.map(second).transpose()?,
            disabled: kept.disabled,
            made: time(kept.made)?,
            seen: kept.seen.map(time).transpose()?,
        })
    }
}
