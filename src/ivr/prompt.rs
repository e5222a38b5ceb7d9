//! What a caller can hear. Each has a text in `prompts/`, a sound in each language, and a name under which an
//! institution can replace it.

use crate::words::Language;

/// The highest number that is spoken; above it callers hear "more than".
pub(super) const HIGHEST: u8 = 20;

/// Makes the prompts, their names, and the table of their sounds: one whose file is missing does not compile.
macro_rules! prompts {
    (
        speech { $($(#[$doc:meta])* $speech:ident = $speech_file:literal,)* }
        sounds { $($(#[$sound_doc:meta])* $sound:ident = $sound_file:literal,)* }
        numbers { $($number:literal = $number_file:literal,)* }
    ) => {
        /// One thing that a caller can hear.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Prompt {
            $($(#[$doc])* $speech,)*
            $($(#[$sound_doc])* $sound,)*
            /// A number from 0 to 20, spoken so that it fits before [`Prompt::CountAfter`].
            Number(u8),
        }

        impl Prompt {
            const NAMED: &[(Self, &str)] = &[
                $((Self::$speech, $speech_file),)*
                $((Self::$sound, $sound_file),)*
                $((Self::Number($number), $number_file),)*
            ];

            /// The sound that the binary carries, as Ogg Opus. Empty only for numbers that are not spoken.
            pub(super) const fn carried(self, language: Language) -> &'static [u8] {
                match (self, language) {
                    $(
                        (Self::$speech, Language::De) => {
                            include_bytes!(concat!("../../prompts/de/", $speech_file, ".opus"))
                        }
                        (Self::$speech, Language::En) => {
                            include_bytes!(concat!("../../prompts/en/", $speech_file, ".opus"))
                        }
                    )*
                    $(
                        (Self::$sound, Language::De | Language::En) => {
                            include_bytes!(concat!("../../prompts/sounds/", $sound_file, ".opus"))
                        }
                    )*
                    $(
                        (Self::Number($number), Language::De) => {
                            include_bytes!(concat!("../../prompts/de/", $number_file, ".opus"))
                        }
                        (Self::Number($number), Language::En) => {
                            include_bytes!(concat!("../../prompts/en/", $number_file, ".opus"))
                        }
                    )*
                    (Self::Number(_), Language::De | Language::En) => &[],
                }
            }
        }
    };
}

prompts! {
    speech {
        /// Welcome.
        Welcome = "welcome",
        /// For this language press that key.
        ForThisLanguage = "for-this-language",
        /// Key the conference ID.
        AskId = "ask-id",
        /// Key the PIN.
        AskPin = "ask-pin",
        /// ID or PIN is wrong.
        WrongEntry = "wrong-entry",
        /// The PIN is wrong, where only a PIN is asked for.
        WrongPin = "wrong-pin",
        /// Nothing was keyed.
        NothingKeyed = "nothing-keyed",
        /// Three times wrong: look into your invitation; goodbye.
        TriesUsedUp = "tries-used-up",
        /// Goodbye.
        Goodbye = "goodbye",
        /// The meeting has not begun; you are waiting.
        NotOpenYet = "not-open-yet",
        /// A moderator has to admit you; you are waiting.
        InLobby = "in-lobby",
        /// You are still waiting.
        StillWaiting = "still-waiting",
        /// You are in the meeting.
        Admitted = "admitted",
        /// You are in the meeting and can only listen; how to ask for the floor.
        AdmittedMuted = "admitted-muted",
        /// You are the first.
        Alone = "alone",
        /// Before the number of participants.
        CountBefore = "count-before",
        /// More than twenty.
        MoreThanTwenty = "more-than-twenty",
        /// After the number of participants.
        CountAfter = "count-after",
        /// For the list of keys press star pound.
        KeysHint = "keys-hint",
        /// You are muted.
        Muted = "muted",
        /// You are heard again.
        Unmuted = "unmuted",
        /// A moderator muted you; how to ask for the floor.
        MutedByModerator = "muted-by-moderator",
        /// You may not unmute yourself; how to ask for the floor.
        MayNotSpeak = "may-not-speak",
        /// You have the floor.
        YouMaySpeak = "you-may-speak",
        /// You may speak; unmute yourself.
        PleaseUnmute = "please-unmute",
        /// Your hand is raised.
        HandRaised = "hand-raised",
        /// Your hand is lowered.
        HandLowered = "hand-lowered",
        /// Only a moderator may do that.
        OnlyModerators = "only-moderators",
        /// You were removed.
        Removed = "removed",
        /// You were not admitted.
        NotAdmitted = "not-admitted",
        /// The meeting is over.
        Ended = "ended",
        /// The meeting is locked.
        Locked = "locked",
        /// The meeting is full.
        Full = "full",
        /// Something does not work; call again later.
        Fault = "fault",
        /// Where you are and what to do.
        Help = "help",
        /// Help for those who wait.
        HelpWaiting = "help-waiting",
        /// The list of keys.
        Keys = "keys",
        /// All who waited are in.
        AllAdmitted = "all-admitted",
        /// There is nobody to admit.
        NobodyWaits = "nobody-waits",
        /// Somebody is in the lobby; how to admit them.
        SomebodyWaits = "somebody-waits",
        /// All but the moderators are muted.
        AllMuted = "all-muted",
        /// All may speak again.
        AllUnmuted = "all-unmuted",
        /// Nobody else comes in from now on.
        LockedNow = "locked-now",
        /// Others come in again.
        UnlockedNow = "unlocked-now",
        /// Once more, to end the meeting for all.
        ConfirmEnd = "confirm-end",
        /// The list of the moderators' keys.
        KeysModerator = "keys-moderator",
        /// The office is closed at this hour.
        Closed = "closed",
        /// This number is not in service.
        NotInService = "not-in-service",
        /// Nothing is heard from you; the call ends soon.
        NothingHeard = "nothing-heard",
        /// Nobody answers; goodbye.
        NobodyAnswers = "nobody-answers",
        /// You are next in the queue.
        QueueNext = "queue-next",
        /// Before the number of the place in the queue.
        QueuePlace = "queue-place",
        /// After it: hold the line.
        QueueHold = "queue-hold",
        /// More than twenty callers are before you.
        QueueMany = "queue-many",
        /// The office opens soon.
        QueueOpensSoon = "queue-opens-soon",
        /// To be called back press the key whose number follows.
        CallbackOffer = "callback-offer",
        /// Before the digits of the number that will be called back.
        CallbackNumber = "callback-number",
        /// After them: press one if that is right, two for another number.
        CallbackConfirm = "callback-confirm",
        /// Key the number at which you are to be called back.
        CallbackAskNumber = "callback-ask-number",
        /// This number cannot be called back.
        CallbackNotThere = "callback-not-there",
        /// You will be called back; goodbye.
        CallbackKept = "callback-kept",
        /// You will not be called back; call again later.
        CallbackNotKept = "callback-not-kept",
        /// Before the digits of the number that an agent is to call back.
        CallbackFor = "callback-for",
        /// You are being connected.
        CallbackConnecting = "callback-connecting",
        /// Nobody answers there; goodbye.
        CallbackNobody = "callback-nobody",
    }
    sounds {
        /// Quiet music for those who wait.
        HoldMusic = "hold-music",
        /// Somebody came.
        ChimeIn = "chime-in",
        /// Somebody went.
        ChimeOut = "chime-out",
    }
    numbers {
        0 = "number-00",
        1 = "number-01",
        2 = "number-02",
        3 = "number-03",
        4 = "number-04",
        5 = "number-05",
        6 = "number-06",
        7 = "number-07",
        8 = "number-08",
        9 = "number-09",
        10 = "number-10",
        11 = "number-11",
        12 = "number-12",
        13 = "number-13",
        14 = "number-14",
        15 = "number-15",
        16 = "number-16",
        17 = "number-17",
        18 = "number-18",
        19 = "number-19",
        20 = "number-20",
    }
}

impl Prompt {
    /// Every prompt.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMED.iter().map(|(prompt, _)| *prompt)
    }

    /// The name of its file, without the ending: `ask-pin`, `number-07`.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(prompt, _)| *prompt == self).map_or("", |(_, name)| name)
    }

    /// The prompt of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|prompt| prompt.name() == name)
    }

    /// Whether it is music or a tone, the same in every language.
    pub const fn is_sound(self) -> bool {
        matches!(self, Self::HoldMusic | Self::ChimeIn | Self::ChimeOut)
    }

    /// This prompt in that language.
    pub const fn in_language(self, language: Language) -> Spoken {
        Spoken { language, prompt: self }
    }
}

impl Spoken {
    /// Where an institution puts a sound of its own, without the ending: `de/ask-pin`, `sounds/hold-music`.
    pub fn path(self) -> String {
        let folder = if self.prompt.is_sound() { "sounds" } else { self.language.code() };
        format!("{folder}/{}", self.prompt.name())
    }
}

/// A prompt in a language: what the library of sounds has one sound for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spoken {
    /// In which language.
    pub language: Language,
    /// What.
    pub prompt: Prompt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_has_a_name_of_its_own_that_leads_back_to_it() {
        for prompt in Prompt::all() {
            assert_eq!(Prompt::from_name(prompt.name()), Some(prompt));
        }
        assert_eq!(Prompt::from_name("number-21"), None);
        assert_eq!(Prompt::from_name(""), None);
    }
}
