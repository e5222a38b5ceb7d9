//! Stories of trunks that fail: what was seen, and what it is called.

use std::net::SocketAddr;

use super::contacts::Binding;
use super::diagnosis::{Certainty, diagnose};
use super::hops::Hop;
use super::seen::*;
use crate::words::{Codec, Language, Transport};

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn attempt(reached: Reached) -> Attempt {
    Attempt { hop: Hop { address: at("203.0.113.9:5060"), transport: Transport::Tls }, reached }
}

fn answered(status: u16, login: Login) -> Outcome {
    Outcome::Answered(Answered { status, phrase: String::from("so"), why: None, retry_after: None, login })
}

fn fine(status: u16) -> Outcome {
    answered(status, Login::NotAsked)
}

/// A call in which nothing is wrong, from a public address to a public address.
fn sound_call() -> Call {
    let theirs = at("203.0.113.9:4000");
    Call {
        contact: Some(at("203.0.113.9:5060").ip()),
        media: Some(Media::Agreed {
            codec: Codec::Pcma,
            payload_type: 8,
            at: theirs,
            events: true,
            info: false,
            both_ways: true,
        }),
        sound: Some(Sound { sent: 125, received: 125, from: vec![theirs], kinds: vec![8] }),
        hold: Some(Change::Taken),
        resume: Some(Change::Taken),
        after_resume: Some(60),
        refresh: Some(Change::Taken),
        ..Call::new(fine(200), at("198.51.100.7:5060"), at("203.0.113.9:5060"))
    }
}

fn with(change: impl FnOnce(&mut Call)) -> Seen {
    let mut call = sound_call();
    change(&mut call);
    Seen { attempts: vec![attempt(Reached::Open)], greeting: Some(fine(200)), call: Some(call), ..Seen::default() }
}

fn words(seen: &Seen) -> Vec<&'static str> {
    diagnose(seen).iter().map(|finding| finding.fault.word()).collect()
}

#[test]
fn a_sound_trunk_has_no_fault_whether_it_is_called_or_not() {
    assert_eq!(words(&with(|_| {})), [""; 0]);
    assert_eq!(words(&Seen { call: None, ..with(|_| {}) }), [""; 0]);
    // Some take OPTIONS from nobody, and put nothing but their own media server into SDP.
    let quiet = Seen { greeting: Some(Outcome::Silent), ..with(|_| {}) };
    assert_eq!(words(&quiet), [""; 0]);
}

#[test]
fn what_is_not_reached_has_that_one_fault() {
    for (reached, word) in [
        (Reached::Refused, "refused"),
        (Reached::NoRoute, "no-route"),
        (Reached::Silent, "silent"),
        (Reached::NoTls(TlsTrouble::WrongName), "tls-name"),
        (Reached::NoTls(TlsTrouble::Expired), "tls-expired"),
        (Reached::NoTls(TlsTrouble::UnknownIssuer), "tls-issuer"),
        (Reached::NoTls(TlsTrouble::Version), "tls-version"),
    ] {
        let seen = Seen { attempts: vec![attempt(reached)], ..Seen::default() };
        assert_eq!(words(&seen), [word]);
    }
    let lost = Seen { directory: Directory::NoSuchName(String::from("pbx.example")), ..Seen::default() };
    assert_eq!(words(&lost), ["dns"]);
}

#[test]
fn a_first_server_that_is_dead_is_told_though_the_second_serves() {
    let seen = Seen { attempts: vec![attempt(Reached::Silent), attempt(Reached::Open)], ..with(|_| {}) };
    let found = diagnose(&seen);
    assert_eq!((found.len(), found[0].fault.word(), found[0].certainty), (1, "silent", Certainty::Likely));
}

#[test]
fn a_wrong_password_hides_what_lies_behind_it() {
    let rejected = || Login::Rejected { realm: String::from("stadt") };
    let registrar = Registrar { outcome: answered(401, rejected()), bindings: Vec::new(), ours: Vec::new() };
    let seen = Seen { registrar: Some(registrar), ..with(|call| call.outcome = answered(407, rejected())) };
    assert_eq!(words(&seen), ["wrong-password"]);
    assert_eq!(words(&with(|call| call.outcome = answered(401, Login::Loop { times: 4 }))), ["challenge-loop"]);
    assert_eq!(
        words(&with(|call| call.outcome = answered(407, Login::NoAccount { realm: String::new() }))),
        ["no-account"]
    );
}

#[test]
fn a_registrar_that_calls_us_elsewhere_is_told_where() {
    let registrar = |bound: &[&str]| Registrar {
        outcome: fine(200),
        bindings: bound.iter().map(|at| Binding { at: (*at).to_owned(), expires: Some(300) }).collect(),
        ours: vec![at("198.51.100.7:5060")],
    };
    let found = |bound: &[&str]| words(&Seen { registrar: Some(registrar(bound)), ..with(|_| {}) });
    assert_eq!(found(&["198.51.100.7:5060"]), [""; 0]);
    assert_eq!(found(&[]), ["not-registered"]);
    assert_eq!(found(&["192.168.1.5:5060"]), ["stale-registration"]);
}

#[test]
fn an_inner_address_is_told_once_and_explains_the_silence() {
    let seen = with(|call| {
        call.media = Some(Media::Agreed {
            codec: Codec::Pcma,
            payload_type: 8,
            at: at("192.168.1.5:4000"),
            events: true,
            info: false,
            both_ways: true,
        });
        call.sound = Some(Sound { sent: 125, ..Sound::default() });
    });
    assert_eq!(words(&seen), ["nat"]);
    assert_eq!(words(&with(|call| call.seen_as = Some(at("198.51.100.99:5060")))), ["nat"]);
}

#[test]
fn hold_that_fails_because_of_an_inner_contact_is_not_called_hold() {
    let seen = with(|call| {
        call.contact = Some(at("10.11.12.13:5060").ip());
        (call.hold, call.resume, call.refresh) = (Some(Change::Silent), None, Some(Change::Silent));
    });
    let found = diagnose(&seen);
    assert_eq!((found[0].fault.word(), found[0].certainty), ("nat", Certainty::Certain));
    assert!(found[1..].iter().all(|finding| finding.certainty == Certainty::Possible));
}

#[test]
fn silence_that_nothing_explains_is_one_way_sound() {
    assert_eq!(words(&with(|call| call.sound = Some(Sound { sent: 125, ..Sound::default() }))), ["one-way-audio"]);
    let elsewhere = with(|call| call.sound.as_mut().expect("sound").from = vec![at("203.0.113.77:4000")]);
    assert_eq!(words(&elsewhere), ["sound-from-elsewhere"]);
}

#[test]
fn each_answer_to_a_call_has_its_own_name() {
    for (status, word) in [
        (404, "wrong-number"),
        (484, "wrong-number"),
        (488, "codec"),
        (422, "session-timer"),
        (403, "forbidden"),
        (486, "not-answered"),
        (503, "overload"),
        (500, "call-refused"),
    ] {
        assert_eq!(words(&with(|call| call.outcome = fine(status))), [word], "{status}");
    }
    let plain = with(|call| (call.outcome, call.needs_srtp) = (fine(488), true));
    assert_eq!(words(&plain), ["srtp"]);
    let unusable = with(|call| (call.media, call.needs_srtp) = (Some(Media::Unusable(String::from("plain"))), true));
    assert_eq!(words(&unusable), ["srtp"]);
}

#[test]
fn hold_refresh_keys_and_codec_are_told_apart() {
    assert_eq!(words(&with(|call| call.hold = Some(Change::Refused(403)))), ["hold"]);
    assert_eq!(words(&with(|call| call.after_resume = Some(0))), ["hold"]);
    let cut = with(|call| {
        (call.resume, call.refresh) = (None, None);
        call.hung_up = Some(HungUp { during: Step::Holding, why: None });
    });
    assert_eq!(words(&cut), ["hold"]);
    assert_eq!(words(&with(|call| call.refresh = Some(Change::Silent))), ["session-timer"]);
    let other = with(|call| call.sound.as_mut().expect("sound").kinds = vec![3]);
    assert_eq!(words(&other), ["codec"]);
    let none = with(|call| call.media = Some(Media::Missing));
    assert_eq!(words(&none), ["codec"]);
    let by_itself = with(|call| call.hung_up = Some(HungUp { during: Step::Talking, why: None }));
    assert_eq!(words(&by_itself), ["hung-up"]);
    let keys = with(|call| {
        call.media = Some(Media::Agreed {
            codec: Codec::Pcma,
            payload_type: 8,
            at: at("203.0.113.9:4000"),
            events: false,
            info: true,
            both_ways: true,
        });
    });
    let found = diagnose(&keys);
    assert_eq!(found[0].fault.word(), "dtmf");
    assert!(
        found[0].fault.says(Language::De).contains("SIP INFO")
            && found[0].fault.help(Language::En).contains("RFC 4733")
    );
}
