//! In which country an address is, by a file in MaxMind's format (`GeoLite2-Country` and others like it). A second opinion on what the
//! configuration and the registry declare: it can refuse what they allow, and never the other way round.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions, path};

use crate::words::{Country, Network};

/// The file, read once. Cheap to clone.
#[derive(Clone)]
pub struct Countries(Arc<Reader<Vec<u8>>>);

/// A file that tells no countries.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be read, or has another format.
    #[error("{0}")]
    Unreadable(#[from] MaxMindDbError),
    /// It is about something else.
    #[error("it is a {0:?} and names no countries")]
    NoCountries(String),
}

impl Countries {
    /// Reads a file.
    ///
    /// # Errors
    /// It tells no countries.
    pub fn open(file: &Path) -> Result<Self, Unusable> {
        let countries = Self(Arc::new(Reader::open_readfile(file)?));
        let mut networks = countries.0.networks(WithinOptions::default().skip_empty_values())?;
        match networks.next().transpose()?.map(|one| code(&one)) {
            Some(Ok(Some(_))) => Ok(countries),
            Some(Ok(None) | Err(_)) | None => Err(Unusable::NoCountries(countries.0.metadata().database_type.clone())),
        }
    }

    /// Where the address is, if that is outside of the EEA. What the file does not know, as it knows no private networks, is not.
    pub(super) fn abroad(&self, address: IpAddr) -> Option<String> {
        // A file with a fault in this place says nothing of it.
        self.0.lookup(address).ok().and_then(|found| code(&found).ok().flatten()).filter(|code| is_abroad(code))
    }

    /// A part of the network that is outside of the EEA, and where.
    pub fn abroad_within(&self, network: &Network) -> Option<(Network, String)> {
        let whole = network.to_string().parse().ok()?;
        let parts = self.0.within(whole, WithinOptions::default()).ok()?;
        parts.filter_map(Result::ok).find_map(|part| {
            let country = code(&part).ok().flatten().filter(|code| is_abroad(code))?;
            Some((part.network().ok()?.to_string().parse().ok()?, country))
        })
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Countries({})", self.0.metadata().database_type)
    }
}

/// The country of the place, or else the one in which the network is registered.
fn code(found: &LookupResult<'_, Vec<u8>>) -> Result<Option<String>, MaxMindDbError> {
    match found.decode_path(&path!["country", "iso_code"])? {
        Some(code) => Ok(Some(code)),
        None => found.decode_path(&path!["registered_country", "iso_code"]),
    }
}

/// A code that we do not know is of no country in the EEA.
fn is_abroad(code: &str) -> bool {
    !code.parse::<Country>().is_ok_and(Country::is_in_eea)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Written by another program than the one that reads it: 192.0.2.0/24 is DE, 198.51.100.0/25 US, 203.0.113.0/24 registered in CH,
    // 2001:db8::/32 AT, and of that 2001:db8:1::/48 GB.
    fn countries() -> Countries {
        Countries::open(Path::new("src/residency/countries.mmdb")).expect("usable")
    }

    #[test]
    fn an_address_is_abroad_by_its_place_or_else_by_its_register_and_one_that_is_not_known_is_not() {
        for (address, expected) in [
            ("192.0.2.7", None),
            ("198.51.100.7", Some("US")),
            ("198.51.100.200", None),
            ("203.0.113.7", Some("CH")),
            ("2001:db8::7", None),
            ("2001:db8:1::7", Some("GB")),
            ("10.0.0.1", None),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(countries().abroad(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_network_is_abroad_if_a_part_of_it_is() {
        for (network, expected) in [
            ("192.0.2.0/24", None),
            ("198.51.100.0/24", Some(("198.51.100.0/25", "US"))),
            ("198.51.100.7", Some(("198.51.100.0/25", "US"))),
            ("2001:db8::/32", Some(("2001:db8:1::/48", "GB"))),
            ("10.0.0.0/8", None),
        ] {
            let network: Network = network.parse().expect("a network");
            let found = countries().abroad_within(&network).map(|(part, country)| (part.to_string(), country));
            assert_eq!(found, expected.map(|(part, country)| (part.to_owned(), country.to_owned())), "{network}");
        }
    }

    #[test]
    fn what_is_no_such_file_is_told() {
        assert!(Countries::open(Path::new("src/residency/mod.rs")).is_err());
        assert!(Countries::open(Path::new("/nowhere/countries.mmdb")).is_err());
    }
}
