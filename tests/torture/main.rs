//! Every message of RFC 4475 and RFC 5118, at the gate's pure function and at the real door, over UDP and TCP; and a second
//! opinion on each from another reader of SIP (`rsip`). A message that is not in the table fails the test, and so does a line of
//! the table without its message.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test that goes wrong may stop; its sockets are its own, and so is another crate's list of header fields"
)]

mod door;
mod second_opinion;
mod verdicts;

use std::collections::BTreeSet;
use std::path::PathBuf;

use einwahl::wire::{Kind, Origin, Reading, normalise};

use verdicts::{Told, VERDICTS};

/// The bytes of a message: `rfc4475/wsinv`.
fn message(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.sip"))).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

#[test]
fn every_message_is_listed_and_every_line_has_its_message() {
    let mut found = BTreeSet::new();
    for rfc in ["rfc4475", "rfc5118"] {
        for entry in std::fs::read_dir(folder().join(rfc)).expect("a folder").flatten() {
            let name = entry.file_name().into_string().expect("a name");
            let name = name.strip_suffix(".sip").unwrap_or_else(|| panic!("{name} is no message"));
            found.insert(format!("{rfc}/{name}"));
        }
    }
    let listed: BTreeSet<_> = VERDICTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
    assert_eq!(listed.len(), VERDICTS.len(), "one is listed twice");
    assert_eq!(listed.len(), 49 + 11, "the RFCs have so many");
}

#[test]
fn the_gate_judges_each_as_the_table_says() {
    let from = Origin { address: ([127, 0, 0, 1], 5060).into(), stream: false };
    let mut wrong = Vec::new();
    for (name, verdict) in VERDICTS {
        let bytes = message(name);
        let reading = normalise(&bytes, &from);
        let is_right = match (&reading, verdict) {
            (Reading::Passed(passed), Told::Response) => passed.kind == Kind::Response,
            (Reading::Passed(passed), Told::Call { .. } | Told::Stack(_)) => passed.kind != Kind::Response,
            (Reading::Refused(refused), Told::Gate(status)) => {
                refused.to_bytes().starts_with(format!("SIP/2.0 {status} ").as_bytes())
            }
            (Reading::Dropped(_), Told::Nothing) => true,
            (Reading::Passed(_) | Reading::Refused(_) | Reading::Dropped(_), _) => false,
        };
        if !is_right {
            wrong.push(format!("{name}: {verdict:?}, but {reading:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
