use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::*;

struct Federation {
    keys: Vec<SigningKey>,
    document: Document,
}

fn key(seed: u8) -> SigningKey {
    SigningKey::new(Zeroizing::new([seed; 32])).expect("a key")
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("a time")
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn member(domain: &str, country: &str) -> Member {
    Member {
        domain: domain.parse().expect("a domain"),
        name: format!("Stadt {domain}"),
        country: country.parse().expect("a country"),
        links: vec![format!("gw.{domain}:8448").parse().expect("a link")],
        sip: false,
        pins: vec![Pin { spki: Spki::of(domain.as_bytes()), from: None, until: None }],
        key: key(99).public(),
        media: vec!["192.0.2.0/24".parse().expect("a network")],
        processors: Vec::new(),
        contact: format!("technik@{domain}"),
    }
}

impl Federation {
    fn new() -> Self {
        let keys: Vec<SigningKey> = (1..=3).map(key).collect();
        let document = Document {
            format: String::from("einwahl-registry-1"),
            federation: "kommunal.example".parse().expect("a domain"),
            serial: 7,
            issued: now() - days(1),
            expires: now() + days(30),
            operators: Operators { threshold: 2, keys: keys.iter().map(SigningKey::public).collect() },
            members: vec![member("stadt-a.example", "DE"), member("stadt-b.example", "AT")],
        };
        Self { keys, document }
    }

    fn trust(&self) -> Trust {
        Trust { federation: self.document.federation.clone(), operators: self.document.operators.clone(), held: None }
    }

    fn signed(&self, by: &[usize]) -> Vec<u8> {
        let bytes = serde_json::to_vec(&self.document).expect("JSON");
        let mut envelope = Envelope::read(&bytes).expect("a document");
        by.iter().for_each(|key| envelope.sign(&self.keys[*key]).expect("signed"));
        envelope.to_json().into_bytes()
    }

    fn held(&self) -> Trust {
        let mut trust = self.trust();
        trust.held = Some(trust.accept(&self.signed(&[0, 1]), now()).expect("accepted"));
        trust
    }
}

#[test]
fn two_of_three_operators_are_enough_and_one_is_not_even_if_it_signs_twice() {
    let federation = Federation::new();
    let trust = federation.trust();
    assert!(trust.accept(&federation.signed(&[0, 2]), now()).is_ok());
    for by in [&[][..], &[1], &[1, 1]] {
        let why = trust.accept(&federation.signed(by), now()).expect_err("refused");
        assert!(matches!(why, Refusal::NotSigned { needed: 2, .. }), "{why}");
    }
    let one = String::from_utf8(federation.signed(&[0])).expect("text");
    let signature = &one[one.find("{\n      \"key\"").expect("one")..one.rfind("\n  ]").expect("its end")];
    let twice = one.replace(signature, &format!("{signature}, {signature}"));
    assert!(matches!(trust.accept(twice.as_bytes(), now()), Err(Refusal::NotSigned { valid: 1, .. })));
}

#[test]
fn a_changed_letter_breaks_the_signatures_and_other_spaces_do_not() {
    let federation = Federation::new();
    let trust = federation.trust();
    let text = String::from_utf8(federation.signed(&[0, 1])).expect("text");
    let spaced = text.replace("\n", "\n \t");
    assert!(trust.accept(spaced.as_bytes(), now()).is_ok());
    for changed in [text.replace("Stadt stadt-a", "Stadt Stadt-A"), text.replace("192.0.2.0/24", "192.0.2.0/25")] {
        assert_ne!(changed, text);
        assert!(matches!(trust.accept(changed.as_bytes(), now()), Err(Refusal::NotSigned { valid: 0, .. })));
    }
}

#[test]
fn words_of_a_later_version_are_ignored_but_signed() {
    let federation = Federation::new();
    let mut value = serde_json::to_value(&federation.document).expect("JSON");
    value["members"][0]["colour"] = "blue".into();
    let mut envelope = Envelope::read(value.to_string().as_bytes()).expect("a document");
    federation.keys.iter().for_each(|key| envelope.sign(key).expect("signed"));
    let text = envelope.to_json();
    assert!(federation.trust().accept(text.as_bytes(), now()).is_ok());
    assert!(federation.trust().accept(text.replace("blue", "red").as_bytes(), now()).is_err());
}

#[test]
fn an_older_serial_and_another_document_of_the_same_serial_are_refused() {
    let mut federation = Federation::new();
    let trust = federation.held();
    assert!(trust.accept(&federation.signed(&[0, 1, 2]), now()).is_ok(), "the same once more");
    federation.document.serial = 6;
    let rolled_back = trust.accept(&federation.signed(&[0, 1]), now());
    assert_eq!(rolled_back, Err(Refusal::RolledBack { offered: 6, held: 7 }));
    federation.document.serial = 7;
    federation.document.members.pop();
    assert_eq!(trust.accept(&federation.signed(&[0, 1]), now()), Err(Refusal::SameSerial(7)));
}

#[test]
fn an_expired_registry_is_refused_and_one_that_is_held_ends_with_a_warning_before() {
    let federation = Federation::new();
    let held = federation.held().held.expect("held");
    let expires = federation.document.expires;
    assert!(matches!(federation.trust().accept(&federation.signed(&[0, 1]), expires), Err(Refusal::Expired(_))));
    assert_eq!(held.standing(now()), Standing::Holds);
    assert_eq!(held.standing(expires - days(7)), Standing::EndsSoon { at: expires });
    assert_eq!(held.standing(expires), Standing::Expired { since: expires });
    assert_eq!(held.members(now()).count(), 2);
    assert_eq!(held.members(expires).count(), 0);
}

#[test]
fn one_from_the_future_is_refused() {
    let mut federation = Federation::new();
    federation.document.issued = now() + SignedDuration::from_mins(6);
    assert!(matches!(federation.trust().accept(&federation.signed(&[0, 1]), now()), Err(Refusal::NotYet(_))));
}

#[test]
fn new_operators_need_the_signatures_of_the_old_ones_and_their_own() {
    let mut federation = Federation::new();
    let trust = federation.held();
    let fresh: Vec<SigningKey> = (11..=12).map(key).collect();
    federation.document.serial = 8;
    federation.document.operators = Operators { threshold: 2, keys: fresh.iter().map(SigningKey::public).collect() };
    federation.keys.extend(fresh);
    let refused = |by: &[usize], whose| {
        let why = trust.accept(&federation.signed(by), now()).expect_err("refused");
        assert!(matches!(why, Refusal::NotSigned { whose: named, .. } if named == whose), "{why}");
    };
    refused(&[3, 4], "present");
    refused(&[0, 1], "new");
    let next = trust.accept(&federation.signed(&[0, 1, 3, 4]), now()).expect("accepted");
    federation.document.serial = 9;
    let trust = Trust { held: Some(next), ..trust };
    assert!(trust.accept(&federation.signed(&[0, 1]), now()).is_err(), "the old ones count no longer");
    assert!(trust.accept(&federation.signed(&[3, 4]), now()).is_ok());
}

#[test]
fn a_member_outside_of_the_eea_or_with_a_processor_there_is_none_and_the_others_are() {
    let mut federation = Federation::new();
    federation.document.members.push(member("stadt-c.example", "CH"));
    let mut lends = member("stadt-d.example", "FR");
    let far =
        Processor { name: String::from("Mailer"), purpose: String::from("mail"), country: "US".parse().expect("US") };
    lends.processors.push(far);
    federation.document.members.push(lends);
    let registry = federation.trust().accept(&federation.signed(&[0, 1]), now()).expect("accepted");
    let domains: Vec<&str> = registry.members(now()).map(|member| member.domain.as_str()).collect();
    assert_eq!(domains, ["stadt-a.example", "stadt-b.example"]);
    let told: Vec<String> = registry.refused().iter().flat_map(|(_, faults)| faults).map(ToString::to_string).collect();
    assert!(told[0].contains("stadt-c.example") && told[0].contains("CH"), "{told:?}");
    assert!(told[1].contains("Mailer") && told[1].contains("US"), "{told:?}");
}

#[test]
fn a_key_counts_from_and_until_its_times_and_two_overlap_while_it_is_changed() {
    let mut federation = Federation::new();
    let (old, new) = (Spki::of(b"old"), Spki::of(b"new"));
    federation.document.members[0].pins = vec![
        Pin { spki: old, from: None, until: Some(now() + days(2)) },
        Pin { spki: new, from: Some(now() + days(1)), until: None },
    ];
    let registry = federation.trust().accept(&federation.signed(&[0, 1]), now()).expect("accepted");
    let whose = |key, at| registry.whose(key, at).map(|member| member.domain.as_str());
    for (after, has_old, has_new) in [(0, true, false), (1, true, true), (2, false, true)] {
        assert_eq!(whose(old, now() + days(after)).is_some(), has_old, "{after}");
        assert_eq!(whose(new, now() + days(after)).is_some(), has_new, "{after}");
    }
    assert_eq!(whose(Spki::of(b"nobody"), now()), None);
}

#[test]
fn what_cannot_be_used_says_everything_that_is_wrong() {
    let mut federation = Federation::new();
    federation.document.expires = federation.document.issued + days(400);
    federation.document.operators.threshold = 4;
    federation.document.members.push(member("stadt-a.example", "DE"));
    let told: Vec<String> = federation.document.faults().iter().map(|fault| fault.at.clone()).collect();
    assert_eq!(told, ["expires", "operators.threshold", "members[2].domain"]);
}

#[test]
fn another_federations_registry_is_refused() {
    let federation = Federation::new();
    let trust = Trust { federation: "schulen.example".parse().expect("a domain"), ..federation.trust() };
    let why = trust.accept(&federation.signed(&[0, 1]), now()).expect_err("refused").to_string();
    assert!(why.contains("kommunal.example") && why.contains("schulen.example"), "{why}");
}

#[test]
fn whoever_signs_is_told_what_changes() {
    let federation = Federation::new();
    let mut next = federation.document.clone();
    next.serial = 8;
    next.members[0].name = String::from("Große Stadt A");
    next.members.remove(1);
    next.members.push(member("stadt-c.example", "FR"));
    let told: Vec<String> = changes(&federation.document, &next).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "serial: 7 → 8",
            "stadt-a.example: name: \"Stadt stadt-a.example\" → \"Große Stadt A\"",
            "stadt-b.example leaves",
            "stadt-c.example joins"
        ]
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let federation = Federation::new();
        proptest::prop_assert!(federation.trust().accept(&bytes, now()).is_err());
    }

    #[test]
    fn no_change_of_one_byte_is_accepted_as_something_else(at in 0usize..4_000, to in proptest::prelude::any::<u8>()) {
        let federation = Federation::new();
        let mut bytes = federation.signed(&[0, 1]);
        let at = at % bytes.len();
        bytes[at] = to;
        if let Ok(registry) = federation.trust().accept(&bytes, now()) {
            proptest::prop_assert_eq!(registry.document(), &federation.document);
        }
    }
}
