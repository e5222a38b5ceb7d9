//! What a call was like. In: packets as they come. Out: figures, for people and as JSON.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::media::jitter::Counts;
use crate::media::rtp::Packet;
use crate::words::{Codec, RtpTime};

/// What a call was like.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The codec that was agreed on.
    pub codec: Codec,
    /// From INVITE to 200, in milliseconds.
    pub setup_ms: u64,
    /// From INVITE to the first packet of sound, in milliseconds.
    pub first_sound_ms: Option<u64>,
    /// How long the call was, in milliseconds.
    pub talked_ms: u64,
    /// Packets that were sent.
    pub sent: u64,
    /// Packets that came.
    pub received: u64,
    /// Packets that never came, or too late to be played.
    pub lost: u64,
    /// Interarrival jitter, in milliseconds (RFC 3550 section 6.4.1).
    pub jitter_ms: f64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = self.first_sound_ms.map_or_else(|| String::from("never"), |first| format!("after {first} ms"));
        writeln!(f, "codec        {}", self.codec)?;
        writeln!(f, "answered     after {} ms", self.setup_ms)?;
        writeln!(f, "first sound  {first}")?;
        writeln!(f, "talked       {} ms", self.talked_ms)?;
        writeln!(f, "sent         {} packets", self.sent)?;
        writeln!(f, "received     {} packets, {} lost, jitter {:.1} ms", self.received, self.lost, self.jitter_ms)
    }
}

/// Counts what comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) received: u64,
    pub(super) first: Option<Instant>,
    last: Option<(RtpTime, Instant)>,
    /// In ticks of the RTP clock.
    jitter: f64,
}

impl Tally {
    /// One packet. The difference of two packets' spacing at the sender and here, smoothed by 1/16.
    pub(super) fn take(&mut self, datagram: &[u8], clock: u32, now: Instant) {
        let Some(packet) = Packet::read(datagram) else { return };
        self.received += 1;
        self.first.get_or_insert(now);
        if let Some((time, at)) = self.last {
            let here = now.saturating_duration_since(at).as_secs_f64() * f64::from(clock);
            let there = f64::from(packet.timestamp.since(time));
            self.jitter += ((here - there).abs() - self.jitter) / 16.0;
        }
        self.last = Some((packet.timestamp, now));
    }

    pub(super) fn jitter_ms(&self, clock: u32) -> f64 {
        (self.jitter * 1e4 / f64::from(clock)).round() / 10.0
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

pub(super) const fn lost(counts: Counts) -> u64 {
    counts.lost + counts.late
}
