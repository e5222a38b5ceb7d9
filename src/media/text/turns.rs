//! Many who type, for a telephone that can show one text only (RFC 9071, mixing for endpoints that are not aware of it). In: what each
//! types. Out: one text, in which each has their turn, on a line of their own and behind their name in brackets.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::words::{ParticipantId, Typed};

/// Who has typed nothing for so long has had their turn.
const PAUSE: Duration = Duration::from_secs(2);

/// Who waits for so long gets their turn at the end of a word, and after twice the time anywhere.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many letters of one wait; what is beyond is lost, and marked.
const MOST_WAITING: usize = 500;

/// So many who type are kept apart.
const MOST_SOURCES: usize = 32;

/// See the module.
#[derive(Debug, Default)]
pub struct Turns {
    sources: Vec<Source>,
    turn: Option<Turn>,
    /// Names on their way.
    names: VecDeque<char>,
}

/// Whose turn it is.
#[derive(Debug)]
struct Turn {
    who: ParticipantId,
    /// Letters that can be taken back: what others wrote, and names, cannot.
    letters: usize,
    /// Where their text stands.
    place: Place,
    /// When something was said last.
    at: Instant,
}

/// What was said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineBegins,
    SentenceEnds,
    WordEnds,
    Within,
}

struct Source {
    who: ParticipantId,
    name: String,
    waiting: VecDeque<char>,
    /// Since when something of it waits.
    since: Instant,
}

/// Names and letters are not shown.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({} waiting)", self.waiting.len())
    }
}

impl Turns {
    /// Somebody types.
    pub fn write(&mut self, who: ParticipantId, name: &str, text: &Typed, now: Instant) {
        let turn = self.turn.as_ref().map(|turn| turn.who);
        self.sources.retain(|source| !source.waiting.is_empty() || source.who == who || turn == Some(source.who));
        let at = match self.sources.iter().position(|source| source.who == who) {
            Some(at) => at,
            None if self.sources.len() >= MOST_SOURCES => return,
            None => {
                self.sources.push(Source { who, name: name.to_owned(), waiting: VecDeque::new(), since: now });
                self.sources.len() - 1
            }
        };
        let Some(source) = self.sources.get_mut(at) else { return };
        if source.waiting.is_empty() {
            source.since = now;
        }
        text.reveal().chars().for_each(|letter| source.type_in(letter));
    }

    /// What somebody has typed and nobody has read yet is no longer meant: their line ends.
    pub fn cut_short(&mut self, who: ParticipantId) {
        if let Some(source) = self.sources.iter_mut().find(|source| source.who == who && !source.waiting.is_empty()) {
            source.waiting = VecDeque::from([Typed::NEW_LINE]);
        }
    }

    /// The next letters, at most so many.
    pub fn take(&mut self, now: Instant, most: usize) -> String {
        let mut text = String::new();
        for _ in 0..most {
            let Some(letter) = self.next(now) else { break };
            text.push(letter);
        }
        text
    }

    fn next(&mut self, now: Instant) -> Option<char> {
        loop {
            if let Some(letter) = self.names.pop_front() {
                return Some(letter);
            }
            if let Some(next) = self.whose_turn_comes(now) {
                self.begin_turn(next, now);
                continue;
            }
            let turn = self.turn.as_mut()?;
            let source = self.sources.iter_mut().find(|source| source.who == turn.who)?;
            let letter = source.waiting.pop_front()?;
            source.since = now;
            if turn.says(letter, now) {
                return Some(letter);
            }
        }
    }

    /// Somebody else whose turn begins now: the one who has waited longest, if it is a good moment.
    fn whose_turn_comes(&self, now: Instant) -> Option<ParticipantId> {
        let turn = self.turn.as_ref();
        let waits = |source: &&Source| !source.waiting.is_empty() && turn.is_none_or(|turn| turn.who != source.who);
        let next = self.sources.iter().filter(waits).min_by_key(|source| source.since)?;
        let waited = now.saturating_duration_since(next.since);
        let is_time = turn.is_none_or(|turn| match turn.place {
            Place::LineBegins | Place::SentenceEnds => true,
            _ if now.saturating_duration_since(turn.at) >= PAUSE => true,
            Place::WordEnds => waited >= PATIENCE,
            Place::Within => waited >= 2 * PATIENCE,
        });
        is_time.then_some(next.who)
    }

    fn begin_turn(&mut self, who: ParticipantId, now: Instant) {
        let is_new_line = self.turn.as_ref().is_none_or(|turn| turn.place == Place::LineBegins);
        let name = self.sources.iter().find(|source| source.who == who).map_or("", |source| source.name.as_str());
        if !is_new_line {
            self.names.push_back(Typed::NEW_LINE);
        }
        self.names.extend("[".chars().chain(name.chars()).chain("] ".chars()));
        self.turn = Some(Turn { who, letters: 0, place: Place::Within, at: now });
    }
}

impl Source {
    fn type_in(&mut self, letter: char) {
        if letter == Typed::BACKSPACE && self.waiting.back().is_some_and(|last| *last != Typed::BACKSPACE) {
            self.waiting.pop_back();
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(letter);
        } else if self.waiting.len() == MOST_WAITING {
            self.waiting.push_back(Typed::LOST);
        }
    }
}

impl Turn {
    /// Notes a letter; false if it would take back what is not its owner's.
    fn says(&mut self, letter: char, now: Instant) -> bool {
        self.at = now;
        if letter == Typed::BACKSPACE {
            self.place = Place::Within;
            let Some(letters) = self.letters.checked_sub(1) else { return false };
            self.letters = letters;
            return true;
        }
        self.letters += 1;
        self.place = match letter {
            Typed::NEW_LINE => Place::LineBegins,
            '.' | '!' | '?' => Place::SentenceEnds,
            ' ' if self.place == Place::SentenceEnds => Place::SentenceEnds,
            ' ' => Place::WordEnds,
            _ => Place::Within,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERIKA: ParticipantId = ParticipantId(1);
    const MAX: ParticipantId = ParticipantId(2);

    struct Story {
        turns: Turns,
        now: Instant,
    }

    impl Story {
        fn new() -> Self {
            Self { turns: Turns::default(), now: Instant::now() }
        }

        fn types(&mut self, who: ParticipantId, text: &str) {
            let name = if who == ERIKA { "Erika" } else { "Max" };
            self.turns.write(who, name, &Typed::read(text), self.now);
        }

        fn reads(&mut self, after: u64) -> String {
            self.now += Duration::from_millis(after);
            self.turns.take(self.now, 1_000).replace(Typed::NEW_LINE, "|")
        }
    }

    #[test]
    fn each_has_a_turn_behind_their_name_and_the_next_begins_with_a_sentence() {
        let mut story = Story::new();
        story.types(ERIKA, "Guten");
        assert_eq!(story.reads(300), "[Erika] Guten");
        story.types(MAX, "Hallo");
        story.types(ERIKA, " Tag");
        assert_eq!(story.reads(300), " Tag", "nobody is cut short within a word");
        story.types(ERIKA, ".");
        assert_eq!(story.reads(300), ".|[Max] Hallo");
        story.types(MAX, "\n");
        story.types(ERIKA, "Ja");
        assert_eq!(story.reads(300), "|[Erika] Ja");
    }

    #[test]
    fn a_pause_ends_a_turn_and_nobody_waits_for_ever() {
        let mut story = Story::new();
        story.types(ERIKA, "Also");
        assert_eq!(story.reads(0), "[Erika] Also");
        story.types(MAX, "Hallo");
        assert_eq!(story.reads(1_900), "");
        assert_eq!(story.reads(100), "|[Max] Hallo");
        story.types(ERIKA, "und");
        for _ in 0..4 {
            story.types(MAX, "a");
            assert_eq!(story.reads(1_000), "a");
        }
        story.types(MAX, "b c");
        assert_eq!(story.reads(1_000), "b |[Erika] und", "after five seconds at the end of a word");
    }

    #[test]
    fn what_others_wrote_and_names_are_not_taken_back() {
        let mut story = Story::new();
        story.types(ERIKA, "Max.");
        assert_eq!(story.reads(0), "[Erika] Max.");
        story.types(MAX, "ab");
        assert_eq!(story.reads(0), "|[Max] ab");
        story.types(MAX, "\u{8}\u{8}\u{8}\u{8}c");
        assert_eq!(story.reads(0), "\u{8}\u{8}c");
        story.types(MAX, "xyz");
        story.types(MAX, "\u{8}\u{8}");
        assert_eq!(story.reads(0), "x", "what was not sent yet is not sent");
    }

    #[test]
    fn what_is_no_longer_meant_is_not_read_and_the_next_begins_a_line() {
        let mut story = Story::new();
        story.types(ERIKA, "Bitte geben Sie die Nummer ein");
        assert_eq!(story.turns.take(story.now, 20), "[Erika] Bitte geben ");
        story.turns.cut_short(ERIKA);
        story.turns.cut_short(MAX);
        story.types(ERIKA, "Danke");
        assert_eq!(story.reads(0), "|Danke");
        story.turns.cut_short(ERIKA);
        assert_eq!(story.reads(0), "", "nothing waits");
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_lost_is_marked() {
        let mut story = Story::new();
        for _ in 0..10 {
            story.types(ERIKA, &"x".repeat(Typed::MOST));
        }
        let text = story.reads(0);
        assert_eq!(text.chars().count(), "[Erika] ".len() + MOST_WAITING + 1);
        assert!(text.ends_with(Typed::LOST));
        for who in 10..100 {
            story.types(ParticipantId(who), "x");
        }
        assert!(story.turns.sources.len() <= MOST_SOURCES);
        assert!(!format!("{:?}", story.turns).contains("Max"));
    }
}
