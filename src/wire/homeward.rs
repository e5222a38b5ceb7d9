//! Where a message leads those that follow it (RFC 3261 sections 12.1.1 and 12.1.2). The messages that begin a call say where its requests go:
//! to the first hop of their Record-Route, or else to their Contact. In: such a message, as [`normalise`](super::normalise) left it, and
//! whether an address may be gone to. Out: the message; if it leads anywhere else, with a hop before the others that leads back to who sent it.
//!
//! The hop is for our own stack alone, and bears a mark ([`is_of_ours`]): it is taken off before anything is sent, so that peers see the route
//! that they gave. A name counts as elsewhere, whatever it would lead to: nobody has us ask DNS by calling here.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use super::address::Address;
use super::split::{Name, Split};
use super::{Origin, uri};
use crate::words::Transport;

/// The parameter by which our own hops are known.
const MARK: &str = ";x-homeward";

/// Whether a Record-Route or Route is a hop that [`homeward`] wrote.
pub fn is_of_ours(route: &str) -> bool {
    route.contains(MARK)
}

/// Lets a message lead to who sent it, and to where it `may`, and else back.
pub fn homeward<'a>(
    message: Cow<'a, [u8]>,
    from: &Origin,
    transport: Transport,
    may: impl FnOnce(IpAddr) -> bool,
) -> Cow<'a, [u8]> {
    let Some(Lead { uri, is_response }) = Lead::of(&message) else { return message };
    let (host, port) = uri::host_and_port(&uri).unzip();
    let address = host.and_then(|host| host.parse::<IpAddr>().ok()).map(|address| address.to_canonical());
    if address.is_some_and(|address| address == from.address.ip().to_canonical() || may(address)) {
        return message;
    }
    let home = SocketAddr::new(from.address.ip(), home_port(from, transport, port.flatten()));
    let parameter = match transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    };
    let line = format!("Record-Route: <sip:{home}{parameter};lr{MARK}>\r\n");
    // The first hop is the first that a request names, and the last that a response names.
    let after = if is_response { end_of_head(&message) } else { end_of_line(&message) };
    let Some((before, rest)) = after.and_then(|at| message.split_at_checked(at)) else { return message };
    Cow::Owned([before, line.as_bytes(), rest].concat())
}

/// A datagram came from where its sender listens; a stream came from anywhere, so that the port is the one that is told.
const fn home_port(from: &Origin, transport: Transport, told: Option<u16>) -> u16 {
    match (transport, told) {
        (Transport::Udp, _) => from.address.port(),
        (Transport::Tcp | Transport::Tls, Some(port)) => port,
        (Transport::Tcp, None) => 5060,
        (Transport::Tls, None) => 5061,
    }
}

fn end_of_line(message: &[u8]) -> Option<usize> {
    message.windows(2).position(|window| window == b"\r\n").map(|at| at + 2)
}

fn end_of_head(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2)
}

/// The first hop of what follows.
struct Lead {
    uri: String,
    is_response: bool,
}

impl Lead {
    /// Of an INVITE that begins a call, or of what is answered to one of ours; another message leads nowhere.
    fn of(message: &[u8]) -> Option<Self> {
        let is_response = match message {
            [b'I', b'N', b'V', b'I', b'T', b'E', b' ', ..] => false,
            [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b' ', b'1' | b'2', ..] => true,
            _ => return None,
        };
        let split = Split::of(message).ok()?;
        let begins = match is_response {
            true => split.all(Name::CSeq).any(|value| value.ends_with("INVITE")),
            false => split.all(Name::To).filter_map(Address::read).all(|to| to.tag().is_none()),
        };
        if !begins {
            return None;
        }
        let addresses = |name| split.all(name).filter_map(Address::read_list).flatten();
        let mut routes = addresses(Name::RecordRoute);
        let hop = if is_response { routes.last() } else { routes.next() };
        let lead = hop.or_else(|| addresses(Name::Contact).next())?;
        Some(Self { uri: lead.uri, is_response })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin =
        Origin { address: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 5062), stream: false };

    fn message(start: &str, tag: &str, fields: &str) -> String {
        format!("{start}\r\nTo: <sip:b@example.org>{tag}\r\nCSeq: 1 INVITE\r\n{fields}Content-Length: 3\r\n\r\nv=0")
    }

    fn led(message: &str, transport: Transport) -> String {
        let may = |address: IpAddr| address == IpAddr::from([198, 51, 100, 7]);
        let led = homeward(Cow::Borrowed(message.as_bytes()), &ORIGIN, transport, may);
        String::from_utf8(led.into_owned()).expect("UTF-8")
    }

    fn invite(fields: &str) -> String {
        message("INVITE sip:b@example.org SIP/2.0", "", fields)
    }

    fn answer(fields: &str) -> String {
        message("SIP/2.0 200 OK", ";tag=b", fields)
    }

    #[test]
    fn what_leads_to_its_sender_or_to_where_one_may_go_is_not_touched() {
        for fields in [
            "Contact: <sip:a@192.0.2.1:5080>\r\n",
            "Contact: <sip:a@198.51.100.7>\r\n",
            "Record-Route: <sip:198.51.100.7;lr>\r\nContact: <sip:a@203.0.113.5>\r\n",
            "Record-Route: <sip:192.0.2.1;lr>,<sip:203.0.113.5;lr>\r\nContact: <sip:a@pbx.example>\r\n",
        ] {
            assert_eq!(led(&invite(fields), Transport::Udp), invite(fields));
        }
        let last = "Record-Route: <sip:203.0.113.5;lr>\r\nRecord-Route: <sip:192.0.2.1;lr>\r\nContact: <sip:a@pbx.example>\r\n";
        assert_eq!(led(&answer(last), Transport::Udp), answer(last));
        // These begin nothing.
        let abroad = "Contact: <sip:a@203.0.113.5>\r\n";
        for other in [
            message("INVITE sip:b@example.org SIP/2.0", ";tag=b", abroad),
            message("SIP/2.0 302 Moved Temporarily", ";tag=b", abroad),
            answer(abroad).replace("1 INVITE", "1 OPTIONS"),
            invite(abroad).replace("INVITE", "OPTIONS"),
            answer(""),
        ] {
            assert_eq!(led(&other, Transport::Udp), other);
        }
    }

    #[test]
    fn what_leads_elsewhere_leads_back() {
        let hop = "Record-Route: <sip:192.0.2.1:5062;lr;x-homeward>\r\n";
        for fields in [
            "Contact: <sip:a@203.0.113.5>\r\n",
            "Contact: <sip:a@[2001:db8::5]:5060>\r\n",
            "Contact: <sip:a@pbx.example>\r\n",
            "Contact: <sip:192.0.2.1@203.0.113.5;maddr=192.0.2.1>\r\n",
            "Contact: <tel:+4930123>\r\n",
            "Record-Route: <sip:203.0.113.5;lr>, <sip:192.0.2.1;lr>\r\nContact: <sip:a@192.0.2.1>\r\n",
        ] {
            let led = led(&invite(fields), Transport::Udp);
            assert_eq!(led, invite(fields).replacen("\r\n", &format!("\r\n{hop}"), 1));
            assert!(is_of_ours(hop));
        }
        let routed =
            "Record-Route: <sip:192.0.2.1;lr>\r\nRecord-Route: <sip:203.0.113.5;lr>\r\nContact: <sip:a@192.0.2.1>\r\n";
        for fields in ["Contact: <sip:a@203.0.113.5>\r\n", routed] {
            let led = led(&answer(fields), Transport::Udp);
            assert_eq!(led, answer(fields).replace("\r\n\r\n", &format!("\r\n{hop}\r\n")));
        }
    }

    #[test]
    fn a_stream_leads_back_to_the_port_that_is_told() {
        let hop = |fields: &str, transport| {
            let led = led(&invite(fields), transport);
            led.lines().find(|line| is_of_ours(line)).map(ToOwned::to_owned)
        };
        let told = "Contact: <sip:a@203.0.113.5:5070;transport=tcp>\r\n";
        assert_eq!(
            hop(told, Transport::Tcp).as_deref(),
            Some("Record-Route: <sip:192.0.2.1:5070;transport=tcp;lr;x-homeward>")
        );
        assert_eq!(
            hop("Contact: <sips:a@pbx.example>\r\n", Transport::Tls).as_deref(),
            Some("Record-Route: <sip:192.0.2.1:5061;transport=tls;lr;x-homeward>")
        );
    }
}
