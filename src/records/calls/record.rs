//! What is kept of a call.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::End;
use crate::call::ladder::Ladder;
use crate::dialplan::{Facts, Step, Trace};
use crate::words::{Both, Codec, Domain, Language, ParticipantId, Personal, PhoneNumber, RoomId, TrunkName};

/// A call that is over.
pub struct Finished {
    /// When it came.
    pub began: Timestamp,
    /// When the caller was connected, if it came to that.
    pub answered: Option<Timestamp>,
    /// When it was over.
    pub ended: Timestamp,
    /// What was known of it.
    pub facts: Facts,
    /// The rule that decided, and what it decided.
    pub rule: Option<String>,
    /// In words.
    pub decision: Both,
    /// The version of the plan.
    pub version: u64,
    /// What became of it.
    pub end: End,
    /// How it sounded.
    pub quality: Option<Quality>,
    /// What was said on the wire.
    pub ladder: Ladder,
    /// The meetings in which other institutions were told of the caller.
    pub crossed: Vec<Crossed>,
    /// Works out what the plan looked at.
    pub trace: Box<dyn FnOnce() -> Trace + Send>,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a call that is over ({})", self.end.told().said(Language::En))
    }
}

/// A meeting in which other institutions were told of a caller. Sealed with the number: without the record nobody can say whose line it
/// was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    /// Where, by its address.
    pub room: RoomId,
    /// Which line of the roster.
    pub id: ParticipantId,
    /// Which institutions.
    pub told: Vec<Domain>,
}

/// Whose records are to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// In which this number stands: of who called, of whom the trunk vouched for, or of who diverted the call.
    Number(Personal<PhoneNumber>),
    /// Of one call.
    Record(u64),
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// So many records.
    pub records: u64,
    /// Who else was told of them.
    pub crossed: Vec<Crossed>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The final SIP status.
    pub status: u16,
    /// The Q.850 cause.
    pub cause: u8,
    /// In words; of a record from before that was kept, in English alone.
    pub why: Both,
}

/// How a call sounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// The codec.
    pub codec: Codec,
    /// Packets that never came here.
    pub lost_in: u64,
    /// Of so many.
    pub of_in: u64,
    /// Packets that never came there, if the other side told.
    pub lost_out: Option<u64>,
    /// Of so many.
    pub of_out: Option<u64>,
    /// How unevenly they came here, in milliseconds.
    pub jitter_in_ms: f64,
    /// There, if the other side told.
    pub jitter_out_ms: Option<f64>,
    /// There and back, in milliseconds, if it is known.
    pub round_trip_ms: Option<f64>,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Pieces of 20 ms that were a guess.
    pub concealed: u64,
    /// How people would judge it: 1 (bad) to 4.5 (as good as a telephone gets), worked out by ITU-T G.107.
    pub mos: f64,
}

/// A record, as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number; rises with the end of the calls.
    pub id: u64,
    /// When the call came.
    pub began: Timestamp,
    /// When the caller was connected.
    pub answered: Option<Timestamp>,
    /// When it was over.
    pub ended: Timestamp,
    /// The trunk by which it came.
    pub trunk: Option<TrunkName>,
    /// What was called.
    pub called: String,
    /// Who called, unless that was withheld.
    pub caller: Option<Personal<PhoneNumber>>,
    /// It came with TLS.
    pub secure: bool,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What it decided; of a record from before that was kept, in English alone.
    pub decision: Both,
    /// The version of the plan.
    pub version: u64,
    /// What became of it.
    pub status: Status,
    /// How it sounded.
    pub quality: Option<Quality>,
}

/// A record with everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// What a list shows.
    pub record: Record,
    /// What the plan looked at.
    pub trace: Vec<Step>,
    /// What was said on the wire.
    pub ladder: Ladder,
}

/// Some records.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The newest first.
    pub records: Vec<Record>,
    /// There are more after this one.
    pub next: Option<u64>,
}

/// Which records are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that follow this one in the list: older ones.
    pub after: Option<u64>,
    /// Calls that came then or later.
    pub from: Option<Timestamp>,
    /// Calls that came before.
    pub to: Option<Timestamp>,
    /// By this trunk.
    pub trunk: Option<TrunkName>,
    /// By this rule.
    pub rule: Option<String>,
    /// With this final status.
    pub status: Option<u16>,
    /// To this number, as it was called.
    pub called: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// A call, as a plan is tried with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number.
    pub id: u64,
    /// When it came.
    pub began: Timestamp,
    /// What was known of it.
    pub facts: Facts,
    /// Its record is from before all of that was kept: for whom its trunk vouched, who diverted it and its language are not known.
    pub is_older: bool,
}
