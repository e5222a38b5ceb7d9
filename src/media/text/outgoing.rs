//! What goes to a telephone that types (RFC 4103 sections 4 and 5). In: what others in the room type, and the time. Out: a packet every
//! 300 ms while there is something to say, which says again what the two before it said; and no more letters than the telephone takes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::turns::Turns;
use super::{TextSession, red};
use crate::media::rtp::Header;
use crate::words::{Bucket, ParticipantId, RtpTime, Typed};

/// Letters are gathered for so long (RFC 4103 section 5.1).
const GATHER: Duration = Duration::from_millis(300);

/// Begins every text (T.140), and shows our address to what stands between us.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// See the module.
#[derive(Debug)]
pub struct Outgoing {
    ssrc: u32,
    sequence: u16,
    timestamp: RtpTime,
    /// When the text began, at that timestamp.
    began: Option<Instant>,
    /// The last packets and what was new in them.
    past: VecDeque<(Instant, String)>,
    last: Option<Instant>,
    turns: Turns,
    pace: Option<Bucket>,
}

impl Outgoing {
    /// With the random beginnings of RFC 3550 section 5.1.
    pub fn new(ssrc: u32, sequence: u16, timestamp: RtpTime) -> Self {
        let (past, turns) = (VecDeque::new(), Turns::default());
        Self { ssrc, sequence, timestamp, began: None, past, last: None, turns, pace: None }
    }

    /// Somebody types.
    pub fn write(&mut self, who: ParticipantId, name: &str, text: &Typed, now: Instant) {
        self.turns.write(who, name, text, now);
    }

    /// See [`Turns::cut_short`].
    pub fn cut_short(&mut self, who: ParticipantId) {
        self.turns.cut_short(who);
    }

    /// The packet that is due, if one is.
    pub fn packet(&mut self, session: &TextSession, now: Instant) -> Option<Vec<u8>> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < GATHER) {
            return None;
        }
        let is_idle = self.past.iter().all(|(_, text)| text.is_empty());
        let text = match self.began {
            None => BYTE_ORDER_MARK.to_owned(),
            Some(_) => self.letters(session, now),
        };
        if is_idle {
            self.past.clear();
            if text.is_empty() {
                return None;
            }
        }
        let began = *self.began.get_or_insert(now);
        let millis =
            |since: Instant| u32::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u32::MAX);
        let header = Header {
            payload_type: session.red.map_or(session.t140, |red| red.payload_type),
            marker: self.last.is_none_or(|last| now.saturating_duration_since(last) >= 2 * GATHER),
            sequence: self.sequence,
            timestamp: self.timestamp.plus(millis(began)),
            ssrc: self.ssrc,
        };
        let mut packet = header.to_bytes().to_vec();
        let generations = session.red.map_or(0, |red| red.generations);
        match session.red {
            None => packet.extend(text.as_bytes()),
            Some(_) => {
                let missing = generations.saturating_sub(self.past.len());
                let past = self.past.iter().skip(self.past.len().saturating_sub(generations));
                let before: Vec<(u32, &str)> = std::iter::repeat_n((0, ""), missing)
                    .chain(past.map(|(at, text)| (millis(*at), text.as_str())))
                    .collect();
                packet.extend(red::write(session.t140, &before, &text));
            }
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.last = Some(now);
        self.past.push_back((now, text));
        while self.past.len() > generations {
            self.past.pop_front();
        }
        Some(packet)
    }

    /// As many as the telephone takes: so many a second, reckoned over ten seconds (RFC 4103 section 6).
    fn letters(&mut self, session: &TextSession, now: Instant) -> String {
        let a_second = f64::from(session.letters_a_second);
        let pace = self.pace.get_or_insert_with(|| Bucket::new(a_second, 0.9 * a_second, now));
        let mut text = String::new();
        while pace.level(now) >= 1.0 {
            let next = self.turns.take(now, 1);
            if next.is_empty() || !pace.take(now) {
                break;
            }
            text.push_str(&next);
        }
        text
    }

    /// The telephone takes more or fewer letters than before.
    pub fn set_pace(&mut self) {
        self.pace = None;
    }
}
