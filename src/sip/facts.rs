//! What an INVITE says of who calls whom, and where it comes from. In: a request. Out: facts, with what is personal marked.

use std::fmt;
use std::net::IpAddr;

use rsipstack::sip::prelude::{HeadersExt as _, ToTypedHeader as _};
use rsipstack::sip::{Request, Uri};
use rsipstack::transaction::transaction::Transaction;

use super::diversion;
use crate::member::Shown;
use crate::room::Name;
use crate::wire::user_of;
use crate::words::{Domain, LanguageTag, Personal, PhoneNumber, Transport, TrunkName, preferred};

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
    /// The member whose own system calls; none of everybody else.
    pub visitor: Option<Box<Visitor>>,
    /// So many may still hand it on (RFC 3261 section 8.1.1.6): a call that is sent in a circle comes to its end.
    pub forwards: u8,
}

/// Somebody whom another institution's own system brings (RFC 5922). No number of theirs goes on from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Which institution.
    pub member: Domain,
    /// What its system has shown.
    pub shown: Shown,
    /// Of whom they say that they are: the domain in From.
    pub claims: String,
    /// Whom they call: the domain in the Request-URI.
    pub calls: String,
    /// What the roster calls them: what they chose, or `Telefon ···42`.
    pub name: Name,
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
            visitor: None,
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
            visitor: None,
            forwards: header("Max-Forwards").and_then(|value| value.trim().parse().ok()).unwrap_or(FORWARDS),
        }
    }

    /// Reads those of a call that another institution's own system brings.
    pub(super) fn of_member(request: &Request, source: Source, member: Domain, shown: Shown) -> Self {
        let facts = Self::read(request, source, None);
        let from = request.from_header().ok().and_then(|from| from.typed().ok());
        let is_private = request.header_value("Privacy").is_some_and(|value| !value.eq_ignore_ascii_case("none"));
        let chosen = from.as_ref().and_then(|from| from.display_name.as_deref()).filter(|_| !is_private);
        let name = chosen.filter(|name| is_name(name)).map(|name| Name::chosen(name.trim_matches(['"', ' '])));
        let name = name.unwrap_or_else(|| Name::of_caller(facts.caller.as_ref()));
        let host = |uri: &Uri| uri.host_with_port.host.to_string().to_ascii_lowercase();
        let claims = from.map(|from| host(&from.uri)).unwrap_or_default();
        let visitor = Some(Box::new(Visitor { member, shown, claims, calls: host(&request.uri), name }));
        Self { caller: None, asserted: None, diverted: None, visitor, ..facts }
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

/// Whether somebody chose to be called so: what has many digits is their number.
fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && text.chars().filter(|c| c.is_numeric()).count() < SHORTEST_NUMBER
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

    fn visitor(from: &str, more: &str) -> Facts {
        let text = format!(
            "INVITE sip:rat@Stadt-A.example SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\nFrom: {from};tag=1\r\n\
             To: <sip:rat@stadt-a.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{more}Content-Length: 0\r\n\r\n"
        );
        let request = Request::try_from(text.as_bytes()).expect("a request");
        let source = Source { address: [192, 0, 2, 1].into(), transport: Transport::Tls };
        let shown = Shown::read(
            rcgen::generate_simple_self_signed(vec![String::from("stadt-c.example")]).expect("made").cert.der(),
        );
        Facts::of_member(&request, source, "stadt-c.example".parse().expect("a domain"), shown.expect("read"))
    }

    #[test]
    fn of_whom_a_members_system_brings_goes_on_what_they_chose_to_be_called_or_two_digits() {
        let named = |from: &str, more: &str| {
            let facts = visitor(from, more);
            assert_eq!((facts.caller, facts.asserted), (None, None), "no number");
            facts.visitor.expect("a visitor").name.for_roster().to_owned()
        };
        assert_eq!(named("\"Cem Yildiz\" <sip:+4930900042@stadt-c.example>", ""), "Cem Yildiz");
        assert_eq!(named("Saal 3 <sip:+4930900042@stadt-c.example>", ""), "Saal 3");
        assert_eq!(named("\"+49 30 900042\" <sip:+4930900042@stadt-c.example>", ""), "Telefon ···42");
        assert_eq!(named("\"Tel 0309000421\" <sip:+4930900042@stadt-c.example>", ""), "Telefon ···42");
        assert_eq!(named("<sip:cem@stadt-c.example>", ""), "Telefon");
        let withheld = named("\"Cem\" <sip:+4930900042@stadt-c.example>", "Privacy: id\r\n");
        assert_eq!(withheld, "Telefon");
        let visitor = visitor("<sip:1@STADT-C.example>", "").visitor.expect("a visitor");
        assert_eq!((visitor.claims.as_str(), visitor.calls.as_str()), ("stadt-c.example", "stadt-a.example"));
        assert!(visitor.shown.is_of(&visitor.member));
    }

    #[test]
    fn of_a_source_the_log_shows_the_network() {
        let source =
            |address: &str| Source { address: address.parse().expect("an address"), transport: Transport::Udp };
        assert_eq!(source("192.0.2.77").to_string(), "192.0.2.0/24 over UDP");
        assert_eq!(format!("{:?}", source("2001:db8:7::99")), "2001:db8:7::/48 over UDP");
    }
}
