//! What a page and the gateway say to each other: one JSON object in each text frame of the WebSocket. In: text. Out: what
//! it means, or why it means nothing; and the other way round.

use serde::{Deserialize, Serialize};

use crate::connection::RelayPlace;
use crate::room::{Action, Name, Notice, Numbered, Snapshot};
use crate::words::{ParticipantId, Personal, Pin, Role, RoomId, Typed};

/// The first frame of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hello {
    /// It wants to take part.
    Join {
        /// Where.
        room: RoomId,
        /// Under which name.
        name: Name,
        /// Its offer (SDP).
        offer: String,
        /// If it was asked for one.
        pin: Option<Pin>,
        /// Where it comes from, to slow down those who guess.
        from: Personal<std::net::IpAddr>,
    },
    /// It is back after its connection broke.
    Resume {
        /// Where.
        room: RoomId,
        /// What it was given when it came.
        token: String,
        /// A new offer, if the sound broke too.
        offer: Option<String>,
    },
}

/// A later frame of a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Request {
    /// It wants to restart the sound's connection (ICE restart).
    Offer {
        /// SDP.
        sdp: String,
    },
    /// It does something in the meeting.
    Act {
        /// What.
        action: Action,
    },
    /// Letters are typed, or taken back.
    Type {
        /// What.
        text: Typed,
    },
    /// It leaves.
    Leave,
}

impl Hello {
    /// Reads the first frame of a page that asks for `room`.
    ///
    /// # Errors
    /// Why the page cannot come in with it.
    pub fn read(text: &str, room: &str, from: std::net::IpAddr) -> Result<Self, Code> {
        let room: RoomId = room.parse().map_err(|_| Code::NotFound)?;
        match serde_json::from_str(text).map_err(|_| Code::Protocol)? {
            First::Join { name, offer, pin } => {
                let pin = match pin.as_deref().map(str::trim).filter(|pin| !pin.is_empty()) {
                    Some(pin) => Some(pin.parse().map_err(|_| Code::WrongPin)?),
                    None => None,
                };
                let from = Personal::new(from.to_canonical());
                Ok(Self::Join { room, name: Name::chosen(&name), offer, pin, from })
            }
            First::Resume { token, offer } => Ok(Self::Resume { room, token, offer }),
        }
    }
}

/// The first frame as it is written.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum First {
    Join {
        name: String,
        offer: String,
        #[serde(default)]
        pin: Option<String>,
    },
    Resume {
        token: String,
        #[serde(default)]
        offer: Option<String>,
    },
}

/// What a page is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// It has a place, in the meeting or in front of the door.
    Welcome {
        /// Its line in the roster.
        you: ParticipantId,
        /// What it may do.
        role: Role,
        /// With this it can come back.
        token: String,
        /// The answer to its offer (SDP), if it made one.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
        /// By which relays it may try, if it does not reach us itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        relay: Option<Box<RelayPlace>>,
        /// It is not in the meeting yet.
        waiting: bool,
        /// When the meeting opens and ends.
        #[serde(flatten)]
        plan: Box<Plan>,
        /// The meeting, if it is inside.
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot: Option<Box<Snapshot>>,
    },
    /// The answer to a later offer.
    Answer {
        /// SDP.
        sdp: String,
    },
    /// The meeting opens and ends at other times now.
    Planned(Plan),
    /// It is in the meeting now.
    Admitted {
        /// The meeting.
        snapshot: Snapshot,
    },
    /// Something happened in the meeting.
    Event(Numbered),
    /// These, and no others, are speaking now.
    Speaking {
        /// Who.
        participants: Vec<ParticipantId>,
    },
    /// Somebody types. What was typed before it came it is not told.
    Text {
        /// Who.
        who: ParticipantId,
        /// Letters, and what takes one back.
        text: Typed,
    },
    /// Something for this page alone.
    Notice(Notice),
    /// It cannot come in, or not so. The connection ends.
    Refused {
        /// Why, for the page.
        code: Code,
        /// Why, for the one who reads it.
        message: Text,
        /// Try again after so many seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// Its part in the meeting is over. The connection ends.
    Ended {
        /// Why.
        why: End,
    },
}

impl Answer {
    /// A refusal.
    pub const fn refused(code: Code) -> Self {
        Self::Refused { code, message: code.text(), seconds: None }
    }

    /// Too many attempts: the next one counts after `hold`.
    pub fn slow_down(hold: std::time::Duration) -> Self {
        let seconds = Some(hold.as_secs().max(1));
        Self::Refused { code: Code::SlowDown, message: Code::SlowDown.text(), seconds }
    }

    /// Whether the connection ends after this.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Ended { .. })
    }
}

/// When a meeting opens and ends (RFC 3339), if that is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// When it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
    /// When it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

/// A sentence in the languages of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// In German.
    pub de: &'static str,
    /// In English.
    pub en: &'static str,
}

/// Why a page cannot come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Code {
    /// A PIN is needed.
    Pin,
    /// It was another.
    WrongPin,
    /// A moderator locked the meeting.
    Locked,
    /// As many are there as may be.
    Full,
    /// The meeting is over.
    Over,
    /// Its place was not kept any longer.
    Gone,
    /// Too many attempts.
    SlowDown,
    /// No name that a room can have.
    NotFound,
    /// What it said makes no sense.
    Protocol,
    /// Its offer cannot be used.
    Sound,
}

impl Code {
    const fn text(self) -> Text {
        let (de, en) = match self {
            Self::Pin => ("Bitte geben Sie die PIN der Konferenz ein.", "Please enter the PIN of the meeting."),
            Self::WrongPin => (
                "Diese Konferenz gibt es nicht, oder die PIN ist eine andere.",
                "There is no such meeting, or the PIN is another one.",
            ),
            Self::Locked => (
                "Die Konferenz ist geschlossen: Zurzeit kann niemand beitreten.",
                "The meeting is locked: nobody can join at the moment.",
            ),
            Self::Full => ("Die Konferenz ist voll.", "The meeting is full."),
            Self::Over => ("Die Konferenz ist beendet.", "The meeting is over."),
            Self::Gone => (
                "Ihr Platz wurde nicht länger freigehalten. Bitte treten Sie neu bei.",
                "Your place was not kept any longer. Please join again.",
            ),
            Self::SlowDown => {
                ("Zu viele Versuche. Bitte warten Sie einen Moment.", "Too many attempts. Please wait a moment.")
            }
            Self::NotFound => ("So kann keine Konferenz heißen.", "No meeting can have this name."),
            Self::Protocol => (
                "Die Seite passt nicht zu diesem Server. Bitte laden Sie sie neu.",
                "This page does not fit this server. Please reload it.",
            ),
            Self::Sound => (
                "Der Browser bietet keinen Ton an, den dieser Server versteht (Opus über WebRTC).",
                "The browser offers no sound that this server understands (Opus over WebRTC).",
            ),
        };
        Text { de, en }
    }
}

/// Why a page's part is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// The meeting is.
    Ended,
    /// A moderator removed it.
    Removed,
    /// A moderator did not let it in.
    NotAdmitted,
    /// It is here on another connection.
    Replaced,
    /// It wanted to go.
    Left,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_writes_is_read() {
        let act = r#"{"type":"act","action":{"do":"muteSelf","on":true}}"#;
        assert_eq!(
            serde_json::from_str::<Request>(act).expect("read"),
            Request::Act { action: Action::MuteSelf { on: true } }
        );
        assert_eq!(serde_json::from_str::<Request>(r#"{"type":"leave"}"#).expect("read"), Request::Leave);
        let typed = r#"{"type":"type","text":"Grü\b\u0000"}"#;
        assert_eq!(
            serde_json::from_str::<Request>(typed).expect("read"),
            Request::Type { text: Typed::read("Grü\u{8}") }
        );
        let join = r#"{"type":"join","name":"Erika","offer":"v=0"}"#;
        assert!(matches!(serde_json::from_str(join).expect("read"), First::Join { pin: None, .. }));
        for meaningless in [r#"{"type":"destroy"}"#, r#"{"type":"catchUp","since":3}"#] {
            assert!(serde_json::from_str::<Request>(meaningless).is_err(), "{meaningless}");
        }
    }

    #[test]
    fn what_a_page_is_told_has_the_agreed_form() {
        let json = |answer: &Answer| serde_json::to_string(answer).expect("written");
        assert_eq!(json(&Answer::Notice(Notice::Muted)), r#"{"type":"notice","notice":"muted"}"#);
        assert_eq!(json(&Answer::Ended { why: End::NotAdmitted }), r#"{"type":"ended","why":"notAdmitted"}"#);
        let text = Answer::Text { who: ParticipantId(7), text: Typed::read("ä\u{2028}") };
        assert_eq!(json(&text), "{\"type\":\"text\",\"who\":7,\"text\":\"ä\u{2028}\"}");
        let refused = json(&Answer::refused(Code::WrongPin));
        assert!(refused.starts_with(r#"{"type":"refused","code":"wrongPin","message":{"de":"#), "{refused}");
        let plan = Plan { opens_at: Some(String::from("2026-11-25T17:00:00Z")), ends_at: None };
        assert_eq!(json(&Answer::Planned(plan)), r#"{"type":"planned","opensAt":"2026-11-25T17:00:00Z"}"#);
        let numbered = Numbered { revision: 7, event: crate::room::Event::Locked { on: true } };
        assert_eq!(
            json(&Answer::Event(numbered)),
            r#"{"type":"event","revision":7,"event":{"what":"locked","on":true}}"#
        );
    }
}
