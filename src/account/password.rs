//! Passwords: which are good enough, and how they are recognised (argon2id, RFC 9106). Slow on purpose: whoever calls
//! [`PasswordHash::of`] or [`is`](PasswordHash::is) does so where nobody waits.

use std::fmt;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

use crate::words::{AccountName, Both};

/// The least length, in characters (NIST SP 800-63B asks for 8, the BSI for 12 where there is no rule about kinds of characters).
pub const LEAST: usize = 12;

/// The greatest length, in bytes: enough for a sentence.
pub const MOST: usize = 256;

/// 46 MiB and one pass on one lane: the first of those that OWASP's Password Storage Cheat Sheet names for argon2id.
const MEMORY_KIB: u32 = 46 * 1_024;
const PASSES: u32 = 1;

/// Words that the commonest passwords are made of, whatever digits and signs stand around them.
const COMMON: &str = include_str!("common.txt");

/// Why a password cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too few characters.
    #[error("a password has at least {LEAST} characters: several words together are easy to keep in mind")]
    TooShort,
    /// Too many bytes.
    #[error("a password has at most {MOST} bytes")]
    TooLong,
    /// One of the commonest, or made of one.
    #[error("this password is one of the first that are tried: choose several words that do not belong together")]
    Common,
    /// The account's name is most of it.
    #[error("the account's name must not be in the password")]
    HasName,
    /// Too few different characters.
    #[error("a password needs at least five different characters")]
    Repeats,
}

impl From<Unfit> for Both {
    fn from(why: Unfit) -> Self {
        let german = match why {
            Unfit::TooShort => {
                format!("Ein Passwort hat mindestens {LEAST} Zeichen: Mehrere Wörter zusammen merken sich leicht")
            }
            Unfit::TooLong => format!("Ein Passwort hat höchstens {MOST} Bytes"),
            Unfit::Common => {
                "Dieses Passwort wird als eines der ersten probiert: Nehmen Sie mehrere Wörter, die nicht zusammengehören"
                    .into()
            }
            Unfit::HasName => "Der Name des Kontos darf nicht im Passwort stehen".into(),
            Unfit::Repeats => "Ein Passwort braucht mindestens fünf verschiedene Zeichen".into(),
        };
        Self::new(german, why.to_string())
    }
}

/// Looks whether a password may be chosen for an account.
///
/// # Errors
/// It is too easy.
pub fn fit(password: &str, name: &AccountName) -> Result<(), Unfit> {
    if password.len() > MOST {
        return Err(Unfit::TooLong);
    }
    if password.chars().count() < LEAST {
        return Err(Unfit::TooShort);
    }
    let lower = password.to_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() < 5 {
        return Err(Unfit::Repeats);
    }
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    if COMMON.lines().any(|common| common == core || common == lower) || is_run(&lower) {
        return Err(Unfit::Common);
    }
    if name.as_str().len() >= 4 && lower.contains(name.as_str()) { Err(Unfit::HasName) } else { Ok(()) }
}

/// Neighbours of the keyboard or the alphabet, one after the other.
fn is_run(lower: &str) -> bool {
    const ROWS: [&str; 6] = [
        "0123456789012345678901234567890",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "1q2w3e4r5t6y7u8i9o0p",
    ];
    let backwards: String = lower.chars().rev().collect();
    ROWS.iter().any(|row| row.contains(lower) || row.contains(&backwards))
}

/// What recognises a password, as a PHC string. Not printed: it could be tried offline.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

/// No hash could be made: there is no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct CannotHash;

impl PasswordHash {
    /// The hash of a password, with a random salt.
    ///
    /// # Errors
    /// There is no memory.
    pub fn of(password: &str, salt: &[u8; 16]) -> Result<Self, CannotHash> {
        let hash = argon().hash_password_with_salt(password.as_bytes(), salt).map_err(|_| CannotHash)?;
        Ok(Self(hash.to_string()))
    }

    /// A hash that no password has, for names that nobody has: looking costs the same.
    pub fn of_nobody() -> Self {
        Self(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}", "A".repeat(22), "A".repeat(43)))
    }

    /// Whether it is this password's. Takes as long for one that is wrong.
    pub fn is(&self, password: &str) -> bool {
        password.len() <= MOST && argon().verify_password(password.as_bytes(), self.0.as_str()).is_ok()
    }
}

fn argon() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hash of a password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(password: &str) -> Result<(), Unfit> {
        fit(password, &"erika".parse().expect("a name"))
    }

    #[test]
    fn what_is_tried_first_is_refused_and_words_that_do_not_belong_together_are_taken() {
        assert_eq!(verdict("elf bytes"), Err(Unfit::TooShort));
        assert_eq!(verdict("Passwort1234!"), Err(Unfit::Common));
        assert_eq!(verdict("qwertzuiopasd"), Err(Unfit::Common));
        assert_eq!(verdict("987654321098"), Err(Unfit::Common));
        assert_eq!(verdict("aaaaaaaabbbb"), Err(Unfit::Repeats));
        assert_eq!(verdict("erika-im-rathaus"), Err(Unfit::HasName));
        assert_eq!(verdict(&"äb1x9".repeat(60)), Err(Unfit::TooLong));
        assert_eq!(verdict("nebel leiter kartoffel"), Ok(()));
        assert_eq!(verdict("grün7Ölkännchen"), Ok(()));
    }

    #[test]
    fn a_hash_recognises_its_password_alone_and_is_never_printed() {
        let hash = PasswordHash::of("nebel leiter kartoffel", &[7; 16]).expect("memory");
        assert!(hash.0.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{}", hash.0);
        assert!(hash.is("nebel leiter kartoffel") && !hash.is("nebel leiter kartoffeln"));
        assert_ne!(hash, PasswordHash::of("nebel leiter kartoffel", &[8; 16]).expect("memory"));
        assert!(!PasswordHash::of_nobody().is(""), "nobody has no password");
        assert_eq!(format!("{hash:?}"), "the hash of a password");
    }
}
