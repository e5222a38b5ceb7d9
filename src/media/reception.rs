//! What is known of one stream that comes in (RFC 3550 sections 6.4.1, A.1, A.3, A.8). In: the numbers of each packet. Out: what
//! a report says of it.

use std::time::{Duration, Instant};

use super::quality::Loss;
use super::rtcp::Block;
use crate::words::RtpTime;

/// A gap of so many packets is a gap; more is another beginning of the same stream (RFC 3550 appendix A.1).
const LONGEST_GAP: u16 = 3_000;

/// So many packets may one be late; more is another beginning.
const LATEST: u16 = 100;

/// See the module.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: u32,
    /// Ticks of the timestamps in a second.
    clock: u32,
    /// The first and the highest sequence number, with the wraps above.
    first: u32,
    highest: u32,
    received: u32,
    /// What the last report knew.
    expected_before: u32,
    received_before: u32,
    /// After a jump: the number that would prove that the stream goes on from there.
    after_jump: Option<u16>,
    began: Instant,
    /// Arrival less timestamp of the last packet, in ticks.
    transit: Option<u32>,
    /// In 1/16 of a tick.
    jitter: u32,
    /// Before the stream began again.
    past: Loss,
}

impl Reception {
    /// A stream that begins with this packet.
    pub const fn new(ssrc: u32, clock: u32, sequence: u16, now: Instant) -> Self {
        let first = sequence as u32;
        Self {
            ssrc,
            clock,
            first,
            highest: first,
            received: 0,
            expected_before: 0,
            received_before: 0,
            after_jump: None,
            began: now,
            transit: None,
            jitter: 0,
            past: Loss { lost: 0, of: 0 },
        }
    }

    /// Whose stream it is.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// From now on the timestamps have this clock: another codec was agreed on.
    pub const fn set_clock(&mut self, clock: u32) {
        if self.clock != clock {
            (self.clock, self.transit, self.jitter) = (clock, None, 0);
        }
    }

    /// One packet. Without a timestamp if that does not tell when it was sent: all packets of one key have the same.
    pub fn note(&mut self, sequence: u16, timestamp: Option<RtpTime>, now: Instant) {
        if !self.count(sequence) {
            return;
        }
        let Some(timestamp) = timestamp else { return };
        let transit = self.ticks(now).wrapping_sub(timestamp.0);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            self.jitter = self.jitter.saturating_add(difference).saturating_sub(self.jitter.saturating_add(8) >> 4);
        }
    }

    fn count(&mut self, sequence: u16) -> bool {
        let [.., h0, h1] = self.highest.to_be_bytes();
        let step = sequence.wrapping_sub(u16::from_be_bytes([h0, h1]));
        if step < LONGEST_GAP {
            self.highest = self.highest.wrapping_add(u32::from(step));
        } else if step <= u16::MAX - LATEST {
            if self.after_jump != Some(sequence) {
                self.after_jump = Some(sequence.wrapping_add(1));
                return false;
            }
            self.past = self.loss();
            (self.first, self.highest) = (u32::from(sequence), u32::from(sequence));
            (self.received, self.expected_before, self.received_before, self.transit) = (0, 0, 0, None);
        }
        self.after_jump = None;
        self.received = self.received.wrapping_add(1);
        true
    }

    #[allow(clippy::cast_possible_truncation, reason = "timestamps wrap")]
    fn ticks(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.began);
        (since.as_micros() * u128::from(self.clock) / 1_000_000) as u32
    }

    const fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    /// How unevenly its packets come.
    pub fn jitter(&self) -> Duration {
        span_of(self.jitter >> 4, self.clock)
    }

    /// What never came.
    pub fn loss(&self) -> Loss {
        let expected = u64::from(self.expected());
        let lost = expected.saturating_sub(u64::from(self.received));
        Loss { lost: self.past.lost + lost, of: self.past.of + expected }
    }

    /// What a report says of it; the next one tells what was lost since this.
    #[allow(clippy::cast_possible_truncation, reason = "less than 256 by construction")]
    pub fn report(&mut self) -> Block {
        let expected = self.expected().wrapping_sub(self.expected_before);
        let received = self.received.wrapping_sub(self.received_before);
        (self.expected_before, self.received_before) = (self.expected(), self.received);
        let lost = u64::from(expected.saturating_sub(received));
        let fraction_lost = (lost * 256).checked_div(u64::from(expected)).unwrap_or_default().min(255) as u8;
        Block {
            ssrc: self.ssrc,
            fraction_lost,
            lost: self.expected().wrapping_sub(self.received).cast_signed().clamp(-0x80_0000, 0x7f_ffff),
            highest: self.highest,
            jitter: self.jitter >> 4,
            ..Block::default()
        }
    }
}

/// Ticks of a clock as a span.
pub fn span_of(ticks: u32, clock: u32) -> Duration {
    Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(clock.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLOCK: u32 = 8_000;

    /// A stream of 20 ms packets from which some are missing; each comes as much later as `late` says.
    fn hear(first: u16, count: u16, mut missing: impl FnMut(u16) -> bool, late: impl Fn(u16) -> u64) -> Reception {
        let start = Instant::now();
        let mut heard = Reception::new(7, CLOCK, first, start);
        for at in 0..count {
            if !missing(at) {
                let now = start + Duration::from_millis(20 * u64::from(at) + late(at));
                heard.note(first.wrapping_add(at), Some(RtpTime(u32::from(at) * 160)), now);
            }
        }
        heard
    }

    #[test]
    fn loss_is_told_in_all_and_since_the_last_report() {
        let mut heard = hear(65_530, 100, |at| at % 10 == 5, |_| 0);
        let block = heard.report();
        assert_eq!((block.lost, block.fraction_lost, block.highest), (10, 25, 65_536 + 93));
        assert_eq!(heard.loss(), Loss { lost: 10, of: 100 });
        let block = heard.report();
        assert_eq!((block.lost, block.fraction_lost), (10, 0));
    }

    #[test]
    fn a_packet_that_comes_twice_makes_up_for_a_lost_one_as_the_rfc_has_it() {
        let mut heard = hear(0, 10, |_| false, |_| 0);
        heard.note(9, None, Instant::now());
        assert_eq!((heard.report().lost, heard.loss().lost), (-1, 0));
    }

    #[test]
    fn jitter_is_none_on_an_even_line_and_that_of_the_line_on_an_uneven_one() {
        assert_eq!(hear(0, 500, |_| false, |_| 0).jitter(), Duration::ZERO);
        // Every other packet 10 ms late: each differs from the one before by 10 ms.
        let jitter = hear(0, 500, |_| false, |at| 10 * u64::from(at % 2)).jitter();
        assert!((9..=10).contains(&jitter.as_millis()), "{jitter:?}");
    }

    #[test]
    fn a_sender_that_starts_over_is_followed_at_its_second_packet_and_one_stray_number_is_not() {
        let mut heard = hear(100, 50, |at| at == 20, |_| 0);
        let now = Instant::now();
        heard.note(30_000, None, now);
        heard.note(150, None, now);
        assert_eq!(heard.loss(), Loss { lost: 1, of: 51 });
        for sequence in 40_000..40_011 {
            heard.note(sequence, None, now);
        }
        assert_eq!(heard.loss(), Loss { lost: 1, of: 61 });
        assert_eq!(heard.report().highest, 40_010);
    }

    #[test]
    fn packets_of_a_pressed_key_do_not_count_as_jitter() {
        let mut heard = hear(0, 100, |_| false, |_| 0);
        (100..120).for_each(|sequence| heard.note(sequence, None, Instant::now()));
        assert_eq!(heard.jitter(), Duration::ZERO);
    }

    proptest! {
        /// Against a count by hand, in any order and across the wrap.
        #[test]
        fn what_is_missing_is_counted(first: u16, missing in proptest::collection::hash_set(1..199_u16, 0..60)) {
            let mut heard = hear(first, 200, |at| missing.contains(&at), |_| 0);
            let block = heard.report();
            prop_assert_eq!(u64::from(block.lost.unsigned_abs()), missing.len() as u64);
            prop_assert_eq!(heard.loss(), Loss { lost: missing.len() as u64, of: 200 });
            prop_assert_eq!(u64::from(block.fraction_lost), missing.len() as u64 * 256 / 200);
        }

        #[test]
        fn no_numbers_stop_us(numbers in proptest::collection::vec((any::<u16>(), any::<u32>()), 0..100)) {
            let mut heard = Reception::new(1, 8_000, 0, Instant::now());
            for (sequence, timestamp) in numbers {
                heard.note(sequence, Some(RtpTime(timestamp)), Instant::now());
                heard.report();
                heard.loss();
            }
        }
    }
}
