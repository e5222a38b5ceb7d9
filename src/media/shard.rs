//! The part of a room that is on this node: who of its legs hears what. In: legs that have listened, once every 20 ms.
//! Out: to each leg its frame.
//!
//! Only the selected speakers are mixed. Everybody else hears the same mix, which is converted and encoded once per codec;
//! a speaker hears the mix without itself. The mix has the rate of the best leg.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::clip::{Clip, Player};
use super::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
use super::leg::{Datagram, PhoneLeg};
use super::mixer::Mixer;
use super::resample::Resampler;
use super::speakers::{self, Speakers};
use crate::words::{Codec, LegId, Level, Rate};

/// A leg, and what the room knows of it.
pub struct Seat {
    /// The leg.
    pub leg: PhoneLeg,
    /// It hears the room, but is not heard.
    pub muted: bool,
    to_bus: Option<Resampler>,
    from_bus: Option<Resampler>,
    on_bus: Vec<i16>,
}

impl Seat {
    /// A seat for `leg`.
    pub fn new(leg: PhoneLeg, muted: bool) -> Self {
        Self { leg, muted, to_bus: None, from_bus: None, on_bus: Vec::new() }
    }
}

/// See the module.
pub struct Shard {
    seats: BTreeMap<LegId, Seat>,
    speakers: Speakers,
    groups: Vec<Group>,
    bus: Rate,
    /// A sound for everybody: somebody came or went.
    chime: Player,
}

/// The common mix in one codec.
struct Group {
    codec: Codec,
    bus: Rate,
    encoder: Encoder,
    from_bus: Resampler,
    payload: [u8; LONGEST_PAYLOAD],
    length: usize,
    fresh: bool,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            seats: BTreeMap::new(),
            speakers: Speakers::new(speakers::Config::default()),
            groups: Vec::new(),
            bus: Rate::Narrow,
            chime: Player::default(),
        }
    }
}

impl Shard {
    /// Takes a leg in.
    pub fn enter(&mut self, leg: LegId, seat: Seat) {
        self.seats.insert(leg, seat);
    }

    /// Lets a leg go.
    pub fn exit(&mut self, leg: LegId) -> Option<Seat> {
        self.speakers.remove(leg);
        self.seats.remove(&leg)
    }

    /// One seat.
    pub fn seat(&mut self, leg: LegId) -> Option<&mut Seat> {
        self.seats.get_mut(&leg)
    }

    /// All seats.
    pub fn seats(&mut self) -> impl Iterator<Item = (LegId, &mut Seat)> {
        self.seats.iter_mut().map(|(leg, seat)| (*leg, seat))
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Who speaks.
    pub fn speaking(&self) -> Vec<LegId> {
        self.speakers.iter().collect()
    }

    /// Plays clips to everybody in the room.
    pub fn chime(&mut self, clips: Vec<Clip>) {
        self.chime.play(clips, false);
    }

    /// Makes and sends everybody's frame; every leg has listened. True if other people speak than before.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(LegId, &Datagram, SocketAddr)) -> bool {
        let levels =
            self.seats.iter().map(|(leg, seat)| (*leg, if seat.muted { Level::SILENCE } else { seat.leg.level() }));
        let changed = self.speakers.tick(levels, now);
        self.bus = self.seats.values().map(|seat| seat.leg.rate()).max().unwrap_or(Rate::Narrow);
        let mut mixer = Mixer::new(self.bus);
        self.mix_speakers(&mut mixer);
        self.mix_chime(&mut mixer);
        self.groups.iter_mut().for_each(|group| group.fresh = false);
        let mut mix = [0; Rate::Full.frame()];
        let bus = self.bus;
        let mix = mix.get_mut(..bus.frame()).unwrap_or_default();
        mixer.everybody(mix);
        for (id, seat) in &mut self.seats {
            let send = |datagram: &Datagram, target: SocketAddr| send(*id, datagram, target);
            let mut own = [0; Rate::Full.frame()];
            let own = own.get_mut(..seat.leg.rate().frame()).unwrap_or_default();
            if seat.leg.played(own) {
                seat.leg.say(own, send);
            } else if self.speakers.contains(*id) {
                let mut others = [0; Rate::Full.frame()];
                let others = others.get_mut(..bus.frame()).unwrap_or_default();
                mixer.everybody_but(&seat.on_bus, others);
                Resampler::kept(&mut seat.from_bus, bus, seat.leg.rate()).convert(others, own);
                seat.leg.say(own, send);
            } else if seat.leg.shares_frames() {
                match group_of(&mut self.groups, seat.leg.codec(), bus) {
                    Some(group) => seat.leg.say_encoded(group.payload_of(mix), send),
                    None => continue,
                }
            } else {
                Resampler::kept(&mut seat.from_bus, bus, seat.leg.rate()).convert(mix, own);
                seat.leg.say(own, send);
            }
        }
        changed
    }

    fn mix_speakers(&mut self, mixer: &mut Mixer) {
        for leg in self.speakers.iter() {
            let Some(seat) = self.seats.get_mut(&leg) else { continue };
            seat.on_bus.resize(self.bus.frame(), 0);
            if seat.muted {
                seat.on_bus.fill(0);
            } else {
                let rate = seat.leg.rate();
                Resampler::kept(&mut seat.to_bus, rate, self.bus).convert(seat.leg.sound(), &mut seat.on_bus);
            }
            mixer.add(&seat.on_bus);
        }
    }

    fn mix_chime(&mut self, mixer: &mut Mixer) {
        let mut on_bus = [0; Rate::Full.frame()];
        let on_bus = on_bus.get_mut(..self.bus.frame()).unwrap_or_default();
        if self.chime.fill(self.bus, on_bus) {
            mixer.add(on_bus);
        }
    }
}

fn group_of(groups: &mut Vec<Group>, codec: Codec, bus: Rate) -> Option<&mut Group> {
    groups.retain(|group| group.codec != codec || group.bus == bus);
    if !groups.iter().any(|group| group.codec == codec) {
        let encoder = Encoder::new(codec, codec.rate(), OpusStyle::default()).ok()?;
        let from_bus = Resampler::new(bus, codec.rate());
        groups.push(Group { codec, bus, encoder, from_bus, payload: [0; LONGEST_PAYLOAD], length: 0, fresh: false });
    }
    groups.iter_mut().find(|group| group.codec == codec)
}

impl Group {
    /// The mix, encoded at the first call of each tick.
    fn payload_of(&mut self, mix: &[i16]) -> &[u8] {
        if !self.fresh {
            let mut sound = [0; Rate::Full.frame()];
            let count = self.from_bus.convert(mix, &mut sound);
            let sound = sound.get(..count).unwrap_or_default();
            self.length = self.encoder.encode(sound, &mut self.payload).unwrap_or_default();
            self.fresh = true;
        }
        self.payload.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
