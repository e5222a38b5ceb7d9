//! Stories of a connection between two gateways.

use std::time::Duration;

use super::between::{Between, Lies, way_to_answering, way_to_dialling};
use super::pair::path;
use super::*;

#[test]
fn one_gateway_dials_another_and_each_hears_the_other() {
    let mut between = Between::new();
    between.run(5, |_| false);
    assert!(between.is_connected(), "within 100 ms");
    assert!((0..100).all(|_| between.passes(77)));
    assert!(between.dialling.round_trip().is_some());
}

#[test]
fn whichever_datagram_is_lost_they_connect() {
    for lost in 1..=12 {
        let mut between = Between::new();
        between.run(200, |number| number == lost);
        assert!(between.is_connected() && between.passes(77), "without datagram {lost}");
    }
}

#[test]
fn a_line_that_loses_every_fourth_datagram_delays_them() {
    for seed in 0..20_u32 {
        let (mut between, mut lot) = (Between::new(), seed);
        let mut lose = |_| {
            lot = lot.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            lot >> 30 == 0
        };
        between.run(500, &mut lose);
        let (one, other) = (between.dialling.is_connected(), between.answering.is_connected());
        assert!(one && other && between.passes(77), "seed {seed}: {one} {other} {:?}", between.told);
    }
}

#[test]
fn a_gateway_with_another_certificate_than_the_link_told_gets_no_keys() {
    let forged = Some(Fingerprint([9; 32]));
    let mut between = Between::told(Lies { of_answering: forged, ..Lies::default() });
    between.run(100, |_| false);
    assert!(between.told[0] == Some(Received::Failed) && !between.dialling.is_connected());
    assert!(!between.passes(77));
    let mut between = Between::told(Lies { of_dialling: forged, ..Lies::default() });
    between.run(100, |_| false);
    assert!(between.told[1] == Some(Received::Failed) && !between.answering.is_connected());
    assert!(!between.passes(77));
}

#[test]
fn checks_with_another_password_than_the_link_told_are_not_answered() {
    let mut between = Between::told(Lies { password: Some(String::from("another")), ..Lies::default() });
    between.run(100, |_| false);
    assert!(!between.answering.admits(way_to_dialling()) && !between.dialling.admits(way_to_answering()));
}

#[test]
fn checks_from_elsewhere_than_the_networks_of_the_member_are_not_answered_and_are_told() {
    let network = |text: &str| text.parse::<crate::words::Network>().expect("a network");
    let mut between = Between::new();
    between.answering.take_from(vec![network("198.51.100.0/24")]);
    between.run(100, |_| false);
    assert!(!between.answering.admits(way_to_dialling()) && !between.is_connected());
    assert_eq!(between.answering.elsewhere(), Some(way_to_dialling().peer.ip()));
    between.answering.take_from(vec![network("198.51.100.0/24"), network("192.0.2.2")]);
    between.run(100, |_| false);
    assert!(between.is_connected() && between.passes(77));
}

#[test]
fn an_answer_that_is_not_to_our_check_or_comes_from_elsewhere_is_none() {
    let mut between = Between::new();
    between.run(1, |number| number > 1);
    // The first answer is on its way: a stranger has it too, and an older one.
    let mut answers = Vec::new();
    for _ in 0..30 {
        between.now += Duration::from_millis(100);
        between.dialling.handle_timeout(between.now);
        while let Some((check, _)) = between.dialling.poll_transmit() {
            between.answering.receive(&check, way_to_dialling(), between.now);
            answers.extend(between.answering.poll_transmit().map(|(answer, _)| answer));
        }
    }
    let (oldest, newest) = (answers.first().expect("an answer"), answers.last().expect("an answer"));
    between.dialling.receive(newest, path(666), between.now);
    assert!(!between.dialling.admits(path(666)));
    between.dialling.receive(oldest, way_to_answering(), between.now);
    for at in 0..newest.len() - 8 {
        let mut forged = newest.to_vec();
        forged[at] ^= 1;
        between.dialling.receive(&forged, way_to_answering(), between.now);
    }
    assert!(!between.dialling.admits(way_to_answering()));
    between.dialling.receive(newest, way_to_answering(), between.now);
    assert!(between.dialling.admits(way_to_answering()));
}

#[test]
fn only_declared_streams_are_heard_and_a_withdrawn_one_not_any_more() {
    let mut between = Between::connected();
    assert!(between.passes(77) && !between.passes(78));
    for transport in [&mut between.dialling, &mut between.answering] {
        transport.declare(78).expect("room");
        transport.withdraw(77);
    }
    assert!(between.passes(78) && !between.passes(77));
    for transport in [&mut between.dialling, &mut between.answering] {
        transport.declare(77).expect("room");
    }
    assert!(between.passes(77) && between.passes(78));
}

#[test]
fn streams_are_not_declared_without_end() {
    let mut between = Between::connected();
    let declared = (1_000..4_000).take_while(|ssrc| between.dialling.declare(*ssrc).is_ok()).count();
    assert_eq!(declared, 1_023);
    let mut ever = 0;
    for ssrc in 10_000..200_000 {
        if between.answering.declare(ssrc).is_err() {
            break;
        }
        between.answering.withdraw(ssrc);
        ever += 1;
    }
    assert_eq!(ever, 65_535, "for each that ever spoke something is kept");
}

#[test]
fn a_cut_line_is_noticed_by_both_and_sound_passes_when_it_is_whole_again() {
    let mut between = Between::connected();
    let since = between.now;
    between.run(250, |_| true);
    let silence = |transport: &Transport| between.now.duration_since(transport.heard_at());
    for transport in [&between.dialling, &between.answering] {
        assert!(silence(transport) >= Duration::from_secs(5) && transport.heard_at() <= since);
    }
    between.run(50, |_| false);
    assert!(between.passes(77));
    assert!(between.now.duration_since(between.dialling.heard_at()) < Duration::from_secs(1));
}

#[test]
fn a_line_that_loses_three_packets_of_a_hundred_for_an_hour_is_never_taken_for_cut() {
    let (mut between, mut lot) = (Between::connected(), 1_u32);
    for _ in 0..3_600 {
        between.run(50, |_| {
            lot = lot.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (lot >> 8) % 100 < 3
        });
        for transport in [&between.dialling, &between.answering] {
            assert!(between.now.duration_since(transport.heard_at()) < Duration::from_secs(3));
        }
    }
}

#[test]
fn no_datagram_from_anywhere_ends_a_connection() {
    let mut between = Between::connected();
    let mut seed = 5_u32;
    for round in 0..3_000 {
        let bytes: Vec<u8> = (0..60)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        between.hostile(&[&[60, (round % 9) as u8][..], &bytes].concat());
        for fatal in [
            &[0x14, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 1, 7][..],
            &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
        ] {
            assert_eq!(between.dialling.receive(fatal, way_to_answering(), between.now), Received::Nothing);
            assert_eq!(between.answering.receive(fatal, way_to_dialling(), between.now), Received::Nothing);
        }
        assert!(round % 100 != 0 || between.passes(77), "after {round} rounds");
    }
}
