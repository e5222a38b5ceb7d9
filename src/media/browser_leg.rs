//! One browser leg. In: its RTP and RTCP, decrypted; each tick. Out: how loud it is, its sound if telephones need it, and the RTP
//! that it hears: the telephones' mix, and other browsers' packets untouched but for their header.
//!
//! What a browser says is decoded only while it speaks and somebody on a telephone listens: until then the level that it
//! writes beside each packet (RFC 6464) tells all.

use std::time::{Duration, Instant};

use super::codec::CodecError;
use super::jitter::{Counts, JitterBuffer, Pulled};
use super::leg::Frame;
use super::level::level_of;
use super::quality::{Quality, Told};
use super::reports::{CanonicalName, Reports, Sending};
use super::rtp::{HEADER, Header, Packet, is_rtcp};
use crate::words::{Codec, LegId, Level, Rate, RtpTime};

/// What was negotiated for a browser leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// Of Opus, both ways.
    pub payload_type: u8,
    /// The number of the audio-level extension in what comes; without it the sound is decoded and measured.
    pub level: Option<u8>,
    /// Our SSRCs: first the telephones' mix, then one for each other browser who speaks.
    pub slots: Vec<u32>,
    /// Our name for all of them.
    pub name: CanonicalName,
}

/// Packets of one tick; more are a flood, and dropped.
const MOST_PER_TICK: usize = 16;

/// The longest Opus packet that is taken: 1275 bytes a frame are the most (RFC 6716 section 3.4).
const LONGEST: usize = 1_275;

/// A packet that came in this tick.
#[derive(Clone, Debug)]
pub struct Arrived {
    sequence: u16,
    timestamp: RtpTime,
    payload: Vec<u8>,
}

/// See the module.
pub struct BrowserLeg {
    session: BrowserSession,
    incoming: JitterBuffer,
    /// Its sound goes into the jitter buffer.
    followed: bool,
    arrived: Vec<Arrived>,
    /// Emptied buffers, for the next tick.
    spare: Vec<Vec<u8>>,
    level: Level,
    frame: Box<Frame>,
    mix: Slot,
    others: Vec<Slot>,
    reports: Reports,
    /// Frames that were a guess.
    concealed: u64,
}

/// A stream that the browser hears.
#[derive(Clone, Debug)]
struct Slot {
    sending: Sending,
    source: Option<LegId>,
    /// The last packet sent.
    sequence: u16,
    timestamp: RtpTime,
    sent_at: Option<Instant>,
    /// What is added to the source's numbers.
    sequence_shift: u16,
    timestamp_shift: u32,
    marker: bool,
}

impl Slot {
    const fn new(ssrc: u32, sequence: u16, timestamp: RtpTime) -> Self {
        Self {
            sending: Sending::new(ssrc),
            source: None,
            sequence,
            timestamp,
            sent_at: None,
            sequence_shift: 0,
            timestamp_shift: 0,
            marker: true,
        }
    }
}

impl BrowserLeg {
    /// A leg as negotiated. `chance` gives the first sequence number and timestamp (RFC 3550 section 5.1), and our clock in
    /// reports.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(session: BrowserSession, chance: [u8; 32], now: Instant) -> Result<Self, CodecError> {
        let [s0, s1, t0, t1, t2, t3, n0, n1, n2, n3, .., r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = chance;
        let (sequence, timestamp) = (u16::from_be_bytes([s0, s1]), RtpTime(u32::from_be_bytes([t0, t1, t2, t3])));
        let slot = |ssrc: &u32| Slot::new(*ssrc, sequence, timestamp);
        // A browser that hears nothing gets reports all the same, in the name of a stream that has nothing to say.
        let mix = slot(session.slots.first().unwrap_or(&u32::from_be_bytes([n0, n1, n2, n3])));
        let others = session.slots.iter().skip(1).map(slot).collect();
        Ok(Self {
            incoming: JitterBuffer::new(Codec::Opus, Rate::Full)?,
            followed: false,
            arrived: Vec::with_capacity(MOST_PER_TICK),
            spare: Vec::new(),
            level: Level::SILENCE,
            frame: Box::new([0; Rate::Full.frame()]),
            mix,
            others,
            reports: Reports::new(session.name.clone(), [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9], now),
            concealed: 0,
            session,
        })
    }

    /// What was lost or broken of the sound that was decoded; nothing, if none was.
    pub const fn counts(&self) -> Counts {
        self.incoming.counts()
    }

    /// Takes one RTP or RTCP packet.
    pub fn receive(&mut self, datagram: &[u8], now: Instant) {
        if is_rtcp(datagram) {
            let streams = std::iter::once(&mut self.mix).chain(&mut self.others).map(|slot| &mut slot.sending);
            self.reports.read(datagram, streams, now);
            return;
        }
        let Some(packet) = Packet::read(datagram) else { return };
        let fits = packet.payload_type == self.session.payload_type && packet.payload.len() <= LONGEST;
        if fits {
            self.reports.note(packet.ssrc, Codec::Opus.clock(), packet.sequence, Some(packet.timestamp), now);
        }
        if !fits || packet.payload.is_empty() || self.arrived.len() >= MOST_PER_TICK {
            return;
        }
        let said = self.session.level.and_then(|id| packet.level(id));
        if let Some(level) = said {
            self.level = self.level.min(level);
        }
        if self.followed || said.is_none() {
            self.incoming.insert(packet.sequence, packet.timestamp, packet.payload, now);
        }
        let mut payload = self.spare.pop().unwrap_or_default();
        payload.extend_from_slice(packet.payload);
        self.arrived.push(Arrived { sequence: packet.sequence, timestamp: packet.timestamp, payload });
    }

    /// How loud it was in this tick. Where the browser does not say so, its sound is decoded to know.
    pub fn measure(&mut self, now: Instant) -> Level {
        if self.session.level.is_none() {
            self.decode(Rate::Full, now);
        }
        self.level
    }

    /// From now on its sound is needed, or no more.
    pub fn follow(&mut self, on: bool, now: Instant) {
        if on && !self.followed && self.session.level.is_some() {
            self.incoming.begin_anew();
            self.insert_arrived(now);
        }
        self.followed = on;
    }

    /// The next frame of its sound at `rate`, of a leg that is followed.
    pub fn listen(&mut self, rate: Rate, now: Instant) -> (&[i16], Rate) {
        if self.session.level.is_some() {
            self.decode(rate, now);
        }
        let rate = self.incoming.rate();
        (self.frame.get(..rate.frame()).unwrap_or_default(), rate)
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
        if self.session.level.is_none() {
            self.level = level_of(frame);
        }
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

    /// Lets it hear the telephones' mix: one Opus packet of 20 ms, or a pause.
    pub fn hear_mix(&mut self, payload: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
        let slot = &mut self.mix;
        slot.timestamp = slot.timestamp.plus(Rate::Full.hz() / 50);
        // Opus with DTX leaves out what is 2 bytes or less (RFC 6716 section 2.1.9).
        let Some(payload) = payload.filter(|payload| payload.len() > 2 && !self.session.slots.is_empty()) else {
            slot.marker = true;
            return false;
        };
        slot.sequence = slot.sequence.wrapping_add(1);
        write(out, self.session.payload_type, slot, payload);
        slot.marker = false;
        true
    }

    /// Gives each of `speakers` a slot, and keeps those who have one where they are.
    pub fn seat_speakers(&mut self, speakers: impl Iterator<Item = LegId> + Clone) {
        for slot in &mut self.others {
            if slot.source.is_some_and(|source| !speakers.clone().any(|speaker| speaker == source)) {
                slot.source = None;
            }
        }
        for speaker in speakers {
            if self.others.iter().any(|slot| slot.source == Some(speaker)) {
                continue;
            }
            if let Some(slot) = self.others.iter_mut().find(|slot| slot.source.is_none()) {
                slot.source = Some(speaker);
                slot.marker = true;
            }
        }
    }

    /// Lets it hear a packet of another browser, if that one has a slot. The numbers go on where the slot's last speaker
    /// stopped, so that the browser sees one stream.
    pub fn hear(&mut self, speaker: LegId, packet: &Arrived, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(slot) = self.others.iter_mut().find(|slot| slot.source == Some(speaker)) else { return false };
        if slot.marker {
            let pause = slot.sent_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            let ticks = ticks_in(pause).max(Rate::Full.hz() / 50);
            slot.sequence_shift = slot.sequence.wrapping_add(1).wrapping_sub(packet.sequence);
            slot.timestamp_shift = slot.timestamp.0.wrapping_add(ticks).wrapping_sub(packet.timestamp.0);
        }
        slot.sequence = packet.sequence.wrapping_add(slot.sequence_shift);
        slot.timestamp = RtpTime(packet.timestamp.0.wrapping_add(slot.timestamp_shift));
        slot.sent_at = Some(now);
        write(out, self.session.payload_type, slot, &packet.payload);
        slot.marker = false;
        true
    }

    /// Our report, if one is due: its length in `out`.
    pub fn poll_report(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if self.reports.is_due(now) { self.report(false, now, out) } else { None }
    }

    /// Our last report, with a farewell.
    pub fn farewell(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        self.report(true, now, out)
    }

    fn report(&mut self, is_leaving: bool, now: Instant, out: &mut [u8]) -> Option<usize> {
        let mix = std::iter::once((&mut self.mix.sending, self.mix.timestamp));
        let others = self.others.iter_mut().map(|slot| {
            let pause = slot.sent_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
            let timestamp = slot.timestamp.plus(ticks_in(pause));
            (&mut slot.sending, timestamp)
        });
        self.reports.write(mix.chain(others), is_leaving, now, out)
    }

    /// How the call is.
    pub fn quality(&self, now: Instant) -> Quality {
        let clock = Codec::Opus.clock();
        let streams = || std::iter::once(&self.mix).chain(&self.others).map(|slot| &slot.sending);
        let both = |one: Told, other: Told| Told { loss: one.loss + other.loss, jitter: one.jitter.max(other.jitter) };
        Quality {
            codec: Codec::Opus,
            lasted: self.reports.lasted(now),
            sent: streams().map(|stream| u64::from(stream.packets())).sum(),
            loss_in: self.reports.loss(),
            jitter_in: self.reports.jitter(),
            out: streams().filter_map(|stream| stream.told(clock)).reduce(both),
            round_trip: self.reports.round_trip(),
            late: self.incoming.counts().late,
            concealed: self.concealed,
        }
    }
}

/// Ticks of Opus' clock; of a very long span, some large number of them.
fn ticks_in(span: Duration) -> u32 {
    u32::try_from(span.as_millis() * 48).unwrap_or(u32::MAX / 2)
}

fn write(out: &mut Vec<u8>, payload_type: u8, slot: &mut Slot, payload: &[u8]) {
    let Slot { sequence, timestamp, marker, .. } = *slot;
    let ssrc = slot.sending.ssrc();
    slot.sending.count(payload.len());
    out.clear();
    out.reserve(HEADER + payload.len());
    out.extend_from_slice(&Header { payload_type, marker, sequence, timestamp, ssrc }.to_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
    use crate::media::leg::TICK;
    use crate::media::tone::{Player, Tone};

    fn leg(level: Option<u8>) -> BrowserLeg {
        let name = CanonicalName::new([7; 12]);
        let session = BrowserSession { payload_type: 111, level, slots: vec![10, 11, 12], name };
        BrowserLeg::new(session, [7; 32], Instant::now()).expect("a leg")
    }

    fn arrived(sequence: u16, timestamp: u32) -> Arrived {
        Arrived { sequence, timestamp: RtpTime(timestamp), payload: vec![1, 2, 3, 4] }
    }

    #[test]
    fn two_speakers_one_after_the_other_are_one_stream_to_the_one_who_hears_them() {
        let (mut leg, start, mut out) = (leg(Some(1)), Instant::now(), Vec::new());
        let mut sent = Vec::new();
        let mut hear = |leg: &mut BrowserLeg, who, packet: Arrived, at: u32| {
            if leg.hear(LegId(who), &packet, start + TICK * at, &mut out) {
                let packet = Packet::read(&out).expect("RTP");
                sent.push((packet.ssrc, packet.sequence, packet.timestamp.0, packet.marker));
            }
        };
        leg.seat_speakers([LegId(1)].into_iter());
        hear(&mut leg, 1, arrived(500, 9_600), 0);
        hear(&mut leg, 1, arrived(502, 11_520), 2);
        leg.seat_speakers([].into_iter());
        hear(&mut leg, 1, arrived(503, 12_480), 3);
        leg.seat_speakers([LegId(2)].into_iter());
        hear(&mut leg, 2, arrived(65_535, 5), 12);
        hear(&mut leg, 2, arrived(0, 965), 13);
        let (ssrcs, rest): (Vec<u32>, Vec<_>) = sent.iter().map(|(ssrc, s, t, m)| (*ssrc, (*s, *t, *m))).unzip();
        assert_eq!(ssrcs, [11; 4]);
        let steps: Vec<_> =
            rest.windows(2).map(|w| (w[1].0.wrapping_sub(w[0].0), w[1].1.wrapping_sub(w[0].1))).collect();
        assert_eq!(steps, [(2, 1_920), (1, 9_600), (1, 960)]);
        assert_eq!(rest.iter().map(|(_, _, marker)| *marker).collect::<Vec<_>>(), [true, false, true, false]);
    }

    #[test]
    fn who_speaks_on_keeps_the_slot_when_others_come_and_go() {
        let mut leg = leg(Some(1));
        leg.seat_speakers([LegId(5), LegId(6)].into_iter());
        leg.seat_speakers([LegId(1), LegId(6)].into_iter());
        let sources: Vec<_> = leg.others.iter().map(|slot| slot.source).collect();
        assert_eq!(sources, [Some(LegId(1)), Some(LegId(6))]);
    }

    #[test]
    fn a_browser_is_heard_with_and_without_the_level_extension() {
        for (level, extension) in [(Some(3), true), (None, false)] {
            let (mut leg, start) = (leg(level), Instant::now());
            let mut encoder = Encoder::new(Codec::Opus, Rate::Full, OpusStyle::default()).expect("an encoder");
            let mut tone = Player::new(Tone::Steady(440), Rate::Full);
            let mut sound = vec![0; Rate::Full.frame()];
            let mut loudest = Level::SILENCE;
            for at in 0..50_u32 {
                tone.fill(&mut sound);
                let mut payload = [0; LONGEST_PAYLOAD];
                let length = encoder.encode(&sound, &mut payload).expect("encodes");
                let header = Header {
                    payload_type: 111,
                    marker: false,
                    sequence: at as u16,
                    timestamp: RtpTime(at * 960),
                    ssrc: 9,
                };
                let mut datagram = header.to_bytes().to_vec();
                if extension {
                    datagram[0] |= 0x10;
                    datagram.extend([0xbe, 0xde, 0, 1, 0x30, 18, 0, 0]);
                }
                datagram.extend(&payload[..length]);
                let now = start + TICK * at;
                leg.receive(&datagram, now);
                loudest = loudest.min(leg.measure(now));
                leg.follow(true, now);
                let (heard, rate) = leg.listen(Rate::Wide, now);
                if at > 20 {
                    assert!(
                        level_of(heard).0.abs_diff(level_of(&sound).0) <= 2,
                        "{level:?} {rate:?} {:?}",
                        level_of(heard)
                    );
                }
                leg.end_tick();
            }
            assert!(loudest.0.abs_diff(18) <= 8, "{loudest:?}");
        }
    }
}
