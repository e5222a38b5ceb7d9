//! The part of a room that is on this node: who of its legs hears what. In: legs that have listened, once every 20 ms.
//! Out: to each leg its frame.
//!
//! Only the selected speakers are mixed. Every telephone else hears the same mix, which is converted and encoded once per
//! codec; a speaker hears the mix without itself. The mix has the rate of the best telephone. A browser hears the
//! telephones' mix, encoded once for all browsers, and each browser who speaks as it sent itself: no sound of a browser is
//! decoded but for telephones. Somebody on another gateway is heard as a browser is, and hears there.

#[cfg(test)]
mod impaired;
mod peers;
#[cfg(test)]
mod stories;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::clip::{Clip, Player};
use super::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
use super::leg::Datagram;
use super::mixer::Mixer;
use super::peer_streams::Said;
use super::resample::Resampler;
use super::seats::DistantSeat;
pub use super::seats::{BrowserSeat, Seat};
use super::selection::{Loudness, Selection};
use super::speech::Speech;
use crate::words::{Codec, LegId, Level, PeerId, Rate};

/// Takes what a shard sends.
pub trait Outlet {
    /// A whole RTP packet for a telephone.
    fn to_phone(&mut self, leg: LegId, datagram: &Datagram, target: SocketAddr);
    /// A whole RTP packet for a browser, not yet protected.
    fn to_browser(&mut self, leg: LegId, rtp: &[u8]);
    /// A packet for another gateway, in the stream of this SSRC.
    fn to_peer(&mut self, peer: PeerId, ssrc: u32, said: Said<'_>);
}

/// See the module.
pub struct Shard {
    seats: BTreeMap<LegId, Seat>,
    browsers: BTreeMap<LegId, BrowserSeat>,
    distant: BTreeMap<LegId, DistantSeat>,
    /// How other gateways hear each leg, and which of them are sent something, with or without what comes from others.
    streams: BTreeMap<LegId, peers::Outgoing>,
    related: BTreeMap<PeerId, bool>,
    /// The telephones' mix, for browsers.
    for_browsers: Option<Group>,
    scratch: Vec<u8>,
    selection: Selection,
    loudness: Vec<Loudness>,
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
            browsers: BTreeMap::new(),
            distant: BTreeMap::new(),
            streams: BTreeMap::new(),
            related: BTreeMap::new(),
            for_browsers: None,
            scratch: Vec::new(),
            selection: Selection::default(),
            loudness: Vec::new(),
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
        self.forget(leg);
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

    /// Takes a browser in.
    pub fn enter_browser(&mut self, leg: LegId, seat: BrowserSeat) {
        self.browsers.insert(leg, seat);
    }

    /// Lets a browser go.
    pub fn exit_browser(&mut self, leg: LegId) -> Option<BrowserSeat> {
        self.forget(leg);
        self.browsers.remove(&leg)
    }

    /// One browser's seat.
    pub fn browser(&mut self, leg: LegId) -> Option<&mut BrowserSeat> {
        self.browsers.get_mut(&leg)
    }

    /// All browsers' seats.
    pub fn browsers(&mut self) -> impl Iterator<Item = (LegId, &mut BrowserSeat)> {
        self.browsers.iter_mut().map(|(leg, seat)| (*leg, seat))
    }

    /// Whether nobody is here, and no other gateway needs anything of this room.
    pub fn is_empty(&self) -> bool {
        let nobody = self.seats.is_empty() && self.browsers.is_empty() && self.distant.is_empty();
        nobody && self.related.is_empty() && !self.selection.is_led()
    }

    /// Who speaks.
    pub fn speaking(&self) -> Vec<LegId> {
        self.selection.heard().collect()
    }

    /// Plays clips to everybody in the room.
    pub fn chime(&mut self, clips: Vec<Clip>) {
        self.chime.play(clips, false);
    }

    /// Makes and sends everybody's frame; every leg has listened. True if other people speak than before.
    pub fn tick(&mut self, now: Instant, outlet: &mut impl Outlet) -> bool {
        let changed = self.choose_speakers(now);
        self.bus = self.seats.values().map(|seat| seat.leg.rate()).max().unwrap_or(Rate::Narrow);
        let mut mixer = Mixer::new(self.bus);
        let phones_speak = self.mix_phones(&mut mixer);
        let sounds = self.mix_chime(&mut mixer) || phones_speak;
        // Until the browsers are added, this is the telephones' mix.
        if sounds && !self.browsers.is_empty() {
            self.encode_for_browsers(&mixer);
        }
        if !self.seats.is_empty() {
            self.mix_speech(&mut mixer, now);
            self.send_to_phones(&mixer, outlet);
        }
        if !self.browsers.is_empty() {
            self.send_to_browsers(sounds, now, outlet);
        }
        self.send_to_peers(outlet);
        self.end_tick();
        changed
    }

    fn choose_speakers(&mut self, now: Instant) -> bool {
        let of = |leg: LegId, is_here: bool, muted: bool, level: Level| Loudness {
            leg,
            level: if muted { Level::SILENCE } else { level },
            is_here,
        };
        self.loudness.clear();
        self.loudness.extend(self.seats.iter().map(|(leg, seat)| of(*leg, true, seat.muted, seat.leg.level())));
        let browsers = self.browsers.iter_mut();
        self.loudness.extend(browsers.map(|(leg, seat)| of(*leg, true, seat.muted, seat.leg.speech().measure(now))));
        let distant = self.distant.iter_mut();
        self.loudness.extend(distant.map(|(leg, seat)| of(*leg, false, seat.muted, seat.speech().measure(now))));
        let changed = self.selection.tick(&self.loudness, now);
        let has_phones = !self.seats.is_empty();
        for (leg, seat) in &mut self.browsers {
            seat.leg.speech().follow(has_phones && !seat.muted && self.selection.hears(*leg), now);
        }
        for (leg, seat) in &mut self.distant {
            let is_followed = has_phones && !seat.muted && self.selection.hears(*leg);
            seat.speech().follow(is_followed, now);
        }
        changed
    }

    fn send_to_phones(&mut self, mixer: &Mixer, outlet: &mut impl Outlet) {
        self.groups.iter_mut().for_each(|group| group.fresh = false);
        let bus = self.bus;
        let mut mix = [0; Rate::Full.frame()];
        let mix = mix.get_mut(..bus.frame()).unwrap_or_default();
        mixer.everybody(mix);
        for (id, seat) in &mut self.seats {
            let send = |datagram: &Datagram, target: SocketAddr| outlet.to_phone(*id, datagram, target);
            let mut own = [0; Rate::Full.frame()];
            let own = own.get_mut(..seat.leg.rate().frame()).unwrap_or_default();
            let gives_way = seat.leg.plays_in_silence() && self.selection.heard().any(|other| other != *id);
            if !gives_way && seat.leg.played(own) {
                seat.leg.say(own, send);
            } else if self.selection.hears(*id) {
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
    }

    /// To each browser the telephones' mix, and what the others who speak have sent.
    fn send_to_browsers(&mut self, sounds: bool, now: Instant, outlet: &mut impl Outlet) {
        let payload = self.for_browsers.as_ref().filter(|_| sounds).map(Group::payload);
        let mut said = Vec::new();
        for leg in self.selection.heard() {
            if let Some(speech) = speech_of(&mut self.browsers, &mut self.distant, leg) {
                said.push((leg, speech.take_arrived()));
            }
        }
        for (id, seat) in &mut self.browsers {
            if seat.leg.hear_mix(payload, &mut self.scratch) {
                outlet.to_browser(*id, &self.scratch);
            }
            seat.leg.seat_speakers(said.iter().map(|(leg, _)| *leg).filter(|leg| leg != id));
            for (leg, packets) in said.iter().filter(|(leg, _)| leg != id) {
                for packet in packets {
                    if seat.leg.hear(*leg, packet, now, &mut self.scratch) {
                        outlet.to_browser(*id, &self.scratch);
                    }
                }
            }
        }
        for (leg, packets) in said {
            if let Some(speech) = speech_of(&mut self.browsers, &mut self.distant, leg) {
                speech.give_back(packets);
            }
        }
    }

    /// One Opus packet of the telephones' mix, for every browser.
    fn encode_for_browsers(&mut self, mixer: &Mixer) {
        if self.for_browsers.as_ref().is_none_or(|group| group.bus != self.bus) {
            self.for_browsers = Group::new(Codec::Opus, self.bus, FOR_BROWSERS);
        }
        let mut mix = [0; Rate::Full.frame()];
        let mix = mix.get_mut(..self.bus.frame()).unwrap_or_default();
        mixer.everybody(mix);
        if let Some(group) = &mut self.for_browsers {
            group.encode(mix);
        }
    }

    fn mix_phones(&mut self, mixer: &mut Mixer) -> bool {
        let mut any = false;
        for leg in self.selection.heard() {
            let Some(seat) = self.seats.get_mut(&leg) else { continue };
            seat.on_bus.resize(self.bus.frame(), 0);
            if seat.muted {
                seat.on_bus.fill(0);
            } else {
                let rate = seat.leg.rate();
                Resampler::kept(&mut seat.to_bus, rate, self.bus).convert(seat.leg.sound(), &mut seat.on_bus);
            }
            mixer.add(&seat.on_bus);
            any = true;
        }
        any
    }

    fn mix_speech(&mut self, mixer: &mut Mixer, now: Instant) {
        for leg in self.selection.heard() {
            if let Some(speech) = speech_of(&mut self.browsers, &mut self.distant, leg) {
                mixer.add(speech.listen(self.bus, now));
            }
        }
    }

    fn mix_chime(&mut self, mixer: &mut Mixer) -> bool {
        let mut on_bus = [0; Rate::Full.frame()];
        let on_bus = on_bus.get_mut(..self.bus.frame()).unwrap_or_default();
        let sounds = self.chime.fill(self.bus, on_bus);
        if sounds {
            mixer.add(on_bus);
        }
        sounds
    }
}

/// What a browser, or somebody on another gateway, says; nothing of one that is muted.
fn speech_of<'a>(
    browsers: &'a mut BTreeMap<LegId, BrowserSeat>,
    distant: &'a mut BTreeMap<LegId, DistantSeat>,
    leg: LegId,
) -> Option<&'a mut Speech> {
    match browsers.get_mut(&leg) {
        Some(seat) => (!seat.muted).then(|| seat.leg.speech()),
        None => distant.get_mut(&leg).filter(|seat| !seat.muted).map(DistantSeat::speech),
    }
}

/// The telephones' mix is encoded once for all browsers, so it may cost more.
const FOR_BROWSERS: OpusStyle = OpusStyle { bitrate: 64_000, complexity: 8, fec: true, dtx: false };

fn group_of(groups: &mut Vec<Group>, codec: Codec, bus: Rate) -> Option<&mut Group> {
    groups.retain(|group| group.codec != codec || group.bus == bus);
    if !groups.iter().any(|group| group.codec == codec) {
        groups.push(Group::new(codec, bus, OpusStyle::default())?);
    }
    groups.iter_mut().find(|group| group.codec == codec)
}

impl Group {
    fn new(codec: Codec, bus: Rate, style: OpusStyle) -> Option<Self> {
        let encoder = Encoder::new(codec, codec.rate(), style).ok()?;
        let from_bus = Resampler::new(bus, codec.rate());
        Some(Self { codec, bus, encoder, from_bus, payload: [0; LONGEST_PAYLOAD], length: 0, fresh: false })
    }

    /// The mix, encoded at the first call of each tick.
    fn payload_of(&mut self, mix: &[i16]) -> &[u8] {
        if !self.fresh {
            self.encode(mix);
            self.fresh = true;
        }
        self.payload()
    }

    fn encode(&mut self, mix: &[i16]) {
        let mut sound = [0; Rate::Full.frame()];
        let count = self.from_bus.convert(mix, &mut sound);
        let sound = sound.get(..count).unwrap_or_default();
        self.length = self.encoder.encode(sound, &mut self.payload).unwrap_or_default();
    }

    /// What was encoded last.
    fn payload(&self) -> &[u8] {
        self.payload.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
