//! Three phones with three tones: each hears the other two, and not itself.

use std::time::Duration;

use super::*;
use crate::media::PhoneLeg;
use crate::media::leg::TICK;
use crate::media::session::Session;
use crate::media::tests_only::strength;
use crate::media::tone::{Player, Tone};
use crate::words::Direction;

/// A phone at the far end: says a tone, and keeps what it hears.
struct Phone {
    leg: PhoneLeg,
    tone: Player,
    heard: Vec<i16>,
}

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn session(codec: Codec, remote: SocketAddr) -> Session {
    Session {
        codec,
        payload_type: 96,
        ptime: Duration::from_millis(20),
        telephone_event: Some(101),
        remote_rtp: remote,
        remote_rtcp: remote,
        direction: Direction::SendRecv,
        rtcp_mux: true,
        fec: true,
        dtx: false,
        keying: None,
        text: None,
    }
}

struct FarEnd<'a> {
    phones: &'a mut [Phone],
    ours: SocketAddr,
    now: Instant,
}

impl Outlet for FarEnd<'_> {
    fn to_phone(&mut self, leg: LegId, datagram: &Datagram, target: SocketAddr) {
        let phone = &mut self.phones[leg.0 as usize];
        assert_eq!(target, address(leg.0 as u16 + 100));
        phone.leg.receive(datagram.as_bytes(), self.ours, self.now);
    }

    fn to_browser(&mut self, _leg: LegId, _rtp: &[u8]) {
        panic!("no browser is here");
    }

    fn to_peer(&mut self, _peer: PeerId, _ssrc: u32, _said: Said<'_>) {
        panic!("no other gateway is here");
    }
}

/// Plays `seconds` of a room of phones with a tone each; gives what each heard in the last second.
fn meet(phones: &[(Codec, u16)], seconds: u32, muted: &[usize]) -> Vec<(Rate, Vec<i16>)> {
    let start = Instant::now();
    let mut shard = Shard::default();
    let ours = address(9);
    let mut far: Vec<Phone> = phones
        .iter()
        .enumerate()
        .map(|(number, (codec, hertz))| {
            let near =
                PhoneLeg::new(session(*codec, address(number as u16 + 100)), [number as u8; 32], start).expect("a leg");
            shard.enter(LegId(number as u64), Seat::new(near, muted.contains(&number)));
            Phone {
                leg: PhoneLeg::new(session(*codec, ours), [number as u8 + 50; 32], start).expect("a leg"),
                tone: Player::new(Tone::Steady(*hertz), codec.rate()),
                heard: Vec::new(),
            }
        })
        .collect();
    for tick in 0..seconds * 50 {
        let now = start + TICK * tick;
        for (number, phone) in far.iter_mut().enumerate() {
            let mut sound = vec![0; phone.leg.rate().frame()];
            phone.tone.fill(&mut sound);
            let seat = shard.seat(LegId(number as u64)).expect("a seat");
            phone.leg.say(&sound, |datagram, _| {
                seat.leg.receive(datagram.as_bytes(), address(number as u16 + 100), now);
            });
            seat.leg.listen(now + TICK / 2);
        }
        shard.tick(now + TICK / 2, &mut FarEnd { phones: &mut far, ours, now: now + TICK / 2 });
        for phone in &mut far {
            phone.leg.listen(now + TICK - Duration::from_millis(1));
            if tick >= (seconds - 1) * 50 {
                phone.heard.extend(phone.leg.sound());
            }
        }
    }
    far.into_iter().map(|phone| (phone.leg.rate(), phone.heard)).collect()
}

#[test]
fn each_of_three_phones_hears_the_other_two_and_not_itself_whatever_its_codec() {
    let tones = [440, 880, 1320];
    let mixed = [Codec::Pcma, Codec::G722, Codec::Opus];
    for codecs in [[Codec::Pcma; 3], [Codec::Pcmu; 3], [Codec::G722; 3], [Codec::Opus; 3], mixed] {
        let phones: Vec<(Codec, u16)> = codecs.into_iter().zip(tones).collect();
        for (number, (rate, heard)) in meet(&phones, 3, &[]).into_iter().enumerate() {
            for (other, hertz) in tones.into_iter().enumerate() {
                let db = strength(&heard, rate, hertz);
                if other == number {
                    assert!(db < -30.0, "{codecs:?}: phone {number} hears itself at {db:.1} dB");
                } else {
                    assert!(db.abs() < 3.0, "{codecs:?}: phone {number} hears {hertz} Hz at {db:.1} dB");
                }
            }
        }
    }
}

#[test]
fn a_muted_phone_hears_and_is_not_heard() {
    let heard = meet(&[(Codec::Pcma, 440), (Codec::Pcma, 880), (Codec::G722, 1320)], 3, &[0]);
    assert!(strength(&heard[0].1, heard[0].0, 880).abs() < 3.0);
    assert!(strength(&heard[1].1, heard[1].0, 440) < -30.0);
    assert!(strength(&heard[2].1, heard[2].0, 440) < -30.0);
}

#[test]
fn ten_phones_of_which_nobody_speaks_hear_silence_and_the_room_stays() {
    let heard = meet(&[(Codec::Pcma, 440); 10], 2, &(0..10).collect::<Vec<_>>());
    assert!(heard.iter().all(|(_, sound)| sound.iter().all(|sample| sample.abs() <= 8)));
}
