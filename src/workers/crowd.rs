//! Whoever is reached over the one port: browsers and other gateways. In: datagrams. Out: RTP for their legs, and datagrams.
//!
//! A datagram finds its owner by the address that it came from, once that address has passed a check; a check finds it by
//! the name that we gave. All else is dropped without an answer.

use std::collections::HashMap;
use std::time::Instant;

use super::Event;
use super::pages::{Page, Pages};
use super::peers::Peers;
use super::port::Port;
use crate::connection::{Credentials, Path, Transport, ufrag_of};
use crate::media::BrowserLeg;
use crate::media::peer_streams::Said;
use crate::words::{LegId, PeerId, RoomId};

/// Datagrams taken from one socket in one tick, beside those that the number of browsers and gateways explains.
const SPARE: usize = 256;

/// Datagrams of one browser in one tick: sound, a check, a report.
const EACH: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Page(LegId),
    Peer(PeerId),
}

pub(super) struct Crowd {
    port: Port,
    pub(super) pages: Pages,
    pub(super) peers: Peers,
    by_ufrag: HashMap<String, Owner>,
    by_path: HashMap<Path, Owner>,
}

/// Whose sound, or report, came.
pub(super) enum Heard<'a> {
    Page(LegId, &'a mut Page),
    /// Of somebody on another gateway.
    Distant(LegId, &'a RoomId),
}

impl Crowd {
    pub(super) fn new(port: Port) -> Self {
        let (pages, peers) = (Pages::default(), Peers::default());
        Self { port, pages, peers, by_ufrag: HashMap::new(), by_path: HashMap::new() }
    }

    pub(super) fn add_page(&mut self, leg: LegId, ufrag: String, transport: Transport, browser: BrowserLeg) {
        self.by_ufrag.insert(ufrag.clone(), Owner::Page(leg));
        self.pages.add(leg, ufrag, transport, browser);
    }

    pub(super) fn restart_page(&mut self, leg: LegId, credentials: Credentials) {
        let Some(page) = self.pages.get_mut(leg) else { return };
        self.by_ufrag.insert(credentials.ufrag.clone(), Owner::Page(leg));
        if let Some(forgotten) = page.restart(credentials) {
            self.by_ufrag.remove(&forgotten);
        }
    }

    pub(super) fn remove_page(&mut self, leg: LegId) {
        self.pages.remove(leg);
        self.disown(Owner::Page(leg));
    }

    /// A gateway that dials us is found by `ufrag`; one that we dial by the address to which we do.
    pub(super) fn add_peer(
        &mut self,
        peer: PeerId,
        ufrag: String,
        mut transport: Transport,
        speakers: Option<usize>,
        now: Instant,
    ) {
        match transport.dials() {
            Some(address) => {
                let ways = self.port.ways_to(address);
                self.by_path.extend(ways.iter().map(|way| (*way, Owner::Peer(peer))));
                transport.set_ways(ways);
            }
            None => drop(self.by_ufrag.insert(ufrag, Owner::Peer(peer))),
        }
        self.peers.add(peer, transport, speakers, now);
    }

    pub(super) fn remove_peer(&mut self, peer: PeerId) {
        self.peers.remove(peer);
        self.disown(Owner::Peer(peer));
    }

    fn disown(&mut self, owner: Owner) {
        self.by_ufrag.retain(|_, of| *of != owner);
        self.by_path.retain(|_, of| *of != owner);
    }

    /// Takes what came. Each packet of sound, and each report of a browser, goes to `take`.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        news: &mut Vec<Event>,
        mut take: impl FnMut(Heard<'_>, &[u8], Instant),
    ) {
        let Self { port, pages, peers, by_ufrag, by_path } = self;
        let mut proven = Vec::new();
        let most = SPARE + EACH * pages.len() + peers.begin_tick();
        port.receive(most, now, |datagram, path, came| {
            let is_check = datagram.first().is_some_and(|first| *first < 4);
            let named = if is_check { ufrag_of(datagram) } else { None };
            let owner = match named {
                Some(ufrag) => by_ufrag.get(&ufrag).copied(),
                None => by_path.get(&path).copied(),
            };
            let admits = match owner {
                Some(Owner::Page(leg)) => {
                    let Some(page) = pages.get_mut(leg) else { return };
                    page.receive(leg, (datagram, path, came), now, news, |page, packet, at| {
                        take(Heard::Page(leg, page), packet, at);
                    });
                    page.admits(path)
                }
                Some(Owner::Peer(peer)) => {
                    let Some(peer) = peers.get_mut(peer) else { return };
                    peer.receive(datagram, path, now, |leg, room, packet| {
                        take(Heard::Distant(leg, room), packet, now);
                    });
                    peer.transport.admits(path)
                }
                None => return,
            };
            if is_check && admits && by_path.get(&path).copied() != owner {
                by_path.extend(owner.map(|owner| (path, owner)));
                proven.push(path.via);
            }
        });
        proven.into_iter().for_each(|via| port.prove(via));
        if by_path.len() > 16 * (pages.len() + peers.len()) + 64 {
            by_path.retain(|path, owner| match owner {
                Owner::Page(leg) => pages.get_mut(*leg).is_some_and(|page| page.admits(*path)),
                Owner::Peer(peer) => peers.get_mut(*peer).is_some_and(|peer| peer.transport.knows(*path)),
            });
        }
        pages.keep_up(port, now, news);
        peers.keep_up(port, now, news);
    }

    pub(super) fn send_to_page(&mut self, leg: LegId, rtp: &[u8]) {
        self.pages.send(&mut self.port, leg, rtp);
    }

    pub(super) fn send_report(&mut self, leg: LegId, rtcp: &[u8]) {
        self.pages.send_report(&mut self.port, leg, rtcp);
    }

    pub(super) fn send_to_peer(&mut self, peer: PeerId, ssrc: u32, said: Said<'_>, now: Instant) {
        self.peers.send(&mut self.port, peer, ssrc, said, now);
    }

    pub(super) fn report_to_peers(
        &mut self,
        now: Instant,
        news: &mut Vec<Event>,
        troubles: impl Fn(PeerId) -> (u64, u64),
    ) {
        self.peers.report(&mut self.port, now, news, troubles);
    }

    /// The tick is over: what waits is sent.
    pub(super) fn flush(&mut self) {
        self.port.flush();
    }
}
