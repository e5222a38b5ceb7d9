//! What is trusted now, and what may come after it. In: the operators' keys of the configuration, the registry that was held
//! last, an envelope, the time. Out: the next registry, or why not.

use jiff::{SignedDuration, Timestamp};

use super::check::Fault;
use super::document::{Document, Member, Operators, Spki};
use super::envelope::{Envelope, NotReadable};
use crate::words::Domain;

/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The warning before a registry expires: this part of its time is left.
const WARN_AT: i32 = 4;

/// Whom a gateway believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Of which federation.
    pub federation: Domain,
    /// The operators of the configuration: they count until a registry is held.
    pub operators: Operators,
    /// What is held.
    pub held: Option<Registry>,
}

/// A document that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    document: Document,
    /// What was signed: the same serial never means something else.
    canonical: Vec<u8>,
    refused: Vec<(Domain, Vec<Fault>)>,
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// See [`NotReadable`].
    #[error(transparent)]
    NotReadable(#[from] NotReadable),
    /// Another federation's.
    #[error("this is the registry of {offered}, not of {ours}")]
    OtherFederation {
        /// Whose it is.
        offered: Domain,
        /// Which is ours.
        ours: Domain,
    },
    /// Too few of the keys that count signed it.
    #[error("{valid} of {needed} signatures that are needed by the {whose} operators' keys hold")]
    NotSigned {
        /// Whose keys.
        whose: &'static str,
        /// So many signed.
        valid: usize,
        /// So many have to.
        needed: usize,
    },
    /// An older one than we hold.
    #[error("serial {offered} is older than {held}, which is held: somebody rolls the registry back")]
    RolledBack {
        /// What was offered.
        offered: u64,
        /// What is held.
        held: u64,
    },
    /// Two documents with one serial.
    #[error("serial {0} is held with another content: one serial, one document")]
    SameSerial(u64),
    /// It begins later.
    #[error("it holds from {0} on: the clock here, or there, is wrong")]
    NotYet(Timestamp),
    /// Its time is over.
    #[error("it expired at {0}: the operators have to sign a new one")]
    Expired(Timestamp),
    /// It cannot be used.
    #[error("it cannot be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faulty(Vec<Fault>),
}

/// How a registry stands at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It holds, but not for long: a new one is due.
    EndsSoon {
        /// When.
        at: Timestamp,
    },
    /// No member may be spoken to.
    Expired {
        /// Since when.
        since: Timestamp,
    },
}

impl Trust {
    /// The registry after the one that is held. Of single members that cannot be some it goes on without them.
    ///
    /// # Errors
    /// It is not the next one, or of no use.
    pub fn accept(&self, bytes: &[u8], now: Timestamp) -> Result<Registry, Refusal> {
        let envelope = Envelope::read(bytes)?;
        let document = envelope.document()?;
        if document.federation != self.federation {
            return Err(Refusal::OtherFederation { offered: document.federation, ours: self.federation.clone() });
        }
        // First who says it, then what it says.
        let trusted = self.held.as_ref().map_or(&self.operators, |held| &held.document.operators);
        let whose = if self.held.is_some() { "present" } else { "configured" };
        signed(&envelope, trusted, whose)?;
        let faults = document.faults();
        if !faults.is_empty() {
            return Err(Refusal::Faulty(faults));
        }
        signed(&envelope, &document.operators, "new")?;
        let canonical = envelope.canonical()?;
        if let Some(held) = &self.held {
            let (offered, serial) = (document.serial, held.document.serial);
            if offered < serial {
                return Err(Refusal::RolledBack { offered, held: serial });
            }
            if offered == serial && canonical != held.canonical {
                return Err(Refusal::SameSerial(serial));
            }
        }
        if document.issued > now.saturating_add(SKEW).unwrap_or(now) {
            return Err(Refusal::NotYet(document.issued));
        }
        if document.expires <= now {
            return Err(Refusal::Expired(document.expires));
        }
        let refused = document.faults_of_members().filter(|(_, faults)| !faults.is_empty());
        let refused = refused.map(|(member, faults)| (member.domain.clone(), faults)).collect();
        Ok(Registry { document, canonical, refused })
    }
}

impl Registry {
    /// What this gateway took before and kept by itself. Its time may be over: then nobody is a member.
    ///
    /// # Errors
    /// It is none, another federation's, or not as it was kept.
    pub fn kept(bytes: &[u8], federation: &Domain) -> Result<Self, Refusal> {
        let envelope = Envelope::read(bytes)?;
        let document = envelope.document()?;
        let trust = Trust { federation: federation.clone(), operators: document.operators.clone(), held: None };
        trust.accept(bytes, document.issued)
    }
}

fn signed(envelope: &Envelope, by: &Operators, whose: &'static str) -> Result<(), Refusal> {
    let valid = envelope.signed_by(&by.keys)?.len();
    let needed = by.threshold.max(1);
    if valid < needed { Err(Refusal::NotSigned { whose, valid, needed }) } else { Ok(()) }
}

impl Registry {
    /// What was signed.
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Whose place in the document does not make them members, and why.
    pub fn refused(&self) -> &[(Domain, Vec<Fault>)] {
        &self.refused
    }

    /// The members, without those that are refused; after the registry has expired nobody.
    pub fn members(&self, now: Timestamp) -> impl Iterator<Item = &Member> {
        let holds = now < self.document.expires;
        let refused = |member: &Member| self.refused.iter().any(|(domain, _)| *domain == member.domain);
        self.document.members.iter().filter(move |member| holds && !refused(member))
    }

    /// The member of this domain.
    pub fn member(&self, domain: &Domain, now: Timestamp) -> Option<&Member> {
        self.members(now).find(|member| member.domain == *domain)
    }

    /// Whose TLS key this is.
    pub fn whose(&self, key: Spki, now: Timestamp) -> Option<&Member> {
        self.members(now).find(|member| member.has_key(key, now))
    }

    /// How it stands.
    pub fn standing(&self, now: Timestamp) -> Standing {
        let (issued, expires) = (self.document.issued, self.document.expires);
        let left = expires.duration_since(now);
        if left <= SignedDuration::ZERO {
            Standing::Expired { since: expires }
        } else if left.saturating_mul(WARN_AT) <= expires.duration_since(issued) {
            Standing::EndsSoon { at: expires }
        } else {
            Standing::Holds
        }
    }
}

impl Member {
    /// Whether this is one of its TLS keys now.
    pub fn has_key(&self, key: Spki, now: Timestamp) -> bool {
        self.pins.iter().any(|pin| pin.spki == key && pin.counts(now))
    }
}
