//! Who sits in a room, and what the room knows of them beside their sound.

use std::time::Instant;

use super::browser_leg::BrowserLeg;
use super::codec::{CodecError, Encoder, LONGEST_PAYLOAD, OpusStyle};
use super::leg::PhoneLeg;
use super::peer_streams::PAYLOAD_TYPE;
use super::resample::Resampler;
use super::rtp::{LEVEL_ID, Packet};
use super::speech::{Arrived, Speech};
use crate::words::{Codec, Level, PeerId, Rate, RtpTime};

/// A telephone's leg.
pub struct Seat {
    /// The leg.
    pub leg: PhoneLeg,
    /// It hears the room, but is not heard.
    pub muted: bool,
    pub(super) to_bus: Option<Resampler>,
    pub(super) from_bus: Option<Resampler>,
    pub(super) on_bus: Vec<i16>,
    /// What other gateways hear of it; there from the first time that it speaks to them.
    voice: Option<Voice>,
}

impl Seat {
    /// A seat for `leg`.
    pub fn new(leg: PhoneLeg, muted: bool) -> Self {
        Self { leg, muted, to_bus: None, from_bus: None, on_bus: Vec::new(), voice: None }
    }

    /// The frame that it said in this tick, for other gateways.
    pub(super) fn voice(&mut self) -> Option<&Arrived> {
        let rate = self.leg.rate();
        if self.voice.as_ref().is_none_or(|voice| voice.encoder.rate() != rate) {
            self.voice = Voice::new(rate).ok();
        }
        self.voice.as_mut()?.encode(self.leg.sound(), self.leg.level())
    }
}

/// A browser's leg.
pub struct BrowserSeat {
    /// The leg.
    pub leg: BrowserLeg,
    /// It hears the room, but is not heard.
    pub muted: bool,
}

impl BrowserSeat {
    /// A seat for `leg`.
    pub const fn new(leg: BrowserLeg, muted: bool) -> Self {
        Self { leg, muted }
    }
}

/// Somebody on another gateway: heard here, and hearing there.
pub struct DistantSeat {
    /// The gateway from which the sound comes.
    pub peer: PeerId,
    /// It is not heard.
    pub muted: bool,
    speech: Speech,
}

impl DistantSeat {
    /// A seat for somebody whose sound comes from `peer`.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(peer: PeerId, muted: bool) -> Result<Self, CodecError> {
        Ok(Self { peer, muted, speech: Speech::new(PAYLOAD_TYPE, Some(LEVEL_ID))? })
    }

    /// Takes one RTP packet.
    pub fn receive(&mut self, datagram: &[u8], now: Instant) {
        if let Some(packet) = Packet::read(datagram) {
            self.speech.receive(&packet, now);
        }
    }

    /// The sound comes from another gateway from now on, or in another stream.
    pub fn move_to(&mut self, peer: PeerId) {
        self.peer = peer;
        self.speech.begin_anew();
    }

    /// What it says.
    pub const fn speech(&mut self) -> &mut Speech {
        &mut self.speech
    }

    /// So many packets came too late, and so many frames were a guess.
    pub const fn troubles(&self) -> (u64, u64) {
        (self.speech.counts().late, self.speech.concealed())
    }
}

/// One telephone goes to all gateways as one Opus stream, which a lossy line may hit: below 48 kbit/s libopus spends nothing on what
/// may be lost of a wide voice (PESQ with 3 % of losses, Opus telephones: 3.3 at 32 kbit/s, 4.2 at 48).
const STYLE: OpusStyle = OpusStyle { bitrate: 48_000, complexity: 5, fec: true, dtx: false };

/// A telephone's sound in Opus.
struct Voice {
    encoder: Encoder,
    packet: Arrived,
}

impl Voice {
    /// At the telephone's own rate: Opus takes each.
    fn new(rate: Rate) -> Result<Self, CodecError> {
        let payload = Vec::with_capacity(LONGEST_PAYLOAD);
        let packet = Arrived { sequence: 0, timestamp: RtpTime(0), level: None, payload };
        Ok(Self { encoder: Encoder::new(Codec::Opus, rate, STYLE)?, packet })
    }

    fn encode(&mut self, sound: &[i16], level: Level) -> Option<&Arrived> {
        let packet = &mut self.packet;
        packet.sequence = packet.sequence.wrapping_add(1);
        packet.timestamp = packet.timestamp.plus(Rate::Full.hz() / 50);
        packet.level = Some(level);
        packet.payload.resize(LONGEST_PAYLOAD, 0);
        let length = self.encoder.encode(sound, &mut packet.payload).ok()?;
        packet.payload.truncate(length);
        Some(packet)
    }
}
