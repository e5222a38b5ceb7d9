//! The browsers of the media thread: where each one's leg is, and whether it is still there.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Event;
use super::port::Port;
use crate::connection::{Credentials, Path, Received, Transport};
use crate::media::{BrowserLeg, rtcp};
use crate::words::{LegId, RoomId};

/// A browser that sent no check for so long is gone: they send one every few seconds (RFC 7675).
const GONE: Duration = Duration::from_secs(15);

#[derive(Default)]
pub(super) struct Pages(HashMap<LegId, Page>);

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
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get_mut(&mut self, leg: LegId) -> Option<&mut Page> {
        self.0.get_mut(&leg)
    }

    pub(super) fn add(&mut self, leg: LegId, ufrag: String, transport: Transport, browser: BrowserLeg) {
        let private = Some(browser);
        self.0.insert(leg, Page { transport, ufrag, former: None, room: None, muted: false, private, lost: false });
    }

    pub(super) fn remove(&mut self, leg: LegId) {
        self.0.remove(&leg);
    }

    /// Sends what the connections want sent, and notices those that are gone.
    pub(super) fn keep_up(&mut self, port: &mut Port, now: Instant, news: &mut Vec<Event>) {
        let mut report = [0; rtcp::LONGEST];
        for (leg, page) in &mut self.0 {
            page.transport.handle_timeout(now);
            while let Some((datagram, path)) = page.transport.poll_transmit() {
                port.send(&datagram, path);
            }
            let gone = now.saturating_duration_since(page.transport.heard_at()) >= GONE;
            if gone && !page.lost {
                news.push(Event::Lost { leg: *leg });
            }
            page.lost = gone;
            if let Some(private) = &mut page.private {
                private.speech().end_tick();
                if let Some(length) = private.poll_report(now, &mut report)
                    && let Some(report) = page.transport.protect_rtcp(report.get(..length).unwrap_or_default())
                {
                    port.send(&report.0, report.1);
                }
            }
        }
    }

    /// Protects a packet of sound, which leaves at the next flush at the latest.
    pub(super) fn send(&mut self, port: &mut Port, leg: LegId, rtp: &[u8]) {
        if let Some(page) = self.0.get_mut(&leg)
            && let Some((datagram, path)) = page.transport.protect(rtp)
        {
            port.send(&datagram, path);
        }
    }

    /// Protects and sends a report.
    pub(super) fn send_report(&mut self, port: &mut Port, leg: LegId, rtcp: &[u8]) {
        if let Some(page) = self.0.get_mut(&leg)
            && let Some((datagram, path)) = page.transport.protect_rtcp(rtcp)
        {
            port.send(&datagram, path);
        }
    }
}

impl Page {
    /// Shows other credentials from now on. Gives the name that is forgotten.
    pub(super) fn restart(&mut self, credentials: Credentials) -> Option<String> {
        let current = std::mem::replace(&mut self.ufrag, credentials.ufrag.clone());
        self.transport.restart(credentials);
        self.former.replace(current)
    }

    /// Whether it has shown that it is there.
    pub(super) fn admits(&self, path: Path) -> bool {
        self.transport.admits(path)
    }

    /// Takes a datagram that came at `came`. A packet of sound, and a report, goes to `take`.
    pub(super) fn receive(
        &mut self,
        leg: LegId,
        (datagram, path, came): (&[u8], Path, Instant),
        now: Instant,
        news: &mut Vec<Event>,
        take: impl FnOnce(&mut Self, &[u8], Instant),
    ) {
        match self.transport.receive(datagram, path, now) {
            Received::Nothing => {}
            Received::Connected => news.push(Event::Connected { leg }),
            Received::Failed => news.push(Event::Lost { leg }),
            Received::Rtp(packet) => take(self, &packet, now),
            Received::Rtcp(packet) => take(self, &packet, came),
        }
    }
}
