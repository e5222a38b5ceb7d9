//! What was negotiated for one phone leg: written by `call` from offer and answer, read by the leg's receiver and sender.

use std::net::SocketAddr;
use std::time::Duration;

use super::srtp::Keying;
use super::text::TextSession;
use crate::words::{Codec, Direction};

/// The media of one phone leg as RFC 3264 left them. Addresses are the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The one codec of the answer, for both ways.
    pub codec: Codec,
    /// Its RTP payload type.
    pub payload_type: u8,
    /// How much sound the peer wants in one packet: 10 to 60 ms.
    pub ptime: Duration,
    /// The payload type of RFC 4733 events, if negotiated; else digits are heard in the sound.
    pub telephone_event: Option<u8>,
    /// Where the peer wants RTP. Its source may differ behind a NAT: see [`super::Latch`].
    pub remote_rtp: SocketAddr,
    /// Where the peer wants RTCP (RFC 3605, or the port above).
    pub remote_rtcp: SocketAddr,
    /// As the gateway sees it.
    pub direction: Direction,
    /// RTP and RTCP on one port (RFC 5761).
    pub rtcp_mux: bool,
    /// The peer can use Opus in-band FEC (`useinbandfec`, RFC 7587 section 6.1).
    pub fec: bool,
    /// The peer wants Opus silence left out (`usedtx`, RFC 7587 section 6.1).
    pub dtx: bool,
    /// How its packets are protected, if that was negotiated.
    pub keying: Option<Box<Keying>>,
    /// What is typed beside, if that was negotiated.
    pub text: Option<TextSession>,
}
