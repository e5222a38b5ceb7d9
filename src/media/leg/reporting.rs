//! The RTCP of a phone leg. In: datagrams of the RTCP port (or of the RTP port, where both are one: RFC 5761), the time. Out:
//! our reports, where they go, and the leg's figures.
//!
//! Reports are taken from the address that the SDP names for them, or, of a phone behind a NAT, from the host that its sound
//! comes from; and only in the name of the stream that is heard. A stranger's change nothing.

use std::net::SocketAddr;
use std::time::Instant;

use super::PhoneLeg;
use crate::media::quality::Quality;
use crate::media::rtcp;

impl PhoneLeg {
    /// Takes one datagram from the RTCP port.
    pub fn receive_report(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) {
        let Some(ssrc) = rtcp::read(datagram).next().map(|report| report.ssrc) else { return };
        if !self.may_be_at(from) || !self.is_reporter(from) || self.ssrc_heard.is_some_and(|heard| heard != ssrc) {
            return;
        }
        self.reported_from = Some(from);
        // A phone may send no sound while its user is muted; as long as it reports, it is there.
        self.heard_at = self.heard_at.max(now);
        self.reports.read(datagram, std::iter::once(&mut self.outgoing.sending), now);
    }

    fn is_reporter(&self, from: SocketAddr) -> bool {
        if self.session.rtcp_mux {
            return from == self.latch.target();
        }
        let host = self.latch.target().ip();
        // The NAT in front of the phone gives its reports a port that nobody can know.
        let is_behind_nat = host != self.session.remote_rtcp.ip();
        let is_known = self.reported_from.is_none_or(|known| known == from || known.ip() != host);
        from == self.session.remote_rtcp || is_behind_nat && from.ip() == host && is_known
    }

    fn reports_go_to(&self) -> Option<SocketAddr> {
        let known = self.reported_from.unwrap_or(self.session.remote_rtcp);
        let target = if self.session.rtcp_mux { self.latch.target() } else { known };
        (!target.ip().is_unspecified() && target.port() != 0).then_some(target)
    }

    /// Whether reports go out at the RTP port.
    pub const fn is_muxed(&self) -> bool {
        self.session.rtcp_mux
    }

    /// Our report, if one is due: its length in `out`, and where it goes.
    pub fn poll_report(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if self.reports.is_due(now) { self.report(false, now, out) } else { None }
    }

    /// Our last report, with a farewell.
    pub fn farewell(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.report(true, now, out)
    }

    fn report(&mut self, is_leaving: bool, now: Instant, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let stream = std::iter::once((&mut self.outgoing.sending, self.outgoing.timestamp));
        let length = self.reports.write(stream, is_leaving, now, out)?;
        Some((length, self.reports_go_to()?))
    }

    /// How the call is.
    pub fn quality(&self, now: Instant) -> Quality {
        let codec = self.session.codec;
        Quality {
            codec,
            lasted: self.reports.lasted(now),
            sent: self.outgoing.sending.packets().into(),
            loss_in: self.reports.loss(),
            jitter_in: self.reports.jitter(),
            out: self.outgoing.sending.told(codec.clock()),
            round_trip: self.reports.round_trip(),
            late: self.counts().late,
            concealed: self.concealed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::leg::TICK;
    use crate::media::rtcp::{Block, LONGEST, Writer};
    use crate::media::session::Session;
    use crate::words::{Codec, Direction};

    const HERE: &str = "192.0.2.9:20000";
    const RTP: &str = "192.0.2.1:4000";
    const RTCP: &str = "192.0.2.1:4001";

    fn at(address: &str) -> SocketAddr {
        address.parse().expect("an address")
    }

    fn leg(chance: u8, remote: &str, remote_rtcp: &str, rtcp_mux: bool, now: Instant) -> PhoneLeg {
        let session = Session {
            codec: Codec::Pcma,
            payload_type: 8,
            ptime: TICK,
            telephone_event: Some(101),
            remote_rtp: at(remote),
            remote_rtcp: at(remote_rtcp),
            direction: Direction::SendRecv,
            rtcp_mux,
            fec: false,
            dtx: false,
            keying: None,
            text: None,
        };
        PhoneLeg::new(session, [chance; 32], now).expect("a leg")
    }

    fn forged(reporter: u32, about: u32) -> Vec<u8> {
        let mut out = [0; LONGEST];
        let mut writer = Writer::new(&mut out);
        writer.report(reporter, None, Some(Block { ssrc: about, lost: 1_000, ..Block::default() }));
        writer.farewell([reporter].into_iter());
        let length = writer.finish().expect("room");
        out[..length].to_vec()
    }

    /// The far end's sound from `source`, so that it is heard.
    fn speaks(far: &mut PhoneLeg, leg: &mut PhoneLeg, source: &str, now: Instant) {
        for _ in 0..4 {
            far.say(&[0; 160], |datagram, _| {
                leg.receive(datagram.as_bytes(), at(source), now);
            });
        }
    }

    fn lost_out(leg: &PhoneLeg, now: Instant) -> Option<u64> {
        leg.quality(now).out.map(|told| told.loss.lost)
    }

    #[test]
    fn a_strangers_report_changes_nothing_and_the_peers_is_taken() {
        let now = Instant::now();
        let (mut near, mut far) = (leg(1, RTP, RTCP, false, now), leg(2, HERE, HERE, false, now));
        speaks(&mut far, &mut near, RTP, now);
        let [ours, theirs] = [near.outgoing.sending.ssrc(), far.outgoing.sending.ssrc()];
        for (from, reporter) in [("203.0.113.6:4001", theirs), ("192.0.2.1:4003", theirs), (RTP, theirs), (RTCP, 666)] {
            near.receive_report(&forged(reporter, ours), at(from), now);
            assert_eq!((lost_out(&near, now), near.reports_go_to()), (None, Some(at(RTCP))), "{from} {reporter}");
        }
        near.receive_report(&forged(theirs, ours), at(RTCP), now);
        assert_eq!(lost_out(&near, now), Some(1_000));
        assert_eq!(near.target(), at(RTP), "a farewell ends nothing");
    }

    #[test]
    fn a_phone_behind_a_nat_reports_from_a_port_of_its_own_and_gets_ours_there() {
        let now = Instant::now();
        let (mut near, mut far) =
            (leg(1, "10.0.0.5:4000", "10.0.0.5:4001", false, now), leg(2, HERE, HERE, false, now));
        speaks(&mut far, &mut near, "203.0.113.5:61000", now);
        let [ours, theirs] = [near.outgoing.sending.ssrc(), far.outgoing.sending.ssrc()];
        near.receive_report(&forged(theirs, ours), at("203.0.113.6:61001"), now);
        assert_eq!(lost_out(&near, now), None, "another host");
        near.receive_report(&forged(theirs, ours), at("203.0.113.5:62345"), now);
        assert_eq!((lost_out(&near, now), near.reports_go_to()), (Some(1_000), Some(at("203.0.113.5:62345"))));
        near.receive_report(&forged(theirs, ours), at("203.0.113.5:62346"), now);
        assert_eq!(near.reports_go_to(), Some(at("203.0.113.5:62345")), "a neighbour behind the same NAT");
    }

    #[test]
    fn where_rtp_and_rtcp_share_a_port_reports_come_and_go_there() {
        let now = Instant::now();
        let (mut near, mut far) = (leg(1, RTP, RTP, true, now), leg(2, HERE, HERE, true, now));
        speaks(&mut far, &mut near, RTP, now);
        let mut out = [0; LONGEST];
        let later = now + Duration::from_secs(4);
        let (length, target) = far.poll_report(later, &mut out).expect("a report");
        assert_eq!(target, at(HERE));
        near.receive(&out[..length], at("192.0.2.1:4001"), later);
        near.receive(&out[..length], at(RTP), later);
        let (length, target) = near.poll_report(later, &mut out).expect("a report");
        assert_eq!(target, at(RTP));
        let report = rtcp::read(&out[..length]).next().expect("a report");
        let block = report.blocks().next().expect("what is heard");
        assert_ne!(block.last_report, rtcp::MiddleTime(0), "the far end's report was taken");
    }

    #[test]
    fn a_phone_on_hold_gets_reports_and_is_not_missed() {
        let now = Instant::now();
        let mut near = leg(1, RTP, RTCP, false, now);
        near.renegotiate(Session { direction: Direction::Inactive, ..near.session.clone() }).expect("held");
        let later = now + Duration::from_secs(3_600);
        near.listen(later);
        assert_eq!(near.silent_for(later), Duration::ZERO);
        assert!(near.poll_report(later, &mut [0; LONGEST]).is_some());
        near.renegotiate(Session { remote_rtcp: at("0.0.0.0:4001"), ..near.session.clone() }).expect("held");
        assert!(near.farewell(later, &mut [0; LONGEST]).is_none(), "nobody is there");
    }

    #[test]
    fn a_phone_that_is_muted_and_reports_is_not_missed() {
        let now = Instant::now();
        let (mut near, mut far) = (leg(1, RTP, RTCP, false, now), leg(2, HERE, HERE, false, now));
        let later = now + Duration::from_secs(50);
        let mut out = [0; LONGEST];
        let (length, _) = far.poll_report(later, &mut out).expect("a report");
        near.receive_report(&out[..length], at(RTCP), later);
        assert_eq!(near.silent_for(later), Duration::ZERO);
    }
}
