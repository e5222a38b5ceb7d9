//! All streams between this gateway and one other. In: packets of the speakers here, for it; the numbers of what comes from it; its
//! reports. Out: RTP and reports for it, and how the line between the two fares.
//!
//! Each participant has one stream, whose SSRC was told over the link before its first packet. The numbers of a stream have no gaps
//! but losses, and are never used twice on one connection, whoever speaks in it: its keys would not survive that (RFC 3711 section 9.1).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::quality::{Loss, Quality, Told};
use super::reception::Reception;
use super::reports::{CanonicalName, Lots};
use super::rtcp::{self, Writer};
use super::rtp::Packet;
use super::speech::Arrived;
use super::stream::Stream;
use crate::words::{Codec, Level, RtpTime};

/// Of Opus between gateways.
pub const PAYLOAD_TYPE: u8 = 111;

/// Streams of one connection in its life.
const MOST_STREAMS: usize = 65_536;

/// Streams in one report; more have their turn in the next.
const MOST_REPORTED: usize = 12;

/// See the module.
pub struct PeerStreams {
    outgoing: HashMap<u32, Stream>,
    incoming: HashMap<u32, Incoming>,
    /// Of the streams that are over.
    past: Loss,
    reporter: u32,
    name: CanonicalName,
    lots: Lots,
    began: Instant,
    due: Instant,
    is_worn_out: bool,
}

struct Incoming {
    reception: Reception,
    /// It brought something since our last report.
    is_news: bool,
}

impl PeerStreams {
    /// None yet. `chance` gives the first numbers of each, and our name in reports.
    pub fn new(chance: [u8; 24], now: Instant) -> Self {
        let [r0, r1, r2, r3, l0, l1, l2, l3, l4, l5, l6, l7, name @ ..] = chance;
        let mut lots = Lots::new([l0, l1, l2, l3, l4, l5, l6, l7]);
        Self {
            outgoing: HashMap::new(),
            incoming: HashMap::new(),
            past: Loss::default(),
            reporter: u32::from_be_bytes([r0, r1, r2, r3]),
            name: CanonicalName::new(name),
            began: now,
            due: now + lots.interval() / 2,
            lots,
            is_worn_out: false,
        }
    }

    /// Writes a packet of somebody here into `out`; false if it is not to be sent.
    pub fn speak(&mut self, ssrc: u32, said: Said<'_>, now: Instant, out: &mut Vec<u8>) -> bool {
        if self.outgoing.len() >= MOST_STREAMS && !self.outgoing.contains_key(&ssrc) {
            self.is_worn_out = true;
            return false;
        }
        let lots = &mut self.lots;
        let stream = self.outgoing.entry(ssrc).or_insert_with(|| {
            let [t0, t1, t2, t3, s0, s1, ..] = lots.draw().to_be_bytes();
            // A first number in the lower half: the hearer's count of wraps is right even if the first packets are lost.
            let sequence = u16::from_be_bytes([s0, s1]) >> 1;
            Stream::new(ssrc, sequence, RtpTime(u32::from_be_bytes([t0, t1, t2, t3])))
        });
        if said.begins {
            stream.begin();
        }
        stream.pass(PAYLOAD_TYPE, said.packet, Some(said.level), now, out)
    }

    /// More streams were to be sent than one connection carries.
    pub const fn is_worn_out(&self) -> bool {
        self.is_worn_out
    }

    /// Nothing was sent for a while: what comes now goes on where each stream stopped.
    pub fn begin_all(&mut self) {
        self.outgoing.values_mut().for_each(Stream::begin);
    }

    /// Takes note of a packet that came from there.
    pub fn note(&mut self, packet: &Packet<'_>, now: Instant) {
        let Packet { ssrc, sequence, timestamp, .. } = *packet;
        let incoming = self.incoming.entry(ssrc).or_insert_with(|| {
            let reception = Reception::new(ssrc, Codec::Opus.clock(), sequence, now);
            Incoming { reception, is_news: true }
        });
        // After a pause only the number goes on; how long the packet travelled is not known.
        incoming.reception.note(sequence, (!packet.marker).then_some(timestamp), now);
        incoming.is_news = true;
    }

    /// A stream from there is over.
    pub fn forget(&mut self, ssrc: u32) {
        if let Some(incoming) = self.incoming.remove(&ssrc) {
            self.past = self.past + incoming.reception.loss();
        }
    }

    /// Takes what is reported from there of our streams.
    pub fn read(&mut self, datagram: &[u8]) {
        for report in rtcp::read(datagram) {
            for block in report.blocks() {
                if let Some(stream) = self.outgoing.get_mut(&block.ssrc) {
                    stream.sending.tell(block);
                }
            }
        }
    }

    /// Our report, if one is due: its length in `out`.
    pub fn poll_report(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if now < self.due {
            return None;
        }
        self.due = now + self.lots.interval();
        let mut writer = Writer::new(out);
        let mut is_empty = true;
        for incoming in self.incoming.values_mut().filter(|incoming| incoming.is_news).take(MOST_REPORTED) {
            incoming.is_news = false;
            writer.report(self.reporter, None, Some(incoming.reception.report()));
            is_empty = false;
        }
        if is_empty {
            writer.report(self.reporter, None, None);
        }
        writer.name(std::iter::once(self.reporter), self.name.as_str());
        writer.finish()
    }

    /// How the line is. What is late and what is a guess is known to those who decode.
    pub fn quality(&self, round_trip: Option<Duration>, (late, concealed): (u64, u64), now: Instant) -> Quality {
        let streams = || self.outgoing.values().map(|stream| &stream.sending);
        let both = |one: Told, other: Told| Told { loss: one.loss + other.loss, jitter: one.jitter.max(other.jitter) };
        let incoming = || self.incoming.values().map(|incoming| &incoming.reception);
        Quality {
            codec: Codec::Opus,
            lasted: now.saturating_duration_since(self.began),
            sent: streams().map(|stream| u64::from(stream.packets())).sum(),
            loss_in: incoming().map(Reception::loss).fold(self.past, |one, other| one + other),
            jitter_in: incoming().map(Reception::jitter).max().unwrap_or_default(),
            out: streams().filter_map(|stream| stream.told(Codec::Opus.clock())).reduce(both),
            round_trip,
            late,
            concealed,
        }
    }
}

/// What somebody here said.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// A packet of it.
    pub packet: &'a Arrived,
    /// How loud it is.
    pub level: Level,
    /// The packets before it were not sent.
    pub begins: bool,
}
