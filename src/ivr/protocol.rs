//! What goes into a menu and what comes out of it.

use std::time::Duration;

use super::notice::{Key, Notice};
use super::prompt::{Prompt, Spoken};
use crate::words::{ConferenceId, Digit, Language, Personal, PhoneNumber, Pin, Purpose, Role, RoomId};

/// How a menu works, as the dialplan and the configuration set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the caller is led.
    pub door: Door,
    /// Whether the caller first chooses a language.
    pub ask_language: bool,
    /// An ID of so many digits is complete without `#`.
    pub id_length: Option<usize>,
    /// A PIN of so many digits is complete without `#`.
    pub pin_length: Option<usize>,
    /// So many wrong or missing entries end the call.
    pub tries: u8,
    /// How long the first key is waited for after a question.
    pub first_key: Duration,
    /// How long the next key is waited for; then the entry is complete.
    pub next_key: Duration,
    /// A "no" comes no sooner than this after the entry, whatever it took to find out.
    pub pace: Duration,
    /// How long an answer to a look-up is waited for.
    pub patience: Duration,
    /// How often somebody who waits is told so.
    pub reminder: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            door: Door::Menu,
            ask_language: false,
            id_length: None,
            pin_length: None,
            tries: 3,
            first_key: Duration::from_secs(12),
            next_key: Duration::from_secs(5),
            pace: Duration::from_millis(1_200),
            patience: Duration::from_secs(10),
            reminder: Duration::from_secs(60),
        }
    }
}

/// Where a caller is led.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// To any meeting: ID and PIN are asked for.
    Menu,
    /// To this room: only a PIN is asked for, if the room has one.
    Room(RoomId),
}

/// Which meeting somebody wants into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one with this ID, if there is one.
    Conference(ConferenceId),
    /// This one: the dialplan says so.
    Room(RoomId),
}

/// Names one [`Effect::Play`] of this menu, to know which end of a prompt is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayId(pub u64);

/// What happens to a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The caller pressed a key.
    Digit(Digit),
    /// What was to be played has been played.
    Played(PlayId),
    /// The answer to a look-up.
    Answered {
        /// What it says.
        admission: Admission,
        /// How long it is held back: what [`super::Guard::hold`] says.
        hold: Duration,
    },
    /// The room did not take the caller in after [`Effect::Join`].
    NotTaken(Obstacle),
    /// The room tells the caller something.
    Notice(Notice),
    /// Whether a number can be called back; the answer to [`Effect::Examine`].
    Examined(Option<Spelled>),
    /// Whether they will be called back; the answer to [`Effect::CallBack`].
    Noted(bool),
    /// A time for which the menu asked has come.
    Timeout(Timer),
}

/// The answer to a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The caller may come.
    Admitted {
        /// Where.
        room: RoomId,
        /// As what.
        role: Role,
    },
    /// There is such a meeting, and it has a PIN.
    PinNeeded,
    /// There is no such meeting, or it is closed, or the PIN is wrong: one answer for all, here and to the caller.
    Refused,
    /// The caller may come, but not now.
    NotNow(Obstacle),
}

/// A number that can be called back, and how it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// In the international form.
    pub number: Personal<PhoneNumber>,
    /// Its digits as people say them.
    pub said: Personal<String>,
}

impl Spelled {
    /// One prompt for each digit.
    pub(super) fn prompts(&self) -> Vec<Prompt> {
        let digits = self.said.reveal(Purpose::Callback).chars();
        digits.filter_map(|digit| u8::try_from(digit.to_digit(10)?).ok()).map(Prompt::Number).collect()
    }
}

/// What keeps out somebody who may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// A moderator locked the meeting.
    Locked,
    /// As many are there as may be.
    Full,
    /// The meeting is over.
    Over,
    /// Something does not work on our side.
    Fault,
}

/// What a menu waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Nothing was keyed after a question.
    FirstKey,
    /// Nothing more was keyed: the entry is complete.
    NextKey,
    /// A look-up was not answered.
    Answer,
    /// An answer that was held back may be said.
    Verdict,
    /// Somebody who waits is told that the wait goes on.
    Reminder,
    /// A farewell should long have been played.
    Farewell,
}

/// What a menu wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Play these to the caller, one after the other, instead of whatever is playing. When the last has been played,
    /// answer with [`Input::Played`]; what repeats has no end.
    Play {
        /// What.
        prompts: Vec<Spoken>,
        /// From the beginning again and again?
        repeat: bool,
        /// Its name.
        id: PlayId,
    },
    /// Stop what is playing.
    StopPlaying,
    /// Find out whether the caller may come; answer with [`Input::Answered`]. An unknown ID, a closed meeting and a
    /// wrong PIN cost the same work.
    LookUp {
        /// Where to.
        target: Target,
        /// The PIN, once it was asked for.
        pin: Option<Pin>,
    },
    /// This attempt failed: tell [`super::Guard::failed`] and the audit.
    Failed {
        /// Where it was tried.
        target: Target,
        /// What happened.
        incident: Incident,
    },
    /// Let the caller join the room; its notices come back as [`Input::Notice`].
    Join {
        /// Which.
        room: RoomId,
        /// As what.
        role: Role,
    },
    /// Tell the room that this key was pressed.
    Press(Key),
    /// Find out whether this number can be called back; answer with [`Input::Examined`].
    Examine(Personal<PhoneNumber>),
    /// Note that the caller is to be called back at this number; answer with [`Input::Noted`].
    CallBack(Personal<PhoneNumber>),
    /// From now on this is the caller's language.
    Language(Language),
    /// End the call.
    HangUp(HangUp),
}

/// What went wrong in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Incident {
    /// No such meeting, or a closed one.
    UnknownConference,
    /// A PIN that opens nothing.
    WrongPin,
}

/// Why a menu ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HangUp {
    /// Too many wrong or missing entries.
    TriesUsedUp,
    /// The meeting cannot be joined now.
    NotNow(Obstacle),
    /// A moderator removed the caller.
    Removed,
    /// A moderator did not admit the caller.
    NotAdmitted,
    /// The meeting is over.
    Ended,
    /// The announcement has been played.
    Announced,
    /// The caller will be called back.
    CalledBack,
}
