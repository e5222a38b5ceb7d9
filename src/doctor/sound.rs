//! The sound of a test call: a tone goes out, and it is counted what comes in and from where. In: what was agreed on.
//! Out: a tally.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::{Unsound, clock};
use crate::call::sdp::Keys;
use crate::media::leg::TICK;
use crate::media::rtp::{Packet, is_rtcp};
use crate::media::srtp::Cover;
use crate::media::tone::{Player, Tone};
use crate::media::{PhoneLeg, Session};
use crate::trunk::seen::Sound;
use crate::words::{Digit, Rate};

/// What telephones test lines with, in hertz.
const TONE: u16 = 425;

/// A key is pressed for so many ticks.
const STROKE: u64 = 5;

/// Payload types of comfort noise (RFC 3389, and before it): no sound of a codec.
const NOISE: [u8; 2] = [13, 19];

/// Addresses that are noted.
const MOST: usize = 8;

/// The sound of one call; silent once dropped.
pub(super) struct Mouth {
    tally: Arc<Mutex<Tally>>,
    orders: mpsc::Sender<Order>,
}

enum Order {
    Change(Session),
    Press(Digit),
}

#[derive(Default)]
struct Tally {
    sent: u64,
    received: u64,
    from: BTreeSet<SocketAddr>,
    kinds: BTreeSet<u8>,
}

/// A socket for the sound, before it is known where to.
#[allow(clippy::disallowed_methods, reason = "the doctor opens the socket of its call")]
pub(super) async fn socket(local: IpAddr) -> std::io::Result<UdpSocket> {
    UdpSocket::bind(SocketAddr::new(local, 0)).await
}

/// Fresh keys for it.
pub(super) fn keys() -> Result<Keys, Unsound> {
    Keys::fresh(random)
}

fn random<const N: usize>() -> Result<[u8; N], Unsound> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map(|()| bytes).map_err(|error| Unsound(error.to_string()))
}

impl Mouth {
    /// Begins to speak and to listen.
    pub(super) fn open(socket: UdpSocket, session: Session) -> Result<Self, Unsound> {
        let leg = PhoneLeg::new(session, random()?, clock::now()).map_err(|error| Unsound(error.to_string()))?;
        let (orders, ordered) = mpsc::channel(8);
        let tally = Arc::default();
        tokio::spawn(talk(socket, leg, ordered, Arc::clone(&tally)));
        Ok(Self { tally, orders })
    }

    /// From now on as agreed anew.
    pub(super) async fn change(&self, session: Session) {
        let _ = self.orders.send(Order::Change(session)).await;
    }

    /// Presses a key.
    pub(super) async fn press(&self, digit: Digit) {
        let _ = self.orders.send(Order::Press(digit)).await;
    }

    /// Packets that have come.
    pub(super) fn received(&self) -> u64 {
        lock(&self.tally).received
    }

    /// What was counted until now.
    pub(super) fn sound(&self) -> Sound {
        let tally = lock(&self.tally);
        Sound {
            sent: tally.sent,
            received: tally.received,
            from: tally.from.iter().copied().collect(),
            kinds: tally.kinds.iter().copied().collect(),
        }
    }
}

/// A count is whole even if somebody panicked beside it.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn talk(socket: UdpSocket, mut leg: PhoneLeg, mut orders: mpsc::Receiver<Order>, tally: Arc<Mutex<Tally>>) {
    let mut ticks = tokio::time::interval(TICK);
    let mut cover = Cover::default();
    cover.agree(leg.keying().0);
    let mut tone = Player::new(Tone::Steady(TONE), leg.rate());
    let mut datagram = [0; 2_048];
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                // Nobody holds the call any more.
                None => return,
                Some(Order::Change(session)) => {
                    let _ = leg.renegotiate(session);
                    cover.agree(leg.keying().0);
                    tone = Player::new(Tone::Steady(TONE), leg.rate());
                }
                Some(Order::Press(digit)) => drop(leg.press(digit, STROKE)),
            },
            _ = ticks.tick() => {
                while let Ok((length, from)) = socket.try_recv_from(&mut datagram) {
                    let Some(packet) = cover.open(datagram.get(..length).unwrap_or_default()) else { continue };
                    count(&mut lock(&tally), &packet, from);
                    let _ = leg.receive(&packet, from, clock::now());
                }
                let _ = leg.listen(clock::now());
                let mut sound = [0; Rate::Full.frame()];
                let sound = sound.get_mut(..leg.rate().frame()).unwrap_or_default();
                let _ = tone.fill(sound);
                let mut out = Vec::new();
                leg.say(sound, |packet, target| {
                    out.extend(cover.seal(packet.as_bytes()).map(|packet| (packet.into_owned(), target)));
                });
                for (packet, target) in out {
                    if socket.send_to(&packet, target).await.is_ok() {
                        lock(&tally).sent += 1;
                    }
                }
            }
        }
    }
}

/// One datagram of theirs; a key of theirs has a payload type of its own, and is no codec.
fn count(tally: &mut Tally, datagram: &[u8], from: SocketAddr) {
    let Some(packet) = Packet::read(datagram).filter(|_| !is_rtcp(datagram)) else { return };
    tally.received += 1;
    if tally.from.len() < MOST {
        tally.from.insert(from);
    }
    let is_key = packet.payload.len() == 4;
    if !is_key && !NOISE.contains(&packet.payload_type) && tally.kinds.len() < MOST {
        tally.kinds.insert(packet.payload_type);
    }
}
