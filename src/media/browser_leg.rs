//! One browser leg. In: its RTP and RTCP, decrypted; each tick. Out: what it says ([`Speech`]), and the RTP that it hears: the
//! telephones' mix, and packets of browsers and of people on other gateways, untouched but for their header.

use std::time::Instant;

use super::codec::CodecError;
use super::quality::{Quality, Told};
use super::reports::{CanonicalName, Reports};
use super::rtp::{Packet, is_rtcp};
use super::speech::{Arrived, Speech};
use super::stream::Stream;
use crate::words::{Codec, LegId, RtpTime};

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

/// See the module.
pub struct BrowserLeg {
    session: BrowserSession,
    speech: Speech,
    mix: Stream,
    others: Vec<Slot>,
    reports: Reports,
}

/// A stream in which the browser hears one speaker after the other.
#[derive(Clone, Debug)]
struct Slot {
    stream: Stream,
    source: Option<LegId>,
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
        let stream = |ssrc: &u32| Stream::new(*ssrc, sequence, timestamp);
        // A browser that hears nothing gets reports all the same, in the name of a stream that has nothing to say.
        let mix = stream(session.slots.first().unwrap_or(&u32::from_be_bytes([n0, n1, n2, n3])));
        let others = session.slots.iter().skip(1).map(|ssrc| Slot { stream: stream(ssrc), source: None }).collect();
        Ok(Self {
            speech: Speech::new(session.payload_type, session.level)?,
            mix,
            others,
            reports: Reports::new(session.name.clone(), [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9], now),
            session,
        })
    }

    /// What it says.
    pub const fn speech(&mut self) -> &mut Speech {
        &mut self.speech
    }

    /// Takes one RTP or RTCP packet.
    pub fn receive(&mut self, datagram: &[u8], now: Instant) {
        if is_rtcp(datagram) {
            let others = self.others.iter_mut().map(|slot| &mut slot.stream);
            let streams = std::iter::once(&mut self.mix).chain(others).map(|stream| &mut stream.sending);
            self.reports.read(datagram, streams, now);
            return;
        }
        let Some(packet) = Packet::read(datagram) else { return };
        if self.speech.receive(&packet, now) {
            self.reports.note(packet.ssrc, Codec::Opus.clock(), packet.sequence, Some(packet.timestamp), now);
        }
    }

    /// Lets it hear the telephones' mix: one Opus packet of 20 ms, or a pause.
    pub fn hear_mix(&mut self, payload: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
        // Opus with DTX leaves out what is 2 bytes or less (RFC 6716 section 2.1.9).
        let payload = payload.filter(|payload| payload.len() > 2 && !self.session.slots.is_empty());
        self.mix.go_on(self.session.payload_type, payload, out)
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
                slot.stream.begin();
            }
        }
    }

    /// Lets it hear a packet of a speaker, if that one has a slot.
    pub fn hear(&mut self, speaker: LegId, packet: &Arrived, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(slot) = self.others.iter_mut().find(|slot| slot.source == Some(speaker)) else { return false };
        slot.stream.pass(self.session.payload_type, packet, None, now, out)
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
            let timestamp = slot.stream.time(now);
            (&mut slot.stream.sending, timestamp)
        });
        self.reports.write(mix.chain(others), is_leaving, now, out)
    }

    /// How the call is.
    pub fn quality(&self, now: Instant) -> Quality {
        let clock = Codec::Opus.clock();
        let others = || self.others.iter().map(|slot| &slot.stream);
        let streams = || std::iter::once(&self.mix).chain(others()).map(|stream| &stream.sending);
        let both = |one: Told, other: Told| Told { loss: one.loss + other.loss, jitter: one.jitter.max(other.jitter) };
        Quality {
            codec: Codec::Opus,
            lasted: self.reports.lasted(now),
            sent: streams().map(|stream| u64::from(stream.packets())).sum(),
            loss_in: self.reports.loss(),
            jitter_in: self.reports.jitter(),
            out: streams().filter_map(|stream| stream.told(clock)).reduce(both),
            round_trip: self.reports.round_trip(),
            late: self.speech.counts().late,
            concealed: self.speech.concealed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::{Encoder, LONGEST_PAYLOAD, OpusStyle};
    use crate::media::leg::TICK;
    use crate::media::level::level_of;
    use crate::media::rtp::Header;
    use crate::media::tone::{Player, Tone};
    use crate::words::{Level, Rate};

    fn leg(level: Option<u8>) -> BrowserLeg {
        let name = CanonicalName::new([7; 12]);
        let session = BrowserSession { payload_type: 111, level, slots: vec![10, 11, 12], name };
        BrowserLeg::new(session, [7; 32], Instant::now()).expect("a leg")
    }

    fn arrived(sequence: u16, timestamp: u32) -> Arrived {
        Arrived { sequence, timestamp: RtpTime(timestamp), level: None, payload: vec![1, 2, 3, 4] }
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
                loudest = loudest.min(leg.speech().measure(now));
                leg.speech().follow(true, now);
                let heard = leg.speech().listen(Rate::Wide, now);
                if at > 20 {
                    assert!(level_of(heard).0.abs_diff(level_of(&sound).0) <= 2, "{level:?} {:?}", level_of(heard));
                }
                leg.speech().end_tick();
            }
            assert!(loudest.0.abs_diff(18) <= 8, "{loudest:?}");
        }
    }
}
