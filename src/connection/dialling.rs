//! The dialling side of ICE between two gateways: the other one has an address of its own and is an ICE-lite agent, so there is one
//! candidate pair (RFC 8445 section 6.1.1). In: where it is, the time, responses. Out: checks, which are consent too (RFC 7675).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_crypto::RTCCryptoProvider;
use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter as _, TransactionId};

use super::dtls::Fingerprint;
use super::ice::{Path, read};

/// The other gateway, as it told over the link.
#[derive(Clone)]
pub struct Called {
    /// Where it receives sound.
    pub address: SocketAddr,
    /// Its half of the checks' name.
    pub ufrag: String,
    /// What checks are signed with.
    pub password: String,
    /// Of its certificate.
    pub fingerprint: Fingerprint,
}

impl std::fmt::Debug for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Called({} at {})", self.ufrag, self.address)
    }
}

/// Until one is answered, checks follow each other so fast.
const PACE: Duration = Duration::from_millis(100);

/// Then so fast. Browsers ask for consent every five seconds and wait for half a minute (RFC 7675 section 5.1); a meeting shall
/// know after three, and six checks in a row are not lost by chance.
const CONSENT: Duration = Duration::from_millis(500);

/// An answer to one of so many last checks counts.
const MOST_OPEN: usize = 6;

/// The priority of a host candidate (RFC 8445 section 5.1.2.2); there is no other to compare it with.
const PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

pub(super) struct Dialling {
    crypto: Arc<dyn RTCCryptoProvider>,
    /// Theirs and ours.
    username: String,
    password: String,
    address: SocketAddr,
    /// Ways from here to that address; the first over which an answer comes is taken.
    ways: Vec<Path>,
    selected: Option<Path>,
    due: Instant,
    open: VecDeque<(TransactionId, Instant)>,
    heard_at: Instant,
    round_trip: Option<Duration>,
}

impl Dialling {
    pub(super) fn new(crypto: Arc<dyn RTCCryptoProvider>, ufrag: &str, called: Called, now: Instant) -> Self {
        let username = format!("{}:{ufrag}", called.ufrag);
        let Called { address, password, .. } = called;
        let (ways, open) = (Vec::new(), VecDeque::with_capacity(MOST_OPEN + 1));
        let (selected, round_trip) = (None, None);
        Self { crypto, username, password, address, ways, selected, due: now, open, heard_at: now, round_trip }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn set_ways(&mut self, ways: Vec<Path>) {
        self.ways = ways;
    }

    pub(super) fn admits(&self, path: Path) -> bool {
        self.selected == Some(path)
    }

    pub(super) const fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub(super) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    pub(super) const fn next_timeout(&self) -> Instant {
        self.due
    }

    /// The next check, and where it goes, if one is due.
    pub(super) fn poll_check(&mut self, now: Instant) -> Option<(Vec<u8>, &[Path])> {
        if now < self.due {
            return None;
        }
        let is_answered = self.selected.is_some() && now.saturating_duration_since(self.heard_at) < 3 * CONSENT;
        self.due = now + if is_answered { CONSENT } else { PACE };
        let check = self.check()?;
        self.open.push_back((check.transaction_id, now));
        if self.open.len() > MOST_OPEN {
            self.open.pop_front();
        }
        // A way that is not answered any more may not be the only one.
        let ways = self.selected.as_ref().filter(|_| is_answered).map_or(self.ways.as_slice(), std::slice::from_ref);
        Some((check.raw, ways))
    }

    fn check(&self) -> Option<Message> {
        let mut request = Message::new();
        request.set_type(BINDING_REQUEST);
        request.new_transaction_id().ok()?;
        request.write_header();
        request.add(ATTR_USERNAME, self.username.as_bytes());
        request.add(ATTR_PRIORITY, &PRIORITY.to_be_bytes());
        // The other side is lite: there is no conflict of roles that a number would have to settle.
        request.add(ATTR_ICE_CONTROLLING, &[0; 8]);
        request.add(ATTR_USE_CANDIDATE, &[]);
        let key = self.password.as_bytes();
        MessageIntegrity::new_raw_integrity_with_provider(key, self.crypto.crypto()).add_to(&mut request).ok()?;
        FINGERPRINT.add_to(&mut request).ok()?;
        Some(request)
    }

    /// Takes a response. True if it is a good one, to a check of ours, by the way that the check went.
    pub(super) fn take(&mut self, datagram: &[u8], path: Path, now: Instant) -> bool {
        if !self.ways.contains(&path) {
            return false;
        }
        let Some(mut response) = read(datagram, BINDING_SUCCESS) else { return false };
        let Some(at) = self.open.iter().position(|(id, _)| *id == response.transaction_id) else { return false };
        let key = self.password.as_bytes();
        if MessageIntegrity::check(&mut response, key, self.crypto.crypto()).is_err() {
            return false;
        }
        if let Some((_, sent_at)) = self.open.remove(at) {
            self.round_trip = Some(now.saturating_duration_since(sent_at));
        }
        self.heard_at = now;
        self.selected = Some(path);
        true
    }
}
