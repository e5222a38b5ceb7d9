//! Text that is typed on a telephone and appears letter by letter (RFC 4103, T.140). In: datagrams, and what others type. Out: what is
//! typed, and datagrams. Like a leg it holds no socket.

pub mod incoming;
pub mod outgoing;
pub mod red;
pub mod turns;

use std::net::SocketAddr;
use std::time::Instant;

use incoming::Incoming;
use outgoing::Outgoing;

use super::latch::Latch;
use super::rtp::Packet;
use super::srtp::Keying;
use crate::words::{Direction, ParticipantId, RtpTime, Typed};

/// The text of one phone leg as RFC 3264 left it. Addresses are the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSession {
    /// The payload type of text.
    pub t140: u8,
    /// That of text which is said again, if negotiated.
    pub red: Option<Redundancy>,
    /// Where the peer wants it.
    pub remote: SocketAddr,
    /// As the gateway sees it.
    pub direction: Direction,
    /// The letters that the peer takes (`cps`).
    pub letters_a_second: u16,
    /// How its packets are protected, if that was negotiated.
    pub keying: Option<Box<Keying>>,
}

impl TextSession {
    /// If nothing is said of it (RFC 4103 section 6).
    pub const LETTERS_A_SECOND: u16 = 30;

    /// So often is said again what was said.
    pub const GENERATIONS: usize = 2;
}

/// How text is said again (RFC 2198).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redundancy {
    /// Its payload type.
    pub payload_type: u8,
    /// So often.
    pub generations: usize,
}

/// See the module.
#[derive(Debug)]
pub struct TextLeg {
    session: TextSession,
    latch: Latch,
    incoming: Incoming,
    outgoing: Outgoing,
}

impl TextLeg {
    /// A leg as negotiated, with the random beginnings of RFC 3550 section 5.1.
    pub fn new(session: TextSession, ssrc: u32, sequence: u16, timestamp: RtpTime) -> Self {
        let latch = Latch::new(session.remote);
        Self { latch, session, incoming: Incoming::default(), outgoing: Outgoing::new(ssrc, sequence, timestamp) }
    }

    /// The same leg after a new offer and answer.
    pub fn renegotiate(&mut self, session: TextSession) {
        if session.remote != self.session.remote {
            self.latch = Latch::new(session.remote);
        }
        self.outgoing.set_pace();
        self.session = session;
    }

    /// Takes one datagram from the text port; true if it is the peer's.
    pub fn receive(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> bool {
        let Some(packet) = Packet::read(datagram) else { return false };
        let t140 = self.session.t140;
        let blocks = match self.session.red {
            _ if packet.payload_type == t140 => Some(vec![packet.payload]),
            Some(red) if packet.payload_type == red.payload_type => red::read(packet.payload, t140),
            Some(_) | None => None,
        };
        let Some(blocks) = blocks else { return false };
        if !self.latch.admits(from, packet.ssrc, packet.sequence, now) {
            return false;
        }
        if self.session.direction.receives() {
            self.incoming.insert(packet.ssrc, packet.sequence, &blocks);
        }
        true
    }

    /// What was typed since, and how many letters of it were too many at once.
    pub fn typed(&mut self, now: Instant) -> Option<(Typed, usize)> {
        self.incoming.take(now)
    }

    /// Somebody else types.
    pub fn write(&mut self, who: ParticipantId, name: &str, text: &Typed, now: Instant) {
        if self.session.direction.sends() {
            self.outgoing.write(who, name, text, now);
        }
    }

    /// What somebody else has typed and the peer was not sent yet is no longer meant.
    pub fn cut_short(&mut self, who: ParticipantId) {
        self.outgoing.cut_short(who);
    }

    /// The datagram that is due, if one is, and where to.
    pub fn packet(&mut self, now: Instant) -> Option<(Vec<u8>, SocketAddr)> {
        if !self.session.direction.sends() {
            return None;
        }
        Some((self.outgoing.packet(&self.session, now)?, self.latch.target()))
    }
}

#[cfg(test)]
mod stories;
