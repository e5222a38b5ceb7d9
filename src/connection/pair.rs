//! The far end of the stories: a browser that is the DTLS client of the same family of crates, on a virtual clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter as _};

use super::srtp::Keys;
use super::*;
use crate::media::rtp::Header;
use crate::words::RtpTime;

pub(super) const THERE: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

pub(super) fn path(port: u16) -> Path {
    Path { peer: ([192, 0, 2, 7], port).into(), via: Via::Udp(0) }
}

/// A browser at the far end.
pub(super) struct Page {
    pub(super) identity: Identity,
    pub(super) machine: Endpoint,
    pub(super) keys: Option<Keys>,
    pub(super) ufrag: String,
    inbox: VecDeque<BytesMut>,
}

pub(crate) struct Pair {
    pub(super) page: Page,
    pub(super) gateway: Transport,
    pub(super) credentials: Credentials,
    pub(super) now: Instant,
    /// The last packet's number.
    said: u16,
}

pub(super) fn credentials(seed: u8) -> Credentials {
    Credentials::new(&[seed; 26], "page")
}

impl Pair {
    /// A page and a gateway that know each other's offer and answer. With another fingerprint in the offer than the page's.
    #[cfg(test)]
    pub(super) fn with_fingerprint(forged: Option<Fingerprint>) -> Self {
        Self::with(forged, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    pub(super) fn with(forged: Option<Fingerprint>, profile: SrtpProtectionProfile) -> Self {
        let now = Instant::now();
        let (ours, theirs) = (Identity::generate().expect("keys"), Identity::generate().expect("keys"));
        let certificate =
            Certificate::generate_self_signed(vec![String::from("page")], theirs.crypto.crypto()).expect("keys");
        let fingerprint = super::dtls::tests_only_fingerprint(&certificate, &theirs);
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&theirs.crypto))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![profile])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)
            .expect("a configuration");
        let mut machine = Endpoint::new(THERE, TransportProtocol::UDP, None);
        machine.connect(now, THERE, Arc::new(config), None).expect("begins");
        let gateway = Transport::new(&ours, credentials(1), forged.unwrap_or(fingerprint), now);
        let page = Page { identity: theirs, machine, keys: None, ufrag: String::from("page"), inbox: VecDeque::new() };
        Self { page, gateway, credentials: credentials(1), now, said: 0 }
    }

    #[cfg(test)]
    pub(super) fn new() -> Self {
        Self::with_fingerprint(None)
    }

    pub(super) fn check(&self, credentials: &Credentials, chosen: bool) -> Vec<u8> {
        let mut request = Message::new();
        request.set_type(BINDING_REQUEST);
        request.new_transaction_id().expect("an ID");
        request.write_header();
        request.add(ATTR_USERNAME, format!("{}:{}", credentials.ufrag, self.page.ufrag).as_bytes());
        if chosen {
            request.add(ATTR_USE_CANDIDATE, &[]);
        }
        let key = credentials.password.as_bytes();
        MessageIntegrity::new_raw_integrity_with_provider(key, self.page.identity.crypto.crypto())
            .add_to(&mut request)
            .expect("signed");
        FINGERPRINT.add_to(&mut request).expect("closed");
        request.raw
    }

    pub(super) fn checks_from(&mut self, port: u16, credentials: &Credentials) -> bool {
        let check = self.check(credentials, true);
        self.gateway.receive(&check, path(port), self.now);
        let Some((response, to)) = self.gateway.poll_transmit() else { return false };
        let mut message = Message::new();
        message.unmarshal_binary(&response).expect("STUN");
        assert_eq!((message.typ, to), (BINDING_SUCCESS, path(port)));
        true
    }

    /// Carries the flights of the key exchange to and fro; drops those for which `lose` says so.
    pub(super) fn exchanges(&mut self, mut lose: impl FnMut(usize) -> bool) -> Received {
        let mut last = Received::Nothing;
        let mut sent = 0;
        for _ in 0..40 {
            self.now += Duration::from_millis(300);
            let news = self.carry(&mut sent, &mut lose);
            if news != Received::Nothing {
                last = news;
            }
        }
        last
    }

    /// What both have to send now.
    pub(super) fn carry(&mut self, sent: &mut usize, lose: &mut impl FnMut(usize) -> bool) -> Received {
        let mut last = Received::Nothing;
        let _ = self.page.machine.handle_timeout(THERE, self.now);
        self.gateway.handle_timeout(self.now);
        while let Some(out) = self.page.machine.poll_transmit() {
            *sent += 1;
            if !lose(*sent) {
                let news = self.gateway.receive(&out.message, path(1), self.now);
                if news != Received::Nothing {
                    last = news;
                }
            }
        }
        while let Some((datagram, _)) = self.gateway.poll_transmit() {
            *sent += 1;
            if !lose(*sent) {
                self.page.inbox.push_back(BytesMut::from(&datagram[..]));
            }
        }
        while let Some(datagram) = self.page.inbox.pop_front() {
            for event in self.page.machine.read(self.now, THERE, None, datagram).unwrap_or_default() {
                if matches!(event, EndpointEvent::HandshakeComplete) {
                    let state = self.page.machine.get_connection_state(THERE).expect("a state");
                    self.page.keys = Keys::of(state, &self.page.identity.crypto);
                }
            }
        }
        last
    }

    pub(crate) fn connected() -> Self {
        Self::connected_with(SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    /// A page that has passed its check; the key exchange has not begun.
    fn admitted(profile: SrtpProtectionProfile) -> Self {
        let mut pair = Self::with(None, profile);
        let credentials = pair.credentials.clone();
        assert!(pair.checks_from(1, &credentials));
        pair
    }

    pub(super) fn connected_with(profile: SrtpProtectionProfile) -> Self {
        let mut pair = Self::admitted(profile);
        assert_eq!(pair.exchanges(|_| false), Received::Connected);
        pair
    }

    pub(super) fn rtp(sequence: u16, ssrc: u32) -> Vec<u8> {
        let mut packet =
            Header { payload_type: 111, marker: false, sequence, timestamp: RtpTime(0), ssrc }.to_bytes().to_vec();
        packet.extend([1, 2, 3, 4]);
        packet
    }

    /// Takes datagrams from the page's own address and from a stranger's. Before each stand a byte for its length, and one
    /// that may set its first byte, by which kinds are told apart, and lets time pass.
    pub(crate) fn hostile(&mut self, bytes: &[u8]) {
        let firsts = [0, 20, 21, 22, 23, 128, 144, 255];
        let mut rest = bytes;
        while let [length, kind, after @ ..] = rest {
            let (datagram, next) = after.split_at(usize::from(*length).min(after.len()));
            rest = next;
            let mut datagram = datagram.to_vec();
            if let (Some(first), Some(wanted)) = (datagram.first_mut(), firsts.get(usize::from(*kind))) {
                *first = *wanted;
            }
            for port in [1, 666] {
                self.gateway.receive(&datagram, path(port), self.now);
                while self.gateway.poll_transmit().is_some() {}
            }
            self.now += Duration::from_millis(u64::from(*kind));
            self.gateway.handle_timeout(self.now);
        }
    }

    /// A page that is about to exchange keys.
    pub(crate) fn about_to_connect() -> Self {
        Self::admitted(SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    /// Whether sound still passes, both ways, after whatever came.
    pub(crate) fn still_talks(&mut self) -> bool {
        self.said = self.said.wrapping_add(1);
        self.talks(self.said, 1)
    }

    /// Whether sound passes, both ways.
    pub(super) fn talks(&mut self, sequence: u16, from: u16) -> bool {
        let rtp = Self::rtp(sequence, 77);
        let sealed = self.page.keys.as_mut().expect("keys").protect(&rtp).expect("sealed");
        let heard = self.gateway.receive(&sealed, path(from), self.now) == Received::Rtp(BytesMut::from(&rtp[..]));
        let back = Self::rtp(sequence, 99);
        let (sealed, to) = self.gateway.protect(&back).expect("sealed");
        let opened = self.page.keys.as_mut().expect("keys").open(&sealed);
        heard && opened.as_deref() == Some(&back[..]) && to == path(from)
    }
}

/// What Chromium offers, in short.
#[cfg(test)]
pub(super) fn browser_offer() -> String {
    let mut text = String::from(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\na=extmap-allow-mixed\r\n",
    );
    let fingerprint = Fingerprint([0xab; 32]);
    for (mid, kind, direction) in
        [(0, "audio", "sendrecv"), (1, "audio", "recvonly"), (2, "video", "recvonly"), (3, "audio", "recvonly")]
    {
        text.push_str(&format!(
            "m={kind} 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:AbCd\r\n\
             a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:{mid}\r\n\
             a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na={direction}\r\na=rtcp-mux\r\n\
             a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
        ));
    }
    text
}
