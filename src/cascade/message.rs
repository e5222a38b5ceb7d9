//! What gateways say on a link, in the words of docs/federation.md. Words that are not known are ignored, and so is a message
//! that is not known: a later version may add some.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::ivr::Obstacle;
use crate::room::{Action, Kind, Name, Told};
use crate::words::{ConferenceId, Domain, ParticipantId, Pin, Role, RoomId, Typed, without_content};

/// Somebody, wherever they take part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Who {
    /// The institution by which they take part.
    pub of: Domain,
    /// Their line in its roster.
    pub id: ParticipantId,
}

impl Who {
    /// Nobody's line: what the institution itself does, by whoever operates its gateway.
    pub const INSTITUTION: ParticipantId = ParticipantId(0);

    /// Whether it is the institution itself.
    pub fn is_institution(&self) -> bool {
        self.id == Self::INSTITUTION
    }
}

/// Somebody, as it is told to other gateways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Who.
    pub who: Who,
    /// What they are called: what they chose, or `Telefon ···42`.
    pub name: Name,
    /// What they use.
    pub kind: Kind,
    /// What they may do.
    pub role: Role,
    /// Nobody hears them.
    #[serde(default)]
    pub muted: bool,
    /// They cannot unmute themselves.
    #[serde(default)]
    pub muted_by_moderator: bool,
    /// The hand is up.
    #[serde(default)]
    pub hand: bool,
    /// Waiting in front of the door.
    #[serde(default)]
    pub lobby: bool,
    /// Their connection broke.
    #[serde(default)]
    pub away: bool,
    /// The SSRC of their sound on the media connection of these two gateways (RFC 3550).
    pub ssrc: u32,
    /// What the home institution gave when it admitted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The institution whose own system brings them to the home institution, which alone can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Domain>,
}

/// A room that somebody else may join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// Its address.
    pub room: RoomId,
    /// What callers key.
    pub id: ConferenceId,
    /// What it is called.
    #[serde(default)]
    pub title: String,
}

/// How the home institution answers somebody who wants in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Verdict {
    /// They may come.
    Admitted {
        /// As what.
        role: Role,
        /// To be shown with them.
        grant: String,
    },
    /// There is a PIN.
    PinNeeded,
    /// No.
    Refused,
    /// Not now.
    NotNow {
        /// Why.
        why: Why,
    },
}

/// Why a room cannot be joined, or is no longer shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The meeting is locked.
    Locked,
    /// As many are there as may be.
    Full,
    /// The meeting is over.
    Over,
    /// It is not shared with this institution.
    NotShared,
    /// Something does not work.
    Fault,
    /// What a later version says.
    #[serde(other)]
    Other,
}

/// How a meeting is at its home, and what holds for a shard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// It has begun.
    pub open: bool,
    /// Nobody else can come in.
    #[serde(default)]
    pub locked: bool,
    /// Whoever comes waits until a moderator admits them.
    #[serde(default)]
    pub lobby: bool,
    /// The shards may go on with each other while the home institution is away.
    #[serde(default)]
    pub alone: bool,
    /// The institutions that take part.
    #[serde(default)]
    pub shards: Vec<Domain>,
    /// Those of them that are told no names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameless: Vec<Domain>,
}

impl State {
    /// What a room is told of it.
    pub fn told(&self) -> Told {
        Told { title: self.title.clone(), open: self.open, locked: self.locked }
    }
}

/// How the media connection of two gateways is made (RFC 8445, RFC 5764). The gateway with the lower domain offers, dials and is
/// the DTLS client; the other answers. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Which attempt this belongs to; the answer repeats it.
    pub attempt: u64,
    /// Where the other may send to: `192.0.2.1:3478`.
    pub addresses: Vec<std::net::SocketAddr>,
    /// `sha-256` and the hash of the certificate, as in SDP (RFC 8122).
    pub fingerprint: String,
    /// The name in checks.
    pub ufrag: String,
    /// Their password.
    pub password: String,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { attempt, addresses, fingerprint, .. } = self;
        f.debug_struct("Media").field("attempt", attempt).field("at", addresses).field("key", fingerprint).finish()
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Message {
    /// Rooms that you may join: these and no others.
    Rooms {
        /// Which.
        rooms: Vec<Shared>,
    },
    /// Somebody of mine wants into a room of yours.
    Ask {
        /// Comes back with the answer.
        ticket: u64,
        /// Where.
        room: RoomId,
        /// The PIN that they gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<Secretive>,
    },
    /// The answer.
    Answer {
        /// That of the question.
        ticket: u64,
        /// What it says.
        verdict: Verdict,
        /// It is held back for so long before it is said, in milliseconds: somebody seems to guess.
        #[serde(default)]
        hold: u64,
    },
    /// I have a shard of a room of yours: somebody of mine is there.
    Enter {
        /// Which.
        room: RoomId,
    },
    /// How a room of mine is, of which you have a shard.
    Shard {
        /// Which.
        room: RoomId,
        /// How it is.
        #[serde(flatten)]
        state: State,
    },
    /// Your shard of a room of mine ends: everybody is to leave it.
    Close {
        /// Which.
        room: RoomId,
        /// Why.
        why: Why,
    },
    /// I have no shard of it any more; or I do not need you for it any more.
    Leave {
        /// Which.
        room: RoomId,
    },
    /// The home of this room does not answer: these are mine, until it does.
    Meet {
        /// Which.
        room: RoomId,
    },
    /// Somebody is there, or is not as they were.
    Put {
        /// Where.
        room: RoomId,
        /// Who.
        line: Box<Line>,
    },
    /// Somebody is gone.
    Gone {
        /// Where.
        room: RoomId,
        /// Who.
        who: Who,
    },
    /// Everybody has been told: whoever was not is gone.
    AllTold {
        /// Where.
        room: RoomId,
    },
    /// Somebody of yours cannot come: end their part.
    Refuse {
        /// Where.
        room: RoomId,
        /// Who.
        who: Who,
        /// Why.
        why: Why,
    },
    /// Somebody who leads wants something done.
    Act {
        /// Where.
        room: RoomId,
        /// Who wants it.
        by: Who,
        /// To whom, if to one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whom: Option<Who>,
        /// What.
        action: Action,
        /// Stands in the audit of both.
        event: String,
    },
    /// These speak, and no others: the home institution's decision.
    Speaking {
        /// Where.
        room: RoomId,
        /// Who.
        who: Vec<Who>,
    },
    /// Somebody types. It is shown, and kept nowhere; what is not said at once is not said again.
    Text {
        /// Where.
        room: RoomId,
        /// Who.
        who: Who,
        /// Letters, and what takes one back.
        text: Typed,
    },
    /// Somebody of mine is to be forgotten: erase what you kept of them.
    Erase {
        /// Where they took part.
        room: RoomId,
        /// Who.
        who: Who,
        /// Stands in the audit of both.
        event: String,
    },
    /// It is erased.
    Erased {
        /// Where.
        room: RoomId,
        /// Who.
        who: Who,
        /// That of the wish.
        event: String,
        /// There still was something.
        #[serde(default)]
        had: bool,
    },
    /// A media connection is wanted.
    Offer(Media),
    /// It can be.
    Answered(Media),
    /// What a later version says.
    #[serde(other)]
    Unknown,
}

/// A PIN on its way; not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secretive(pub Pin);

impl std::fmt::Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Secretive {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Secretive {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        // The error of a PIN does not say what was given.
        text.parse().map(Self).map_err(|_| serde::de::Error::custom("a PIN is none"))
    }
}

impl Message {
    /// Reads one.
    ///
    /// # Errors
    /// It is none.
    pub fn read(what: &RawValue) -> Result<Self, String> {
        serde_json::from_str(what.get()).map_err(|error| without_content(&error))
    }

    /// As it is said. Only text and numbers: there is nothing that could not be written.
    pub fn to_json(&self) -> Option<Box<RawValue>> {
        to_raw_value(self).ok()
    }
}

impl Why {
    /// Of what keeps somebody out of a meeting of ours.
    pub(super) const fn of(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Locked => Self::Locked,
            Obstacle::Full => Self::Full,
            Obstacle::Over => Self::Over,
            Obstacle::Fault => Self::Fault,
        }
    }

    /// What stands in somebody's way.
    pub const fn obstacle(self) -> Obstacle {
        match self {
            Self::Locked => Obstacle::Locked,
            Self::Full => Obstacle::Full,
            Self::Over => Obstacle::Over,
            Self::NotShared | Self::Fault | Self::Other => Obstacle::Fault,
        }
    }
}
