//! RTCP of all legs. In: what came at the telephones' RTCP ports, the time. Out: our reports, and events with each leg's figures.

use std::net::SocketAddr;
use std::time::Instant;

use super::Event;
use super::crowd::Crowd;
use super::line::Line;
use super::stamp::{Moment, Reader};
use crate::media::{BrowserLeg, PhoneLeg, rtcp};
use crate::words::LegId;

/// A telephone's RTCP port is read once in so many ticks: reports come every few seconds, and the kernel notes when.
const TURNS: u64 = 10;

/// So many datagrams are taken from it then; more are a flood.
const MOST_AT_ONCE: usize = 64;

/// The longest report that is taken.
const LONGEST: usize = 1_024;

/// What the thread needs for RTCP.
pub(super) struct Reports {
    reader: Reader,
    out: [u8; rtcp::LONGEST],
    turn: u64,
}

impl Default for Reports {
    fn default() -> Self {
        Self { reader: Reader::new(LONGEST), out: [0; rtcp::LONGEST], turn: 0 }
    }
}

impl Reports {
    /// A tick begins.
    pub(super) const fn begin_tick(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Takes the reports of a telephone, and sends ours when it is due.
    pub(super) fn of_phone(
        &mut self,
        leg: LegId,
        line: &mut Line,
        phone: &mut PhoneLeg,
        now: Instant,
        news: &mut Vec<Event>,
    ) {
        if leg.0 % TURNS == self.turn % TURNS {
            self.take(line, phone);
        }
        if let Some((length, target)) = phone.poll_report(now, &mut self.out) {
            send(line, phone, self.out.get(..length).unwrap_or_default(), target);
            news.push(Event::Quality { leg, quality: phone.quality(now) });
        }
    }

    /// Takes a telephone's last words, and says farewell.
    pub(super) fn end_phone(&mut self, leg: LegId, line: &mut Line, phone: &mut PhoneLeg, now: Instant) -> Event {
        self.take(line, phone);
        if let Some((length, target)) = phone.farewell(now, &mut self.out) {
            send(line, phone, self.out.get(..length).unwrap_or_default(), target);
        }
        Event::Over { leg, quality: phone.quality(now) }
    }

    /// Sends our report to a browser when it is due.
    pub(super) fn of_page(
        &mut self,
        leg: LegId,
        crowd: &mut Crowd,
        browser: &mut BrowserLeg,
        now: Instant,
        news: &mut Vec<Event>,
    ) {
        if let Some(length) = browser.poll_report(now, &mut self.out) {
            crowd.send_report(leg, self.out.get(..length).unwrap_or_default());
            news.push(Event::Quality { leg, quality: browser.quality(now) });
        }
    }

    /// Says farewell to a browser.
    pub(super) fn end_page(&mut self, leg: LegId, crowd: &mut Crowd, browser: &mut BrowserLeg, now: Instant) -> Event {
        if let Some(length) = browser.farewell(now, &mut self.out) {
            crowd.send_report(leg, self.out.get(..length).unwrap_or_default());
        }
        Event::Over { leg, quality: browser.quality(now) }
    }

    fn take(&mut self, line: &mut Line, phone: &mut PhoneLeg) {
        let moment = Moment::now();
        for _ in 0..MOST_AT_ONCE {
            let Some((datagram, from, came)) = self.reader.read(&line.ports.rtcp, moment) else { break };
            if let Some(report) = line.cover.open(datagram) {
                phone.receive_report(&report, from, came);
            }
        }
    }
}

/// A report that cannot be sent now is followed by another.
fn send(line: &mut Line, phone: &PhoneLeg, report: &[u8], target: SocketAddr) {
    let Some(report) = line.cover.seal(report) else { return };
    let socket = if phone.is_muxed() { &line.ports.rtp } else { &line.ports.rtcp };
    let _ = socket.send_to(&report, target);
}
