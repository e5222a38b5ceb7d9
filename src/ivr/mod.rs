//! Menus: digits in, prompts out, until a caller is admitted; then the keys of the conference.
//!
//! In: keys, ends of prompts, answers to look-ups, notices of the room, and the time. Out: effects.
//! Nothing that a caller keys is in any `Debug` output; a PIN leaves only as a [`Pin`](crate::words::Pin) in a look-up.
//!
//! What a guesser learns is kept small: an unknown conference ID is asked for its PIN like any other, what is wrong is
//! never said, an answer comes no sooner than a fixed time after the last key, and [`Guard`] makes every further
//! failure slower, for the caller and for the room.

mod entry;
mod guard;
mod library;
mod menu;
mod notice;
mod prompt;
mod protocol;
mod say;
mod sound;
mod text;

#[cfg(test)]
mod stories;

pub use guard::{Guard, GuardConfig, Suspicion};
pub use library::{Library, Problem, Unusable};
pub use menu::Menu;
pub use notice::{Key, Lead, Notice};
pub use prompt::{Prompt, Spoken};
pub use protocol::{
    Admission, Config, Door, Effect, HangUp, Incident, Input, Obstacle, PlayId, Spelled, Target, Timer,
};
pub use say::{callback_for, callback_offer, count_of, for_announcement, place_of};
pub use text::{texts, words_of};

/// Reads a sound file: Ogg Opus, or WAV with 16-bit PCM.
///
/// # Errors
/// It is something else, or damaged.
pub fn read_sound(file: &[u8]) -> Result<crate::media::Clip, Unusable> {
    sound::read(file).map(|samples| crate::media::Clip::new(samples.into()))
}
