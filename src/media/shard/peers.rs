//! A room that is on several gateways: who of its people here is sent to which of the others, and who is heard from there.

use super::{Outlet, Shard};
use crate::media::peer_streams::Said;
use crate::media::seats::DistantSeat;
use crate::media::speech::Arrived;
use crate::words::{LegId, Level, PeerId};

/// One leg as other gateways hear it.
pub(super) struct Outgoing {
    ssrc: u32,
    /// The packet before the next was sent, to all to whom that goes.
    goes_on: bool,
}

impl Shard {
    /// Takes in somebody on another gateway.
    pub fn enter_distant(&mut self, leg: LegId, seat: DistantSeat) {
        self.distant.insert(leg, seat);
    }

    /// Lets somebody on another gateway go.
    pub fn exit_distant(&mut self, leg: LegId) -> Option<DistantSeat> {
        self.forget(leg);
        self.distant.remove(&leg)
    }

    /// The seat of somebody on another gateway.
    pub fn distant(&mut self, leg: LegId) -> Option<&mut DistantSeat> {
        self.distant.get_mut(&leg)
    }

    /// All seats of people on other gateways.
    pub fn all_distant(&self) -> impl Iterator<Item = &DistantSeat> {
        self.distant.values()
    }

    /// By this SSRC the leg is sent to other gateways.
    pub fn name_stream(&mut self, leg: LegId, ssrc: u32) {
        self.streams.insert(leg, Outgoing { ssrc, goes_on: false });
    }

    /// The leg's numbers are others from now on.
    pub fn break_stream(&mut self, leg: LegId) {
        if let Some(outgoing) = self.streams.get_mut(&leg) {
            outgoing.goes_on = false;
        }
    }

    /// From now on a gateway is sent our speakers, and with `relay` those of other gateways, but not its own.
    pub fn relate(&mut self, peer: PeerId, relay: bool) {
        self.related.insert(peer, relay);
        self.streams.values_mut().for_each(|outgoing| outgoing.goes_on = false);
    }

    /// A gateway is sent nothing of this room any more.
    pub fn unrelate(&mut self, peer: PeerId) {
        self.related.remove(&peer);
    }

    /// Who is heard here, as the home has decided; with `None` we decide alone.
    pub fn choose(&mut self, chosen: Option<Vec<LegId>>) {
        self.selection.choose(chosen);
    }

    pub(super) fn forget(&mut self, leg: LegId) {
        self.selection.remove(leg);
        self.streams.remove(&leg);
    }

    /// To each gateway what those say whom it shall hear.
    pub(super) fn send_to_peers(&mut self, outlet: &mut impl Outlet) {
        let Self { seats, browsers, distant, streams, related, selection, .. } = self;
        if related.is_empty() {
            return;
        }
        for (leg, outgoing) in streams {
            let mut send = |source: Option<PeerId>, packets: &[Arrived], level: Level| {
                for packet in packets {
                    let level = packet.level.unwrap_or(level);
                    let said = Said { packet, level, begins: !outgoing.goes_on };
                    let hearers = related.iter().filter(|(peer, relay)| {
                        // What comes from a gateway never goes back to it.
                        source.is_none_or(|source| **relay && source != **peer)
                    });
                    hearers.for_each(|(peer, _)| outlet.to_peer(*peer, outgoing.ssrc, said));
                    outgoing.goes_on = true;
                }
            };
            let (is_sent, is_heard) = (selection.sends(*leg), selection.hears(*leg));
            if let Some(seat) = seats.get_mut(leg).filter(|seat| is_sent && !seat.muted) {
                let packet = seat.voice();
                send(None, packet.map(std::slice::from_ref).unwrap_or_default(), Level::SILENCE);
            } else if let Some(seat) = browsers.get_mut(leg).filter(|seat| is_sent && !seat.muted) {
                let speech = seat.leg.speech();
                send(None, speech.arrived(), speech.level());
            } else if let Some(seat) = distant.get_mut(leg).filter(|seat| is_heard && !seat.muted) {
                let (peer, speech) = (seat.peer, seat.speech());
                send(Some(peer), speech.arrived(), speech.level());
            } else {
                outgoing.goes_on = false;
            }
        }
    }

    pub(super) fn end_tick(&mut self) {
        self.browsers.values_mut().for_each(|seat| seat.leg.speech().end_tick());
        self.distant.values_mut().for_each(|seat| seat.speech().end_tick());
    }
}
