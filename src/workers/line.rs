//! What the thread keeps of each leg beside its sound: sockets, where it is, what plays.

use std::net::SocketAddr;

use super::ports::PortPair;
use super::{Figures, count};
use crate::media::PhoneLeg;
use crate::media::srtp::{Cover, Keying};
use crate::words::RoomId;

pub(super) struct Line {
    pub(super) ports: PortPair,
    /// What protects sound and its reports.
    pub(super) cover: Cover,
    /// For text, once it was negotiated.
    pub(super) text: Option<PortPair>,
    /// What protects it.
    pub(super) text_cover: Cover,
    pub(super) room: Option<RoomId>,
    pub(super) muted: bool,
    pub(super) playing: Option<u64>,
    /// This silence has been warned of.
    pub(super) warned: bool,
    /// The thread's own: each line counts its datagrams there.
    pub(super) figures: Figures,
}

impl Line {
    pub(super) fn new(ports: PortPair, figures: Figures, phone: &PhoneLeg) -> Self {
        let mut line = Self {
            ports,
            cover: Cover::default(),
            text: None,
            text_cover: Cover::default(),
            room: None,
            muted: false,
            playing: None,
            warned: false,
            figures,
        };
        let (sound, text) = phone.keying();
        line.agree(sound, text);
        line
    }

    /// Packets are protected as was negotiated for the leg.
    pub(super) fn agree(&mut self, sound: Option<Keying>, text: Option<Keying>) {
        self.cover.agree(sound);
        self.text_cover.agree(text);
    }

    /// A datagram that cannot be sent now is not worth sending later.
    pub(super) fn send(&mut self, datagram: &[u8], target: SocketAddr) {
        count(&self.figures.sent);
        if let Some(datagram) = self.cover.seal(datagram) {
            let _ = self.ports.rtp.send_to(&datagram, target);
        }
    }
}
