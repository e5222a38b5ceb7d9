//! Where a leg's sound may come from. In: the source of each RTP packet. Out: whether it is the peer.
//!
//! The peer's SDP names an address, but behind a NAT packets come from another one. The first source that sends a steady
//! stream is taken, and kept: a stranger who sends to our port later is not heard (RTP injection) and gets no sound
//! (RTP bleed). The address in the SDP always wins. A new stream (SSRC) from the address that we hear is taken only once the
//! old one has fallen silent and the new one is steady: packets that somebody forges do not cut off the peer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A stream that was silent this long may go on from elsewhere, if it is the same one (same SSRC): the peer's NAT moved.
const MOVED: Duration = Duration::from_secs(2);

/// A stream that was silent this long may be followed by another from the same address: the PBX has transferred the call.
const FOLLOWED: Duration = Duration::from_millis(100);

/// Packets in sequence before a source that the SDP does not name is taken.
const STEADY: u8 = 3;

/// See the module.
#[derive(Clone, Debug)]
pub struct Latch {
    named: SocketAddr,
    source: Option<Source>,
    candidate: Option<Candidate>,
    strangers: u64,
}

#[derive(Clone, Debug)]
struct Source {
    from: SocketAddr,
    ssrc: u32,
    heard: Instant,
}

#[derive(Clone, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    next: u16,
    steady: u8,
}

impl Latch {
    /// Nothing heard yet; `named` is the address in the SDP.
    pub const fn new(named: SocketAddr) -> Self {
        Self { named, source: None, candidate: None, strangers: 0 }
    }

    /// Where to send.
    pub fn target(&self) -> SocketAddr {
        self.source.as_ref().map_or(self.named, |source| source.from)
    }

    /// Packets that came from somebody else.
    pub const fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Whether a packet with this source, SSRC and sequence number is the peer's.
    pub fn admits(&mut self, from: SocketAddr, ssrc: u32, sequence: u16, now: Instant) -> bool {
        let Some(source) = &mut self.source else { return self.consider(from, ssrc, sequence, now) };
        if source.from == from && source.ssrc == ssrc {
            source.heard = now;
            return true;
        }
        if source.from == from {
            let silent = now.saturating_duration_since(source.heard) >= FOLLOWED;
            return silent && self.grows_steady(from, ssrc, sequence, now);
        }
        let moved = source.ssrc == ssrc && now.saturating_duration_since(source.heard) >= MOVED;
        if from == self.named || moved {
            self.take(from, ssrc, now);
            return true;
        }
        self.strangers += 1;
        false
    }

    fn consider(&mut self, from: SocketAddr, ssrc: u32, sequence: u16, now: Instant) -> bool {
        if from == self.named {
            self.take(from, ssrc, now);
            return true;
        }
        self.grows_steady(from, ssrc, sequence, now)
    }

    /// A stream that the SDP does not vouch for is taken at its third packet in sequence.
    fn grows_steady(&mut self, from: SocketAddr, ssrc: u32, sequence: u16, now: Instant) -> bool {
        let next = sequence.wrapping_add(1);
        match &mut self.candidate {
            Some(known) if known.from == from && known.ssrc == ssrc && known.next == sequence => {
                known.next = next;
                known.steady += 1;
            }
            Some(known) if known.from != from && known.steady > 1 => {}
            candidate @ (Some(_) | None) => *candidate = Some(Candidate { from, ssrc, next, steady: 1 }),
        }
        let steady = self.candidate.as_ref().is_some_and(|known| known.from == from && known.steady >= STEADY);
        if steady {
            self.take(from, ssrc, now);
        }
        steady
    }

    fn take(&mut self, from: SocketAddr, ssrc: u32, now: Instant) {
        self.source = Some(Source { from, ssrc, heard: now });
        self.candidate = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn a_stranger_who_sends_later_is_not_heard_and_gets_nothing() {
        let (mut latch, now) = (Latch::new(address(4000)), Instant::now());
        assert!(latch.admits(address(4000), 7, 1, now));
        for sequence in 0..100 {
            assert!(!latch.admits(address(6666), 9, sequence, now));
            assert!(!latch.admits(address(6666), 7, sequence, now + Duration::from_millis(500)));
        }
        assert_eq!(latch.target(), address(4000));
        assert_eq!(latch.strangers(), 200);
    }

    #[test]
    fn packets_forged_in_the_peers_name_do_not_cut_it_off_and_a_transfer_is_followed() {
        let (mut latch, mut now) = (Latch::new(address(4000)), Instant::now());
        assert!(latch.admits(address(4000), 7, 1, now));
        for sequence in 2..200 {
            now += Duration::from_millis(20);
            assert!(latch.admits(address(4000), 7, sequence, now));
            assert!(!latch.admits(address(4000), 1_000 + u32::from(sequence), sequence, now));
            assert!(!latch.admits(address(4000), 9, sequence, now));
        }
        let taken =
            (0..10).map(|at| latch.admits(address(4000), 9, 500 + at, now + Duration::from_millis(20) * u32::from(at)));
        assert_eq!(taken.filter(|taken| *taken).count(), 3);
    }

    #[test]
    fn a_phone_behind_a_nat_is_found_and_the_named_address_still_wins() {
        let (mut latch, now) = (Latch::new(address(4000)), Instant::now());
        let taken: Vec<bool> = (10..14).map(|sequence| latch.admits(address(5000), 7, sequence, now)).collect();
        assert_eq!(taken, [false, false, true, true]);
        assert_eq!(latch.target(), address(5000));
        assert!(latch.admits(address(4000), 7, 20, now));
        assert_eq!(latch.target(), address(4000));
    }

    #[test]
    fn a_stream_that_fell_silent_may_go_on_from_elsewhere_and_another_may_not() {
        let (mut latch, now) = (Latch::new(address(4000)), Instant::now());
        assert!(latch.admits(address(4000), 7, 1, now));
        let later = now + Duration::from_secs(3);
        assert!(!latch.admits(address(5000), 8, 2, later));
        assert!(latch.admits(address(5000), 7, 2, later));
        assert_eq!(latch.target(), address(5000));
    }
}
