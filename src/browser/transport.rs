//! One connection: checks, key exchange, media. In: datagrams of any kind from anywhere. Out: RTP, RTCP, and datagrams to
//! send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc_crypto::RTCCryptoProvider;

use super::dtls::{Dtls, Fingerprint, Identity};
use super::ice::{Credentials, Ice, Path};
use super::srtp::Keys;
use crate::media::rtp::is_rtcp;

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

/// See the module.
pub struct Transport {
    crypto: Arc<dyn RTCCryptoProvider>,
    ice: Ice,
    dtls: Dtls,
    keys: Option<Box<Keys>>,
    waiting: VecDeque<(Bytes, Path)>,
}

impl Transport {
    /// A connection for the browser whose offer gave `fingerprint`.
    pub fn new(identity: &Identity, credentials: Credentials, fingerprint: Fingerprint, now: Instant) -> Self {
        let crypto = Arc::clone(&identity.crypto);
        Self {
            ice: Ice::new(Arc::clone(&crypto), credentials, now),
            dtls: Dtls::new(identity, fingerprint),
            crypto,
            keys: None,
            waiting: VecDeque::new(),
        }
    }

    /// The browser made a new offer for the same connection (RFC 8445 section 9): sound goes on the old path until the new
    /// one is found.
    pub fn restart(&mut self, credentials: Credentials) {
        self.ice.restart(credentials);
    }

    /// Whether this address has shown that the browser is there.
    pub fn admits(&self, path: Path) -> bool {
        self.ice.admits(path)
    }

    /// Whether sound can pass.
    pub const fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// When the browser last showed that it is there.
    pub const fn heard_at(&self) -> Instant {
        self.ice.heard_at()
    }

    /// Takes a datagram. The first byte tells what it is (RFC 7983).
    pub fn receive(&mut self, datagram: &[u8], path: Path, now: Instant) -> Received {
        match datagram.first() {
            Some(0..=3) => {
                if let Some(response) = self.ice.check(datagram, path, now) {
                    self.send(response.into(), path);
                }
                Received::Nothing
            }
            Some(20..=63) if self.ice.admits(path) => self.exchange(datagram, path, now),
            Some(128..=191) if self.ice.admits(path) => self.open(datagram),
            Some(_) | None => Received::Nothing,
        }
    }

    /// Protects an RTP packet; `None` before the keys are there.
    pub fn protect(&mut self, rtp: &[u8]) -> Option<(BytesMut, Path)> {
        let path = self.ice.selected()?;
        Some((self.keys.as_mut()?.protect(rtp)?, path))
    }

    /// Protects an RTCP packet; `None` before the keys are there.
    pub fn protect_rtcp(&mut self, rtcp: &[u8]) -> Option<(BytesMut, Path)> {
        let path = self.ice.selected()?;
        Some((self.keys.as_mut()?.protect_rtcp(rtcp)?, path))
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<(Bytes, Path)> {
        self.waiting.pop_front()
    }

    /// When [`Self::handle_timeout`] is due: a flight of the key exchange may be lost.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.dtls.next_timeout()
    }

    /// Sends again what seems lost.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.dtls.next_timeout().is_some_and(|at| at <= now) {
            let again = self.dtls.handle_timeout(now);
            if let Some(path) = self.ice.selected() {
                again.into_iter().for_each(|record| self.send(record.freeze(), path));
            }
        }
    }

    fn exchange(&mut self, datagram: &[u8], path: Path, now: Instant) -> Received {
        let had_failed = self.dtls.has_failed();
        let progress = self.dtls.receive(datagram, self.crypto.as_ref(), now);
        progress.replies.into_iter().for_each(|record| self.send(record.freeze(), path));
        if let Some(keys) = progress.keys {
            self.keys = Some(keys);
            return Received::Connected;
        }
        if !had_failed && self.dtls.has_failed() { Received::Failed } else { Received::Nothing }
    }

    fn open(&mut self, datagram: &[u8]) -> Received {
        let Some(keys) = &mut self.keys else { return Received::Nothing };
        let (crypto, is_rtcp) = (self.crypto.as_ref(), is_rtcp(datagram));
        let opened = if is_rtcp { keys.open_rtcp(datagram, crypto) } else { keys.open(datagram, crypto) };
        opened.map_or(Received::Nothing, if is_rtcp { Received::Rtcp } else { Received::Rtp })
    }

    fn send(&mut self, datagram: Bytes, path: Path) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back((datagram, path));
        }
    }
}
