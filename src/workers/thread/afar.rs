//! What the thread is told of other gateways and of the people there.

use std::collections::BTreeMap;

use super::{Worker, clock};
use crate::connection::Transport;
use crate::media::Shard;
use crate::media::seats::DistantSeat;
use crate::words::{LegId, PeerId, RoomId};

/// Somebody on another gateway.
pub(super) struct Distant {
    peer: PeerId,
    ssrc: u32,
    room: RoomId,
}

impl Worker {
    pub(super) fn add_peer(&mut self, peer: PeerId, ufrag: String, transport: Transport, speakers: Option<usize>) {
        self.crowd.add_peer(peer, ufrag, transport, speakers, clock::now());
        let Some(state) = self.crowd.peers.get_mut(peer) else { return };
        for (leg, distant) in self.distant.iter().filter(|(_, distant)| distant.peer == peer) {
            state.declare(distant.ssrc, *leg, distant.room.clone());
        }
    }

    /// Its people keep their seats: their sound may come from elsewhere soon.
    pub(super) fn remove_peer(&mut self, peer: PeerId) {
        self.crowd.remove_peer(peer);
        self.shards.retain(|_, shard| {
            shard.unrelate(peer);
            !shard.is_empty()
        });
    }

    pub(super) fn unrelate(&mut self, peer: PeerId, room: &RoomId) {
        if let Some(shard) = self.shards.get_mut(room) {
            shard.unrelate(peer);
        }
        self.close(room);
    }

    pub(super) fn add_distant(&mut self, leg: LegId, peer: PeerId, ssrc: u32, room: RoomId) {
        let stays = self.distant.get(&leg).is_some_and(|distant| distant.room == room);
        if !stays {
            self.remove_distant(leg);
            match DistantSeat::new(peer, false) {
                Ok(seat) => self.shards.entry(room.clone()).or_default().enter_distant(leg, seat),
                Err(error) => {
                    tracing::error!(%leg, %error, "a decoder did not start: somebody on another gateway is not heard");
                    return;
                }
            }
        }
        if let Some(shard) = self.shards.get_mut(&room) {
            if let Some(seat) = shard.distant(leg).filter(|_| stays) {
                seat.move_to(peer);
                shard.break_stream(leg);
            } else if let Some(stream) = self.streams.get(&leg) {
                shard.name_stream(leg, *stream);
            }
        }
        let former = self.distant.insert(leg, Distant { peer, ssrc, room: room.clone() });
        if let Some(former) = former.filter(|former| (former.peer, former.ssrc) != (peer, ssrc)) {
            self.withdraw(&former);
        }
        if let Some(state) = self.crowd.peers.get_mut(peer) {
            state.declare(ssrc, leg, room);
        }
    }

    pub(super) fn remove_distant(&mut self, leg: LegId) {
        let Some(distant) = self.distant.remove(&leg) else { return };
        self.withdraw(&distant);
        if let Some(shard) = self.shards.get_mut(&distant.room) {
            shard.exit_distant(leg);
        }
        self.close(&distant.room);
    }

    fn withdraw(&mut self, distant: &Distant) {
        if let Some(state) = self.crowd.peers.get_mut(distant.peer) {
            state.withdraw(distant.ssrc);
        }
    }

    pub(super) fn mute_distant(&mut self, leg: LegId, on: bool) {
        let Some(distant) = self.distant.get(&leg) else { return };
        if let Some(seat) = self.shards.get_mut(&distant.room).and_then(|shard| shard.distant(leg)) {
            seat.muted = on;
        }
    }

    pub(super) fn name_stream(&mut self, leg: LegId, ssrc: u32) {
        self.streams.insert(leg, ssrc);
        let of_line = self.lines.get(&leg).and_then(|line| line.room.clone());
        let of_page = || self.crowd.pages.get_mut(leg).and_then(|page| page.room.clone());
        let room = of_line.or_else(of_page).or_else(|| self.distant.get(&leg).map(|distant| distant.room.clone()));
        if let Some(shard) = room.and_then(|room| self.shards.get_mut(&room)) {
            shard.name_stream(leg, ssrc);
        }
    }

    pub(super) fn choose(&mut self, room: RoomId, chosen: Option<Vec<LegId>>) {
        match chosen {
            Some(chosen) => self.shards.entry(room).or_default().choose(Some(chosen)),
            None => {
                if let Some(shard) = self.shards.get_mut(&room) {
                    shard.choose(None);
                }
                self.close(&room);
            }
        }
    }
}

/// What those met who decode what comes from a gateway: packets that came too late, and frames that were a guess.
pub(super) fn troubles(shards: &BTreeMap<RoomId, Shard>, peer: PeerId) -> (u64, u64) {
    let seats = shards.values().flat_map(Shard::all_distant).filter(|seat| seat.peer == peer);
    seats.map(DistantSeat::troubles).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}
