//! ICE-lite (RFC 8445): answers checks, and remembers which addresses passed one. In: datagrams. Out: responses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use rtc_crypto::RTCCryptoProvider;
use rtc_stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, MessageType, Setter as _};
use rtc_stun::xoraddr::XorMappedAddress;

use crate::words::Network;

/// The carrier of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// UDP, on the socket of this number.
    Udp(usize),
    /// The TCP connection of this number (RFC 6544).
    Tcp(u64),
}

/// Where a datagram came from and how: what answers it goes back the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The peer's address as seen here.
    pub peer: SocketAddr,
    /// The carrier.
    pub via: Via,
}

/// What both sides show in checks (RFC 8445 section 5.3). New ones are a restart.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Ours; unique on this node, for it tells connections apart.
    pub ufrag: String,
    /// Ours.
    pub password: String,
    /// The browser's.
    pub remote_ufrag: String,
}

impl Credentials {
    /// Credentials from 26 random bytes: 48 and 160 bits (RFC 8445 section 5.3 asks for 24 and 128).
    pub fn new(chance: &[u8; 26], remote_ufrag: &str) -> Self {
        let (name, secret) = chance.split_at(6);
        Self { ufrag: letters(name), password: letters(secret), remote_ufrag: remote_ufrag.to_owned() }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.ufrag)
    }
}

/// Two letters a byte, of those that ICE allows.
fn letters(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(|half| char::from(b'a' + half)).collect()
}

/// The addresses that passed a check; more are not remembered, the oldest gives way.
const MOST_PATHS: usize = 8;

/// The longest check that is read, in bytes.
const LONGEST_CHECK: usize = 1_024;

pub(super) struct Ice {
    crypto: Arc<dyn RTCCryptoProvider>,
    credentials: Credentials,
    /// Good until the first check with the new ones: sound goes on during a restart.
    previous: Option<Credentials>,
    passed: Vec<Path>,
    selected: Option<Path>,
    heard_at: Instant,
    /// Checks count only from there; from anywhere, if nothing is said.
    networks: Option<Vec<Network>>,
    /// Somewhere else from where a check came that was good otherwise.
    elsewhere: Option<IpAddr>,
}

impl Ice {
    pub(super) fn new(crypto: Arc<dyn RTCCryptoProvider>, credentials: Credentials, now: Instant) -> Self {
        let (passed, selected) = (Vec::new(), None);
        Self { crypto, credentials, previous: None, passed, selected, heard_at: now, networks: None, elsewhere: None }
    }

    pub(super) fn restart(&mut self, credentials: Credentials) {
        self.previous = Some(std::mem::replace(&mut self.credentials, credentials));
    }

    /// From now on checks count only from these networks.
    pub(super) fn take_from(&mut self, networks: Vec<Network>) {
        self.networks = Some(networks);
    }

    /// From where a check came that would be good, were it from a network that counts; told once.
    pub(super) const fn elsewhere(&mut self) -> Option<IpAddr> {
        self.elsewhere.take()
    }

    /// Whether this address has passed a check.
    pub(super) fn admits(&self, path: Path) -> bool {
        self.passed.contains(&path)
    }

    /// Where datagrams go: the path that the browser chose.
    pub(super) const fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// When the last good check came: browsers send one every few seconds (RFC 7675).
    pub(super) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// The response to a check; `None` to whatever is not a good one: a scanner hears nothing.
    pub(super) fn check(&mut self, datagram: &[u8], path: Path, now: Instant) -> Option<Vec<u8>> {
        let mut request = read(datagram, BINDING_REQUEST)?;
        let name = request.get(ATTR_USERNAME).ok()?;
        let is_for = |credentials: &Credentials| {
            let (ours, theirs) = (credentials.ufrag.as_bytes(), credentials.remote_ufrag.as_bytes());
            name.strip_prefix(ours).and_then(|rest| rest.strip_prefix(b":")) == Some(theirs)
        };
        let is_new = is_for(&self.credentials);
        let credentials = if is_new { &self.credentials } else { self.previous.as_ref().filter(|old| is_for(old))? };
        let key = credentials.password.as_bytes();
        MessageIntegrity::check(&mut request, key, self.crypto.crypto()).ok()?;
        let from = path.peer.ip().to_canonical();
        if self.networks.as_ref().is_some_and(|all| !all.iter().any(|network| network.0.contains(&from))) {
            self.elsewhere = Some(from);
            return None;
        }
        let response = respond(&request, path.peer, key, self.crypto.as_ref())?;
        self.remember(path, is_new, request.contains(ATTR_USE_CANDIDATE), now);
        Some(response)
    }

    fn remember(&mut self, path: Path, is_new: bool, chosen: bool, now: Instant) {
        self.heard_at = now;
        if is_new && self.previous.take().is_some() {
            // The browser is elsewhere now; the old path serves until the new one is chosen.
            self.passed.retain(|old| Some(*old) == self.selected);
        }
        if !self.passed.contains(&path) {
            if self.passed.len() >= MOST_PATHS {
                let oldest = self.passed.iter().position(|old| Some(*old) != self.selected).unwrap_or_default();
                self.passed.remove(oldest);
            }
            self.passed.push(path);
        }
        if chosen || self.selected.is_none() {
            self.selected = Some(path);
        }
    }
}

/// A message of this type.
pub(super) fn read(datagram: &[u8], typ: MessageType) -> Option<Message> {
    if datagram.len() > LONGEST_CHECK {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    (message.typ == typ).then_some(message)
}

fn respond(request: &Message, peer: SocketAddr, key: &[u8], crypto: &dyn RTCCryptoProvider) -> Option<Vec<u8>> {
    let mut response = Message::new();
    response.set_type(BINDING_SUCCESS);
    response.transaction_id = request.transaction_id;
    response.write_header();
    XorMappedAddress { ip: peer.ip(), port: peer.port() }.add_to(&mut response).ok()?;
    MessageIntegrity::new_raw_integrity_with_provider(key, crypto.crypto()).add_to(&mut response).ok()?;
    FINGERPRINT.add_to(&mut response).ok()?;
    Some(response.raw)
}

/// Whose check this is, by our half of its USERNAME (RFC 8445 section 7.2.2); `None` if it is no check at all.
pub fn ufrag_of(datagram: &[u8]) -> Option<String> {
    let name = read(datagram, BINDING_REQUEST)?.get(ATTR_USERNAME).ok()?;
    let end = name.iter().position(|byte| *byte == b':')?;
    String::from_utf8(name.get(..end)?.to_vec()).ok()
}
