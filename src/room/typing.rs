//! What is typed in a meeting: who may, how fast, and who has typed it. Nothing of it is kept: who comes later does not see it.

use std::time::Instant;

use super::effect::Effect;
use super::event::Participant;
use super::{Name, Role, Room};
use crate::words::{Bucket, LegId, ParticipantId, Typed};

/// So many letters at once, and so many a second after that: a little more than the telephones of RFC 4103 send.
const AT_ONCE: f64 = Typed::MOST as f64;
const A_SECOND: f64 = 31.0;

/// How fast somebody has typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    letters: Bucket,
    /// What was too fast is being left out, and a mark says so.
    cut: bool,
}

impl Pace {
    const fn new(now: Instant) -> Self {
        Self { letters: Bucket::new(AT_ONCE, A_SECOND, now), cut: false }
    }

    /// What of it is taken, and how many letters are not.
    fn take(&mut self, text: Typed, now: Instant) -> (Option<Typed>, usize) {
        let length = text.len();
        let taken = (0..length).take_while(|_| self.letters.take(now)).count();
        let was_cut = std::mem::replace(&mut self.cut, taken < length);
        let text = match (self.cut, was_cut && taken == 0) {
            (false, _) => Some(text),
            (true, true) => None,
            (true, false) => Some(text.cut_after(taken)),
        };
        (text, length - taken)
    }
}

impl Room {
    /// One of ours types. Muting is of sound: who is muted may type.
    pub(super) fn types(&mut self, leg: LegId, text: Typed, now: Instant, out: &mut Vec<Effect>) {
        let by = self.members.values().find(|member| member.is_inside() && member.leg() == Some(leg));
        if let Some(by) = by.filter(|by| by.role != Role::Listener || by.mic.may) {
            let (id, name) = (by.id, by.name.clone());
            self.typed(id, name, text, now, out);
        }
    }

    /// Somebody on another gateway types.
    pub(super) fn types_elsewhere(&mut self, id: ParticipantId, text: Typed, now: Instant, out: &mut Vec<Effect>) {
        let may = |by: &&Participant| by.id == id && !(by.role == Role::Listener && by.muted_by_moderator);
        let name = self.elsewhere.inside().find(may).map(|by| by.name.clone());
        if let Some(name) = name {
            self.typed(id, name, text, now, out);
        }
    }

    fn typed(&mut self, by: ParticipantId, name: Name, text: Typed, now: Instant, out: &mut Vec<Effect>) {
        if text.is_empty() {
            return;
        }
        let (text, too_many) = self.paces.entry(by).or_insert_with(|| Pace::new(now)).take(text, now);
        out.extend(text.map(|text| Effect::Typed { by, name, text }));
        if too_many > 0 {
            out.push(Effect::TypedTooFast { letters: too_many });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_types_too_fast_is_cut_once_and_goes_on() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let letters = |count| Typed::read(&"x".repeat(count));
        assert_eq!(pace.take(letters(290), now), (Some(letters(290)), 0));
        let (cut, too_many) = pace.take(letters(20), now);
        assert_eq!(
            (cut.map(|cut| cut.reveal().to_owned()), too_many),
            (Some(format!("{}\u{fffd}", "x".repeat(10))), 10)
        );
        assert_eq!(pace.take(letters(5), now), (None, 5), "one mark is enough");
        assert_eq!(pace.take(letters(31), now + Duration::from_secs(1)), (Some(letters(31)), 0));
    }
}
