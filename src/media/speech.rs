//! What somebody says who sends Opus: a browser, or somebody on another gateway. In: RTP; each tick. Out: how loud it is, its packets
//! for those to whom they are forwarded, and its sound if telephones need it.
//!
//! It is decoded only while it is followed: until then the level that is written beside each packet (RFC 6464) tells all.

use std::time::Instant;

use super::codec::CodecError;
use super::jitter::{Counts, JitterBuffer, Pulled};
use super::leg::Frame;
use super::level::level_of;
use super::resample::Resampler;
use super::rtp::Packet;
use crate::words::{Codec, Level, Rate, RtpTime};

/// Packets of one tick; more are a flood, and dropped.
const MOST_PER_TICK: usize = 16;

/// The longest Opus packet that is taken: 1275 bytes a frame are the most (RFC 6716 section 3.4).
const LONGEST: usize = 1_275;

/// A packet that came in this tick.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub(super) sequence: u16,
    pub(super) timestamp: RtpTime,
    /// As the sender said it.
    pub(super) level: Option<Level>,
    pub(super) payload: Vec<u8>,
}

/// See the module.
pub struct Speech {
    payload_type: u8,
    /// The number of the level extension; without it the sound is decoded and measured.
    extension: Option<u8>,
    incoming: JitterBuffer,
    /// Its sound goes into the jitter buffer.
    followed: bool,
    arrived: Vec<Arrived>,
    /// Emptied buffers, for the next tick.
    spare: Vec<Vec<u8>>,
    level: Level,
    frame: Box<Frame>,
    to_bus: Option<Resampler>,
    on_bus: Vec<i16>,
    /// Frames that were a guess.
    concealed: u64,
}

impl Speech {
    /// Of whoever sends this payload type, with or without levels.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(payload_type: u8, extension: Option<u8>) -> Result<Self, CodecError> {
        Ok(Self {
            payload_type,
            extension,
            incoming: JitterBuffer::new(Codec::Opus, Rate::Full)?,
            followed: false,
            arrived: Vec::with_capacity(MOST_PER_TICK),
            spare: Vec::new(),
            level: Level::SILENCE,
            frame: Box::new([0; Rate::Full.frame()]),
            to_bus: None,
            on_bus: Vec::new(),
            concealed: 0,
        })
    }

    /// What was lost or broken of the sound that was decoded; nothing, if none was.
    pub const fn counts(&self) -> Counts {
        self.incoming.counts()
    }

    /// Frames of it that were a guess.
    pub const fn concealed(&self) -> u64 {
        self.concealed
    }

    /// Takes one RTP packet; false if it is none of what was agreed on.
    pub fn receive(&mut self, packet: &Packet<'_>, now: Instant) -> bool {
        if packet.payload_type != self.payload_type || packet.payload.len() > LONGEST {
            return false;
        }
        if packet.payload.is_empty() || self.arrived.len() >= MOST_PER_TICK {
            return true;
        }
        let level = self.extension.and_then(|id| packet.level(id));
        if let Some(level) = level {
            self.level = self.level.min(level);
        }
        if self.followed || level.is_none() {
            self.incoming.insert(packet.sequence, packet.timestamp, packet.payload, now);
        }
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.extend_from_slice(packet.payload);
        self.arrived.push(Arrived { sequence: packet.sequence, timestamp: packet.timestamp, level, payload });
        true
    }

    /// It comes from elsewhere from now on, with other numbers.
    pub fn begin_anew(&mut self) {
        self.incoming.begin_anew();
        self.end_tick();
    }

    /// How loud it was in this tick. Where the sender does not say so, its sound is decoded to know.
    pub fn measure(&mut self, now: Instant) -> Level {
        if self.extension.is_none() {
            self.decode(Rate::Full, now);
        }
        self.level
    }

    /// How loud it was when it was last measured in this tick.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// From now on its sound is needed, or no more.
    pub fn follow(&mut self, on: bool, now: Instant) {
        if on && !self.followed && self.extension.is_some() {
            self.incoming.begin_again();
            self.insert_arrived(now);
        }
        self.followed = on;
    }

    /// The next frame of its sound on the room's bus, of somebody who is followed.
    pub fn listen(&mut self, bus: Rate, now: Instant) -> &[i16] {
        if self.extension.is_some() {
            // libopus decodes to 16 kHz better than to 8 kHz: the rest is left to the resampler.
            self.decode(bus.max(Rate::Wide), now);
        }
        let rate = self.incoming.rate();
        self.on_bus.resize(bus.frame(), 0);
        let sound = self.frame.get(..rate.frame()).unwrap_or_default();
        Resampler::kept(&mut self.to_bus, rate, bus).convert(sound, &mut self.on_bus);
        &self.on_bus
    }

    /// What came in this tick, for a buffer that begins.
    fn insert_arrived(&mut self, now: Instant) {
        for packet in &self.arrived {
            self.incoming.insert(packet.sequence, packet.timestamp, &packet.payload, now);
        }
    }

    fn decode(&mut self, rate: Rate, now: Instant) {
        if self.incoming.rate() != rate
            && let Ok(buffer) = JitterBuffer::new(Codec::Opus, rate)
        {
            self.incoming = buffer;
            self.insert_arrived(now);
        }
        let length = self.incoming.rate().frame();
        let Some(frame) = self.frame.get_mut(..length) else { return };
        match self.incoming.pull(now, frame) {
            Pulled::Sound => {}
            Pulled::Concealed => self.concealed += 1,
            Pulled::Nothing => frame.fill(0),
        }
        if self.extension.is_none() {
            self.level = level_of(frame);
        }
    }

    /// What came in this tick.
    pub fn arrived(&self) -> &[Arrived] {
        &self.arrived
    }

    /// What came in this tick, to be heard by others; [`Self::give_back`] takes the buffers again.
    pub fn take_arrived(&mut self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived)
    }

    /// The buffers, when everybody has heard what is in them.
    pub fn give_back(&mut self, packets: Vec<Arrived>) {
        self.arrived = packets;
    }

    /// The tick is over.
    pub fn end_tick(&mut self) {
        self.level = Level::SILENCE;
        for mut packet in self.arrived.drain(..) {
            packet.payload.clear();
            self.spare.push(packet.payload);
        }
    }
}
