//! Mail addresses.

use std::fmt;
use std::str::FromStr;

use super::{Both, Domain, Mask};

/// A mail address as people have them: `erika.muster@stadt-a.example` (RFC 5321 section 4.1.2, without quotes, address literals and
/// comments).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress(String);

/// Not such an address. Says nothing of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no mail address: write one like erika.muster@stadt-a.example")]
pub struct InvalidMailAddress;

impl From<InvalidMailAddress> for Both {
    fn from(why: InvalidMailAddress) -> Self {
        Self::new("ist keine Mailadresse: Schreiben Sie sie wie erika.muster@stadt-a.example", why.to_string())
    }
}

impl MailAddress {
    /// As it is written; its domain in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the @.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// The longest local part, and the longest address (RFC 5321 section 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
const LONGEST: usize = 254;

impl FromStr for MailAddress {
    type Err = InvalidMailAddress;

    fn from_str(text: &str) -> Result<Self, InvalidMailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidMailAddress)?;
        let domain: Domain = domain.to_ascii_lowercase().parse().map_err(|_| InvalidMailAddress)?;
        let atext = |sign: char| sign.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(sign);
        let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(atext);
        let address = format!("{local}@{domain}");
        let sound = local.len() <= LONGEST_LOCAL && address.len() <= LONGEST && local.split('.').all(is_atom);
        if sound { Ok(Self(address)) } else { Err(InvalidMailAddress) }
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mask(f)
    }
}

/// Only the first letter remains, and nothing of the domain: a person may be the only one who has it.
impl Mask for MailAddress {
    fn mask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.mask(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Personal;

    #[test]
    fn an_address_is_read_as_people_write_it_and_nothing_that_ends_a_line_of_smtp() {
        let read = |text: &str| text.parse::<MailAddress>();
        let address = read("Erika.Muster+rat@Stadt-A.example").expect("an address");
        assert_eq!(address.as_str(), "Erika.Muster+rat@stadt-a.example");
        assert_eq!(address.domain(), "stadt-a.example");
        let long = format!("{}@stadt.example", "a".repeat(65));
        for bad in [
            "",
            "erika",
            "@stadt.example",
            "erika@",
            "erika@localhost",
            "a b@stadt.example",
            "a..b@stadt.example",
            "a@b@stadt.example",
            "a>\r\nRCPT TO:<b@stadt.example",
            "<a@stadt.example>",
            "\"a b\"@stadt.example",
            "a@[192.0.2.1]",
            "ä@stadt.example",
            &long,
        ] {
            assert_eq!(read(bad), Err(InvalidMailAddress), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_not_printed() {
        let address: Personal<MailAddress> = "erika@stadt.example".parse::<MailAddress>().expect("an address").into();
        assert_eq!(format!("{address} {address:?}"), "e··· e···");
    }
}
