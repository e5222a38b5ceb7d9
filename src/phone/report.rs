//! What a call was like. In: packets as they come. Out: figures, for people and as JSON.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::media::rtp::{Packet, is_rtcp};
use crate::words::Codec;

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
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came too late to be played.
    pub late: u64,
    /// Frames of 20 ms that were a guess.
    pub concealed: u64,
    /// Interarrival jitter, in milliseconds (RFC 3550 section 6.4.1).
    pub jitter_ms: f64,
    /// What the other side misses, by its RTCP; none if it has reported nothing.
    pub lost_there: Option<u64>,
    /// Interarrival jitter there, in milliseconds, by its RTCP.
    pub jitter_there_ms: Option<f64>,
    /// There and back, in milliseconds, by RTCP.
    pub round_trip_ms: Option<f64>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = self.first_sound_ms.map_or_else(|| String::from("never"), |first| format!("after {first} ms"));
        writeln!(f, "codec        {}", self.codec)?;
        writeln!(f, "answered     after {} ms", self.setup_ms)?;
        writeln!(f, "first sound  {first}")?;
        writeln!(f, "talked       {} ms", self.talked_ms)?;
        write!(f, "sent         {} packets", self.sent)?;
        match (self.lost_there, self.jitter_there_ms) {
            (Some(lost), Some(jitter)) => writeln!(f, ", {lost} lost, jitter {jitter:.1} ms")?,
            (Some(_), None) | (None, _) => writeln!(f, "; the other side has reported nothing")?,
        }
        let Self { received, lost, late, concealed, jitter_ms, .. } = self;
        writeln!(f, "received     {received} packets, {lost} lost, jitter {jitter_ms:.1} ms")?;
        writeln!(f, "played       {late} packets too late, {concealed} frames of 20 ms guessed")?;
        let trip = self.round_trip_ms.map_or_else(|| String::from("not known"), |trip| format!("{trip:.1} ms"));
        writeln!(f, "round trip   {trip}")
    }
}

/// Counts what comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) received: u64,
    pub(super) first: Option<Instant>,
}

impl Tally {
    /// One datagram.
    pub(super) fn take(&mut self, datagram: &[u8], now: Instant) {
        if Packet::read(datagram).is_some() && !is_rtcp(datagram) {
            self.received += 1;
            self.first.get_or_insert(now);
        }
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds with one decimal.
pub(super) fn tenths(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e4).round() / 10.0
}
