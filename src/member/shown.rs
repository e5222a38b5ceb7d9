//! Who an institution's own system is that shows a certificate (RFC 5922). In: the certificate, the address, the registry and the time.
//! Out: the member whose system it is, or why it is none that may join. The registry says which keys a member has; the certificate has
//! to be made out to that member, too: a key that an institution uses for something else is not its voice.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::document::{Member, Spki};
use super::trust::Registry;
use crate::words::Domain;

/// What counts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What recognises its key.
    pub key: Spki,
    /// For whom it was made out (RFC 5922 section 7.1), in small letters.
    identities: Vec<String>,
}

/// It is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate cannot be read: {0}")]
pub struct NoCertificate(String);

/// Why a system is not taken for a member's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A key that is nobody's.
    #[error("the registry names this key nowhere, or not for this time: {0}")]
    UnknownKey(Spki),
    /// A member who joins by links alone.
    #[error("the registry does not let {0} join by SIP")]
    NotBySip(Domain),
    /// Somebody else's certificate around a member's key.
    #[error("the certificate is made out to {}, not to {of}", told(.shown))]
    OtherIdentity {
        /// Whose key it has.
        of: Domain,
        /// To whom it is made out.
        shown: Vec<String>,
    },
    /// A member, but from elsewhere.
    #[error("the address is not in the networks of {0}, whose key it has")]
    OtherNetwork(Domain),
}

fn told(identities: &[String]) -> String {
    if identities.is_empty() { String::from("nobody") } else { identities.join(", ") }
}

/// Of the names in a certificate so many are looked at.
const MOST_NAMES: usize = 64;

impl Shown {
    /// Reads a certificate (DER).
    ///
    /// # Errors
    /// It is none.
    pub fn read(certificate: &[u8]) -> Result<Self, NoCertificate> {
        let certificate = CertificateDer::from(certificate);
        let certificate = EndEntityCert::try_from(&certificate).map_err(|error| NoCertificate(error.to_string()))?;
        let key = Spki::of(certificate.subject_public_key_info().as_ref());
        let uris = certificate.valid_uri_names().take(MOST_NAMES);
        let names = certificate.valid_dns_names().take(MOST_NAMES);
        Ok(Self { key, identities: identities(uris, names) })
    }

    /// Whether it is made out to this domain: as a whole, neither to one above it nor by a wildcard (RFC 5922 section 7.2).
    pub fn is_of(&self, domain: &Domain) -> bool {
        self.identities.iter().any(|identity| identity == domain.as_str())
    }
}

/// RFC 5922 section 7.1: if there are SIP URIs, they are the identities, and names for the DNS are none. A URI with a user names a person.
fn identities<'a>(uris: impl Iterator<Item = &'a str>, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let scheme = |uri: &'a str| uri.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("sip"));
    let mut of_sip = uris.filter_map(scheme).map(|(_, rest)| rest).peekable();
    if of_sip.peek().is_some() {
        let hosts = of_sip.filter(|rest| !rest.contains('@'));
        return hosts.map(|rest| rest.split([':', ';', '?']).next().unwrap_or_default().to_ascii_lowercase()).collect();
    }
    names.map(str::to_ascii_lowercase).collect()
}

impl Unfit {
    /// Whose key it is, if somebody's.
    pub const fn member(&self) -> Option<&Domain> {
        match self {
            Self::UnknownKey(_) => None,
            Self::NotBySip(of) | Self::OtherIdentity { of, .. } | Self::OtherNetwork(of) => Some(of),
        }
    }

    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownKey(_) => "unknown-key",
            Self::NotBySip(_) => "not-by-sip",
            Self::OtherIdentity { .. } => "other-identity",
            Self::OtherNetwork(_) => "other-network",
        }
    }
}

impl Registry {
    /// Whose own system shows this: wherever it is.
    ///
    /// # Errors
    /// It is nobody's that may join by SIP.
    pub fn shown_by(&self, shown: &Shown, now: Timestamp) -> Result<&Member, Unfit> {
        let member = self.whose(shown.key, now).ok_or(Unfit::UnknownKey(shown.key))?;
        if !member.sip {
            return Err(Unfit::NotBySip(member.domain.clone()));
        }
        if !shown.is_of(&member.domain) {
            return Err(Unfit::OtherIdentity { of: member.domain.clone(), shown: shown.identities.clone() });
        }
        Ok(member)
    }

    /// The same, at this address.
    ///
    /// # Errors
    /// It is nobody's that may join by SIP from there.
    pub fn calls_from(&self, shown: &Shown, address: IpAddr, now: Timestamp) -> Result<&Member, Unfit> {
        let member = self.shown_by(shown, now)?;
        if member.is_at(address) { Ok(member) } else { Err(Unfit::OtherNetwork(member.domain.clone())) }
    }
}

impl Member {
    /// Whether this is one of its addresses.
    pub fn is_at(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.media.iter().any(|network| network.0.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uris: &[&str], names: &[&str]) -> Vec<String> {
        identities(uris.iter().copied(), names.iter().copied())
    }

    #[test]
    fn sip_uris_without_a_user_are_the_identities_and_else_the_dns_names() {
        assert_eq!(of(&["sip:Stadt-C.example"], &["proxy.example"]), ["stadt-c.example"]);
        assert_eq!(of(&["SIP:stadt-c.example:5061;transport=tls"], &[]), ["stadt-c.example"]);
        assert_eq!(
            of(&[], &["Stadt-C.example", "proxy.stadt-c.example"]),
            ["stadt-c.example", "proxy.stadt-c.example"]
        );
        assert_eq!(of(&["https://stadt-c.example"], &["stadt-c.example"]), ["stadt-c.example"], "no SIP URI");
        assert_eq!(of(&["sips:stadt-c.example"], &[]), Vec::<String>::new(), "RFC 5922 takes the scheme sip alone");
        let of_a_person = of(&["sip:erika@stadt-c.example"], &["stadt-c.example"]);
        assert_eq!(of_a_person, Vec::<String>::new(), "and the name beside it counts no more");
    }

    #[test]
    fn neither_a_wildcard_nor_a_name_above_or_below_is_the_domain() {
        let shown = |names: &[&str]| Shown { key: Spki::of(b"key"), identities: of(&[], names) };
        let domain: Domain = "sip.stadt-c.example".parse().expect("a domain");
        assert!(shown(&["a.example", "SIP.stadt-c.example"]).is_of(&domain));
        assert!(!shown(&["*.stadt-c.example", "stadt-c.example", "a.sip.stadt-c.example"]).is_of(&domain));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let why = Shown::read(b"nothing").expect_err("refused").to_string();
        assert!(why.contains("cannot be read"), "{why}");
    }
}
