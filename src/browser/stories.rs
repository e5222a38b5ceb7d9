//! Stories of a connection: a browser that is the DTLS client of the same family of crates, on a virtual clock.

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
use crate::media::{CanonicalName, rtcp};
use crate::words::RtpTime;

const THERE: std::net::SocketAddr = std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

fn path(port: u16) -> Path {
    Path { peer: ([192, 0, 2, 7], port).into(), via: Via::Udp(0) }
}

/// A browser at the far end.
struct Page {
    identity: Identity,
    machine: Endpoint,
    keys: Option<Keys>,
    ufrag: String,
    inbox: VecDeque<BytesMut>,
}

struct Pair {
    page: Page,
    gateway: Transport,
    credentials: Credentials,
    now: Instant,
}

fn credentials(seed: u8) -> Credentials {
    Credentials::new(&[seed; 26], "page")
}

impl Pair {
    /// A page and a gateway that know each other's offer and answer. With another fingerprint in the offer than the page's.
    fn with_fingerprint(forged: Option<Fingerprint>) -> Self {
        Self::with(forged, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    fn with(forged: Option<Fingerprint>, profile: SrtpProtectionProfile) -> Self {
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
        let gateway = Transport::new(&ours, credentials(1), forged.unwrap_or(fingerprint), now).expect("a transport");
        let page = Page { identity: theirs, machine, keys: None, ufrag: String::from("page"), inbox: VecDeque::new() };
        Self { page, gateway, credentials: credentials(1), now }
    }

    fn new() -> Self {
        Self::with_fingerprint(None)
    }

    fn check(&self, credentials: &Credentials, chosen: bool) -> Vec<u8> {
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

    fn checks_from(&mut self, port: u16, credentials: &Credentials) -> bool {
        let check = self.check(credentials, true);
        self.gateway.receive(&check, path(port), self.now);
        let Some((response, to)) = self.gateway.poll_transmit() else { return false };
        let mut message = Message::new();
        message.unmarshal_binary(&response).expect("STUN");
        assert_eq!((message.typ, to), (BINDING_SUCCESS, path(port)));
        true
    }

    /// Carries the flights of the key exchange to and fro; drops those for which `lose` says so.
    fn exchanges(&mut self, mut lose: impl FnMut(usize) -> bool) -> Received {
        let mut last = Received::Nothing;
        let mut sent = 0;
        for _ in 0..40 {
            self.now += Duration::from_millis(300);
            let _ = self.page.machine.handle_timeout(THERE, self.now);
            self.gateway.handle_timeout(self.now);
            while let Some(out) = self.page.machine.poll_transmit() {
                sent += 1;
                if !lose(sent) {
                    let news = self.gateway.receive(&out.message, path(1), self.now);
                    if news != Received::Nothing {
                        last = news;
                    }
                }
            }
            while let Some((datagram, _)) = self.gateway.poll_transmit() {
                sent += 1;
                if !lose(sent) {
                    self.page.inbox.push_back(BytesMut::from(&datagram[..]));
                }
            }
            while let Some(datagram) = self.page.inbox.pop_front() {
                for event in self.page.machine.read(self.now, THERE, None, datagram).unwrap_or_default() {
                    if matches!(event, EndpointEvent::HandshakeComplete) {
                        let state = self.page.machine.get_connection_state(THERE).expect("a state");
                        self.page.keys = Keys::of(state, self.page.identity.crypto.as_ref());
                    }
                }
            }
        }
        last
    }

    fn connected() -> Self {
        Self::connected_with(SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    fn connected_with(profile: SrtpProtectionProfile) -> Self {
        let mut pair = Self::with(None, profile);
        let credentials = pair.credentials.clone();
        assert!(pair.checks_from(1, &credentials));
        assert_eq!(pair.exchanges(|_| false), Received::Connected);
        pair
    }

    fn rtp(sequence: u16, ssrc: u32) -> Vec<u8> {
        let mut packet =
            Header { payload_type: 111, marker: false, sequence, timestamp: RtpTime(0), ssrc }.to_bytes().to_vec();
        packet.extend([1, 2, 3, 4]);
        packet
    }

    /// Whether sound passes, both ways.
    fn talks(&mut self, sequence: u16, from: u16) -> bool {
        let rtp = Self::rtp(sequence, 77);
        let sealed = self.page.keys.as_mut().expect("keys").protect(&rtp).expect("sealed");
        let heard = self.gateway.receive(&sealed, path(from), self.now) == Received::Rtp(BytesMut::from(&rtp[..]));
        let back = Self::rtp(sequence, 99);
        let (sealed, to) = self.gateway.protect(&back).expect("sealed");
        let crypto = Arc::clone(&self.page.identity.crypto);
        let opened = self.page.keys.as_mut().expect("keys").open(&sealed, crypto.as_ref());
        heard && opened.as_deref() == Some(&back[..]) && to == path(from)
    }
}

#[test]
fn a_browser_connects_and_is_heard_and_hears() {
    let mut pair = Pair::connected();
    assert!((0..200).all(|sequence| pair.talks(sequence, 1)));
}

#[test]
fn a_lossy_line_delays_the_key_exchange_and_does_not_break_it() {
    // The later flights are the browser's to repeat.
    for lost in 1..=4 {
        let mut pair = Pair::new();
        let credentials = pair.credentials.clone();
        assert!(pair.checks_from(1, &credentials));
        assert_eq!(pair.exchanges(|number| number == lost), Received::Connected, "without datagram {lost}");
        assert!(pair.talks(1, 1), "without datagram {lost}");
    }
}

#[test]
fn a_browser_that_missed_the_last_flight_gets_it_again_and_not_without_end() {
    let mut pair = Pair::connected();
    let repeated = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0];
    let replies = (0..100).filter(|_| {
        pair.gateway.receive(&repeated, path(1), pair.now);
        std::iter::from_fn(|| pair.gateway.poll_transmit()).count() > 0
    });
    assert_eq!(replies.count(), 8);
}

#[test]
fn a_browser_other_than_the_one_that_made_the_offer_gets_no_keys() {
    let mut pair = Pair::with_fingerprint(Some(Fingerprint([7; 32])));
    let credentials = pair.credentials.clone();
    assert!(pair.checks_from(1, &credentials));
    assert_eq!(pair.exchanges(|_| false), Received::Failed);
    assert!(!pair.gateway.is_connected());
}

#[test]
fn a_check_with_a_wrong_password_is_not_answered() {
    let mut pair = Pair::new();
    let wrong = Credentials { password: String::from("x").repeat(40), ..pair.credentials.clone() };
    assert!(!pair.checks_from(1, &wrong));
    let strange = Credentials { ufrag: String::from("somebodyelse"), ..pair.credentials.clone() };
    assert!(!pair.checks_from(1, &strange));
    assert!(!pair.gateway.admits(path(1)));
}

#[test]
fn no_datagram_of_a_stranger_or_of_the_browsers_own_address_ends_a_call() {
    let mut pair = Pair::connected();
    let fatal = [0x14, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 1, 7, 0, 0];
    let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let hello = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 4, 1, 0, 0, 0];
    let mut seed = 7_u32;
    let mut sequence = 0;
    for round in 0..3_000_u32 {
        for bytes in [&fatal[..], &alert[..], &hello[..]] {
            let mut datagram = bytes.to_vec();
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if round > 10 {
                let at = (seed >> 8) as usize % datagram.len();
                datagram[at] ^= (seed >> 24) as u8;
            }
            for port in [1, 666] {
                assert_ne!(pair.gateway.receive(&datagram, path(port), pair.now), Received::Failed);
            }
            while pair.gateway.poll_transmit().is_some() {}
        }
        if round % 100 == 0 {
            sequence += 1;
            assert!(pair.talks(sequence, 1), "after {round} rounds");
        }
    }
}

#[test]
fn sound_under_another_name_is_not_heard_and_leaves_nothing_behind() {
    let mut pair = Pair::connected();
    assert!(pair.talks(1, 1));
    let strange = Pair::rtp(2, 78);
    let sealed = pair.page.keys.as_mut().expect("keys").protect(&strange).expect("sealed");
    assert_eq!(pair.gateway.receive(&sealed, path(1), pair.now), Received::Nothing);
    let mut replay = pair.page.keys.as_mut().expect("keys").protect(&Pair::rtp(3, 77)).expect("sealed");
    assert!(matches!(pair.gateway.receive(&replay, path(1), pair.now), Received::Rtp(_)));
    assert_eq!(pair.gateway.receive(&replay, path(1), pair.now), Received::Nothing);
    replay[14] ^= 1;
    assert_eq!(pair.gateway.receive(&replay, path(1), pair.now), Received::Nothing);
}

fn report(ssrc: u32) -> Vec<u8> {
    let mut out = [0; rtcp::LONGEST];
    let mut writer = rtcp::Writer::new(&mut out);
    writer.report(ssrc, None, None);
    writer.name([ssrc].into_iter(), "page");
    let length = writer.finish().expect("room");
    out[..length].to_vec()
}

#[test]
fn reports_pass_both_ways_once_each_and_only_under_a_few_names() {
    for profile in [SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80] {
        let mut pair = Pair::connected_with(profile);
        let crypto = Arc::clone(&pair.page.identity.crypto);
        let (sealed, to) = pair.gateway.protect_rtcp(&report(99)).expect("sealed");
        let opened = pair.page.keys.as_mut().expect("keys").open_rtcp(&sealed, crypto.as_ref());
        assert_eq!((opened.as_deref(), to), (Some(&report(99)[..]), path(1)));
        for name in 1..=6 {
            let sealed = pair.page.keys.as_mut().expect("keys").protect_rtcp(&report(name)).expect("sealed");
            let taken = pair.gateway.receive(&sealed, path(1), pair.now) == Received::Rtcp(report(name)[..].into());
            assert_eq!(taken, name <= 4, "{name}");
            assert_eq!(pair.gateway.receive(&sealed, path(1), pair.now), Received::Nothing, "again");
        }
    }
}

/// The crate takes a report whose "encrypted" flag is not set as it is, without a look at its tag: so nobody's may reach it.
#[test]
fn a_forged_report_is_not_taken_even_if_it_says_that_it_is_not_encrypted() {
    for profile in [SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80] {
        let mut pair = Pair::connected_with(profile);
        for flag in [0, 0x80] {
            for tail in 0..40_usize {
                let mut forged = report(77);
                forged.extend(vec![flag; tail]);
                forged.extend([flag, 0, 0, 1]);
                forged.extend([0; 10]);
                assert_eq!(pair.gateway.receive(&forged, path(1), pair.now), Received::Nothing, "{flag} {tail}");
            }
        }
        let sealed = pair.page.keys.as_mut().expect("keys").protect_rtcp(&report(77)).expect("sealed");
        for at in 0..sealed.len() {
            let mut forged = sealed.to_vec();
            forged[at] ^= 1;
            assert_eq!(pair.gateway.receive(&forged, path(1), pair.now), Received::Nothing, "{at}");
            assert_eq!(pair.gateway.receive(&sealed, path(2), pair.now), Received::Nothing, "from elsewhere");
        }
        assert!(matches!(pair.gateway.receive(&sealed, path(1), pair.now), Received::Rtcp(_)));
    }
}

#[test]
fn a_browser_that_changes_its_network_is_heard_on_both_paths_until_it_has_moved() {
    let mut pair = Pair::connected();
    assert!(pair.talks(1, 1));
    let fresh = credentials(2);
    pair.gateway.restart(fresh.clone());
    assert!(pair.talks(2, 1));
    let old = pair.credentials.clone();
    assert!(pair.checks_from(1, &old));
    assert!(pair.checks_from(2, &fresh));
    assert!(pair.talks(3, 2));
    assert!(!pair.checks_from(1, &old), "the old credentials have served");
}

fn browser_offer() -> String {
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

#[test]
fn an_answer_takes_the_audio_lines_and_keeps_a_place_for_the_rest() {
    let offer = Offer::read(&browser_offer()).expect("an offer");
    let here = Candidate::Udp(([192, 0, 2, 1], 3478).into());
    let (session, text) =
        answer(&offer, Fingerprint([1; 32]), &credentials(1), &[here], 50, &CanonicalName::new([1; 12]));
    assert_eq!((session.payload_type, session.level, session.slots), (111, Some(1), vec![50, 51, 52]));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[2].starts_with("m=video 0 "), "{text}");
    assert!(
        text.contains("a=group:BUNDLE 0 1 3\r\n") && text.contains("a=ice-lite") && text.contains("a=setup:passive")
    );
    assert_eq!(text.matches("a=sendonly").count(), 2);
}

#[test]
fn an_offer_that_cannot_be_used_says_what_it_lacks() {
    let offer = browser_offer();
    for (gone, why) in [
        ("a=ice-ufrag", BadOffer::NoCredentials),
        ("a=fingerprint", BadOffer::NoFingerprint),
        ("a=rtpmap:111", BadOffer::NoOpus),
        ("a=rtcp-mux", BadOffer::NoOpus),
        ("m=", BadOffer::NoOpus),
    ] {
        let text: String =
            offer.lines().filter(|line| !line.starts_with(gone)).map(|line| format!("{line}\n")).collect();
        assert_eq!(Offer::read(&text), Err(why), "without {gone}");
    }
    assert_eq!(Offer::read(&"x".repeat(100_000)), Err(BadOffer::TooLong));
}

proptest::proptest! {
    #[test]
    fn no_datagram_and_no_offer_stops_us(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), text in ".{0,300}") {
        let _ = ufrag_of(&bytes);
        let _ = Offer::read(&text);
        let offer = browser_offer();
        let at = bytes.len() % offer.len();
        let _ = Offer::read(&format!("{}{text}{}", &offer[..at], &offer[at..]));
    }
}
