//! What a document may not say. In: a document. Out: every fault at once, each with where it stands and what to do.

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;

use super::document::{Document, Member};

/// The only format so far.
pub(super) const FORMAT: &str = "einwahl-registry-1";

/// A document holds for so long at most: who is cut off from its source does not go on for ever with who was a member then.
pub const LONGEST_VALID: SignedDuration = SignedDuration::from_hours(24 * 92);

/// What is wrong, and where: `members[2].country`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: String,
    /// What, and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

fn fault(at: &str, what: impl Into<String>) -> Fault {
    Fault { at: at.to_owned(), what: what.into() }
}

impl Document {
    /// What makes it useless as a whole.
    pub fn faults(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        if self.format != FORMAT {
            found.push(fault("format", format!("{:?} is not known here: write {FORMAT:?}", self.format)));
        }
        if self.serial == 0 {
            found.push(fault("serial", "begin with 1"));
        }
        if self.expires <= self.issued {
            found.push(fault("expires", "it would never hold: write a time after \"issued\""));
        } else if self.expires.duration_since(self.issued) > LONGEST_VALID {
            let days = LONGEST_VALID.as_hours() / 24;
            found.push(fault("expires", format!("at most {days} days after \"issued\": sign a new one before that")));
        }
        let keys: BTreeSet<_> = self.operators.keys.iter().collect();
        if keys.len() != self.operators.keys.len() {
            found.push(fault("operators.keys", "a key stands there twice: each counts once"));
        }
        if self.operators.threshold == 0 || self.operators.threshold > keys.len() {
            let what = format!("write a number from 1 to {}, the number of keys", keys.len());
            found.push(fault("operators.threshold", what));
        }
        let mut seen = BTreeSet::new();
        for (number, member) in self.members.iter().enumerate() {
            if !seen.insert(&member.domain) {
                found.push(fault(&format!("members[{number}].domain"), format!("{} is there twice", member.domain)));
            }
        }
        found
    }

    /// What keeps single members out, and whose it is.
    pub fn faults_of_members(&self) -> impl Iterator<Item = (&Member, Vec<Fault>)> {
        self.members.iter().enumerate().map(|(number, member)| (member, member.faults(&format!("members[{number}]"))))
    }
}

impl Member {
    /// Why it cannot be one.
    fn faults(&self, at: &str) -> Vec<Fault> {
        let mut found = Vec::new();
        let mut say = |word: &str, what: String| found.push(fault(&format!("{at}.{word}"), what));
        let outside = |country: &crate::words::Country| !country.is_in_eea();
        if outside(&self.country) {
            say("country", format!("{} ({}) lies outside of the European Economic Area", self.domain, self.country));
        }
        for (number, processor) in
            self.processors.iter().enumerate().filter(|(_, processor)| outside(&processor.country))
        {
            let what = format!(
                "{} gives data to {} in {}, outside of the European Economic Area",
                self.domain, processor.name, processor.country
            );
            say(&format!("processors[{number}].country"), what);
        }
        if self.links.is_empty() && !self.sip {
            say("links", format!("{} can be reached in no way: name a link, or allow \"sip\"", self.domain));
        }
        if self.pins.is_empty() {
            say("pins", format!("nothing recognises the TLS key of {}", self.domain));
        }
        for (number, pin) in self.pins.iter().enumerate() {
            if pin.from.zip(pin.until).is_some_and(|(from, until)| until <= from) {
                say(
                    &format!("pins[{number}].until"),
                    String::from("it would never count: write a time after \"from\""),
                );
            }
        }
        if self.media.is_empty() {
            say("media", format!("{} names no network for its media: none would be let in", self.domain));
        }
        for (number, network) in self.media.iter().enumerate() {
            if network.0.prefix_len() < 8 {
                say(&format!("media[{number}]"), format!("{network} is no institution's network: name a smaller one"));
            }
        }
        if self.name.trim().is_empty() {
            say("name", format!("{} has no name", self.domain));
        }
        if !self.contact.contains('@') && !self.contact.starts_with("https://") {
            say("contact", String::from("write an address for mail, or https://…"));
        }
        found
    }
}
