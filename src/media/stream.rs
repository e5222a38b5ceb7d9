//! One Opus stream that we send. In: packets of whoever is heard in it. Out: RTP whose numbers go on where the last spurt stopped,
//! so that the hearer sees one stream, and no pause is a loss.
//!
//! No number is used twice, whatever the source does: under one key that would tell what is said in both packets, and let others
//! forge more (RFC 7714 section 8.4). What is late from before a spurt is not sent any more.

use std::time::{Duration, Instant};

use super::reports::Sending;
use super::rtp::{self, HEADER, Header};
use super::speech::Arrived;
use crate::words::{Level, Rate, RtpTime};

/// See the module.
#[derive(Clone, Debug)]
pub struct Stream {
    pub(super) sending: Sending,
    /// Of the newest packet sent.
    sequence: u16,
    pub(super) timestamp: RtpTime,
    sent_at: Option<Instant>,
    /// What is added to the source's numbers.
    sequence_shift: u16,
    timestamp_shift: u32,
    /// So many numbers before the newest belong to this spurt.
    reach: u16,
    /// The next packet begins a spurt.
    marker: bool,
}

/// A source that jumps further has begun anew.
const FURTHEST: u16 = 1_000;

impl Stream {
    /// A stream of which nothing has been sent.
    pub const fn new(ssrc: u32, sequence: u16, timestamp: RtpTime) -> Self {
        Self {
            sending: Sending::new(ssrc),
            sequence,
            timestamp,
            sent_at: None,
            sequence_shift: 0,
            timestamp_shift: 0,
            reach: 0,
            marker: true,
        }
    }

    /// The next packet begins a spurt, maybe of another source.
    pub const fn begin(&mut self) {
        self.marker = true;
    }

    /// Writes a packet of the source, with its level if the hearer wants that. False if it is too late.
    pub fn pass(
        &mut self,
        payload_type: u8,
        packet: &Arrived,
        level: Option<Level>,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut sequence = packet.sequence.wrapping_add(self.sequence_shift);
        let mut step = sequence.wrapping_sub(self.sequence).cast_signed();
        if self.marker || step.unsigned_abs() > FURTHEST {
            let ticks = ticks_in(self.pause(now)).max(Rate::Full.hz() / 50);
            (sequence, step) = (self.sequence.wrapping_add(1), 1);
            self.sequence_shift = sequence.wrapping_sub(packet.sequence);
            self.timestamp_shift = self.timestamp.0.wrapping_add(ticks).wrapping_sub(packet.timestamp.0);
            (self.reach, self.marker) = (0, true);
        } else if step <= 0 {
            if step == 0 || step.unsigned_abs() > self.reach {
                return false;
            }
        } else {
            self.reach = self.reach.saturating_add(step.unsigned_abs()).min(FURTHEST);
        }
        let timestamp = RtpTime(packet.timestamp.0.wrapping_add(self.timestamp_shift));
        if step > 0 {
            (self.sequence, self.timestamp) = (sequence, timestamp);
            self.sent_at = Some(now);
        }
        self.put(
            Header { payload_type, marker: self.marker, sequence, timestamp, ssrc: 0 },
            &packet.payload,
            level,
            out,
        );
        true
    }

    /// Writes a packet that is one tick further than the last, with sound or a pause.
    pub(super) fn go_on(&mut self, payload_type: u8, payload: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
        self.timestamp = self.timestamp.plus(Rate::Full.hz() / 50);
        let Some(payload) = payload else {
            self.begin();
            return false;
        };
        self.sequence = self.sequence.wrapping_add(1);
        let Self { sequence, timestamp, marker, .. } = *self;
        self.put(Header { payload_type, marker, sequence, timestamp, ssrc: 0 }, payload, None, out);
        true
    }

    fn put(&mut self, header: Header, payload: &[u8], level: Option<Level>, out: &mut Vec<u8>) {
        let header = Header { ssrc: self.sending.ssrc(), ..header };
        self.sending.count(payload.len());
        self.marker = false;
        out.clear();
        out.reserve(HEADER + rtp::LEVEL + payload.len());
        match level {
            Some(level) => {
                out.extend_from_slice(&header.with_extension());
                out.extend_from_slice(&rtp::level_extension(level));
            }
            None => out.extend_from_slice(&header.to_bytes()),
        }
        out.extend_from_slice(payload);
    }

    /// Since the last packet.
    fn pause(&self, now: Instant) -> Duration {
        self.sent_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// The timestamp of now.
    pub(super) fn time(&self, now: Instant) -> RtpTime {
        self.timestamp.plus(ticks_in(self.pause(now)))
    }
}

/// Ticks of Opus' clock; of a very long span, some large number of them.
fn ticks_in(span: Duration) -> u32 {
    u32::try_from(span.as_millis() * 48).unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::media::rtp::Packet;

    proptest! {
        /// A source that jumps to and fro as it likes, with spurts in between.
        #[test]
        fn no_number_is_used_twice(steps in prop::collection::vec((any::<u16>(), 0..4_u8), 1..300)) {
            let (mut stream, mut out) = (Stream::new(1, 65_500, RtpTime(0)), Vec::new());
            let (mut used, mut source) = (BTreeSet::new(), BTreeSet::new());
            #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
            let now = Instant::now();
            let mut at = 7_u16;
            for (step, kind) in steps {
                at = match kind {
                    0 => step,
                    1 => at.wrapping_sub(step % 5),
                    _ => at.wrapping_add(step % 3),
                };
                if kind == 3 && step % 8 == 0 {
                    stream.begin();
                }
                // The keys of the source let each of its numbers in once.
                if !source.insert(at) {
                    continue;
                }
                let packet = Arrived { sequence: at, timestamp: RtpTime(0), level: None, payload: vec![1, 2, 3] };
                if stream.pass(111, &packet, None, now, &mut out) {
                    let sent = Packet::read(&out).expect("RTP").sequence;
                    prop_assert!(used.insert(sent), "{sent} again");
                }
            }
        }
    }
}
