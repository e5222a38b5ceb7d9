//! Secrets: what callers key, and what we show to others.

use std::fmt;
use std::str::FromStr;

use super::Both;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A PIN: 4 to 12 digits. Never printed, wiped when dropped, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

/// Not a PIN. Says nothing of what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a PIN: 4 to 12 digits are needed")]
pub struct InvalidPin;

impl From<InvalidPin> for Both {
    fn from(why: InvalidPin) -> Self {
        Self::new("Keine PIN: Es müssen 4 bis 12 Ziffern sein", why.to_string())
    }
}

impl Pin {
    /// The digits, for the one who derives what the store keeps.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pin {
    type Err = InvalidPin;
    fn from_str(digits: &str) -> Result<Self, InvalidPin> {
        let sound = (4..=12).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        if sound { Ok(Self(digits.to_owned())) } else { Err(InvalidPin) }
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PIN")
    }
}

/// A password of ours, to show to a peer. Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Marks a value. Give it away whole: a copy that stays behind is not wiped.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The plain value, for the one who derives what the peer is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_compared_and_never_shown() {
        let pin: Pin = "4711".parse().expect("a PIN");
        assert_eq!(pin, "4711".parse().expect("a PIN"));
        assert_ne!(pin, "47112".parse().expect("a PIN"));
        assert_eq!(format!("{pin:?}"), "a PIN");
        assert!("47a1".parse::<Pin>().is_err());
    }

    #[test]
    fn a_secret_is_exposed_on_purpose_alone() {
        let secret = Secret::new(String::from("geheim"));
        assert_eq!(format!("{secret:?}"), "a secret");
        assert!(secret == secret.clone() && secret.expose() == "geheim");
    }
}
