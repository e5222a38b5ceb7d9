//! The connections to other gateways. In: datagrams of theirs, and packets for them. Out: whom each stream belongs to; what
//! becomes of each connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::Event;
use super::port::Port;
use crate::connection::{Path, Received, Transport};
use crate::media::peer_streams::{PeerStreams, Said};
use crate::media::rtcp;
use crate::media::rtp::Packet;
use crate::words::{LegId, PeerId, RoomId};

/// A gateway whose checks, or answers to ours, do not come for so long is lost.
const GONE: Duration = Duration::from_secs(3);

/// Whoever has not been sent for so long has left their place to another.
const SILENT: Duration = Duration::from_millis(400);

/// So long may it take until sound can pass: the two sides are told of each other one after the other.
const PATIENCE: Duration = Duration::from_secs(6);

/// Datagrams of one gateway in one tick: checks, reports, and for each stream as many as of a browser.
const SPARE: usize = 32;
const EACH: usize = 6;

/// However many streams there are.
const MOST: usize = 2_048;

#[derive(Default)]
pub(super) struct Peers(HashMap<PeerId, Peer>);

/// One of them.
pub(super) struct Peer {
    pub(super) transport: Transport,
    streams: PeerStreams,
    /// Who is heard in which stream.
    speakers: HashMap<u32, (LegId, RoomId)>,
    turns: Turns,
    standing: Standing,
    was_elsewhere: bool,
    /// Datagrams that are still taken in this tick.
    budget: usize,
    out: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Awaited {
        since: Instant,
    },
    Connected,
    /// It may come back.
    Lost,
    /// It cannot, which is to be told.
    Failing,
    /// That was told.
    Failed,
}

/// Who is sent there, where only some may be.
struct Turns {
    /// So many at once; all, if nothing is said.
    most: Option<usize>,
    /// Who was sent last, and when.
    sent: Vec<(u32, Instant)>,
}

impl Turns {
    /// Whether one more may speak: who does already goes on, who comes later waits until somebody has been silent for a moment.
    fn take(&mut self, ssrc: u32, now: Instant) -> bool {
        let Some(most) = self.most else { return true };
        self.sent.retain(|(_, at)| now.saturating_duration_since(*at) < SILENT);
        let count = self.sent.len();
        match self.sent.iter_mut().find(|(sent, _)| *sent == ssrc) {
            Some((_, at)) => *at = now,
            None if count < most => self.sent.push((ssrc, now)),
            None => return false,
        }
        true
    }
}

impl Peers {
    pub(super) fn add(&mut self, peer: PeerId, mut transport: Transport, speakers: Option<usize>, now: Instant) {
        transport.take_declared_only();
        let streams = PeerStreams::new(transport.chance(), now);
        let turns = Turns { most: speakers, sent: Vec::new() };
        let (speakers, standing) = (HashMap::new(), Standing::Awaited { since: now });
        let (was_elsewhere, budget, out) = (false, 0, Vec::new());
        let new = Peer { transport, streams, speakers, turns, standing, was_elsewhere, budget, out };
        self.0.insert(peer, new);
    }

    pub(super) fn remove(&mut self, peer: PeerId) {
        self.0.remove(&peer);
    }

    pub(super) fn get_mut(&mut self, peer: PeerId) -> Option<&mut Peer> {
        self.0.get_mut(&peer)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// So many datagrams may come in this tick.
    pub(super) fn begin_tick(&mut self) -> usize {
        let begin = |peer: &mut Peer| {
            peer.budget = (SPARE + EACH * peer.speakers.len()).min(MOST);
            peer.budget
        };
        self.0.values_mut().map(begin).sum()
    }

    /// Sends what the connections want sent, and notices what became of them.
    pub(super) fn keep_up(&mut self, port: &mut Port, now: Instant, news: &mut Vec<Event>) {
        for (peer, state) in &mut self.0 {
            state.transport.handle_timeout(now);
            while let Some((datagram, path)) = state.transport.poll_transmit() {
                port.send(&datagram, path);
            }
            news.extend(state.elsewhere().map(|address| Event::PeerElsewhere { peer: *peer, address }));
            news.extend(state.change(now).map(|connected| {
                let peer = *peer;
                if connected { Event::PeerConnected { peer } } else { Event::PeerLost { peer } }
            }));
        }
    }

    /// Protects a packet of somebody here; nothing goes to whom we have not heard of for too long (RFC 7675 section 5.1).
    pub(super) fn send(&mut self, port: &mut Port, peer: PeerId, ssrc: u32, said: Said<'_>, now: Instant) {
        let Some(peer) = self.0.get_mut(&peer).filter(|peer| peer.standing == Standing::Connected) else { return };
        if peer.turns.take(ssrc, now)
            && peer.streams.speak(ssrc, said, now, &mut peer.out)
            && let Some((datagram, path)) = peer.transport.protect(&peer.out)
        {
            port.send(&datagram, path);
        }
    }

    /// Sends our reports when they are due, and tells how each line is. `troubles` are what those met who decode.
    pub(super) fn report(
        &mut self,
        port: &mut Port,
        now: Instant,
        news: &mut Vec<Event>,
        troubles: impl Fn(PeerId) -> (u64, u64),
    ) {
        let mut report = [0; rtcp::LONGEST];
        for (peer, state) in self.0.iter_mut().filter(|(_, state)| state.standing == Standing::Connected) {
            let Some(length) = state.streams.poll_report(now, &mut report) else { continue };
            if let Some((report, path)) = state.transport.protect_rtcp(report.get(..length).unwrap_or_default()) {
                port.send(&report, path);
            }
            let quality = state.streams.quality(state.transport.round_trip(), troubles(*peer), now);
            news.push(Event::PeerQuality { peer: *peer, quality });
        }
    }
}

impl Peer {
    /// From now on somebody is heard in a stream.
    pub(super) fn declare(&mut self, ssrc: u32, leg: LegId, room: RoomId) {
        match self.transport.declare(ssrc) {
            Ok(()) => {
                self.speakers.insert(ssrc, (leg, room));
            }
            Err(error) => {
                tracing::warn!(%leg, %error, "somebody on another gateway is not heard");
                self.standing = Standing::Failing;
            }
        }
    }

    /// Nobody is any more.
    pub(super) fn withdraw(&mut self, ssrc: u32) {
        self.transport.withdraw(ssrc);
        self.streams.forget(ssrc);
        self.speakers.remove(&ssrc);
    }

    /// Takes a datagram. A packet of somebody goes to `take`.
    pub(super) fn receive(
        &mut self,
        datagram: &[u8],
        path: Path,
        now: Instant,
        take: impl FnOnce(LegId, &RoomId, &[u8]),
    ) {
        let Some(left) = self.budget.checked_sub(1) else { return };
        self.budget = left;
        match self.transport.receive(datagram, path, now) {
            Received::Nothing | Received::Connected | Received::Failed => {}
            Received::Rtcp(report) => self.streams.read(&report),
            Received::Rtp(rtp) => {
                let Some(packet) = Packet::read(&rtp) else { return };
                self.streams.note(&packet, now);
                if let Some((leg, room)) = self.speakers.get(&packet.ssrc) {
                    take(*leg, room, &rtp);
                }
            }
        }
    }

    /// Where else it has sent a check from; told once, for one that goes on would fill the queue.
    fn elsewhere(&mut self) -> Option<IpAddr> {
        let address = self.transport.elsewhere()?;
        (!std::mem::replace(&mut self.was_elsewhere, true)).then_some(address)
    }

    /// What is to be told: it is connected, or not any more.
    fn change(&mut self, now: Instant) -> Option<bool> {
        let is_here = now.saturating_duration_since(self.transport.heard_at()) < GONE;
        let passes = self.transport.is_connected() && is_here;
        if (self.streams.is_worn_out() || self.transport.has_failed()) && self.standing != Standing::Failed {
            self.standing = Standing::Failing;
        }
        match self.standing {
            Standing::Awaited { .. } | Standing::Lost if passes => {
                self.standing = Standing::Connected;
                self.streams.begin_all();
                Some(true)
            }
            Standing::Awaited { since } if now.saturating_duration_since(since) >= PATIENCE => {
                self.standing = Standing::Lost;
                Some(false)
            }
            Standing::Connected if !is_here => {
                self.standing = Standing::Lost;
                Some(false)
            }
            Standing::Failing => {
                self.standing = Standing::Failed;
                Some(false)
            }
            Standing::Awaited { .. } | Standing::Connected | Standing::Lost | Standing::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_may_speak_the_third_waits_until_one_of_them_has_been_silent() {
        let begin = super::super::clock::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let mut turns = Turns { most: Some(2), sent: Vec::new() };
        assert!(turns.take(1, at(0)) && turns.take(2, at(0)));
        for tick in 1..50 {
            assert!(turns.take(1, at(20 * tick)) && turns.take(2, at(20 * tick)), "who speaks goes on");
            assert!(!turns.take(3, at(20 * tick)), "and nobody comes between");
        }
        assert!(turns.take(1, at(1_300)) && !turns.take(3, at(1_300)));
        assert!(turns.take(3, at(1_400)), "the second has been silent for 400 ms");
        assert!(!turns.take(2, at(1_420)));
        let mut all = Turns { most: None, sent: Vec::new() };
        assert!((0..100).all(|ssrc| all.take(ssrc, begin)));
    }
}
