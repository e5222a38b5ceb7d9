//! One connection: checks, key exchange, media. In: datagrams of any kind from anywhere. Out: RTP, RTCP, and datagrams to
//! send.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc_crypto::RTCCryptoProvider;

use super::dialling::{Called, Dialling};
use super::dtls::{Dtls, Fingerprint, Identity};
use super::ice::{Credentials, Ice, Path};
use super::srtp::Keys;
use crate::media::rtp::is_rtcp;
use crate::words::Network;

/// What a datagram brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing for anybody but the connection itself.
    Nothing,
    /// The keys are there: from now on sound can pass.
    Connected,
    /// The exchange failed: this connection will never carry anything.
    Failed,
    /// An RTP packet, decrypted.
    Rtp(BytesMut),
    /// An RTCP packet, decrypted.
    Rtcp(BytesMut),
}

/// Datagrams that may wait to be sent: several flights of the key exchange.
const MOST_WAITING: usize = 32;

/// Streams of another gateway that may be declared at once.
const MOST_DECLARED: usize = 1_024;

/// Streams of one connection in its life: the state of each stays, for a number must never be used again under the same key.
const MOST_EVER: usize = 65_536;

/// See the module.
pub struct Transport {
    crypto: Arc<dyn RTCCryptoProvider>,
    ice: Side,
    dtls: Dtls,
    keys: Option<Box<Keys>>,
    waiting: VecDeque<(Bytes, Path)>,
    streams: Streams,
}

/// Who sends checks.
enum Side {
    /// They do.
    Answering(Ice),
    /// We do.
    Dialling(Dialling),
}

/// What sound is decrypted.
enum Streams {
    /// A browser's: the first that comes.
    One,
    /// Another gateway's: those that it declared.
    Declared { now: HashSet<u32>, ever: HashSet<u32> },
}

/// More streams were declared than one connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this connection carries no more streams: make another")]
pub struct WornOut;

impl Transport {
    /// A connection for the browser whose offer gave `fingerprint`, or for a gateway that dials us and told it over the link.
    pub fn new(identity: &Identity, credentials: Credentials, fingerprint: Fingerprint, now: Instant) -> Self {
        let crypto = Arc::clone(&identity.crypto);
        Self {
            ice: Side::Answering(Ice::new(Arc::clone(&crypto), credentials, now)),
            dtls: Dtls::new(identity, fingerprint),
            crypto,
            keys: None,
            waiting: VecDeque::new(),
            streams: Streams::One,
        }
    }

    /// A connection to another gateway, which we dial. `ufrag` is our half of the checks' name, as we told it.
    pub fn dialling(identity: &Identity, ufrag: &str, called: Called, now: Instant) -> Self {
        let crypto = Arc::clone(&identity.crypto);
        let dtls = Dtls::dialling(identity, called.fingerprint);
        let ice = Side::Dialling(Dialling::new(Arc::clone(&crypto), ufrag, called, now));
        Self { ice, dtls, crypto, keys: None, waiting: VecDeque::new(), streams: Streams::One }
    }

    /// Where we dial, if we do.
    pub const fn dials(&self) -> Option<SocketAddr> {
        match &self.ice {
            Side::Answering(_) => None,
            Side::Dialling(dialling) => Some(dialling.address()),
        }
    }

    /// By these ways checks go where we dial.
    pub fn set_ways(&mut self, ways: Vec<Path>) {
        match &mut self.ice {
            Side::Answering(_) => {}
            Side::Dialling(dialling) => dialling.set_ways(ways),
        }
    }

    /// From now on only checks from these networks count, where the peer sends them: another gateway's are its own.
    pub fn take_from(&mut self, networks: Vec<Network>) {
        match &mut self.ice {
            Side::Answering(ice) => ice.take_from(networks),
            Side::Dialling(_) => {}
        }
    }

    /// From where else the peer has sent a check, which does not count; told once.
    pub const fn elsewhere(&mut self) -> Option<IpAddr> {
        match &mut self.ice {
            Side::Answering(ice) => ice.elsewhere(),
            Side::Dialling(_) => None,
        }
    }

    /// From now on only declared streams are decrypted: the peer is a gateway.
    pub fn take_declared_only(&mut self) {
        self.streams = Streams::Declared { now: HashSet::new(), ever: HashSet::new() };
    }

    /// From now on this stream is decrypted, of a peer that is a gateway.
    ///
    /// # Errors
    /// There are too many.
    pub fn declare(&mut self, ssrc: u32) -> Result<(), WornOut> {
        let Streams::Declared { now, ever } = &mut self.streams else { return Ok(()) };
        if now.len() >= MOST_DECLARED || (ever.len() >= MOST_EVER && !ever.contains(&ssrc)) {
            return Err(WornOut);
        }
        now.insert(ssrc);
        ever.insert(ssrc);
        Ok(())
    }

    /// From now on it is not.
    pub fn withdraw(&mut self, ssrc: u32) {
        if let Streams::Declared { now, .. } = &mut self.streams {
            now.remove(&ssrc);
        }
    }

    /// Random bytes for what a connection needs beside its keys.
    pub fn chance<const N: usize>(&self) -> [u8; N] {
        let mut chance = [0; N];
        if let Err(error) = self.crypto.random().fill(&mut chance) {
            tracing::error!(%error, "no random bytes");
        }
        chance
    }

    /// The browser made a new offer for the same connection (RFC 8445 section 9): sound goes on the old path until the new
    /// one is found.
    pub fn restart(&mut self, credentials: Credentials) {
        match &mut self.ice {
            Side::Answering(ice) => ice.restart(credentials),
            Side::Dialling(_) => {}
        }
    }

    /// Whether this address has shown that the peer is there.
    pub fn admits(&self, path: Path) -> bool {
        match &self.ice {
            Side::Answering(ice) => ice.admits(path),
            Side::Dialling(dialling) => dialling.admits(path),
        }
    }

    /// Whether datagrams from this address may be of this connection.
    pub fn knows(&self, path: Path) -> bool {
        self.admits(path) || self.dials() == Some(path.peer)
    }

    /// Whether sound can pass.
    pub const fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the exchange failed: this connection will never carry anything.
    pub const fn has_failed(&self) -> bool {
        self.dtls.has_failed()
    }

    /// When the peer last showed that it is there.
    pub const fn heard_at(&self) -> Instant {
        match &self.ice {
            Side::Answering(ice) => ice.heard_at(),
            Side::Dialling(dialling) => dialling.heard_at(),
        }
    }

    /// There and back, as our last check shows it; whoever answers checks does not know.
    pub const fn round_trip(&self) -> Option<Duration> {
        match &self.ice {
            Side::Answering(_) => None,
            Side::Dialling(dialling) => dialling.round_trip(),
        }
    }

    const fn selected(&self) -> Option<Path> {
        match &self.ice {
            Side::Answering(ice) => ice.selected(),
            Side::Dialling(dialling) => dialling.selected(),
        }
    }

    /// Takes a datagram. The first byte tells what it is (RFC 7983).
    pub fn receive(&mut self, datagram: &[u8], path: Path, now: Instant) -> Received {
        match datagram.first() {
            Some(0..=3) => {
                self.check(datagram, path, now);
                Received::Nothing
            }
            Some(20..=63) if self.admits(path) => self.exchange(datagram, path, now),
            Some(128..=191) if self.admits(path) => self.open(datagram),
            Some(_) | None => Received::Nothing,
        }
    }

    /// Protects an RTP packet; `None` before the keys are there.
    pub fn protect(&mut self, rtp: &[u8]) -> Option<(BytesMut, Path)> {
        let path = self.selected()?;
        Some((self.keys.as_mut()?.protect(rtp)?, path))
    }

    /// Protects an RTCP packet; `None` before the keys are there.
    pub fn protect_rtcp(&mut self, rtcp: &[u8]) -> Option<(BytesMut, Path)> {
        let path = self.selected()?;
        Some((self.keys.as_mut()?.protect_rtcp(rtcp)?, path))
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<(Bytes, Path)> {
        self.waiting.pop_front()
    }

    /// When [`Self::handle_timeout`] is due: a flight of the key exchange may be lost, or a check is to be sent.
    pub fn next_timeout(&self) -> Option<Instant> {
        let check = match &self.ice {
            Side::Answering(_) => None,
            Side::Dialling(dialling) => Some(dialling.next_timeout()),
        };
        self.dtls.next_timeout().into_iter().chain(check).min()
    }

    /// Sends again what seems lost, and checks where we dial.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Side::Dialling(dialling) = &mut self.ice
            && let Some((check, ways)) = dialling.poll_check(now)
        {
            let check = Bytes::from(check);
            for way in ways {
                queue(&mut self.waiting, check.clone(), *way);
            }
        }
        if self.dtls.next_timeout().is_some_and(|at| at <= now) {
            let again = self.dtls.handle_timeout(now);
            if let Some(path) = self.selected() {
                again.into_iter().for_each(|record| self.send(record.freeze(), path));
            }
        }
    }

    fn check(&mut self, datagram: &[u8], path: Path, now: Instant) {
        match &mut self.ice {
            Side::Answering(ice) => {
                if let Some(response) = ice.check(datagram, path, now) {
                    self.send(response.into(), path);
                }
            }
            Side::Dialling(dialling) => {
                if dialling.take(datagram, path, now) {
                    let words = self.dtls.begin(now);
                    words.into_iter().for_each(|record| self.send(record.freeze(), path));
                }
            }
        }
    }

    fn exchange(&mut self, datagram: &[u8], path: Path, now: Instant) -> Received {
        let had_failed = self.dtls.has_failed();
        let progress = self.dtls.receive(datagram, &self.crypto, now);
        progress.replies.into_iter().for_each(|record| self.send(record.freeze(), path));
        if let Some(keys) = progress.keys {
            self.keys = Some(keys);
            return Received::Connected;
        }
        if !had_failed && self.dtls.has_failed() { Received::Failed } else { Received::Nothing }
    }

    fn open(&mut self, datagram: &[u8]) -> Received {
        let Some(keys) = &mut self.keys else { return Received::Nothing };
        if is_rtcp(datagram) {
            return keys.open_rtcp(datagram).map_or(Received::Nothing, Received::Rtcp);
        }
        let opened = match &self.streams {
            Streams::One => keys.open(datagram),
            Streams::Declared { now, .. } => keys.open_declared(datagram, now),
        };
        opened.map_or(Received::Nothing, Received::Rtp)
    }

    fn send(&mut self, datagram: Bytes, path: Path) {
        queue(&mut self.waiting, datagram, path);
    }
}

fn queue(waiting: &mut VecDeque<(Bytes, Path)>, datagram: Bytes, path: Path) {
    if waiting.len() < MOST_WAITING {
        waiting.push_back((datagram, path));
    }
}
