//! What the gateway keeps of one caller.

use std::net::SocketAddr;

use super::routing::Beginning;
use crate::ivr::Menu;
use crate::words::{Codec, Personal, PhoneNumber, RoomId};
use crate::workers::PortPair;

pub(super) struct Caller {
    /// Where we receive their sound.
    pub(super) ours: SocketAddr,
    line: Line,
    /// The codecs of its trunk, the best first.
    pub(super) codecs: Vec<Codec>,
    /// Counts our descriptions of this call (RFC 3264 section 8).
    pub(super) version: u64,
    pub(super) number: Option<Personal<PhoneNumber>>,
    /// What the dialplan wants of the call.
    pub(super) beginning: Beginning,
    /// Once the call is up, until it has said its last.
    pub(super) menu: Option<Menu>,
    /// Once the menu has led somewhere.
    pub(super) room: Option<RoomId>,
}

/// The state of a caller's leg.
pub(super) enum Line {
    /// The offer was ours; the leg waits for the answer.
    Offered(PortPair),
    /// The leg is with the media thread.
    Open,
}

impl Caller {
    pub(super) const fn new(
        ours: SocketAddr,
        line: Line,
        codecs: Vec<Codec>,
        number: Option<Personal<PhoneNumber>>,
        beginning: Beginning,
    ) -> Self {
        Self { ours, line, codecs, version: 1, number, beginning, menu: None, room: None }
    }

    /// The ports of a leg that waits for its answer.
    pub(super) fn take_offered(&mut self) -> Option<PortPair> {
        match std::mem::replace(&mut self.line, Line::Open) {
            Line::Offered(ports) => Some(ports),
            Line::Open => None,
        }
    }
}
