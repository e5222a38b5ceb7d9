//! Relays for browsers that reach nothing but them (TURN, RFC 8656). In: the relays of the institution, and a time. Out: what a browser
//! is told of them, with a password that lasts as long as a meeting. Nobody but browsers sends anything there.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use serde::{Serialize, Serializer};

use crate::words::{Host, LegId, Secret, Target};

/// A relay, as RFC 7065 writes it: `turns:turn.stadt.example:443?transport=tcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    written: String,
    host: Host,
}

/// Not a relay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no relay: write turns:turn.stadt.example:443?transport=tcp, or turn:192.0.2.20:3478?transport=udp")]
pub struct NoServer(String);

/// What the relays and we know, and nobody else.
#[derive(Clone, Debug)]
pub struct Relays {
    /// Which there are.
    pub servers: Vec<Server>,
    /// Shared with them.
    pub secret: Secret,
}

/// A place at the relays, for one browser: written as its `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The relays.
    pub urls: Vec<String>,
    /// As whom.
    pub username: String,
    /// The password.
    #[serde(serialize_with = "whole")]
    pub credential: Secret,
}

/// Seconds for which a place is given: longer than any meeting, for relays ask for the password again all the time.
const LASTS: u64 = 12 * 3_600;

fn whole<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl Server {
    /// Where it is.
    pub const fn host(&self) -> &Host {
        &self.host
    }
}

impl FromStr for Server {
    type Err = NoServer;

    fn from_str(text: &str) -> Result<Self, NoServer> {
        let no = || NoServer(text.chars().take(80).collect());
        let (scheme, rest) = text.split_once(':').ok_or_else(no)?;
        let (place, transport) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        let fits = matches!(
            (scheme, transport),
            ("turn", None | Some("transport=udp" | "transport=tcp")) | ("turns", None | Some("transport=tcp"))
        );
        // Host and port are written as in a SIP URI without a user (RFC 3986).
        let target: Target = format!("sip:{place}").parse().map_err(|_| no())?;
        let bare = !place.contains(['@', ';']);
        if fits && bare { Ok(Self { written: text.to_owned(), host: target.host }) } else { Err(no()) }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Relays {
    /// A place at those relays to which data may go, if any: a name that ends, and the HMAC of it by the secret, as relays with a shared secret
    /// expect (draft-uberti-behave-turn-rest-00). `unix` is the time in seconds since 1970.
    pub fn place(&self, leg: LegId, unix: u64, may: impl Fn(&Host) -> bool) -> Option<Place> {
        let urls: Vec<String> =
            self.servers.iter().filter(|server| may(&server.host)).map(ToString::to_string).collect();
        if urls.is_empty() {
            return None;
        }
        let username = format!("{}:{}", unix.saturating_add(LASTS), leg.0);
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.expose().as_bytes());
        let credential = Secret::new(STANDARD.encode(sign(&key, username.as_bytes())));
        Some(Place { urls, username, credential })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<Server, NoServer> {
        text.parse()
    }

    #[test]
    fn a_relay_is_read_as_it_is_written() {
        for (text, host) in [
            ("turn:192.0.2.20", "192.0.2.20"),
            ("turn:turn.stadt.example:3478?transport=udp", "turn.stadt.example"),
            ("turns:turn.stadt.example:443?transport=tcp", "turn.stadt.example"),
            ("turn:[2001:db8::20]:3478?transport=tcp", "[2001:db8::20]"),
        ] {
            let read = server(text).expect(text);
            assert_eq!((read.to_string().as_str(), read.host().to_string().as_str()), (text, host));
        }
        for text in [
            "",
            "turn:",
            "stun:192.0.2.20",
            "turns:turn.stadt.example?transport=udp",
            "turn:a@turn.stadt.example",
            "turn:turn.stadt.example;transport=tcp",
            "https://turn.stadt.example",
        ] {
            assert!(server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_is_at_permitted_relays_alone_and_its_password_is_what_a_relay_computes() {
        let servers = ["turn:192.0.2.20", "turns:turn.bad.example"].map(|text| server(text).expect(text)).to_vec();
        let relays = Relays { servers, secret: Secret::new(String::from("north")) };
        let may = |host: &Host| host.to_string() == "192.0.2.20";
        let place = relays.place(LegId(7), 1_700_000_000, may).expect("a place");
        assert_eq!(place.urls, ["turn:192.0.2.20"]);
        assert_eq!(place.username, "1700043200:7");
        // printf %s 1700043200:7 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(place.credential.expose(), "fKyKbCiPKmS3l7M1VLT3lRGWbLA=");
        assert!(
            !format!("{place:?}{relays:?}").contains("fKyKbCiPKmS3l7M1VLT3lRGWbLA=")
                && !format!("{relays:?}").contains("north")
        );
        assert_eq!(relays.place(LegId(7), 0, |_| false), None);
    }
}
