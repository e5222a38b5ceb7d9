//! Stories of a connection: a browser meets the gateway, and so do others who mean no good.

use std::time::Duration;

use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

use super::pair::{Pair, browser_offer, credentials, path};
use super::*;
use crate::media::{CanonicalName, rtcp};

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
    let replies = (0..100).filter(|number| {
        // A flight is two datagrams.
        pair.now += Duration::from_millis(if number % 2 == 0 { 250 } else { 1 });
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
        let (sealed, to) = pair.gateway.protect_rtcp(&report(99)).expect("sealed");
        let opened = pair.page.keys.as_mut().expect("keys").open_rtcp(&sealed);
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
