//! Three gateways in one room: a telephone here, a browser there, and a third that is reached through the second.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::media::browser_leg::{BrowserLeg, BrowserSession};
use crate::media::leg::{PhoneLeg, TICK};
use crate::media::peer_streams::PeerStreams;
use crate::media::reports::CanonicalName;
use crate::media::rtp::{Header, LEVEL_ID, Packet, level_extension};
use crate::media::session::Session;
use crate::media::tests_only::strength;
use crate::media::tone::{Player, Tone};
use crate::words::{Direction, RtpTime};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// At each gateway the connection to another has the number of that.
fn peer(of: usize) -> PeerId {
    PeerId(of as u64)
}

fn address(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn session(remote: SocketAddr) -> Session {
    Session {
        codec: Codec::G722,
        payload_type: 9,
        ptime: TICK,
        telephone_event: Some(101),
        remote_rtp: remote,
        remote_rtcp: remote,
        direction: Direction::SendRecv,
        rtcp_mux: true,
        fec: false,
        dtx: false,
        keying: None,
        text: None,
    }
}

/// A telephone at the far end of its line.
struct Phone {
    leg: PhoneLeg,
    tone: Option<Player>,
    heard: Vec<i16>,
}

/// A browser that says packets which no decoder knows: they shall come as they are.
#[derive(Default)]
struct Page {
    speaks: bool,
    sequence: u16,
    heard: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Gateway {
    shard: Shard,
    phones: BTreeMap<LegId, Phone>,
    pages: BTreeMap<LegId, Page>,
    lines: BTreeMap<PeerId, PeerStreams>,
    /// Who is heard from where, in which stream.
    declared: BTreeMap<(PeerId, u32), LegId>,
    /// What goes to other gateways.
    mail: Vec<(PeerId, Vec<u8>)>,
}

struct Outside<'a> {
    phones: &'a mut BTreeMap<LegId, Phone>,
    pages: &'a mut BTreeMap<LegId, Page>,
    lines: &'a mut BTreeMap<PeerId, PeerStreams>,
    mail: &'a mut Vec<(PeerId, Vec<u8>)>,
    now: Instant,
}

impl Outlet for Outside<'_> {
    fn to_phone(&mut self, leg: LegId, datagram: &Datagram, _target: SocketAddr) {
        self.phones.get_mut(&leg).expect("a phone").leg.receive(datagram.as_bytes(), address(9), self.now);
    }

    fn to_browser(&mut self, leg: LegId, rtp: &[u8]) {
        self.pages.get_mut(&leg).expect("a page").heard.push(rtp.to_vec());
    }

    fn to_peer(&mut self, peer: PeerId, ssrc: u32, said: Said<'_>) {
        let mut out = Vec::new();
        if self.lines.get_mut(&peer).expect("a line").speak(ssrc, said, self.now, &mut out) {
            self.mail.push((peer, out));
        }
    }
}

struct Town {
    gateways: [Gateway; 3],
    now: Instant,
}

impl Town {
    /// A and C are connected with B.
    fn new() -> Self {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let now = Instant::now();
        let mut town = Self { gateways: Default::default(), now };
        for (one, other) in [(A, B), (B, A), (B, C), (C, B), (A, C), (C, A)] {
            let chance = [(10 * one + other) as u8; 24];
            town.gateways[one].lines.insert(peer(other), PeerStreams::new(chance, now));
        }
        town
    }

    fn phone(&mut self, at: usize, leg: u64, tone: Option<u16>) {
        let near = PhoneLeg::new(session(address(leg as u16)), [leg as u8; 32], self.now).expect("a leg");
        let far = PhoneLeg::new(session(address(9)), [leg as u8 + 50; 32], self.now).expect("a leg");
        let tone = tone.map(|hertz| Player::new(Tone::Steady(hertz), Rate::Wide));
        let gateway = &mut self.gateways[at];
        gateway.shard.enter(LegId(leg), Seat::new(near, false));
        gateway.phones.insert(LegId(leg), Phone { leg: far, tone, heard: Vec::new() });
    }

    fn page(&mut self, at: usize, leg: u64, speaks: bool) {
        let (slots, name) = ((10..16).collect(), CanonicalName::new([7; 12]));
        let session = BrowserSession { payload_type: 96, level: Some(3), slots, name };
        let near = BrowserLeg::new(session, [leg as u8; 32], self.now).expect("a leg");
        let gateway = &mut self.gateways[at];
        gateway.shard.enter_browser(LegId(leg), BrowserSeat::new(near, false));
        gateway.pages.insert(LegId(leg), Page { speaks, ..Page::default() });
    }

    /// Somebody whom `at` hears from `from` as `leg`.
    fn distant(&mut self, at: usize, leg: u64, from: usize, ssrc: u32) {
        let gateway = &mut self.gateways[at];
        gateway.declared.insert((peer(from), ssrc), LegId(leg));
        match gateway.shard.distant(LegId(leg)) {
            Some(seat) => {
                seat.move_to(peer(from));
                gateway.shard.break_stream(LegId(leg));
            }
            None => {
                let seat = DistantSeat::new(peer(from), false).expect("a decoder");
                gateway.shard.enter_distant(LegId(leg), seat);
            }
        }
    }

    fn run(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.now += TICK;
            let now = self.now;
            for gateway in &mut self.gateways {
                gateway.tick(now);
            }
            for from in [A, B, C] {
                for (to, rtp) in std::mem::take(&mut self.gateways[from].mail) {
                    self.gateways[to.0 as usize].takes(peer(from), &rtp, now);
                }
            }
        }
    }

    /// Lets a second pass, and gives what a phone hears in it.
    fn hears(&mut self, at: usize, leg: u64) -> Vec<i16> {
        self.gateways[at].phones.get_mut(&LegId(leg)).expect("a phone").heard.clear();
        self.run(50);
        self.gateways[at].phones[&LegId(leg)].heard.clone()
    }

    fn page_hears(&mut self, at: usize, leg: u64) -> Vec<Vec<u8>> {
        self.gateways[at].pages.get_mut(&LegId(leg)).expect("a page").heard.clear();
        self.run(50);
        std::mem::take(&mut self.gateways[at].pages.get_mut(&LegId(leg)).expect("a page").heard)
    }
}

impl Gateway {
    fn tick(&mut self, now: Instant) {
        for (leg, phone) in &mut self.phones {
            let seat = self.shard.seat(*leg).expect("a seat");
            if let Some(tone) = &mut phone.tone {
                let mut sound = vec![0; phone.leg.rate().frame()];
                tone.fill(&mut sound);
                let from = address(leg.0 as u16);
                phone.leg.say(&sound, |datagram, _| {
                    seat.leg.receive(datagram.as_bytes(), from, now);
                });
            }
            seat.leg.listen(now + TICK / 2);
        }
        for (leg, page) in self.pages.iter_mut().filter(|(_, page)| page.speaks) {
            page.sequence += 1;
            let Page { sequence, .. } = *page;
            let timestamp = RtpTime(u32::from(sequence) * 960);
            let header = Header { payload_type: 96, marker: false, sequence, timestamp, ssrc: 9 };
            let mut said = header.with_extension().to_vec();
            said.extend(level_extension(Level(20)));
            said[16] = 3 << 4;
            said.extend([0xf8, leg.0 as u8, sequence as u8]);
            self.shard.browser(*leg).expect("a seat").leg.receive(&said, now);
        }
        let Self { shard, phones, pages, lines, mail, .. } = self;
        shard.tick(now + TICK / 2, &mut Outside { phones, pages, lines, mail, now: now + TICK / 2 });
        for phone in phones.values_mut() {
            phone.leg.listen(now + TICK - Duration::from_millis(1));
            phone.heard.extend(phone.leg.sound());
        }
    }

    fn takes(&mut self, from: PeerId, rtp: &[u8], now: Instant) {
        let packet = Packet::read(rtp).expect("RTP");
        assert!(packet.payload_type == 111 && packet.level(LEVEL_ID).is_some(), "a level is always written");
        self.lines.get_mut(&from).expect("a line").note(&packet, now);
        if let Some(leg) = self.declared.get(&(from, packet.ssrc)) {
            self.shard.distant(*leg).expect("a seat").receive(rtp, now);
        }
    }
}

/// A phone at A that says a tone; B, the home, relays; phones at B and C, and a page at B.
fn meeting() -> Town {
    let mut town = Town::new();
    town.phone(A, 1, Some(440));
    town.phone(B, 2, None);
    town.page(B, 3, false);
    town.phone(C, 4, None);
    town.gateways[A].shard.name_stream(LegId(1), 1_001);
    town.gateways[A].shard.relate(peer(B), false);
    town.distant(B, 21, A, 1_001);
    town.gateways[B].shard.name_stream(LegId(21), 2_001);
    town.gateways[B].shard.relate(peer(A), true);
    town.gateways[B].shard.relate(peer(C), true);
    town.distant(C, 31, B, 2_001);
    town.gateways[C].shard.relate(peer(B), false);
    town
}

fn hears_tone(sound: &[i16], hertz: u16) -> bool {
    let db = strength(sound, Rate::Wide, hertz);
    assert!(db.abs() < 3.0 || db < -30.0, "neither heard nor silent: {db:.1} dB");
    db.abs() < 3.0
}

#[test]
fn a_phone_is_heard_at_the_home_and_through_it_at_a_third_and_not_at_its_own() {
    let mut town = meeting();
    town.run(50);
    assert!(hears_tone(&town.hears(B, 2), 440), "at the home");
    assert!(hears_tone(&town.hears(C, 4), 440), "through the home");
    assert!(!hears_tone(&town.hears(A, 1), 440), "its own echo");
    assert_eq!(town.page_hears(B, 3).len(), 50, "each packet once");
    assert!(town.gateways[A].lines[&peer(B)].quality(None, (0, 0), town.now).loss_in.of == 0, "nothing came back");
    assert_eq!(town.gateways[C].shard.speaking(), [LegId(31)]);
    let line = town.gateways[C].lines[&peer(B)].quality(None, (0, 0), town.now);
    assert!(line.loss_in.lost == 0 && line.loss_in.of > 200, "{line:?}");
}

#[test]
fn a_second_phone_hears_the_first_and_both_are_mixed_for_a_third() {
    let mut town = meeting();
    town.phone(C, 5, Some(880));
    town.gateways[C].shard.name_stream(LegId(5), 3_001);
    town.distant(B, 22, C, 3_001);
    town.gateways[B].shard.name_stream(LegId(22), 2_002);
    town.distant(A, 11, B, 2_002);
    town.run(50);
    let (at_a, at_b, at_c) = (town.hears(A, 1), town.hears(B, 2), town.hears(C, 5));
    assert!(hears_tone(&at_a, 880) && !hears_tone(&at_a, 440));
    assert!(hears_tone(&at_b, 880) && hears_tone(&at_b, 440));
    assert!(hears_tone(&at_c, 440) && !hears_tone(&at_c, 880));
}

#[test]
fn what_gives_way_is_heard_only_while_nobody_speaks() {
    let mut town = meeting();
    let mut music = vec![0; Clip::RATE.frame() * 50];
    Player::new(Tone::Steady(880), Clip::RATE).fill(&mut music);
    town.gateways[B].shard.seat(LegId(2)).expect("a seat").leg.play_in_silence(vec![Clip::new(music.into())]);
    town.run(50);
    let heard = town.hears(B, 2);
    assert!(hears_tone(&heard, 440) && !hears_tone(&heard, 880));
    town.gateways[A].shard.seat(LegId(1)).expect("a seat").muted = true;
    town.run(60);
    let heard = town.hears(B, 2);
    assert!(hears_tone(&heard, 880) && !hears_tone(&heard, 440));
}

#[test]
fn a_browsers_packets_go_to_browsers_of_all_gateways_as_they_are() {
    let mut town = meeting();
    town.page(A, 6, true);
    town.page(C, 7, false);
    town.gateways[A].shard.name_stream(LegId(6), 1_002);
    town.distant(B, 23, A, 1_002);
    town.gateways[B].shard.name_stream(LegId(23), 2_003);
    town.distant(C, 33, B, 2_003);
    town.run(10);
    for (at, leg) in [(B, 3), (C, 7)] {
        let heard = town.page_hears(at, leg);
        let (from_page, from_phone): (Vec<_>, Vec<_>) =
            heard.iter().map(|rtp| Packet::read(rtp).expect("RTP")).partition(|packet| packet.payload.len() == 3);
        assert_eq!((from_page.len(), from_phone.len()), (50, 50), "at {at}");
        let steps = from_page.windows(2).all(|pair| {
            let (one, other) = (pair[0].payload, pair[1].payload);
            other[2] == one[2].wrapping_add(1) && pair[1].sequence == pair[0].sequence.wrapping_add(1)
        });
        assert!(steps && from_page.iter().all(|packet| packet.extension.is_none() && packet.payload_type == 96));
    }
}

#[test]
fn who_has_no_stream_or_is_muted_is_not_sent_and_a_distant_one_can_be_muted_too() {
    let mut town = meeting();
    town.run(50);
    town.gateways[A].shard.seat(LegId(1)).expect("a seat").muted = true;
    town.run(60);
    assert!(!hears_tone(&town.hears(B, 2), 440));
    town.gateways[A].shard.seat(LegId(1)).expect("a seat").muted = false;
    town.run(60);
    assert!(hears_tone(&town.hears(B, 2), 440));
    town.gateways[B].shard.distant(LegId(21)).expect("a seat").muted = true;
    town.run(60);
    assert!(!hears_tone(&town.hears(B, 2), 440) && !hears_tone(&town.hears(C, 4), 440));
    town.gateways[A].mail.clear();
    town.phone(A, 8, Some(880));
    town.run(50);
    assert!(!hears_tone(&town.hears(B, 2), 880), "nobody was told of it");
}

#[test]
fn a_seat_whose_sound_comes_from_elsewhere_is_heard_once() {
    let mut town = meeting();
    town.run(50);
    // The home is gone for a while: A and C speak to each other.
    town.gateways[A].shard.relate(peer(C), false);
    town.distant(C, 31, A, 1_001);
    town.page(C, 7, false);
    town.gateways[C].declared.remove(&(peer(B), 2_001));
    town.run(60);
    assert!(hears_tone(&town.hears(C, 4), 440));
    assert_eq!(town.page_hears(C, 7).len(), 50);
    // And comes back.
    town.gateways[A].shard.unrelate(peer(C));
    town.gateways[C].declared.remove(&(peer(A), 1_001));
    town.distant(C, 31, B, 2_001);
    town.run(60);
    assert!(hears_tone(&town.hears(C, 4), 440));
    let heard = town.page_hears(C, 7);
    assert_eq!(heard.len(), 50);
    let numbers: Vec<u16> = heard.iter().map(|rtp| Packet::read(rtp).expect("RTP").sequence).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
}

#[test]
fn who_leaves_is_not_heard_any_more_and_a_room_of_which_nobody_needs_anything_is_empty() {
    let mut town = meeting();
    town.run(50);
    town.gateways[B].shard.exit_distant(LegId(21));
    town.gateways[B].declared.clear();
    town.run(60);
    assert!(!hears_tone(&town.hears(B, 2), 440) && !hears_tone(&town.hears(C, 4), 440));
    let shard = &mut town.gateways[C].shard;
    shard.exit(LegId(4));
    shard.exit_distant(LegId(31));
    assert!(!shard.is_empty());
    shard.unrelate(peer(B));
    assert!(shard.is_empty());
    shard.choose(Some(Vec::new()));
    assert!(!shard.is_empty());
    shard.choose(None);
    assert!(shard.is_empty());
}

#[test]
fn the_homes_choice_is_heard_and_nobody_else_once_it_is_full() {
    let mut town = meeting();
    town.run(50);
    let others = (90..94).map(LegId);
    let list = |last: u64| Some(others.clone().chain([LegId(last)]).collect());
    town.gateways[C].shard.choose(list(95));
    town.run(60);
    assert!(!hears_tone(&town.hears(C, 4), 440), "five others were chosen");
    assert!(hears_tone(&town.hears(B, 2), 440));
    town.gateways[C].shard.choose(list(31));
    town.run(60);
    assert!(hears_tone(&town.hears(C, 4), 440), "it is one of them");
    // A does not hear its own phone in the home's list, and the home is sent it all the same.
    town.gateways[A].shard.choose(list(95));
    town.run(60);
    assert!(hears_tone(&town.hears(B, 2), 440), "the home decides of what it hears");
}
