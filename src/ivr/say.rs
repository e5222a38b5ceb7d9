//! Which prompts say a notice of the room.

use super::notice::Notice;
use super::prompt::{HIGHEST, Prompt, Spoken};
use super::protocol::Spelled;
use crate::words::Language;

/// What a caller hears when the room tells them something.
pub(super) fn notice(notice: Notice) -> Vec<Prompt> {
    match notice {
        Notice::NotOpenYet => vec![Prompt::NotOpenYet],
        Notice::InLobby => vec![Prompt::InLobby],
        Notice::Admitted { count, muted } => {
            let begin = if muted { Prompt::AdmittedMuted } else { Prompt::Admitted };
            let mut said = vec![begin];
            said.extend(participants(count));
            if !muted {
                said.push(Prompt::KeysHint);
            }
            said
        }
        Notice::Muted => vec![Prompt::Muted],
        Notice::Unmuted => vec![Prompt::Unmuted],
        Notice::MutedByModerator => vec![Prompt::MutedByModerator],
        Notice::MayNotSpeak => vec![Prompt::MayNotSpeak],
        Notice::YouMaySpeak => vec![Prompt::YouMaySpeak],
        Notice::PleaseUnmute => vec![Prompt::PleaseUnmute],
        Notice::HandRaised => vec![Prompt::HandRaised],
        Notice::HandLowered => vec![Prompt::HandLowered],
        Notice::Count { count } => participants(count),
        Notice::OnlyModerators => vec![Prompt::OnlyModerators],
        Notice::SomebodyWaits => vec![Prompt::SomebodyWaits],
        Notice::AllAdmitted => vec![Prompt::AllAdmitted],
        Notice::NobodyWaits => vec![Prompt::NobodyWaits],
        Notice::AllMuted => vec![Prompt::AllMuted],
        Notice::AllUnmuted => vec![Prompt::AllUnmuted],
        Notice::LockedNow => vec![Prompt::LockedNow],
        Notice::UnlockedNow => vec![Prompt::UnlockedNow],
        Notice::ConfirmEnd => vec![Prompt::ConfirmEnd],
        Notice::Removed => vec![Prompt::Removed, Prompt::Goodbye],
        Notice::NotAdmitted => vec![Prompt::NotAdmitted, Prompt::Goodbye],
        Notice::Ended => vec![Prompt::Ended, Prompt::Goodbye],
    }
}

/// What says that so many are here.
fn participants(count: u32) -> Vec<Prompt> {
    if count <= 1 {
        return vec![Prompt::Alone];
    }
    let number = match u8::try_from(count) {
        Ok(count) if count <= HIGHEST => Prompt::Number(count),
        Ok(_) | Err(_) => Prompt::MoreThanTwenty,
    };
    vec![Prompt::CountBefore, number, Prompt::CountAfter]
}

/// What a caller hears of their place in a queue, from 1.
pub fn place_of(place: usize, language: Language) -> Vec<Spoken> {
    let said = match u8::try_from(place) {
        Ok(0 | 1) => vec![Prompt::QueueNext],
        Ok(place) if place <= HIGHEST => vec![Prompt::QueuePlace, Prompt::Number(place), Prompt::QueueHold],
        Ok(_) | Err(_) => vec![Prompt::QueueMany],
    };
    said.into_iter().map(|prompt| prompt.in_language(language)).collect()
}

/// By which key callers who wait ask to be called back.
pub fn callback_offer(key: u8, language: Language) -> Vec<Spoken> {
    [Prompt::CallbackOffer, Prompt::Number(key)].map(|prompt| prompt.in_language(language)).to_vec()
}

/// What an agent hears who is to call somebody back.
pub fn callback_for(whom: &Spelled, language: Language) -> Vec<Spoken> {
    let said = [vec![Prompt::CallbackFor], whom.prompts(), vec![Prompt::CallbackConnecting]].concat();
    said.into_iter().map(|prompt| prompt.in_language(language)).collect()
}

/// What the room hears as a spoken count, in the language of the room.
pub fn count_of(count: u32, language: Language) -> Vec<Spoken> {
    participants(count).into_iter().map(|prompt| prompt.in_language(language)).collect()
}

/// The prompt that a dialplan names for an announcement, if it is one that makes sense by itself.
pub fn for_announcement(name: &str) -> Option<Prompt> {
    let prompt = Prompt::from_name(name)?;
    matches!(
        prompt,
        Prompt::Closed | Prompt::NotInService | Prompt::Fault | Prompt::Full | Prompt::Locked | Prompt::Goodbye
    )
    .then_some(prompt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_spoken_up_to_twenty() {
        assert_eq!(participants(1), [Prompt::Alone]);
        assert_eq!(participants(3), [Prompt::CountBefore, Prompt::Number(3), Prompt::CountAfter]);
        assert_eq!(participants(20)[1], Prompt::Number(20));
        for many in [21, 256, 4_000] {
            assert_eq!(participants(many)[1], Prompt::MoreThanTwenty);
        }
    }

    #[test]
    fn only_what_makes_sense_alone_is_an_announcement() {
        assert_eq!(for_announcement("closed"), Some(Prompt::Closed));
        assert_eq!(for_announcement("ask-pin"), None);
        assert_eq!(for_announcement("no-such-prompt"), None);
    }
}
