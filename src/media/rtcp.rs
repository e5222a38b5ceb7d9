//! RTCP on slices (RFC 3550 section 6): nothing is copied and nothing allocated. In: a datagram. Out: the reports in it.
//! The other way: reports, names and a farewell are written into the caller's buffer.

use std::time::Duration;

/// Room for what we ever send in one datagram: reports of all streams to a browser, their name, a farewell.
pub const LONGEST: usize = 512;

/// Packet types (RFC 3550 section 12.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// The item of a description that is the canonical name (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;

/// Bytes of a block in a report.
const BLOCK: usize = 24;

/// A time of some clock of the sender: seconds, and fractions of 2⁻³² (RFC 3550 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The middle 32 bits: what reports give back.
    #[allow(clippy::cast_possible_truncation, reason = "the upper half is cut off on purpose")]
    pub const fn middle(self) -> MiddleTime {
        MiddleTime((self.0 >> 16) as u32)
    }

    /// This time `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let fraction = (u64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
        Self(self.0.wrapping_add(span.as_secs() << 32).wrapping_add(fraction))
    }
}

/// A time or a span in units of 2⁻¹⁶ s; wraps after 18 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MiddleTime(pub u32);

impl MiddleTime {
    /// A span; the longest that can be told is 18 hours.
    pub fn of(span: Duration) -> Self {
        Self(u32::try_from(span.as_micros().saturating_mul(1 << 16) / 1_000_000).unwrap_or(u32::MAX))
    }

    /// This as a span.
    pub fn span(self) -> Duration {
        Duration::from_micros((u64::from(self.0) * 1_000_000) >> 16)
    }
}

/// What a sender says of its own stream (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Now, by its clock.
    pub at: NtpTime,
    /// The same moment in the stream's timestamps.
    pub timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Bytes of payload in them.
    pub bytes: u32,
}

/// What a receiver says of one stream that it hears (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The stream.
    pub ssrc: u32,
    /// In 1/256, since the last report.
    pub fraction_lost: u8,
    /// Since the beginning; duplicates count against it. 24 bits on the wire.
    pub lost: i32,
    /// The highest sequence number, and how often it wrapped above it.
    pub highest: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// The time in the last sender report that came; 0 if none did.
    pub last_report: MiddleTime,
    /// How long ago that was.
    pub since_last_report: MiddleTime,
}

impl Block {
    fn read(bytes: &[u8; BLOCK]) -> Self {
        let &[i0, i1, i2, i3, fraction_lost, l0, l1, l2, h0, h1, h2, h3, rest @ ..] = bytes;
        let [j0, j1, j2, j3, r0, r1, r2, r3, d0, d1, d2, d3] = rest;
        Self {
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            fraction_lost,
            // The sign is in the highest of the 24 bits.
            lost: i32::from_be_bytes([l0, l1, l2, 0]) >> 8,
            highest: u32::from_be_bytes([h0, h1, h2, h3]),
            jitter: u32::from_be_bytes([j0, j1, j2, j3]),
            last_report: MiddleTime(u32::from_be_bytes([r0, r1, r2, r3])),
            since_last_report: MiddleTime(u32::from_be_bytes([d0, d1, d2, d3])),
        }
    }

    fn to_bytes(self) -> [u8; BLOCK] {
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let [_, l0, l1, l2] = self.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
        let [h0, h1, h2, h3] = self.highest.to_be_bytes();
        let [j0, j1, j2, j3] = self.jitter.to_be_bytes();
        let [r0, r1, r2, r3] = self.last_report.0.to_be_bytes();
        let [d0, d1, d2, d3] = self.since_last_report.0.to_be_bytes();
        let lost = self.fraction_lost;
        [i0, i1, i2, i3, lost, l0, l1, l2, h0, h1, h2, h3, j0, j1, j2, j3, r0, r1, r2, r3, d0, d1, d2, d3]
    }
}

/// One report. All else that a datagram may hold (names, farewells, what belongs to video) is passed over: nothing of it is
/// needed, and a call is not ended by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// Who reports.
    pub ssrc: u32,
    /// What it has sent, if it sends.
    pub sent: Option<Sent>,
    blocks: &'a [u8],
}

impl Report<'_> {
    /// What it hears.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        self.blocks.as_chunks().0.iter().map(Block::read)
    }
}

/// The reports in a datagram; none if it is not a whole compound packet, which begins with a report (RFC 3550 appendix A.2).
pub fn read(datagram: &[u8]) -> impl Iterator<Item = Report<'_>> {
    let whole = if is_whole(datagram) { datagram } else { &[] };
    packets(whole).filter_map(|packet| report(packet?))
}

fn is_whole(datagram: &[u8]) -> bool {
    let begins =
        matches!(datagram, [flags, SENDER_REPORT | RECEIVER_REPORT, ..] if flags >> 6 == 2 && flags & 0x20 == 0);
    begins && packets(datagram).all(|packet| packet.is_some())
}

struct Part<'a> {
    count: u8,
    kind: u8,
    body: &'a [u8],
}

/// The packets one after the other; at the end `None` once, if the datagram does not end with a packet.
fn packets(mut rest: &[u8]) -> impl Iterator<Item = Option<Part<'_>>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let taken = take(rest);
        rest = taken.as_ref().map_or(&[][..], |(_, after)| after);
        Some(taken.map(|(part, _)| part))
    })
}

fn take(datagram: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let (&[flags, kind, l0, l1], rest) = datagram.split_first_chunk::<4>()?;
    if flags >> 6 != 2 {
        return None;
    }
    let (body, after) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])) * 4)?;
    Some((Part { count: flags & 0x1f, kind, body }, after))
}

fn report(part: Part<'_>) -> Option<Report<'_>> {
    let (ssrc, rest) = part.body.split_first_chunk()?;
    let (sent, rest) = match part.kind {
        SENDER_REPORT => {
            let (sent, rest) = rest.split_first_chunk()?;
            (Some(read_sent(sent)), rest)
        }
        RECEIVER_REPORT => (None, rest),
        _ => return None,
    };
    let blocks = rest.get(..usize::from(part.count) * BLOCK)?;
    Some(Report { ssrc: u32::from_be_bytes(*ssrc), sent, blocks })
}

fn read_sent(bytes: &[u8; 20]) -> Sent {
    let &[n0, n1, n2, n3, n4, n5, n6, n7, t0, t1, t2, t3, p0, p1, p2, p3, b0, b1, b2, b3] = bytes;
    Sent {
        at: NtpTime(u64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7])),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        packets: u32::from_be_bytes([p0, p1, p2, p3]),
        bytes: u32::from_be_bytes([b0, b1, b2, b3]),
    }
}

/// Writes one compound packet: first the reports, then the names, then the farewell.
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
    /// Something had no room.
    is_full: bool,
}

impl<'a> Writer<'a> {
    /// Into `out`.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, length: 0, is_full: false }
    }

    /// A sender report if something was sent, else a receiver report; with what is heard.
    pub fn report(&mut self, ssrc: u32, sent: Option<Sent>, heard: Option<Block>) {
        let kind = if sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let length = 4 + if sent.is_some() { 20 } else { 0 } + if heard.is_some() { BLOCK } else { 0 };
        self.head(u8::from(heard.is_some()), kind, length);
        self.put(&ssrc.to_be_bytes());
        if let Some(sent) = sent {
            self.put(&sent.at.0.to_be_bytes());
            [sent.timestamp, sent.packets, sent.bytes].iter().for_each(|number| self.put(&number.to_be_bytes()));
        }
        if let Some(block) = heard {
            self.put(&block.to_bytes());
        }
    }

    /// The canonical name of these streams (RFC 3550 section 6.5).
    pub fn name(&mut self, ssrcs: impl Iterator<Item = u32> + Clone, name: &str) {
        let Ok(length) = u8::try_from(name.len()) else { return };
        // The items of a chunk end with at least one zero, at a multiple of four.
        let padding = 4 - (2 + usize::from(length)) % 4;
        let chunk = 4 + 2 + usize::from(length) + padding;
        let count = ssrcs.clone().count();
        self.head(u8::try_from(count).unwrap_or(31), DESCRIPTION, count * chunk);
        for ssrc in ssrcs {
            self.put(&ssrc.to_be_bytes());
            self.put(&[CNAME, length]);
            self.put(name.as_bytes());
            self.put([0; 4].get(..padding).unwrap_or_default());
        }
    }

    /// These streams are over (RFC 3550 section 6.6).
    pub fn farewell(&mut self, ssrcs: impl Iterator<Item = u32> + Clone) {
        let count = ssrcs.clone().count();
        self.head(u8::try_from(count).unwrap_or(31), BYE, 4 * count);
        ssrcs.for_each(|ssrc| self.put(&ssrc.to_be_bytes()));
    }

    /// How long it has become; `None` if something had no room.
    pub fn finish(self) -> Option<usize> {
        (!self.is_full).then_some(self.length)
    }

    fn head(&mut self, count: u8, kind: u8, length: usize) {
        let [l0, l1] = u16::try_from(length / 4).unwrap_or_default().to_be_bytes();
        self.put(&[0x80 | count.min(31), kind, l0, l1]);
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.length..self.length + bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.is_full = true,
        }
        self.length += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn sent() -> impl Strategy<Value = Sent> {
        (any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(at, timestamp, packets, bytes)| Sent {
            at: NtpTime(at),
            timestamp,
            packets,
            bytes,
        })
    }

    fn block() -> impl Strategy<Value = Block> {
        let times = (any::<u32>(), any::<u32>());
        (any::<u32>(), any::<u8>(), -0x80_0000..0x80_0000_i32, any::<u32>(), any::<u32>(), times).prop_map(
            |(ssrc, fraction_lost, lost, highest, jitter, (last, since))| Block {
                ssrc,
                fraction_lost,
                lost,
                highest,
                jitter,
                last_report: MiddleTime(last),
                since_last_report: MiddleTime(since),
            },
        )
    }

    #[test]
    fn what_is_not_a_whole_compound_packet_says_nothing() {
        let mut out = [0; LONGEST];
        let mut writer = Writer::new(&mut out);
        writer.report(7, None, Some(Block::default()));
        writer.name([7].into_iter(), "somebody");
        let length = writer.finish().expect("room");
        let whole = &out[..length];
        assert_eq!(read(whole).count(), 1);
        assert!((0..length).all(|end| read(&whole[..end]).count() == 0 || end == 32), "a part of it");
        assert_eq!(read(&whole[32..]).count(), 0, "it begins with a name");
        let padded = [&[whole[0] | 0x20], &whole[1..]].concat();
        assert_eq!(read(&padded).count(), 0, "padding in the first packet");
    }

    #[test]
    fn what_finds_no_room_is_not_sent() {
        let mut out = [0; 40];
        let mut writer = Writer::new(&mut out);
        writer.report(7, None, Some(Block::default()));
        writer.name([7].into_iter(), "somebody");
        assert_eq!(writer.finish(), None);
    }

    #[test]
    fn spans_keep_their_length() {
        let near = |span: Duration, other: Duration| span.abs_diff(other) < Duration::from_micros(40);
        for millis in [0, 1, 20, 999, 60_000] {
            let span = Duration::from_millis(millis);
            assert!(near(MiddleTime::of(span).span(), span));
            let (start, end) = (NtpTime(u64::MAX / 2), NtpTime(u64::MAX / 2).plus(span));
            assert!(near(MiddleTime(end.middle().0.wrapping_sub(start.middle().0)).span(), span));
        }
    }

    proptest! {
        /// The second opinion: another reader finds in it what was written.
        #[test]
        fn what_is_written_is_read_here_and_by_another_reader(ssrc: u32, other: u32, sent in proptest::option::of(sent()),
            heard in proptest::option::of(block()), name in "[a-zA-Z0-9+/]{1,40}") {
            let mut out = [0; LONGEST];
            let mut writer = Writer::new(&mut out);
            writer.report(ssrc, sent, heard);
            writer.report(other, sent, None);
            writer.name([ssrc, other].into_iter(), &name);
            writer.farewell([ssrc, other].into_iter());
            let length = writer.finish().expect("room");
            let reports: Vec<_> = read(&out[..length]).collect();
            prop_assert_eq!(reports.len(), 2);
            prop_assert_eq!((reports[0].ssrc, reports[0].sent), (ssrc, sent));
            prop_assert_eq!(reports[0].blocks().collect::<Vec<_>>(), heard.into_iter().collect::<Vec<_>>());
            prop_assert_eq!((reports[1].ssrc, reports[1].sent), (other, sent));

            let theirs = rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(&out[..length])).expect("RTCP");
            prop_assert_eq!(theirs.len(), 4);
            if let Some(sender) = theirs[0].as_any().downcast_ref::<rtcp::sender_report::SenderReport>() {
                let ours = sent.expect("a sender's");
                prop_assert_eq!((sender.ssrc, sender.ntp_time, sender.rtp_time), (ssrc, ours.at.0, ours.timestamp));
                prop_assert_eq!((sender.packet_count, sender.octet_count), (ours.packets, ours.bytes));
                prop_assert_eq!(sender.reports.len(), usize::from(heard.is_some()));
            } else {
                let receiver = theirs[0].as_any().downcast_ref::<rtcp::receiver_report::ReceiverReport>().expect("one");
                prop_assert_eq!(receiver.ssrc, ssrc);
                if let (Some(ours), Some(theirs)) = (heard, receiver.reports.first()) {
                    prop_assert_eq!((theirs.ssrc, theirs.fraction_lost, theirs.jitter), (ours.ssrc, ours.fraction_lost, ours.jitter));
                    prop_assert_eq!(theirs.last_sequence_number, ours.highest);
                    prop_assert_eq!((theirs.last_sender_report, theirs.delay), (ours.last_report.0, ours.since_last_report.0));
                }
            }
            let names = theirs[2].as_any().downcast_ref::<rtcp::source_description::SourceDescription>().expect("names");
            prop_assert_eq!(names.chunks.len(), 2);
            prop_assert_eq!(&names.chunks[1].items[0].text[..], name.as_bytes());
            let bye = theirs[3].as_any().downcast_ref::<rtcp::goodbye::Goodbye>().expect("a farewell");
            prop_assert_eq!(&bye.sources, &vec![ssrc, other]);
        }

        #[test]
        fn any_bytes_are_read_without_harm(mut datagram in prop::collection::vec(any::<u8>(), 0..200), kind in 199..205_u8) {
            for report in read(&datagram) {
                report.blocks().for_each(drop);
            }
            if let [first, second, ..] = datagram.as_mut_slice() {
                (*first, *second) = (*first & 0x1f | 0x80, kind);
            }
            for report in read(&datagram) {
                prop_assert!(report.blocks().count() <= 31);
            }
        }
    }
}
