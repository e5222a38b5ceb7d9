//! What comes from a telephone that types (RFC 4103 section 5). In: packets, as they come. Out: the letters, each once and in order, with
//! a mark where some were lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::words::Typed;

/// What is missing is waited for so long (RFC 4103 section 5.4).
const PATIENCE: Duration = Duration::from_secs(1);

/// A packet that is so far ahead begins anew.
const FURTHEST: u64 = 100;

/// See the module.
#[derive(Debug, Default)]
pub struct Incoming {
    stream: Option<Stream>,
    controls: Controls,
    /// In order, and not yet taken.
    ready: String,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    /// The number of the block that comes next, with wraps.
    next: u64,
    /// What came before its turn.
    held: BTreeMap<u64, String>,
    /// Something has been missing since.
    missing: Option<Instant>,
}

impl Incoming {
    /// One packet with its blocks, the oldest first. The number of a block that is repeated is told by its place (RFC 4103 section 4.2).
    pub fn insert(&mut self, ssrc: u32, sequence: u16, blocks: &[&[u8]]) {
        if self.stream.as_ref().is_some_and(|stream| stream.ssrc != ssrc) {
            self.end();
        }
        let stream = self.stream.get_or_insert_with(|| Stream::new(ssrc, sequence, blocks));
        let mut number = stream.number(sequence);
        if number > stream.next + FURTHEST {
            self.end();
            let stream = self.stream.insert(Stream::new(ssrc, sequence, blocks));
            self.ready.push(Typed::LOST);
            number = stream.number(sequence);
        }
        let Some(stream) = &mut self.stream else { return };
        for (age, block) in blocks.iter().rev().enumerate() {
            let of = number.saturating_sub(age as u64);
            if of >= stream.next {
                stream.held.entry(of).or_insert_with(|| String::from_utf8_lossy(block).into_owned());
            }
        }
    }

    /// What can be read now, and how many letters were too many at once and are left out.
    pub fn take(&mut self, now: Instant) -> Option<(Typed, usize)> {
        if let Some(stream) = &mut self.stream {
            stream.advance(now, &mut self.ready);
        }
        if self.ready.is_empty() {
            return None;
        }
        let text: String = self.ready.drain(..).filter(|letter| self.controls.lets_through(*letter)).collect();
        let typed = Typed::read(&text);
        (!typed.is_empty()).then(|| (typed, text.chars().count().saturating_sub(Typed::MOST)))
    }

    /// The stream is over: what is held is read, with marks.
    fn end(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        stream.catch_up(&mut self.ready);
        while stream.skip(&mut self.ready) {
            stream.catch_up(&mut self.ready);
        }
    }
}

impl Stream {
    /// Begins with the first packet that came; what that repeats is of packets before it.
    fn new(ssrc: u32, sequence: u16, blocks: &[&[u8]]) -> Self {
        // Far from zero, so that older packets have numbers, too.
        let number = (1 << 32) + u64::from(sequence);
        let repeated = blocks.iter().position(|block| !block.is_empty()).map_or(1, |first| blocks.len() - first);
        let next = number + 1 - (repeated as u64).max(1);
        Self { ssrc, next, held: BTreeMap::new(), missing: None }
    }

    /// With wraps: the one that is nearest to what comes next.
    fn number(&self, sequence: u16) -> u64 {
        let [.., n0, n1] = self.next.to_be_bytes();
        let step = sequence.wrapping_sub(u16::from_be_bytes([n0, n1])).cast_signed();
        self.next.saturating_add_signed(i64::from(step))
    }

    fn advance(&mut self, now: Instant, ready: &mut String) {
        self.catch_up(ready);
        if self.held.is_empty() {
            return;
        }
        let since = *self.missing.get_or_insert(now);
        if now.saturating_duration_since(since) >= PATIENCE {
            self.skip(ready);
            self.advance(now, ready);
        }
    }

    fn catch_up(&mut self, ready: &mut String) {
        while let Some(text) = self.held.remove(&self.next) {
            ready.push_str(&text);
            self.next += 1;
            self.missing = None;
        }
    }

    /// Gives up what is missing; false if nothing is held.
    fn skip(&mut self, ready: &mut String) -> bool {
        let Some((first, _)) = self.held.first_key_value() else { return false };
        self.next = *first;
        self.missing = None;
        ready.push(Typed::LOST);
        true
    }
}

/// What T.140 says beside letters: colours, and strings for programs. None of it is text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Controls {
    #[default]
    Text,
    /// After ESC: one character.
    Escape,
    /// After CSI (U+009B), until a letter ends it.
    Sequence,
    /// After SOS (U+0098), until ST (U+009C).
    String,
}

impl Controls {
    fn lets_through(&mut self, letter: char) -> bool {
        let before = *self;
        *self = match (before, letter) {
            (Self::Text, '\u{1b}') => Self::Escape,
            (Self::Text, '\u{9b}') => Self::Sequence,
            (Self::Text, '\u{98}') => Self::String,
            (Self::Sequence, '\u{20}'..='\u{3f}') => Self::Sequence,
            (Self::String, letter) if letter != '\u{9c}' => Self::String,
            (Self::Text | Self::Escape | Self::Sequence | Self::String, _) => Self::Text,
        };
        before == Self::Text && *self == Self::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(incoming: &mut Incoming, now: Instant) -> String {
        incoming.take(now).map(|(typed, _)| typed.reveal().to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_two_packets_lose_the_third_says_again() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.insert(7, 65_534, &[b"a"]);
        assert_eq!(read(&mut incoming, now), "a");
        incoming.insert(7, 1, &[b"b", b"c", b"d"]);
        incoming.insert(7, 0, &[b"a", b"b", b"c"]);
        assert_eq!(read(&mut incoming, now), "bcd", "also where numbers wrap");
        incoming.insert(7, 1, &[b"b", b"c", b"d"]);
        assert_eq!(read(&mut incoming, now), "", "a second time it is not read");
    }

    #[test]
    fn what_is_lost_is_waited_for_and_then_marked() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.insert(7, 10, &[b"a"]);
        incoming.insert(7, 12, &[b"c"]);
        assert_eq!(read(&mut incoming, now), "a");
        assert_eq!(read(&mut incoming, now + Duration::from_millis(900)), "");
        incoming.insert(7, 11, &[b"b"]);
        assert_eq!(read(&mut incoming, now + Duration::from_millis(950)), "bc", "it was late");
        incoming.insert(7, 14, &[b"e"]);
        assert_eq!(read(&mut incoming, now + Duration::from_secs(2)), "");
        assert_eq!(read(&mut incoming, now + Duration::from_secs(3)), "\u{fffd}e");
        incoming.insert(7, 13, &[b"d"]);
        assert_eq!(read(&mut incoming, now + Duration::from_secs(3)), "", "too late");
    }

    #[test]
    fn a_transfer_begins_another_stream_and_the_first_packets_may_be_lost() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.insert(7, 10, &[b"", b"H", b"a"]);
        assert_eq!(read(&mut incoming, now), "Ha", "the first packet did not come");
        incoming.insert(7, 13, &[b"o"]);
        incoming.insert(8, 4_000, &[b"", b"", b"x"]);
        assert_eq!(read(&mut incoming, now), "\u{fffd}ox");
        incoming.insert(8, 30_000, &[b"", b"", b"y"]);
        assert_eq!(read(&mut incoming, now), "\u{fffd}y", "far ahead");
    }

    #[test]
    fn colours_and_strings_for_programs_are_no_text() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.insert(7, 1, &["a\u{9b}31mb\u{98}se".as_bytes()]);
        incoming.insert(7, 2, &["cret\u{9c}c\u{1b}ad".as_bytes()]);
        assert_eq!(read(&mut incoming, now), "abcd");
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let (mut incoming, now) = (Incoming::default(), Instant::now());
        incoming.insert(7, 1, &["x".repeat(1_000).as_bytes()]);
        let (typed, beyond) = incoming.take(now).expect("text");
        assert_eq!((typed.len(), beyond), (Typed::MOST, 700));
    }
}
