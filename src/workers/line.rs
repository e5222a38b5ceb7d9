//! What the thread keeps of each leg beside its sound: sockets, where it is, what plays.

use super::Figures;
use super::ports::PortPair;
use crate::words::RoomId;

pub(super) struct Line {
    pub(super) ports: PortPair,
    /// For text, once it was negotiated.
    pub(super) text: Option<PortPair>,
    pub(super) room: Option<RoomId>,
    pub(super) muted: bool,
    pub(super) playing: Option<u64>,
    /// This silence has been warned of.
    pub(super) warned: bool,
    /// The thread's own: each line counts its datagrams there.
    pub(super) figures: Figures,
}

impl Line {
    pub(super) const fn new(ports: PortPair, figures: Figures) -> Self {
        Self { ports, text: None, room: None, muted: false, playing: None, warned: false, figures }
    }
}
