//! The RTCP of one leg (RFC 3550 section 6). In: the numbers of each packet that comes, the peer's reports, the time. Out: our
//! reports, when they are due, and the figures of the leg.
//!
//! A report changes figures and nothing else: no call ends by one, and nobody is sent sound because of one.

use std::time::{Duration, Instant};

use super::quality::{Loss, Told};
use super::reception::{Reception, span_of};
use super::rtcp::{self, Block, MiddleTime, NtpTime, Sent, Writer};
use crate::words::RtpTime;

/// The shortest mean interval (RFC 3550 section 6.2). Two members with a voice never need a longer one.
const INTERVAL: Duration = Duration::from_secs(5);

/// e − 3/2 in thousandths: makes up for what the draw of lots shortens (RFC 3550 section 6.3.1).
const COMPENSATION: u32 = 1_218;

/// A round trip above this is an error of somebody's clock.
const LONGEST_TRIP: Duration = Duration::from_secs(60);

/// More streams than these are in no report of ours.
const MOST_STREAMS: usize = 8;

/// The canonical name of our streams to one peer: drawn by lot for each leg, so that it tells nothing of anybody
/// (RFC 7022 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalName(String);

impl CanonicalName {
    /// 96 bits in Base64 (RFC 7022 section 5).
    pub fn new(chance: [u8; 12]) -> Self {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let letter = |bits: u32| LETTERS.get((bits & 63) as usize).copied().map(char::from);
        let (threes, _) = chance.as_chunks::<3>();
        let bits = threes.iter().map(|[one, two, three]| u32::from_be_bytes([0, *one, *two, *three]));
        Self(bits.flat_map(|bits| [18, 12, 6, 0].map(|shift| letter(bits >> shift))).flatten().collect())
    }

    /// As it is written in reports and in SDP.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One stream that we send.
#[derive(Clone, Debug)]
pub struct Sending {
    ssrc: u32,
    packets: u32,
    bytes: u32,
    /// Packets when the last report was made, and the one before.
    reported: [u32; 2],
    told: Option<Block>,
}

impl Sending {
    /// A stream of which nothing has been sent.
    pub const fn new(ssrc: u32) -> Self {
        Self { ssrc, packets: 0, bytes: 0, reported: [0; 2], told: None }
    }

    /// Who sends.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets sent.
    pub const fn packets(&self) -> u32 {
        self.packets
    }

    /// A packet was sent with so many bytes of payload.
    pub fn count(&mut self, bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(u32::try_from(bytes).unwrap_or_default());
    }

    /// The peer tells this of it.
    pub const fn tell(&mut self, block: Block) {
        self.told = Some(block);
    }

    /// What the peer tells of it, if it has told anything.
    pub fn told(&self, clock: u32) -> Option<Told> {
        let block = self.told?;
        let lost = u64::try_from(block.lost).unwrap_or_default();
        Some(Told { loss: Loss { lost, of: self.packets.into() }, jitter: span_of(block.jitter, clock) })
    }

    /// What a report says of it; nothing if it was silent since the last but one (RFC 3550 section 6.4).
    fn report(&mut self, at: NtpTime, timestamp: RtpTime) -> Option<Sent> {
        let [last, last_but_one] = self.reported;
        self.reported = [self.packets, last];
        let speaks = self.packets != last_but_one;
        speaks.then_some(Sent { at, timestamp: timestamp.0, packets: self.packets, bytes: self.bytes })
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Reports {
    name: CanonicalName,
    lots: Lots,
    began: Instant,
    /// Our clock at that moment: it begins anywhere, so that nobody can guess what a report of ours said.
    clock: NtpTime,
    due: Instant,
    heard: Option<Reception>,
    /// Of the streams before this one.
    past: Loss,
    /// The peer's last sender report, and when it came.
    last_report: Option<(MiddleTime, Instant)>,
    round_trip: Option<Duration>,
}

impl Reports {
    /// A leg that begins. `chance` gives our clock's beginning and the lots of the intervals.
    pub fn new(name: CanonicalName, chance: [u8; 10], now: Instant) -> Self {
        let [c0, c1, c2, c3, l0, l1, l2, l3, l4, l5] = chance;
        // The highest bit set and the next not: it is never zero, which means "no clock", and does not wrap during a call.
        let seconds = u64::from(u32::from_be_bytes([c0, c1, c2, c3]) >> 2 | 1 << 31);
        let mut lots = Lots::new([0, 0, l0, l1, l2, l3, l4, l5]);
        let due = now + lots.interval() / 2;
        let clock = NtpTime(seconds << 32);
        Self {
            name,
            lots,
            began: now,
            clock,
            due,
            heard: None,
            past: Loss::default(),
            last_report: None,
            round_trip: None,
        }
    }

    /// How long the leg has been there.
    pub fn lasted(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Takes note of a packet that came from the peer, with timestamps of so many ticks a second; see [`Reception::note`].
    pub fn note(&mut self, ssrc: u32, clock: u32, sequence: u16, timestamp: Option<RtpTime>, now: Instant) {
        if self.heard.as_ref().is_none_or(|heard| heard.ssrc() != ssrc) {
            self.past = self.loss();
            self.heard = Some(Reception::new(ssrc, clock, sequence, now));
            self.last_report = None;
        }
        if let Some(heard) = &mut self.heard {
            heard.set_clock(clock);
            heard.note(sequence, timestamp, now);
        }
    }

    /// Takes what the peer reports. What it tells of our streams is kept in `streams`.
    pub fn read<'a>(&mut self, datagram: &[u8], streams: impl Iterator<Item = &'a mut Sending>, now: Instant) {
        for report in rtcp::read(datagram) {
            let is_heard = self.heard.as_ref().is_none_or(|heard| heard.ssrc() == report.ssrc);
            if let Some(sent) = report.sent.filter(|_| is_heard) {
                self.last_report = Some((sent.at.middle(), now));
            }
        }
        for stream in streams {
            let told =
                rtcp::read(datagram).flat_map(|report| report.blocks().find(|block| block.ssrc == stream.ssrc)).last();
            if let Some(block) = told {
                stream.told = Some(block);
                self.round_trip = self.round_trip_of(block, now).or(self.round_trip);
            }
        }
    }

    /// Now, less our report's time that the peer gives back, less the time that it kept it (RFC 3550 section 6.4.1).
    fn round_trip_of(&self, block: Block, now: Instant) -> Option<Duration> {
        if block.last_report == MiddleTime::default() {
            return None;
        }
        let there_and_back = self.time(now).middle().0.wrapping_sub(block.last_report.0);
        let trip = there_and_back.wrapping_sub(block.since_last_report.0);
        // Two clocks that run unevenly may make a short trip seem less than nothing.
        let trip = if trip.cast_signed() < 0 && trip.cast_signed() > -(1 << 14) { 0 } else { trip };
        Some(MiddleTime(trip).span()).filter(|trip| *trip < LONGEST_TRIP)
    }

    /// Whether a report is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    /// Writes a report of `streams`, each with its timestamp of now, into `out`, and gives its length. With a farewell if
    /// the leg is leaving.
    pub fn write<'a>(
        &mut self,
        streams: impl Iterator<Item = (&'a mut Sending, RtpTime)>,
        is_leaving: bool,
        now: Instant,
        out: &mut [u8],
    ) -> Option<usize> {
        self.due = now + self.lots.interval();
        let at = self.time(now);
        let mut block = self.block(now);
        let mut writer = Writer::new(out);
        let mut named = [0; MOST_STREAMS];
        let mut count = 0;
        for (stream, timestamp) in streams {
            let sent = stream.report(at, timestamp);
            let is_over = is_leaving && stream.packets > 0;
            // The first stands for the leg, even while it says nothing.
            if let Some(place) = named.get_mut(count).filter(|_| sent.is_some() || is_over || count == 0) {
                writer.report(stream.ssrc, sent, block.take());
                *place = stream.ssrc;
                count += 1;
            }
        }
        let named = named.get(..count).unwrap_or_default().iter().copied();
        writer.name(named.clone(), self.name.as_str());
        if is_leaving {
            writer.farewell(named);
        }
        writer.finish()
    }

    fn block(&mut self, now: Instant) -> Option<Block> {
        let block = self.heard.as_mut()?.report();
        let Some((last_report, at)) = self.last_report else { return Some(block) };
        let since_last_report = MiddleTime::of(now.saturating_duration_since(at));
        Some(Block { last_report, since_last_report, ..block })
    }

    fn time(&self, now: Instant) -> NtpTime {
        self.clock.plus(self.lasted(now))
    }

    /// What never came of what the peer sent.
    pub fn loss(&self) -> Loss {
        self.past + self.heard.as_ref().map(Reception::loss).unwrap_or_default()
    }

    /// How unevenly it comes.
    pub fn jitter(&self) -> Duration {
        self.heard.as_ref().map(Reception::jitter).unwrap_or_default()
    }

    /// There and back, as the peer's reports show it.
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

/// Lots for the intervals (splitmix64): no secrets, only so that not all legs report at once.
#[derive(Clone, Debug)]
pub(super) struct Lots(u64);

impl Lots {
    pub(super) const fn new(chance: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(chance))
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Half to one and a half of the mean interval, less the compensation (RFC 3550 section 6.3.1).
    pub(super) fn interval(&mut self) -> Duration {
        let thousandths = u32::try_from(self.draw() % 1_000).unwrap_or_default();
        INTERVAL * (500 + thousandths) / COMPENSATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One end of a call: it sends a packet every 20 ms, and reports when it is due.
    struct End {
        reports: Reports,
        sending: [Sending; 1],
        sequence: u16,
    }

    impl End {
        fn new(number: u8, now: Instant) -> Self {
            let reports = Reports::new(CanonicalName::new([number; 12]), [number; 10], now);
            Self { reports, sending: [Sending::new(number.into())], sequence: 0 }
        }

        fn timestamp(&self) -> RtpTime {
            RtpTime(u32::from(self.sequence) * 160)
        }

        /// One packet, of which `other` hears nothing if it is `lost`.
        fn speaks(&mut self, other: &mut Self, lost: bool, at: Instant) {
            self.sequence += 1;
            self.sending[0].count(160);
            if !lost {
                let time = self.timestamp();
                other.reports.note(self.sending[0].ssrc(), 8_000, self.sequence, Some(time), at);
            }
        }

        fn reports(&mut self, now: Instant, is_leaving: bool) -> Option<Vec<u8>> {
            let mut out = [0; rtcp::LONGEST];
            let time = self.timestamp();
            let streams = self.sending.iter_mut().map(|stream| (stream, time));
            self.reports.write(streams, is_leaving, now, &mut out).map(|length| out[..length].to_vec())
        }

        fn reads(&mut self, datagram: &[u8], now: Instant) {
            self.reports.read(datagram, self.sending.iter_mut(), now);
        }
    }

    const TRIP: Duration = Duration::from_millis(40);

    /// A minute of a call on a line that is 40 ms long and loses every tenth packet of `one`; when who reported.
    fn call(one: &mut End, other: &mut End, start: Instant) -> Vec<(u8, Duration)> {
        let mut told = Vec::new();
        for tick in 0..3_000_u32 {
            let now = start + Duration::from_millis(20) * tick;
            one.speaks(other, tick % 10 == 5, now + TRIP);
            other.speaks(one, false, now + TRIP);
            if one.reports.is_due(now) {
                told.push((1, now - start));
                let datagram = one.reports(now, false).expect("a report");
                other.reads(&datagram, now + TRIP);
            }
            if other.reports.is_due(now) {
                told.push((2, now - start));
                let datagram = other.reports(now, false).expect("a report");
                one.reads(&datagram, now + TRIP);
            }
        }
        told
    }

    #[test]
    fn each_end_of_a_call_learns_what_the_other_misses_and_how_long_the_line_is() {
        let start = Instant::now();
        let (mut one, mut other) = (End::new(1, start), End::new(2, start));
        call(&mut one, &mut other, start);
        let told = one.sending[0].told(8_000).expect("told");
        assert!((950..=1_000).contains(&told.loss.in_ten_thousand()), "{told:?}");
        assert_eq!(other.sending[0].told(8_000).map(|told| told.loss.lost), Some(0));
        assert_eq!(other.reports.loss().in_ten_thousand(), 1_000);
        for end in [&one, &other] {
            let trip = end.reports.round_trip().expect("a round trip");
            assert!(trip.abs_diff(2 * TRIP) < Duration::from_millis(1), "{trip:?}");
        }
    }

    #[test]
    fn reports_come_about_every_five_seconds_and_not_in_step() {
        let start = Instant::now();
        let (mut one, mut other) = (End::new(1, start), End::new(2, start));
        let told = call(&mut one, &mut other, start);
        for who in [1, 2] {
            let times: Vec<_> = told.iter().filter(|(end, _)| *end == who).map(|(_, at)| *at).collect();
            assert!(times[0] <= Duration::from_millis(3_100), "the first comes sooner: {times:?}");
            let pauses: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
            assert!(pauses.iter().all(|pause| (2_040..=6_180).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().max() > pauses.iter().min(), "{pauses:?}");
        }
    }

    #[test]
    fn who_says_nothing_sends_a_receivers_report_and_a_farewell_at_the_end() {
        let start = Instant::now();
        let mut end = End::new(1, start);
        let kind = |datagram: Option<Vec<u8>>| datagram.expect("a report")[1];
        assert_eq!(kind(end.reports(start, false)), 201);
        end.sending[0].count(160);
        assert_eq!([(); 3].map(|()| kind(end.reports(start, false))), [200, 200, 201]);
        let farewell = end.reports(start, true).expect("a report");
        assert_eq!(&farewell[farewell.len() - 8..], [0x81, 203, 0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn a_name_is_drawn_by_lot_and_tells_nothing() {
        let name = CanonicalName::new([0, 16, 131, 16, 81, 135, 32, 146, 139, 255, 255, 255]);
        assert_eq!(name.as_str(), "ABCDEFGHIJKL////");
        assert_ne!(CanonicalName::new([1; 12]), CanonicalName::new([2; 12]));
    }

    #[test]
    fn a_report_with_a_time_that_we_never_told_gives_no_round_trip() {
        let start = Instant::now();
        let mut end = End::new(1, start);
        let mut out = [0; rtcp::LONGEST];
        for last_report in [MiddleTime(0), MiddleTime(0x1234_5678)] {
            let mut writer = Writer::new(&mut out);
            writer.report(2, None, Some(Block { ssrc: 1, last_report, ..Block::default() }));
            let length = writer.finish().expect("room");
            end.reads(&out[..length], start + TRIP);
            assert_eq!(end.reports.round_trip(), None);
        }
    }
}
