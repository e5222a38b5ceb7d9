//! The traps of the whole webrtc-rs core, and where a test shows that none of them is ours. An ICE-lite agent over the parts of that
//! project (docs/decisions/0002) has most of them by construction not; what would bring one back fails here.
//!
//! | trap | here |
//! |---|---|
//! | 1. one datagram from anywhere ends a call | `trap_1_…`, and `stories::no_datagram_of_a_stranger_…` for a call that is up |
//! | 2. no UDP mux | `trap_2_…`; with sockets: two pages on one port in `interop-tests/two_pages_and_a_phone.py` |
//! | 3. a multicast socket for mDNS per connection | `trap_3_…`: no candidate is looked at, and `connection` has no socket |
//! | 4. `close_notify` and `Closed` are not told | `trap_4_…`; hang-up is a word on the WebSocket (`pages_in_use.py`) |
//! | 5. pinned credentials break an ICE restart | `trap_5_…`, and `stories::a_browser_that_changes_its_network_…` |
//! | 6. a packet with numbers that were not negotiated is dropped in silence | `trap_6_…` |
//! | 7. audio level, DTX and stereo are not negotiated | `trap_7_…` |
//! | 8. 256 packets wait per track, then an error line each | `trap_8_…`: none waits, a flood is cut off at 16 in a tick |
//! | 9. callbacks run on the driver | cannot occur: there is no callback, [`Transport::receive`] returns what came |
//! | 10. 0.21.0 leaks every connection | `trap_10_…` |
//! | 11. checks are paced: 205 ms to connect | `trap_11_…`: we send none, and answer each at once |

use std::time::{Duration, Instant};

use super::pair::{Pair, THERE, browser_offer, credentials, path};
use super::*;
use crate::media::rtp::{Header, Packet};
use crate::media::{BrowserLeg, CanonicalName};
use crate::words::{LegId, Level, RtpTime};

fn answered(offer: &str) -> (crate::media::BrowserSession, String) {
    let offer = Offer::read(offer).expect("an offer");
    let here = Candidate::Udp(([192, 0, 2, 1], 3478).into());
    answer(&offer, Fingerprint([1; 32]), &credentials(1), &[here], 50, &CanonicalName::new([1; 12]))
}

#[test]
fn trap_1_no_datagram_ends_a_key_exchange_that_is_under_way() {
    let change_cipher_spec = [20, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 1, 7, 0, 0];
    let mut pair = Pair::new();
    let own = pair.credentials.clone();
    assert!(pair.checks_from(1, &own));
    let mut sent = 0;
    for _ in 0..20 {
        // From the browser's own address and from a stranger's, between all flights.
        for port in [1, 666] {
            assert_eq!(pair.gateway.receive(&change_cipher_spec, path(port), pair.now), Received::Nothing);
        }
        pair.carry(&mut sent, &mut |_| false);
        pair.now += Duration::from_millis(100);
    }
    assert!(pair.gateway.is_connected() && pair.talks(1, 1));
}

#[test]
fn trap_2_many_browsers_share_one_port_and_each_check_finds_its_own() {
    let pairs: Vec<Pair> = (0..20).map(|_| Pair::new()).collect();
    let named = |seed: u8| Credentials::new(&[seed; 26], "page");
    let names: Vec<String> = (0..20).map(|seed| named(seed).ufrag).collect();
    for (seed, pair) in (0..).zip(&pairs) {
        let check = pair.check(&named(seed), true);
        let found = ufrag_of(&check).expect("a check");
        assert_eq!(names.iter().position(|name| *name == found), Some(usize::from(seed)));
    }
}

#[test]
fn trap_3_a_browser_that_hides_its_address_connects_from_wherever_it_checks() {
    let hidden = "a=candidate:1 1 udp 2122260223 7d6c3a3e-0f0a-4a52-8f5e-0a4f2f5a8b1c.local 54321 typ host\r\n";
    let (session, _) = answered(&format!("{}{hidden}", browser_offer()));
    assert_eq!(session, answered(&browser_offer()).0);
    let mut pair = Pair::new();
    let own = pair.credentials.clone();
    assert!([40_000, 40_001, 1].into_iter().all(|port| pair.checks_from(port, &own)));
    assert_eq!(pair.exchanges(|_| false), Received::Connected);
}

#[test]
fn trap_4_a_browser_that_says_close_notify_or_nothing_any_more_is_noticed_by_its_checks() {
    let mut pair = Pair::connected();
    pair.page.machine.stop(pair.now, THERE);
    while let Some(alert) = pair.page.machine.poll_transmit() {
        assert_eq!(pair.gateway.receive(&alert.message, path(1), pair.now), Received::Nothing);
    }
    assert!(pair.talks(1, 1), "the word on the WebSocket ends a call, and nothing else");
    let last = pair.gateway.heard_at();
    pair.now += Duration::from_secs(20);
    assert!(pair.talks(2, 1), "sound is no sign that it is still there: anybody may repeat it");
    assert_eq!(pair.gateway.heard_at(), last);
    let own = pair.credentials.clone();
    assert!(pair.checks_from(1, &own));
    assert_eq!(pair.gateway.heard_at(), pair.now);
}

#[test]
fn trap_5_each_restart_shows_new_credentials_and_takes_no_older_ones() {
    let mut pair = Pair::connected();
    let mut former = pair.credentials.clone();
    for seed in 2..6 {
        let fresh = credentials(seed);
        let offer = Offer::read(&browser_offer()).expect("an offer");
        let name = CanonicalName::new([1; 12]);
        let (_, text) = answer(&offer, Fingerprint([1; 32]), &fresh, &[], 50, &name);
        assert!(text.contains(&format!("a=ice-ufrag:{}\r\n", fresh.ufrag)) && !text.contains(&former.ufrag));
        pair.gateway.restart(fresh.clone());
        let port = u16::from(seed);
        assert!(pair.checks_from(port, &fresh) && !pair.checks_from(port, &former));
        assert!(pair.talks(port, port));
        former = fresh;
    }
}

/// A packet of the browser that sends 111 with levels under 1, as one that agreed on 96 and no levels hears it.
#[test]
fn trap_6_what_is_forwarded_has_the_numbers_that_its_hearer_agreed_on() {
    let now = Instant::now();
    let (speaker, _) = answered(&browser_offer());
    let hearer = browser_offer().replace("111", "96").replace("a=extmap:1 ", "a=extmap:5 ");
    let (hearer, text) = answered(&hearer);
    let slot = hearer.slots[1];
    assert!(text.contains(&format!("a=ssrc:{slot} cname:")));
    let mut speaker = BrowserLeg::new(speaker, [1; 32], now).expect("a leg");
    let mut hearer = BrowserLeg::new(hearer, [2; 32], now).expect("a leg");
    let header = Header { payload_type: 111, marker: false, sequence: 9, timestamp: RtpTime(9), ssrc: 77 };
    let mut said = header.to_bytes().to_vec();
    said[0] |= 0x10;
    said.extend([0xbe, 0xde, 0, 1, 0x10, 20, 0, 0, 1, 2, 3, 4]);
    speaker.receive(&said, now);
    assert_eq!(speaker.speech().measure(now), Level(20));
    hearer.seat_speakers([LegId(1)].into_iter());
    let mut out = Vec::new();
    assert!(hearer.hear(LegId(1), &speaker.speech().take_arrived()[0], now, &mut out));
    let heard = Packet::read(&out).expect("RTP");
    assert_eq!((heard.payload_type, heard.ssrc, heard.extension, heard.payload), (96, slot, None, &[1, 2, 3, 4][..]));
}

#[test]
fn trap_7_levels_and_pauses_are_agreed_on_and_stereo_is_not() {
    let (session, text) = answered(&browser_offer());
    assert_eq!(session.level, Some(1));
    assert!(text.contains("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"), "{text}");
    assert!(text.contains("usedtx=1") && text.contains("useinbandfec=1") && !text.contains("stereo"), "{text}");
    for not_wanted in ["transport-cc", "nack", "rtcp-rsize", "goog-remb"] {
        assert!(!text.contains(not_wanted), "{not_wanted} would ask for RTCP that we do not answer");
    }
}

#[test]
fn trap_8_a_flood_of_packets_is_cut_off_in_its_tick_and_the_next_tick_is_as_ever() {
    let now = Instant::now();
    let (session, _) = answered(&browser_offer());
    let mut leg = BrowserLeg::new(session, [1; 32], now).expect("a leg");
    for tick in 0..3_u16 {
        for sequence in 0..1_000 {
            leg.receive(&Pair::rtp(1_000 * tick + sequence, 77), now);
        }
        let arrived = leg.speech().take_arrived();
        assert_eq!(arrived.len(), 16);
        leg.speech().give_back(arrived);
        leg.speech().end_tick();
    }
}

#[test]
fn trap_10_the_version_that_leaks_is_not_in_the_tree() {
    let lock = include_str!("../../Cargo.lock");
    let mut lines = lock.lines();
    let mut seen = 0;
    while let Some(name) = lines.next() {
        if name.starts_with("name = \"rtc-") {
            assert_eq!(
                lines.next(),
                Some("version = \"0.21.1\""),
                "{name}: see docs/decisions/0002 before another is taken"
            );
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn trap_11_a_browser_is_connected_as_fast_as_its_datagrams_travel() {
    let mut pair = Pair::new();
    let own = pair.credentials.clone();
    assert!(pair.checks_from(1, &own), "answered at once");
    let mut sent = 0;
    // No time passes: nothing waits for a timer.
    let rounds = (1..20).find(|_| pair.carry(&mut sent, &mut |_| false) == Received::Connected);
    assert!(rounds.is_some_and(|rounds| rounds <= 4), "{rounds:?} round trips");
}
