//! The key exchange (RFC 5764): as the server, or as the client where we dial another gateway. In: DTLS records until the keys are
//! there. Out: records, and then the keys.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_crypto::{HashAlgorithm, RTCCryptoProvider};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

use super::srtp::Keys;

/// The SHA-256 of a certificate, as SDP gives it (RFC 8122).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

/// The cryptography did not start.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no keys for browsers: {0}")]
pub struct CannotBegin(String);

impl From<Error> for CannotBegin {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rtc_crypto::CryptoError> for CannotBegin {
    fn from(error: rtc_crypto::CryptoError) -> Self {
        Self(error.to_string())
    }
}

/// What this node shows to browsers and to other gateways: a certificate that lives as long as the process.
#[derive(Clone)]
pub struct Identity {
    pub(super) crypto: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
    /// For browsers that have AES-GCM, and for those that may not.
    fast: Arc<HandshakeConfig>,
    any: Arc<HandshakeConfig>,
    /// Where we dial.
    dialling: Arc<HandshakeConfig>,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// No key could be made.
    pub fn generate() -> Result<Self, CannotBegin> {
        let crypto = rtc_crypto::default_provider()?;
        let certificate = Certificate::generate_self_signed(vec![String::from("einwahl")], crypto.crypto())?;
        let der = certificate.certificate.first().map(|der| der.to_vec()).unwrap_or_default();
        let fingerprint = fingerprint_of(&der, crypto.as_ref())?;
        let fast = vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm];
        let any =
            vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80];
        let dialling = Arc::new(config(&crypto, &certificate, fast.clone(), true)?);
        let fast = Arc::new(config(&crypto, &certificate, fast, false)?);
        let any = Arc::new(config(&crypto, &certificate, any, false)?);
        Ok(Self { crypto, fingerprint, fast, any, dialling })
    }

    /// What the answer says of it.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

fn config(
    crypto: &Arc<dyn RTCCryptoProvider>,
    certificate: &Certificate,
    profiles: Vec<SrtpProtectionProfile>,
    is_client: bool,
) -> Result<HandshakeConfig, CannotBegin> {
    let config = ConfigBuilder::default()
        .with_crypto_provider(Arc::clone(crypto))
        .with_certificates(vec![certificate.clone()])
        .with_srtp_protection_profiles(profiles)
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        // No authority signs these certificates: the fingerprint in the offer is the proof, looked at when all is said.
        .with_insecure_skip_verify(true)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_flight_interval(Duration::from_millis(250))
        .build(is_client, None)?;
    Ok(config)
}

fn fingerprint_of(der: &[u8], crypto: &dyn RTCCryptoProvider) -> Result<Fingerprint, CannotBegin> {
    let hash = crypto.crypto().hash(HashAlgorithm::Sha256, der)?;
    let hash = hash.as_slice().try_into().map_err(|_| CannotBegin(String::from("a SHA-256 of another length")))?;
    Ok(Fingerprint(hash))
}

/// The machine tells peers apart by address; here each has its own, wherever the browser moves.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// The last flight is repeated so often at most.
const MOST_REPEATS: u8 = 8;

/// Datagrams that come within this time are one flight of the peer: it gets one answer.
const ONE_FLIGHT: Duration = Duration::from_millis(100);

/// How far the key exchange is.
pub(super) enum Dtls {
    /// Nothing has come: what the browser says first decides how its sound will be protected.
    Waiting { fast: Arc<HandshakeConfig>, any: Arc<HandshakeConfig>, expected: Fingerprint },
    /// We shall speak first, once the way is known.
    Ready { config: Arc<HandshakeConfig>, expected: Fingerprint },
    /// Records go into the machine, but for those that were answered.
    Exchanging { machine: Box<Endpoint>, expected: Fingerprint, answered: Answered },
    /// The machine is gone. The last flight is kept for a peer that missed it.
    Done { last_flight: Vec<BytesMut>, repeats_left: u8, sent_at: Instant },
    /// It failed, or the browser is not the one that made the offer.
    Failed,
}

/// What of the peer we have answered. Heard again, it would make the machine forget to repeat its answer, should that be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Nothing that matters.
    Nothing,
    /// A ClientHello, by the flight of the server.
    Hello,
    /// That flight, by all that a client says.
    All,
}

impl Answered {
    /// We send this.
    fn note(&mut self, mut datagram: &[u8]) {
        while let Some((&[kind, _, _, _, _, _, _, _, _, _, _, l0, l1], rest)) = datagram.split_first_chunk::<13>() {
            match (*self, kind, rest.first()) {
                (Self::Nothing, HANDSHAKE, Some(&SERVER_HELLO)) => *self = Self::Hello,
                // A server says this only in its last flight.
                (Self::Nothing, CHANGE_CIPHER_SPEC, _) => *self = Self::All,
                _ => {}
            }
            datagram = rest.get(usize::from(u16::from_be_bytes([l0, l1]))..).unwrap_or_default();
        }
    }

    /// Whether this was answered; it stands in records of epoch 0.
    const fn is_again(self, datagram: &[u8]) -> bool {
        let &[HANDSHAKE, _, _, 0, 0, _, _, _, _, _, _, _, _, message, ..] = datagram else { return false };
        match self {
            Self::Nothing => false,
            Self::Hello => message == CLIENT_HELLO,
            Self::All => true,
        }
    }
}

/// What came of a datagram.
pub(super) struct Progress {
    pub(super) replies: Vec<BytesMut>,
    pub(super) keys: Option<Box<Keys>>,
}

impl Progress {
    const NOTHING: Self = Self { replies: Vec::new(), keys: None };
}

impl Dtls {
    pub(super) fn new(identity: &Identity, expected: Fingerprint) -> Self {
        Self::Waiting { fast: Arc::clone(&identity.fast), any: Arc::clone(&identity.any), expected }
    }

    pub(super) fn dialling(identity: &Identity, expected: Fingerprint) -> Self {
        Self::Ready { config: Arc::clone(&identity.dialling), expected }
    }

    /// Our first words, if they have not been said.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<BytesMut> {
        let Self::Ready { config, expected } = self else { return Vec::new() };
        let mut machine = Endpoint::new(PEER, TransportProtocol::UDP, None);
        if let Err(error) = machine.connect(now, PEER, Arc::clone(config), None) {
            tracing::error!(%error, "a key exchange with another gateway did not begin");
            *self = Self::Failed;
            return Vec::new();
        }
        let words = std::iter::from_fn(|| machine.poll_transmit().map(|sent| sent.message)).collect();
        *self = Self::Exchanging { machine: Box::new(machine), expected: *expected, answered: Answered::Nothing };
        words
    }

    pub(super) const fn has_failed(&self) -> bool {
        matches!(self, Self::Failed)
    }

    pub(super) fn receive(&mut self, datagram: &[u8], crypto: &Arc<dyn RTCCryptoProvider>, now: Instant) -> Progress {
        if let Self::Waiting { fast, any, expected } = self {
            if datagram.first() != Some(&HANDSHAKE) {
                return Progress::NOTHING;
            }
            let config = if offers_gcm(datagram) { fast } else { any };
            let machine = Endpoint::new(PEER, TransportProtocol::UDP, Some(Arc::clone(config)));
            *self = Self::Exchanging { machine: Box::new(machine), expected: *expected, answered: Answered::Nothing };
        }
        match self {
            Self::Exchanging { .. } if would_end_it(datagram) => Progress::NOTHING,
            Self::Exchanging { answered, .. } if answered.is_again(datagram) => Progress::NOTHING,
            Self::Exchanging { machine, expected, answered } => {
                let events = machine.read(now, PEER, None, BytesMut::from(datagram));
                let replies: Vec<_> = std::iter::from_fn(|| machine.poll_transmit().map(|sent| sent.message)).collect();
                replies.iter().for_each(|sent| answered.note(sent));
                let is_complete = match events {
                    Ok(events) => events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)),
                    Err(error) => {
                        tracing::debug!(%error, "a key exchange failed");
                        *self = Self::Failed;
                        return Progress { replies, keys: None };
                    }
                };
                if !is_complete {
                    return Progress { replies, keys: None };
                }
                let state =
                    machine.get_connection_state(PEER).filter(|state| has_shown(state, *expected, crypto.as_ref()));
                let keys = state.and_then(|state| Keys::of(state, crypto)).map(Box::new);
                *self = match keys {
                    Some(_) => Self::Done { last_flight: replies.clone(), repeats_left: MOST_REPEATS, sent_at: now },
                    None => Self::Failed,
                };
                Progress { replies, keys }
            }
            Self::Done { last_flight, repeats_left, sent_at } => {
                let is_answered = now.saturating_duration_since(*sent_at) < ONE_FLIGHT;
                if datagram.first() != Some(&HANDSHAKE) || is_answered || *repeats_left == 0 {
                    return Progress::NOTHING;
                }
                *repeats_left -= 1;
                *sent_at = now;
                Progress { replies: last_flight.clone(), keys: None }
            }
            Self::Waiting { .. } | Self::Ready { .. } | Self::Failed => Progress::NOTHING,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self {
            Self::Exchanging { machine, .. } => machine.poll_timeout(&PEER),
            Self::Waiting { .. } | Self::Ready { .. } | Self::Done { .. } | Self::Failed => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<BytesMut> {
        match self {
            Self::Exchanging { machine, .. } => {
                if machine.handle_timeout(PEER, now).is_err() {
                    *self = Self::Failed;
                    return Vec::new();
                }
                std::iter::from_fn(|| machine.poll_transmit().map(|sent| sent.message)).collect()
            }
            Self::Waiting { .. } | Self::Ready { .. } | Self::Done { .. } | Self::Failed => Vec::new(),
        }
    }
}

/// Content types of records (RFC 6347 section 4.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

/// Types of messages (RFC 5246 section 7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// A ChangeCipherSpec in an epoch other than 0 has no meaning, and makes the machine send a fatal alert.
fn would_end_it(datagram: &[u8]) -> bool {
    match datagram {
        [CHANGE_CIPHER_SPEC, _, _, e0, e1, ..] => (*e0, *e1) != (0, 0),
        _ => false,
    }
}

/// Whether the peer's certificate is the one whose fingerprint was told before.
fn has_shown(state: &State, expected: Fingerprint, crypto: &dyn RTCCryptoProvider) -> bool {
    let shown = state.peer_certificates.first().and_then(|der| fingerprint_of(der, crypto).ok());
    if shown != Some(expected) {
        tracing::debug!("a certificate is not the one that was told before");
    }
    shown == Some(expected)
}

/// The extension `use_srtp` (RFC 5764 section 4.1.1), and AES-128-GCM in it (RFC 7714 section 14.2).
const USE_SRTP: [u8; 2] = [0, 14];
const AES_128_GCM: [u8; 2] = [0, 7];

/// Whether a ClientHello lists AES-GCM. The machine takes the first profile of the browser's list that we have, and browsers
/// list AES-CM-SHA1 first, whose packets are shorter and cost three times as much: from a browser that has GCM nothing else
/// is taken. Of a hello that came in fragments the list may not be seen; then the browser's order holds.
fn offers_gcm(hello: &[u8]) -> bool {
    hello.windows(6).enumerate().any(|(at, window)| {
        let &[t0, t1, l0, l1, p0, p1] = window else { return false };
        let (whole, profiles) = (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([p0, p1]));
        // The list, and a name for the keys that nobody uses: one byte of length.
        let is_list = [t0, t1] == USE_SRTP && profiles % 2 == 0 && profiles < whole && whole - profiles <= 3;
        let list = hello.get(at + 6..).and_then(|rest| rest.get(..usize::from(profiles)));
        is_list && list.is_some_and(|list| list.chunks_exact(2).any(|profile| profile == AES_128_GCM))
    })
}

#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used, reason = "for tests alone")]
pub(super) fn tests_only_fingerprint(certificate: &Certificate, identity: &Identity) -> Fingerprint {
    fingerprint_of(&certificate.certificate[0], identity.crypto.as_ref()).expect("a hash")
}
