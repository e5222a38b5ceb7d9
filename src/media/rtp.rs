//! RTP on slices (RFC 3550 section 5.1): nothing is copied and nothing allocated. In: a datagram. Out: its parts, or none.

use crate::words::{Level, RtpTime};

/// The fixed part of the header, in bytes.
pub const HEADER: usize = 12;

/// What one packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// The first packet after a silence, or the first of an event.
    pub marker: bool,
    /// Counts packets; wraps.
    pub sequence: u16,
    /// When the first sample was taken.
    pub timestamp: RtpTime,
    /// Who speaks.
    pub ssrc: u32,
    /// The header extension's profile and content (RFC 3550 section 5.3.1).
    pub extension: Option<(u16, &'a [u8])>,
    /// Without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `None` if it is not a whole RTP packet of version 2.
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let (&[flags, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], rest) = datagram.split_first_chunk::<HEADER>()?;
        if flags >> 6 != 2 {
            return None;
        }
        let rest = rest.get(usize::from(flags & 0x0f) * 4..)?;
        let (extension, rest) = if flags & 0x10 != 0 { read_extension(rest)? } else { (None, rest) };
        let payload = if flags & 0x20 != 0 { without_padding(rest)? } else { rest };
        Some(Self {
            payload_type: kind & 0x7f,
            marker: kind & 0x80 != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: RtpTime(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            extension,
            payload,
        })
    }

    /// The level that the sender wrote under extension `id` (RFC 6464, in the one-byte form of RFC 8285 section 4.2).
    pub fn level(&self, id: u8) -> Option<Level> {
        let (0xbede, mut rest) = self.extension? else { return None };
        while let Some((&head, after)) = rest.split_first() {
            if head == 0 {
                rest = after;
                continue;
            }
            let length = usize::from(head & 0x0f) + 1;
            if head >> 4 == id {
                return after.first().map(|value| Level(value & 0x7f));
            }
            rest = after.get(length..)?;
        }
        None
    }
}

type Extension<'a> = Option<(u16, &'a [u8])>;

fn read_extension(rest: &[u8]) -> Option<(Extension<'_>, &[u8])> {
    let (&[p0, p1, l0, l1], rest) = rest.split_first_chunk::<4>()?;
    let (content, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])) * 4)?;
    Some((Some((u16::from_be_bytes([p0, p1]), content)), rest))
}

fn without_padding(rest: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*rest.last()?);
    if padding == 0 { None } else { rest.get(..rest.len().checked_sub(padding)?) }
}

/// Whether a datagram on a port shared by RTP and RTCP is RTCP (RFC 5761 section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram.get(1), Some(192..=223))
}

/// The header of a packet to be sent, without CSRCs or extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0 to 127.
    pub payload_type: u8,
    /// See [`Packet::marker`].
    pub marker: bool,
    /// See [`Packet::sequence`].
    pub sequence: u16,
    /// See [`Packet::timestamp`].
    pub timestamp: RtpTime,
    /// See [`Packet::ssrc`].
    pub ssrc: u32,
}

impl Header {
    /// The header as bytes.
    pub const fn to_bytes(self) -> [u8; HEADER] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.0.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let kind = self.payload_type & 0x7f | if self.marker { 0x80 } else { 0 };
        [0x80, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }

    /// The header of a packet in which an extension follows: [`level_extension`].
    pub const fn with_extension(self) -> [u8; HEADER] {
        let [flags, rest @ ..] = self.to_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10] = rest;
        [flags | 0x10, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10]
    }
}

/// The level extension between gateways, in bytes.
pub const LEVEL: usize = 8;

/// The number that it has there.
pub const LEVEL_ID: u8 = 1;

/// A level as a header extension with one element (RFC 6464, RFC 8285 section 4.2).
pub const fn level_extension(level: Level) -> [u8; LEVEL] {
    [0xbe, 0xde, 0, 1, LEVEL_ID << 4, level.0 & 0x7f, 0, 0]
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_browser_says_how_loud_it_is() {
        let mut datagram = vec![0x90, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x20, 0x07, 0x10, 0x80 | 42];
        datagram.extend([1, 2, 3]);
        let packet = Packet::read(&datagram).expect("a packet");
        assert_eq!(packet.level(1), Some(Level(42)));
        assert_eq!(packet.level(2), Some(Level(7)));
        assert_eq!(packet.level(3), None);
        assert_eq!(packet.payload, [1, 2, 3]);
    }

    #[test]
    fn a_level_that_we_write_is_read_and_the_payload_after_it() {
        let header = Header { payload_type: 111, marker: true, sequence: 1, timestamp: RtpTime(2), ssrc: 3 };
        for level in [Level(0), Level(55), Level::SILENCE] {
            let datagram = [&header.with_extension()[..], &level_extension(level), &[1, 2, 3]].concat();
            let packet = Packet::read(&datagram).expect("a packet");
            assert_eq!((packet.level(LEVEL_ID), packet.payload, packet.marker), (Some(level), &[1, 2, 3][..], true));
        }
    }

    #[test]
    fn rtcp_on_the_same_port_is_told_apart() {
        assert!(is_rtcp(&[0x80, 200, 0, 6]));
        assert!(!is_rtcp(&[0x80, 8]));
        assert!(!is_rtcp(&[]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payload_type in 0..128_u8, marker: bool, sequence: u16, time: u32, ssrc: u32,
            payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let header = Header { payload_type, marker, sequence, timestamp: RtpTime(time), ssrc };
            let mut datagram = header.to_bytes().to_vec();
            datagram.extend(&payload);
            let packet = Packet::read(&datagram).expect("a packet");
            let read = Header { payload_type: packet.payload_type, marker: packet.marker, sequence: packet.sequence,
                timestamp: packet.timestamp, ssrc: packet.ssrc };
            prop_assert_eq!(read, header);
            prop_assert_eq!(packet.payload, payload.as_slice());
        }

        /// The second opinion: wherever both readers accept, they agree.
        #[test]
        fn any_bytes_are_read_as_another_reader_reads_them(mut datagram in prop::collection::vec(any::<u8>(), 0..80)) {
            use rtc_shared::marshal::Unmarshal;
            if let Some(first) = datagram.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            let ours = Packet::read(&datagram);
            let theirs = rtp::Packet::unmarshal(&mut Bytes::from(datagram.clone()));
            if let (Some(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.sequence, theirs.header.sequence_number);
                prop_assert_eq!(ours.timestamp.0, theirs.header.timestamp);
                prop_assert_eq!(ours.ssrc, theirs.header.ssrc);
                prop_assert_eq!(ours.payload_type, theirs.header.payload_type);
                prop_assert_eq!(ours.payload, theirs.payload.as_ref());
            }
        }
    }
}
