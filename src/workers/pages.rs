//! The browsers of the media thread. In: datagrams from the one port. Out: RTP for their legs, and datagrams.
//!
//! A datagram finds its browser by the address that it came from, once that address has passed a check; a check finds it by
//! the name that we gave. All else is dropped without an answer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Event;
use super::port::Port;
use crate::browser::{Credentials, Path, Received, Transport, ufrag_of};
use crate::media::{BrowserLeg, rtcp};
use crate::words::{LegId, RoomId};

/// A browser that sent no check for so long is gone: they send one every few seconds (RFC 7675).
const GONE: Duration = Duration::from_secs(15);

/// Datagrams taken from one socket in one tick, beside those that the browsers' number explains.
const SPARE: usize = 256;

/// Datagrams of one browser in one tick: sound, a check, a report.
const EACH: usize = 6;

pub(super) struct Pages {
    port: Port,
    pages: HashMap<LegId, Page>,
    by_ufrag: HashMap<String, LegId>,
    by_path: HashMap<Path, LegId>,
}

/// One browser.
pub(super) struct Page {
    transport: Transport,
    ufrag: String,
    /// The name before the last restart.
    former: Option<String>,
    pub(super) room: Option<RoomId>,
    pub(super) muted: bool,
    /// Its leg while it is in no room.
    pub(super) private: Option<BrowserLeg>,
    lost: bool,
}

impl Pages {
    pub(super) fn new(port: Port) -> Self {
        Self { port, pages: HashMap::new(), by_ufrag: HashMap::new(), by_path: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn get_mut(&mut self, leg: LegId) -> Option<&mut Page> {
        self.pages.get_mut(&leg)
    }

    pub(super) fn add(&mut self, leg: LegId, ufrag: String, transport: Transport, browser: BrowserLeg) {
        self.by_ufrag.insert(ufrag.clone(), leg);
        let private = Some(browser);
        self.pages.insert(leg, Page { transport, ufrag, former: None, room: None, muted: false, private, lost: false });
    }

    pub(super) fn restart(&mut self, leg: LegId, credentials: Credentials) {
        let Some(page) = self.pages.get_mut(&leg) else { return };
        let current = std::mem::replace(&mut page.ufrag, credentials.ufrag.clone());
        if let Some(former) = page.former.replace(current) {
            self.by_ufrag.remove(&former);
        }
        self.by_ufrag.insert(credentials.ufrag.clone(), leg);
        page.transport.restart(credentials);
    }

    pub(super) fn remove(&mut self, leg: LegId) {
        self.pages.remove(&leg);
        self.by_ufrag.retain(|_, owner| *owner != leg);
        self.by_path.retain(|_, owner| *owner != leg);
    }

    /// Takes what came. Each packet of sound, and each report, goes to `take`, with the room that its leg is in.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        news: &mut Vec<Event>,
        mut take: impl FnMut(LegId, &mut Page, &[u8], Instant),
    ) {
        let Self { port, pages, by_ufrag, by_path } = self;
        let mut proven = Vec::new();
        port.receive(SPARE + EACH * pages.len(), now, |datagram, path, came| {
            let is_check = datagram.first().is_some_and(|first| *first < 4);
            let leg = if is_check {
                ufrag_of(datagram).and_then(|ufrag| by_ufrag.get(&ufrag).copied())
            } else {
                by_path.get(&path).copied()
            };
            let Some((leg, page)) = leg.and_then(|leg| Some((leg, pages.get_mut(&leg)?))) else { return };
            match page.transport.receive(datagram, path, now) {
                Received::Nothing => {}
                Received::Connected => news.push(Event::Connected { leg }),
                Received::Failed => news.push(Event::Lost { leg }),
                Received::Rtp(packet) => take(leg, page, &packet, now),
                Received::Rtcp(packet) => take(leg, page, &packet, came),
            }
            if is_check && page.transport.admits(path) && by_path.get(&path) != Some(&leg) {
                by_path.insert(path, leg);
                proven.push(path.via);
            }
        });
        proven.into_iter().for_each(|via| self.port.prove(via));
        if self.by_path.len() > 16 * self.pages.len() + 64 {
            let pages = &self.pages;
            self.by_path.retain(|path, leg| pages.get(leg).is_some_and(|page| page.transport.admits(*path)));
        }
        self.keep_up(now, news);
    }

    /// Sends what the connections want sent, and notices those that are gone.
    fn keep_up(&mut self, now: Instant, news: &mut Vec<Event>) {
        let mut report = [0; rtcp::LONGEST];
        for (leg, page) in &mut self.pages {
            page.transport.handle_timeout(now);
            while let Some((datagram, path)) = page.transport.poll_transmit() {
                self.port.send(&datagram, path);
            }
            let gone = now.saturating_duration_since(page.transport.heard_at()) >= GONE;
            if gone && !page.lost {
                news.push(Event::Lost { leg: *leg });
            }
            page.lost = gone;
            if let Some(private) = &mut page.private {
                private.end_tick();
                if let Some(length) = private.poll_report(now, &mut report)
                    && let Some(report) = page.transport.protect_rtcp(report.get(..length).unwrap_or_default())
                {
                    self.port.send(&report.0, report.1);
                }
            }
        }
    }

    /// Protects a packet of sound, which leaves at the next [`Self::flush`] at the latest.
    pub(super) fn send(&mut self, leg: LegId, rtp: &[u8]) {
        if let Some(page) = self.pages.get_mut(&leg)
            && let Some((datagram, path)) = page.transport.protect(rtp)
        {
            self.port.send(&datagram, path);
        }
    }

    /// Protects and sends a report.
    pub(super) fn send_report(&mut self, leg: LegId, rtcp: &[u8]) {
        if let Some(page) = self.pages.get_mut(&leg)
            && let Some((datagram, path)) = page.transport.protect_rtcp(rtcp)
        {
            self.port.send(&datagram, path);
        }
    }

    /// The tick is over: what waits is sent.
    pub(super) fn flush(&mut self) {
        self.port.flush();
    }
}
