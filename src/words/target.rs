//! Where requests to a peer go, before anybody asked DNS.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Family, Transport};

/// `sip:pbx.stadt.example:5060;transport=tcp`: a SIP URI without a user, the target of RFC 3263 section 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its host.
    pub host: Host,
    /// Its port; without one, DNS is asked, or that of the transport is meant.
    pub port: Option<u16>,
    /// The transport that it names; `sips` names TLS.
    pub transport: Option<Transport>,
    secure: bool,
}

/// The host of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name that DNS knows, in lower case and without a dot at its end.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Neither `sip:` nor `sips:`.
    #[error("{0:?} is no SIP URI: write sip:pbx.stadt.example, sip:192.0.2.10:5060 or sip:192.0.2.10;transport=tcp")]
    Scheme(String),
    /// It names a user.
    #[error("{0:?} names a user: leave out what stands before the @; each call has its own")]
    User(String),
    /// Neither a name nor an address.
    #[error("{0:?} has no host: write a name, an IPv4 address, or an IPv6 address in brackets")]
    Host(String),
    /// Not a port.
    #[error("{0:?} has no valid port: write a number from 1 to 65535")]
    Port(String),
    /// A transport that there is not, or one that is not secure in a `sips` URI.
    #[error("{0:?} names no transport that can be used: write transport=udp, tcp or tls (sips: goes by TLS alone)")]
    Transport(String),
    /// Another parameter.
    #[error("{0:?} has a parameter that means nothing here: only transport is known")]
    Parameter(String),
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let fault = |kind: fn(String) -> InvalidTarget| kind(text.chars().take(120).collect());
        let (scheme, rest) = text.trim().split_once(':').ok_or_else(|| fault(InvalidTarget::Scheme))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "sip" => false,
            "sips" => true,
            _ => return Err(fault(InvalidTarget::Scheme)),
        };
        if rest.contains('@') {
            return Err(fault(InvalidTarget::User));
        }
        let mut parts = rest.split(';');
        let (host, port) = parts.next().and_then(split_port).ok_or_else(|| fault(InvalidTarget::Host))?;
        let host = Host::read(host).ok_or_else(|| fault(InvalidTarget::Host))?;
        let port = match port {
            None => None,
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(|| fault(InvalidTarget::Port))?),
        };
        let mut transport = secure.then_some(Transport::Tls);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !name.trim().eq_ignore_ascii_case("transport") {
                return Err(fault(InvalidTarget::Parameter));
            }
            let named = match value.trim().to_ascii_lowercase().as_str() {
                "udp" if !secure => Transport::Udp,
                // RFC 3261 section 26.2.2: sips with transport=tcp is TLS on TCP.
                "tcp" if !secure => Transport::Tcp,
                "tcp" | "tls" => Transport::Tls,
                _ => return Err(fault(InvalidTarget::Transport)),
            };
            transport = Some(named);
        }
        Ok(Self { host, port, transport, secure })
    }
}

impl Target {
    /// The transport, if it needs no DNS to know it: the one that it names, or UDP for an address or a port (RFC 3263
    /// section 4.1).
    pub fn known_transport(&self) -> Option<Transport> {
        let is_plain = matches!(self.host, Host::Address(_)) || self.port.is_some();
        self.transport.or_else(|| is_plain.then_some(Transport::Udp))
    }

    /// The family of its address; not known of a name.
    pub const fn family(&self) -> Option<Family> {
        match &self.host {
            Host::Address(IpAddr::V4(_)) => Some(Family::V4),
            Host::Address(IpAddr::V6(_)) => Some(Family::V6),
            Host::Name(_) => None,
        }
    }

    /// Whether it asks for TLS all the way (RFC 3261 section 26.2.2).
    pub const fn is_secure(&self) -> bool {
        self.secure
    }
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            return inside.strip_suffix(']')?.parse().ok().map(|address| Self::Address(IpAddr::V6(address)));
        }
        if let Ok(address) = text.parse() {
            return Some(Self::Address(IpAddr::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let sound = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        // A last label of digits alone would be half an address.
        let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        (name.len() <= 253 && !is_number && name.split('.').all(sound)).then_some(Self::Name(name))
    }
}

/// `host` or `host:port`; an IPv6 address has brackets.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let after = text.rfind(']').unwrap_or(0);
    match text.get(after..)?.find(':') {
        Some(at) => Some((text.get(..after + at)?, Some(text.get(after + at + 1..)?))),
        None => Some((text, None)),
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", if self.secure { "sips" } else { "sip" }, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport.filter(|_| !self.secure) {
            Some(transport) => write!(f, ";transport={}", transport.to_string().to_ascii_lowercase()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_admins_write_it_and_printed_so_again() {
        for text in [
            "sip:pbx.stadt.example",
            "sip:pbx.stadt.example:5070;transport=tcp",
            "sips:pbx.stadt.example",
            "sip:192.0.2.10:5060;transport=tls",
            "sip:[2001:db8::10]:5060",
            "sip:[2001:db8::10]",
        ] {
            assert_eq!(text.parse::<Target>().map(|target| target.to_string()).as_deref(), Ok(text));
        }
        let told: Target = "SIP:PBX.Stadt.Example.;Transport=TCP".parse().expect("a target");
        assert_eq!(told.to_string(), "sip:pbx.stadt.example;transport=tcp");
    }

    #[test]
    fn what_is_no_target_is_told_with_what_would_be() {
        for (text, help) in [
            ("pbx.stadt.example", "write sip:pbx.stadt.example"),
            ("tel:+4930", "no SIP URI"),
            ("sip:", "no host"),
            ("sip:1.2.3", "no host"),
            ("sip:2001:db8::10", "no "),
            ("sip:a:0", "port"),
            ("sip:a:x", "port"),
            ("sip:a;transport=sctp", "udp, tcp or tls"),
            ("sips:a;transport=udp", "TLS alone"),
            ("sip:a;lr", "only transport"),
            ("sip:4711@a", "names a user"),
        ] {
            let error = text.parse::<Target>().expect_err(text).to_string();
            assert!(error.contains(help), "{error}");
        }
    }

    #[test]
    fn only_a_bare_name_leaves_the_transport_to_dns() {
        let known = |text: &str| text.parse::<Target>().expect("a target").known_transport();
        assert_eq!(known("sip:a.example"), None);
        assert_eq!(known("sip:a.example:5060"), Some(Transport::Udp));
        assert_eq!(known("sip:192.0.2.1"), Some(Transport::Udp));
        assert_eq!(known("sips:a.example"), Some(Transport::Tls));
        assert_eq!(known("sips:a.example;transport=tcp"), Some(Transport::Tls));
    }
}
