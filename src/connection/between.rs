//! Two gateways for stories: one dials, one answers, on a virtual clock and a line that may lose.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::pair::Pair;
use super::*;

/// Where each of them is, as the other sees it.
pub(super) fn way_to_answering() -> Path {
    Path { peer: ([192, 0, 2, 1], 3478).into(), via: Via::Udp(0) }
}

pub(super) fn way_to_dialling() -> Path {
    Path { peer: ([192, 0, 2, 2], 3478).into(), via: Via::Udp(0) }
}

pub(crate) struct Between {
    pub(super) dialling: Transport,
    pub(super) answering: Transport,
    pub(super) now: Instant,
    /// What each told last.
    pub(super) told: [Option<Received>; 2],
    /// Datagrams so far.
    sent: usize,
    said: u16,
}

/// What the link told wrongly.
#[derive(Default)]
pub(super) struct Lies {
    pub(super) of_answering: Option<Fingerprint>,
    pub(super) of_dialling: Option<Fingerprint>,
    pub(super) password: Option<String>,
}

impl Between {
    pub(super) fn told(lies: Lies) -> Self {
        let now = Instant::now();
        let (one, other) = (Identity::generate().expect("keys"), Identity::generate().expect("keys"));
        let credentials = Credentials::new(&[3; 26], "dialling");
        let called = Called {
            address: way_to_answering().peer,
            ufrag: credentials.ufrag.clone(),
            password: lies.password.unwrap_or_else(|| credentials.password.clone()),
            fingerprint: lies.of_answering.unwrap_or(other.fingerprint()),
        };
        let mut dialling = Transport::dialling(&one, "dialling", called, now);
        dialling.set_ways(vec![way_to_answering()]);
        let mut answering = Transport::new(&other, credentials, lies.of_dialling.unwrap_or(one.fingerprint()), now);
        for transport in [&mut dialling, &mut answering] {
            transport.take_declared_only();
            transport.declare(77).expect("room");
        }
        Self { dialling, answering, now, told: [None, None], sent: 0, said: 0 }
    }

    pub(super) fn new() -> Self {
        Self::told(Lies::default())
    }

    pub(crate) fn connected() -> Self {
        let mut between = Self::new();
        between.run(100, |_| false);
        assert!(between.is_connected());
        between
    }

    pub(super) fn is_connected(&self) -> bool {
        self.dialling.is_connected() && self.answering.is_connected()
    }

    /// Lets so many times 20 ms pass; drops the datagrams for which `lose` says so.
    pub(super) fn run(&mut self, ticks: usize, mut lose: impl FnMut(usize) -> bool) {
        for _ in 0..ticks {
            self.now += Duration::from_millis(20);
            self.dialling.handle_timeout(self.now);
            self.answering.handle_timeout(self.now);
            // A tick is long for a line: what answers an answer comes in the same.
            for _ in 0..10 {
                self.carry(&mut lose);
            }
        }
    }

    fn carry(&mut self, lose: &mut impl FnMut(usize) -> bool) {
        let Self { dialling, answering, told, sent, now, .. } = self;
        let [one, other] = told;
        let mut pass = |from: &mut Transport, to: &mut Transport, way: SocketAddr, back: Path, told: &mut Option<_>| {
            while let Some((datagram, path)) = from.poll_transmit() {
                assert_eq!(path.peer, way);
                *sent += 1;
                if !lose(*sent) {
                    let news = to.receive(&datagram, back, *now);
                    if news != Received::Nothing {
                        *told = Some(news);
                    }
                }
            }
        };
        pass(dialling, answering, way_to_answering().peer, way_to_dialling(), other);
        pass(answering, dialling, way_to_dialling().peer, way_to_answering(), one);
    }

    /// Whether a stream passes, both ways.
    pub(super) fn passes(&mut self, ssrc: u32) -> bool {
        self.said = self.said.wrapping_add(1);
        let rtp = Pair::rtp(self.said, ssrc);
        let heard = |packet: Received| packet == Received::Rtp(rtp[..].into());
        let there = self.dialling.protect(&rtp).is_some_and(|(sealed, path)| {
            assert_eq!(path, way_to_answering());
            heard(self.answering.receive(&sealed, way_to_dialling(), self.now))
        });
        let back = self.answering.protect(&rtp).is_some_and(|(sealed, path)| {
            assert_eq!(path, way_to_dialling());
            heard(self.dialling.receive(&sealed, way_to_answering(), self.now))
        });
        assert_eq!(there, back);
        there
    }

    /// Datagrams to both sides, from the other's address and from a stranger's. Before each stand a byte for its length, and one
    /// that may set its first byte, by which kinds are told apart.
    pub(crate) fn hostile(&mut self, bytes: &[u8]) {
        let firsts = [0, 1, 20, 21, 22, 128, 144, 255];
        let stranger = Path { peer: ([192, 0, 2, 66], 666).into(), via: Via::Udp(0) };
        let mut rest = bytes;
        while let [length, kind, after @ ..] = rest {
            let (datagram, next) = after.split_at(usize::from(*length).min(after.len()));
            rest = next;
            let mut datagram = datagram.to_vec();
            if let (Some(first), Some(wanted)) = (datagram.first_mut(), firsts.get(usize::from(*kind))) {
                *first = *wanted;
            }
            for path in [way_to_answering(), stranger] {
                self.dialling.receive(&datagram, path, self.now);
            }
            for path in [way_to_dialling(), stranger] {
                self.answering.receive(&datagram, path, self.now);
            }
        }
        self.run(1, |_| false);
    }

    /// Whether sound still passes after whatever came.
    pub(crate) fn still_talks(&mut self) -> bool {
        self.passes(77)
    }

    /// Two gateways that were told of each other, before the first check.
    pub(crate) fn about_to_connect() -> Self {
        Self::new()
    }
}
