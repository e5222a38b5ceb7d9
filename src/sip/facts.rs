//! What an INVITE says of who calls whom, and where it comes from. In: a request. Out: facts, with what is personal marked.

use std::fmt;
use std::net::IpAddr;

use rsipstack::sip::Request;
use rsipstack::sip::prelude::{HeadersExt as _, ToTypedHeader as _};
use rsipstack::transaction::transaction::Transaction;

use super::diversion;
use crate::wire::user_of;
use crate::words::{LanguageTag, Personal, PhoneNumber, Transport, TrunkName, preferred};

/// Who calls whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The user part of the Request-URI: a number, or a name.
    pub called: String,
    /// The caller's number, unless it is withheld or none.
    pub caller: Option<Personal<PhoneNumber>>,
    /// The number for which its trunk vouches (RFC 3325), unless it is withheld; a stranger vouches for nobody.
    pub asserted: Option<Personal<PhoneNumber>>,
    /// The number that diverted the call here (RFC 5806, or RFC 7044).
    pub diverted: Option<Personal<PhoneNumber>>,
    /// The language that the telephone likes best (RFC 3261 section 20.3).
    pub language: Option<LanguageTag>,
    /// The trunk that the source address belongs to; none is a stranger's.
    pub trunk: Option<TrunkName>,
    /// Where it comes from.
    pub source: Source,
    /// So many may still hand it on (RFC 3261 section 8.1.1.6): a call that is sent in a circle comes to its end.
    pub forwards: u8,
}

/// RFC 3261 section 8.1.1.6.
const FORWARDS: u8 = 70;

/// What is shorter is an extension of the house, and no person's number elsewhere.
const SHORTEST_NUMBER: usize = 6;

impl Facts {
    /// What a test knows of a call.
    #[cfg(test)]
    pub(crate) fn of_test(called: &str, caller: Option<Personal<PhoneNumber>>) -> Self {
        let source = Source { address: std::net::Ipv4Addr::LOCALHOST.into(), transport: Transport::Udp };
        let (asserted, diverted, language) = (None, None, None);
        Self {
            called: called.to_owned(),
            caller,
            asserted,
            diverted,
            language,
            trunk: None,
            source,
            forwards: FORWARDS,
        }
    }

    /// Reads them. The identity that the trunk asserts (RFC 3325) counts above what the phone claims; a caller who asks for
    /// privacy (RFC 3323) has no number.
    pub(super) fn read(request: &Request, source: Source, trunk: Option<TrunkName>) -> Self {
        let called = user_of(request.uri.user().unwrap_or_default());
        let private = request.header_value("Privacy").is_some_and(|value| !value.eq_ignore_ascii_case("none"));
        let claimed = request.from_header().ok().and_then(|from| from.uri().ok());
        let claimed = claimed.and_then(|uri| uri.user().map(user_of));
        let header = |name: &str| request.header_value(name);
        let asserted = header("P-Asserted-Identity").filter(|_| trunk.is_some()).and_then(|value| user_in(&value));
        let asserted = asserted.filter(|_| !private).map(|user| user_of(&user));
        let caller = if private { None } else { asserted.clone().or(claimed) };
        let number = |user: Option<String>| user.and_then(|user| user.parse().ok()).map(Personal::new);
        // Each who diverts the call may have written a line of his own.
        let history: Vec<String> = request
            .headers
            .iter()
            .filter(|header| header.name().eq_ignore_ascii_case("History-Info"))
            .map(|header| header.value().to_owned())
            .collect();
        let diverted = match header("Diversion") {
            Some(value) => diversion::last(&value).and_then(user_in),
            None => diversion::of_history(&history.join(",")).and_then(user_in),
        };
        let diverted = diverted.map(|user| user_of(&user));
        Self {
            called,
            caller: number(caller),
            asserted: number(asserted),
            diverted: number(diverted),
            language: header("Accept-Language").and_then(|value| preferred(&value)),
            trunk,
            source,
            forwards: header("Max-Forwards").and_then(|value| value.trim().parse().ok()).unwrap_or(FORWARDS),
        }
    }

    /// What was called, as the log may show it: an extension, a number's last two digits, a name's first letter.
    pub fn called_masked(&self) -> String {
        masked(&self.called)
    }

    /// The trunk's name, or what is known of a stranger.
    pub fn trunk_named(&self) -> String {
        self.trunk.as_ref().map_or_else(|| format!("none, from {}", self.source), ToString::to_string)
    }
}

/// Whom somebody calls, as the log may show it.
pub fn masked(called: &str) -> String {
    match called.parse::<PhoneNumber>() {
        Ok(_) if called.len() < SHORTEST_NUMBER => called.to_owned(),
        Ok(number) => Personal::new(number).to_string(),
        Err(_) => Personal::new(called.to_owned()).to_string(),
    }
}

/// Where a request comes from. It is shown as a network: enough to know one's own telephone system, too little to know a
/// person's telephone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// How it came.
    pub transport: Transport,
}

impl Source {
    /// The source of a request. A stream knows its peer; of a datagram the gate has noted in Via where it came from, whatever
    /// stood there (RFC 3261 section 18.2.1).
    pub(super) fn of(transaction: &Transaction) -> Option<Self> {
        let connection = transaction.connection.as_ref()?;
        let address = match connection.get_remote_addr() {
            Some(peer) => peer.get_socketaddr().ok()?.ip(),
            None => {
                let via = transaction.original.via_header().ok()?.typed().ok()?;
                match via.received() {
                    Some(received) => received.ok()?,
                    None => via.uri.host_with_port.host.try_into().ok()?,
                }
            }
        };
        let address = address.to_canonical();
        let transport = super::gate::named(connection.get_addr().r#type.unwrap_or_default());
        Some(Self { address, transport })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                write!(f, "{a}.{b}.{c}.0/24")?;
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}::/48")?;
            }
        }
        write!(f, " over {}", self.transport)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The user in `"Name" <sip:user@host>` or `tel:number`.
fn user_in(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let at = ["sips:", "sip:", "tel:"].iter().find_map(|scheme| Some(lower.find(scheme)? + scheme.len()))?;
    let rest = value.get(at..)?;
    let end = rest.find(['@', '>', ';', ',']).unwrap_or(rest.len());
    rest.get(..end).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_every_form_of_an_asserted_identity() {
        for (value, user) in [
            ("<sip:+4930123456@example.org;user=phone>", "+4930123456"),
            ("\"Erika\" <SIPS:42@example.org>", "42"),
            ("tel:+4930123456", "+4930123456"),
            ("<tel:+4930123456;ext=1>", "+4930123456"),
        ] {
            assert_eq!(user_in(value).as_deref(), Some(user), "{value}");
        }
        assert_eq!(user_in("anonymous"), None);
    }

    #[test]
    fn of_a_source_the_log_shows_the_network() {
        let source =
            |address: &str| Source { address: address.parse().expect("an address"), transport: Transport::Udp };
        assert_eq!(source("192.0.2.77").to_string(), "192.0.2.0/24 over UDP");
        assert_eq!(format!("{:?}", source("2001:db8:7::99")), "2001:db8:7::/48 over UDP");
    }
}
