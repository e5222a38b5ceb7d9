//! What travels on a link: one JSON object for each WebSocket message. Words that are not known are ignored, and so is a kind
//! of frame that is not known: a later version may add some.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the protocol.
pub const VERSION: u16 = 1;

/// The longest frame, in bytes.
pub const LONGEST: usize = 64 * 1_024;

/// Names one run of numbers of one side. A side that has lost its memory begins another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session(pub u64);

/// How far somebody got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Got {
    /// In this session of the other side.
    pub session: Session,
    /// The last number that arrived; 0 is none.
    pub number: u64,
}

/// One frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Frame {
    /// The first frame of both sides on every connection.
    Hello {
        /// The versions that it speaks.
        versions: Vec<u16>,
        /// How far it got with what the other side says; nothing, if it never heard of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        got: Option<Got>,
    },
    /// The answer to a hello: what is said goes on from here.
    Go {
        /// In this session. In one that the other side does not know, what it knew counts no longer.
        session: Session,
        /// With this number.
        from: u64,
    },
    /// Something is said.
    Said {
        /// Its number, from 1 without a gap.
        number: u64,
        /// What: any JSON value, for the room above.
        what: Box<RawValue>,
    },
    /// Everything up to this number has arrived.
    Got {
        /// Which.
        number: u64,
    },
    /// Are you there?
    Ping {
        /// Comes back with the answer.
        mark: u64,
    },
    /// Yes.
    Pong {
        /// That of the question.
        mark: u64,
    },
    /// The connection ends on purpose.
    Bye {
        /// Why.
        why: Closing,
    },
    /// What a later version says.
    #[serde(other)]
    Unknown,
}

/// Why a connection ends on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Closing {
    /// No version that both speak.
    NoCommonVersion,
    /// What was sent breaks the protocol.
    Broken,
    /// Nothing came for too long.
    Silent,
    /// Both sides have opened one; the other stays.
    TwoConnections,
    /// This node stops.
    Stopping,
    /// Too much came at once.
    TooMuch,
    /// The registry names no such member any more, or not this key or address of it.
    NoMember,
    /// What a later version says.
    #[serde(other)]
    Other,
}

/// Not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFrame {
    /// Too long.
    #[error("a frame of {0} bytes: at most {LONGEST} are read")]
    TooLong(usize),
    /// Not one.
    #[error("not a frame: {0}")]
    Json(String),
}

impl Frame {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAFrame> {
        if bytes.len() > LONGEST {
            return Err(NotAFrame::TooLong(bytes.len()));
        }
        let mut words: Words = serde_json::from_slice(bytes).map_err(|error| NotAFrame::Json(error.to_string()))?;
        // A tagged enum cannot borrow raw values: what is said is read beside it.
        if words.kind == "said" {
            let missing = |word| NotAFrame::Json(format!("missing field `{word}`"));
            let number = words.number.ok_or_else(|| missing("number"))?;
            return Ok(Self::Said { number, what: words.what.take().ok_or_else(|| missing("what"))? });
        }
        serde_json::from_slice(bytes).map_err(|error| NotAFrame::Json(error.to_string()))
    }

    /// As it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Words {
    kind: String,
    number: Option<u64>,
    what: Option<Box<RawValue>>,
}
