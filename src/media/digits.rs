//! Keys that a caller pressed, as RFC 4733 events. In: event payloads, in whatever order and number they come.
//! Out: each key once, at its first packet.

use std::time::{Duration, Instant};

use crate::words::{Digit, RtpTime};

/// The payload of a telephone event (RFC 4733 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    /// Which event; 0 to 15 are keys.
    pub event: u8,
    /// The key is released.
    pub end: bool,
    /// In −dBm0.
    pub volume: u8,
    /// In ticks of the RTP clock.
    pub duration: u16,
}

impl EventPayload {
    /// Reads a payload; `None` if it is too short.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let &[event, flags, d0, d1] = payload.first_chunk::<4>()?;
        Some(Self { event, end: flags & 0x80 != 0, volume: flags & 0x3f, duration: u16::from_be_bytes([d0, d1]) })
    }

    /// The payload as bytes.
    pub const fn to_bytes(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.event, if self.end { 0x80 } else { 0 } | self.volume & 0x3f, d0, d1]
    }
}

/// A key that a leg presses: what to send in each tick of 20 ms.
#[derive(Clone, Copy, Debug)]
pub struct Press {
    digit: Digit,
    began: RtpTime,
    ticks: u64,
    passed: u64,
}

/// The last packet is sent so often, for the first two may be lost (RFC 4733 section 2.5.1.4).
const END_REPEATS: usize = 3;

/// The duration of one tick, in ticks of the events' clock of 8 kHz.
const TICK: u64 = 160;

/// As loud as keys are.
const VOLUME: u8 = 10;

impl Press {
    /// A key pressed at `began` for so many ticks.
    pub const fn new(digit: Digit, began: RtpTime, ticks: u64) -> Self {
        Self { digit, began, ticks, passed: 0 }
    }

    /// Whether nothing of it has been sent.
    pub const fn is_new(self) -> bool {
        self.passed == 0
    }

    /// The timestamp of all its packets.
    pub const fn began(self) -> RtpTime {
        self.began
    }

    /// The next payload, and how often it is sent.
    pub fn tick(&mut self) -> (EventPayload, usize) {
        self.passed += 1;
        let end = self.passed >= self.ticks;
        let duration = u16::try_from(self.passed * TICK).unwrap_or(u16::MAX);
        let payload = EventPayload { event: self.digit.event(), end, volume: VOLUME, duration };
        (payload, if end { END_REPEATS } else { 1 })
    }
}

/// Some senders give each packet of one event a new timestamp: packets of the same key this close belong together,
/// unless the marker says that a new one begins.
const SAME_KEY: Duration = Duration::from_millis(80);

/// Counts each key once.
#[derive(Clone, Debug, Default)]
pub struct DigitReader {
    last: Option<Last>,
}

#[derive(Clone, Debug)]
struct Last {
    event: u8,
    timestamp: RtpTime,
    ended: bool,
    at: Instant,
}

impl DigitReader {
    /// Takes one packet. Gives the key if this is the first packet of its event.
    pub fn read(&mut self, timestamp: RtpTime, marker: bool, payload: &[u8], now: Instant) -> Option<Digit> {
        let event = EventPayload::read(payload)?;
        let digit = Digit::from_event(event.event)?;
        if let Some(last) = &mut self.last {
            let stale = timestamp.since(last.timestamp) < 0;
            let same_event = timestamp == last.timestamp && event.event == last.event;
            let continued = event.event == last.event
                && !last.ended
                && !marker
                && now.saturating_duration_since(last.at) <= SAME_KEY;
            if stale || same_event || continued {
                if !stale {
                    last.ended |= event.end;
                    last.timestamp = timestamp;
                    last.at = now;
                }
                return None;
            }
        }
        self.last = Some(Last { event: event.event, timestamp, ended: event.end, at: now });
        Some(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(event: u8, end: bool, duration: u16) -> [u8; 4] {
        EventPayload { event, end, volume: 10, duration }.to_bytes()
    }

    #[test]
    fn a_key_is_counted_once_though_its_end_is_sent_three_times() {
        let (mut reader, now) = (DigitReader::default(), Instant::now());
        let mut keys = Vec::new();
        for (event, start) in [(4, 1000), (2, 5000), (2, 9000)] {
            for (step, end) in [(1, false), (2, false), (3, true), (3, true), (3, true)] {
                keys.extend(reader.read(RtpTime(start), step == 1, &packet(event, end, step * 160), now));
            }
        }
        assert_eq!(keys.iter().map(|key| key.as_char()).collect::<String>(), "422");
    }

    #[test]
    fn a_key_of_which_only_one_end_packet_came_through_counts() {
        let (mut reader, now) = (DigitReader::default(), Instant::now());
        assert_eq!(reader.read(RtpTime(1), false, &packet(11, true, 800), now), Some(Digit::POUND));
    }

    #[test]
    fn an_old_telephone_that_gives_every_packet_a_new_time_keys_once() {
        let (mut reader, now) = (DigitReader::default(), Instant::now());
        let keys = (0..6).filter_map(|step: u16| {
            let at = now + Duration::from_millis(20) * u32::from(step);
            reader.read(RtpTime(u32::from(step) * 160), step == 0, &packet(7, step > 4, step * 160), at)
        });
        assert_eq!(keys.count(), 1);
    }

    #[test]
    fn what_is_no_key_and_what_comes_late_is_left_out() {
        let (mut reader, now) = (DigitReader::default(), Instant::now());
        assert_eq!(reader.read(RtpTime(1), true, &packet(16, false, 160), now), None, "a hook flash");
        assert_eq!(reader.read(RtpTime(1), true, &[1, 2], now), None);
        assert!(reader.read(RtpTime(9000), true, &packet(1, true, 160), now).is_some());
        assert_eq!(reader.read(RtpTime(5000), true, &packet(2, true, 160), now), None, "an event from before");
    }
}
