//! The addresses of an administrator's file: the provider's, and ours.

use std::fmt;
use std::str::FromStr;

use openidconnect::url::{Host, Url};

/// A provider's name, which is an address (OpenID Connect Core section 2): compared as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    host: String,
}

/// Where browsers reach us: `https://einwahl.stadt.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Not such an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// No address at all.
    #[error("is no address: write https://login.stadt.example")]
    Address,
    /// Not HTTPS.
    #[error("is not protected: write https://…")]
    Plain,
    /// With a user, a query or a fragment.
    #[error("has more than a host and a path: leave out what stands before the @, after the ? and after the #")]
    More,
    /// With a path.
    #[error("has a path: write only scheme, name and port, https://einwahl.stadt.example")]
    Path,
}

fn read(text: &str) -> Result<Url, NoPlace> {
    let url: Url = text.parse().map_err(|_| NoPlace::Address)?;
    if url.scheme() != "https" {
        return Err(NoPlace::Plain);
    }
    let more =
        url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    if more { Err(NoPlace::More) } else { Ok(url) }
}

impl Issuer {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host: a name, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for Issuer {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let host = match read(text)?.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(NoPlace::Address),
        };
        Ok(Self { text: text.to_owned(), host })
    }
}

impl Origin {
    /// A page of ours.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for Origin {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let url = read(text)?;
        if url.path() == "/" { Ok(Self(url.origin().ascii_serialization())) } else { Err(NoPlace::Path) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_stays_as_it_is_written_and_its_host_is_known() {
        for (text, host) in [
            ("https://login.stadt.example", "login.stadt.example"),
            ("https://login.stadt.example/realms/rathaus", "login.stadt.example"),
            ("https://[2001:db8::1]:8443/", "2001:db8::1"),
            ("https://192.0.2.7", "192.0.2.7"),
        ] {
            let issuer: Issuer = text.parse().expect("an issuer");
            assert_eq!((issuer.as_str(), issuer.host()), (text, host));
        }
    }

    #[test]
    fn what_is_no_such_address_is_told_with_what_to_do() {
        let issuer = |text: &str| text.parse::<Issuer>();
        assert_eq!(issuer("login.stadt.example"), Err(NoPlace::Address));
        assert_eq!(issuer("http://login.stadt.example"), Err(NoPlace::Plain));
        assert_eq!(issuer("https://login.stadt.example/?realm=a"), Err(NoPlace::More));
        assert_eq!(issuer("https://a@login.stadt.example/"), Err(NoPlace::More));
        let origin = |text: &str| text.parse::<Origin>().map(|origin| origin.at("/admin"));
        assert_eq!(origin("https://einwahl.stadt.example:443/").as_deref(), Ok("https://einwahl.stadt.example/admin"));
        assert_eq!(
            origin("https://einwahl.stadt.example:8443").as_deref(),
            Ok("https://einwahl.stadt.example:8443/admin")
        );
        assert_eq!(origin("https://einwahl.stadt.example/admin"), Err(NoPlace::Path));
    }
}
