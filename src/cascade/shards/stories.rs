use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::super::message::{Line, Message, Verdict, Who, Why};
use super::*;
use crate::meeting::{Meeting, Names, Share, Terms};
use crate::room::{Command, Guest, Kind, Name, Newcomer, Role};
use crate::words::Typed;

const A: &str = "stadt-a.example";
const B: &str = "stadt-b.example";
const C: &str = "stadt-c.example";

/// One gateway, as far as rooms and their shards are concerned.
struct Gateway {
    us: Domain,
    cascade: Cascade,
    rooms: BTreeMap<RoomId, Room>,
    book: Book,
    /// What is heard on legs of those elsewhere.
    heard: BTreeMap<LegId, (Domain, u32, RoomId)>,
    streams: BTreeMap<LegId, u32>,
    relations: BTreeMap<(Domain, RoomId), bool>,
    chosen: BTreeMap<RoomId, Option<Vec<LegId>>>,
    noted: Vec<Noted>,
    /// Of whom which institutions were told, by leg.
    told: BTreeMap<LegId, (RoomId, ParticipantId, Vec<Domain>)>,
    /// What would outlive a restart.
    kept: BTreeSet<Erasure>,
    offences: Vec<(Domain, Offence)>,
    /// What was typed, as people here read it.
    read: String,
    answers: BTreeMap<LegId, Admission>,
    legs: u64,
    /// The clock on its wall.
    time: jiff::civil::Time,
}

/// Three of them, and what is on its way.
struct Town {
    now: Instant,
    gateways: BTreeMap<Domain, Gateway>,
    way: BTreeMap<(Domain, Domain), VecDeque<Box<RawValue>>>,
    up: BTreeSet<(Domain, Domain)>,
}

fn domain(name: &str) -> Domain {
    name.parse().expect("a domain")
}

fn address() -> RoomId {
    format!("rat@{A}").parse().expect("a room")
}

fn council(share: impl Fn(&str) -> Share) -> Book {
    let mut meeting = Meeting::new("rat".parse().expect("a room"), "123456".parse().expect("an ID"));
    meeting.pin = "4711".parse().ok();
    meeting.moderator_pin = "081500".parse().ok();
    meeting.shares = vec![share(B), share(C)];
    meeting.goes_on_alone = true;
    Book::of_file(vec![meeting]).expect("fits")
}

fn openly(with: &str) -> Share {
    Share { with: domain(with), most: 10, role: Role::Moderator, lobby: false, names: Names::Chosen, hours: None }
}

/// Nothing special holds for an institution.
fn free(with: &str) -> Terms {
    Terms { with: domain(with), rooms: None, hours: None, names: Names::Chosen, kbits: None }
}

impl Gateway {
    fn new(name: &str, book: Book, life: u64) -> Self {
        let us = domain(name);
        let mut cascade = Cascade::new(us.clone(), &[7; 32], life, 1 << 61);
        cascade.members([A, B, C].map(|name| (domain(name), name.to_uppercase())));
        Self {
            us,
            cascade,
            rooms: BTreeMap::new(),
            book,
            heard: BTreeMap::new(),
            streams: BTreeMap::new(),
            relations: BTreeMap::new(),
            chosen: BTreeMap::new(),
            noted: Vec::new(),
            told: BTreeMap::new(),
            kept: BTreeSet::new(),
            offences: Vec::new(),
            read: String::new(),
            answers: BTreeMap::new(),
            legs: 0,
            time: jiff::civil::time(10, 0, 0, 0),
        }
    }

    fn tell(&mut self, name: &RoomId, command: Command, now: Instant) {
        let Some(room) = self.rooms.remove(name) else { return };
        let (room, effects) = room.apply(command, now);
        for effect in effects {
            match effect {
                room::Effect::Ask { by, action } => self.cascade.asks(name, by, action),
                room::Effect::Speaking(participants) => self.cascade.speaking(name, &participants),
                room::Effect::Typed { by, text, .. } => {
                    self.read.push_str(text.reveal());
                    self.cascade.types(name, by, &text);
                }
                room::Effect::Seated { .. }
                | room::Effect::TypedTooFast { .. }
                | room::Effect::Refused { .. }
                | room::Effect::Enter { .. }
                | room::Effect::Exit { .. }
                | room::Effect::SetMuted { .. }
                | room::Effect::Notice { .. }
                | room::Effect::Announce(_)
                | room::Effect::Published(_)
                | room::Effect::Disconnect { .. } => {}
            }
        }
        self.cascade.look(name, &room, &self.book);
        if !room.is_empty() {
            self.rooms.insert(name.clone(), room);
        }
    }

    fn open(&mut self, name: &RoomId, now: Instant) {
        let config = match self.book.get(name) {
            Some(listed) => listed.meeting.room(jiff::Timestamp::UNIX_EPOCH, now),
            None => self.cascade.begin(name),
        };
        self.rooms.entry(name.clone()).or_insert_with(|| Room::new(config, now));
    }

    fn line(&self, who: &Who) -> Option<room::Participant> {
        let (name, room) = self.rooms.iter().next()?;
        let id = if who.of == self.us {
            who.id
        } else {
            self.cascade.shards.get(&self.cascade.address(name))?.others.get(who)?.id
        };
        room.snapshot(Role::Moderator).participants.into_iter().find(|one| one.id == id)
    }
}

impl Town {
    fn new(share: impl Fn(&str) -> Share) -> Self {
        let gateways = [
            Gateway::new(A, council(share), 1),
            Gateway::new(B, Book::of_file(Vec::new()).expect("empty"), 2),
            Gateway::new(C, Book::of_file(Vec::new()).expect("empty"), 3),
        ];
        let gateways = gateways.into_iter().map(|gateway| (gateway.us.clone(), gateway)).collect();
        let mut town = Self { now: Instant::now(), gateways, way: BTreeMap::new(), up: BTreeSet::new() };
        for (one, other) in [(A, B), (A, C), (B, C)] {
            town.heal(one, other, true);
        }
        town
    }

    fn at(&mut self, name: &str) -> &mut Gateway {
        self.gateways.get_mut(&domain(name)).expect("a gateway")
    }

    fn cut(&mut self, one: &str, other: &str) {
        for (this, that) in [(domain(one), domain(other)), (domain(other), domain(one))] {
            self.up.remove(&(this.clone(), that.clone()));
            let now = self.now;
            if let Some(gateway) = self.gateways.get_mut(&this) {
                gateway.cascade.down(&that, now);
            }
        }
        self.settle();
    }

    /// The link is there again; `anew`: neither remembers what the other said.
    fn heal(&mut self, one: &str, other: &str, anew: bool) {
        let now = self.now;
        for (this, that) in [(domain(one), domain(other)), (domain(other), domain(one))] {
            self.up.insert((this.clone(), that.clone()));
            if anew {
                self.way.remove(&(this.clone(), that.clone()));
            }
            let gateway = self.gateways.get_mut(&this).expect("a gateway");
            gateway.cascade.up(&that);
            if anew {
                gateway.cascade.anew(&that, now);
                gateway.cascade.tell_anew(&that, &gateway.book);
            }
        }
        self.settle();
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let now = self.now;
        self.gateways.values_mut().for_each(|gateway| gateway.cascade.on_time(now));
        self.settle();
    }

    /// Everything that is on its way arrives, and what follows from it.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let names: Vec<Domain> = self.gateways.keys().cloned().collect();
            names.iter().for_each(|name| self.perform(name));
            let next = self.way.iter().find(|(ends, waiting)| self.up.contains(*ends) && !waiting.is_empty());
            let Some((from, to)) = next.map(|(ends, _)| ends.clone()) else { return };
            let what = self.way.get_mut(&(from.clone(), to.clone())).and_then(VecDeque::pop_front).expect("waits");
            let now = self.now;
            if let Some(gateway) = self.gateways.get_mut(&to) {
                gateway.cascade.heard(&from, &what, &gateway.book, (now, gateway.time));
            }
        }
        panic!("they never stop talking");
    }

    fn perform(&mut self, name: &Domain) {
        let now = self.now;
        let gateway = self.gateways.get_mut(name).expect("a gateway");
        while let Some(effect) = gateway.cascade.poll() {
            match effect {
                Effect::Say { to, what } => {
                    let what = what.to_json().expect("JSON");
                    self.way.entry((name.clone(), to)).or_default().push_back(what);
                }
                Effect::Open { room } => {
                    gateway.open(&room, now);
                    gateway.cascade.look(&room, &gateway.rooms[&room], &gateway.book);
                }
                Effect::Tell { room, command } => {
                    if matches!(command, Command::Put(_)) && room.home().is_none() {
                        gateway.open(&room, now);
                    }
                    gateway.tell(&room, command, now);
                }
                Effect::Asked { by, ticket, room, pin } => {
                    let target = crate::ivr::Target::Room(room.clone());
                    let admission = gateway.book.admission(&target, pin.as_ref(), jiff::Timestamp::UNIX_EPOCH);
                    gateway.cascade.answer(
                        &by,
                        ticket,
                        &room,
                        &admission,
                        Duration::ZERO,
                        (&gateway.book, gateway.time),
                    );
                }
                Effect::Answered { leg, admission, .. } => drop(gateway.answers.insert(leg, admission)),
                Effect::Relate { peer, room, relay } => drop(gateway.relations.insert((peer, room), relay)),
                Effect::Unrelate { peer, room } => drop(gateway.relations.remove(&(peer, room))),
                Effect::Hear { leg, peer, ssrc, room, .. } => drop(gateway.heard.insert(leg, (peer, ssrc, room))),
                Effect::Unhear { leg } => drop(gateway.heard.remove(&leg)),
                Effect::Stream { leg, ssrc } => drop(gateway.streams.insert(leg, ssrc)),
                Effect::Choose { room, chosen } => drop(gateway.chosen.insert(room, chosen)),
                Effect::Media { .. } => {}
                Effect::Told { leg, room, id, institutions } => {
                    gateway.told.insert(leg, (room, id, institutions));
                }
                Effect::Keep(erasure) => assert!(gateway.kept.insert(*erasure), "kept twice"),
                Effect::Forget(erasure) => assert!(gateway.kept.remove(&*erasure), "was not kept"),
                Effect::Note(noted) => gateway.noted.push(noted),
                Effect::Offence { peer, what } => gateway.offences.push((peer, what)),
            }
        }
    }

    /// Somebody keys the meeting's ID and this PIN on a telephone of that gateway. Gives their place, if they get one.
    fn phones(&mut self, at: &str, pin: &str) -> Option<Who> {
        let now = self.now;
        let gateway = self.at(at);
        gateway.legs += 1;
        let leg = LegId(gateway.legs);
        let id = "123456".parse().expect("an ID");
        let pin = pin.parse().expect("a PIN");
        let admission = match gateway.cascade.find(&id) {
            Some(room) => {
                gateway.cascade.ask(leg, &room, Some(&pin), now);
                self.settle();
                self.at(at).answers.remove(&leg)?
            }
            None => {
                gateway.book.admission(&crate::ivr::Target::Conference(id), Some(&pin), jiff::Timestamp::UNIX_EPOCH)
            }
        };
        let Admission::Admitted { room, role } = admission else { return None };
        let gateway = self.at(at);
        gateway.open(&room, now);
        let name = Name::chosen(&format!("Telefon {at}"));
        gateway.tell(&room, Command::Join(Newcomer { leg, kind: Kind::Phone, name, role, guest: None }), now);
        self.settle();
        let gateway = self.at(at);
        let id = gateway.rooms.get(&room)?.owner(leg)?;
        Some(Who { of: domain(at), id })
    }

    /// An institution's own system brings somebody to A's meeting.
    fn is_brought(&mut self, by: &str) -> Who {
        let (now, leg, room) = (self.now, LegId(900), address().here());
        let gateway = self.at(A);
        gateway.cascade.brings(&domain(by), leg);
        gateway.open(&room, now);
        let guest = Some(Guest { institution: by.to_uppercase(), lobby: false });
        let newcomer = Newcomer { leg, kind: Kind::Phone, name: Name::chosen("Cem"), role: Role::Participant, guest };
        gateway.tell(&room, Command::Join(newcomer), now);
        self.settle();
        let id = self.at(A).rooms[&room].owner(leg).expect("in the roster");
        Who { of: domain(A), id }
    }

    fn acts(&mut self, by: &Who, whom: Option<&Who>, action: Action) {
        let now = self.now;
        let gateway = self.gateways.get_mut(&by.of).expect("a gateway");
        let (name, _) = gateway.rooms.iter().next().expect("a room");
        let name = name.clone();
        let action = whom.map_or(action, |whom| action.to(gateway.line(whom).expect("in the roster").id));
        gateway.tell(&name, Command::Act { by: by.id, action }, now);
        self.settle();
    }

    /// Somebody who operates the gateway there, and is in no meeting.
    fn operator_mutes(&mut self, at: &str, whom: &Who, on: bool) {
        let now = self.now;
        let gateway = self.gateways.get_mut(&domain(at)).expect("a gateway");
        let (name, _) = gateway.rooms.iter().next().expect("a room");
        let name = name.clone();
        let participant = gateway.line(whom).expect("in the roster").id;
        gateway.tell(&name, Command::Mute { participant, on }, now);
        self.settle();
    }

    fn speak(&mut self, at: &str, legs: &[LegId]) {
        let now = self.now;
        let gateway = self.at(at);
        let name = gateway.rooms.keys().next().expect("a room").clone();
        gateway.tell(&name, Command::Speaking(legs.to_vec()), now);
        self.settle();
    }

    /// Who is in the meeting, as the roster of a gateway has it; with a mark behind those who are away.
    fn roster(&self, at: &str) -> BTreeSet<String> {
        let gateway = &self.gateways[&domain(at)];
        let Some(room) = gateway.rooms.values().next() else { return BTreeSet::new() };
        let shown = |one: &room::Participant| {
            let who = gateway.rooms.keys().next().map(|name| gateway.cascade.address(name));
            let elsewhere = who.and_then(|address| gateway.cascade.shards.get(&address)?.who(one.id));
            let who = elsewhere.unwrap_or_else(|| Who { of: gateway.us.clone(), id: one.id });
            format!(
                "{}{}{}{}",
                who.of.as_str().get(6..7).unwrap_or("?"),
                who.id.0,
                if one.away { " away" } else { "" },
                if one.muted { " muted" } else { "" }
            )
        };
        room.snapshot(Role::Participant).participants.iter().map(shown).collect()
    }

    /// Whom somebody at this gateway can hear beside those of their own, each as often as they are heard.
    fn audible(&self, at: &str) -> Vec<String> {
        let gateway = &self.gateways[&domain(at)];
        let mut all: Vec<String> = gateway
            .heard
            .values()
            .filter_map(|(peer, ssrc, room)| self.source(&gateway.us, peer, *ssrc, &gateway.cascade.address(room)))
            .collect();
        all.sort();
        all
    }

    /// Whose sound comes from a peer with this SSRC, if any does.
    fn source(&self, listener: &Domain, peer: &Domain, ssrc: u32, address: &RoomId) -> Option<String> {
        let ends = (peer.clone(), listener.clone());
        let sender = self.gateways.get(peer).filter(|_| self.up.contains(&ends))?;
        let relay = *sender.relations.get(&(listener.clone(), sender.cascade.here(address)))?;
        let leg = sender.streams.iter().find(|(_, own)| **own == ssrc).map(|(leg, _)| *leg)?;
        let room = sender.rooms.get(&sender.cascade.here(address))?;
        if let Some(id) = room.owner(leg) {
            return Some(format!("{}{}", peer.as_str().get(6..7).unwrap_or("?"), id.0));
        }
        let (via, ssrc, _) = sender.heard.get(&leg).filter(|(via, _, _)| relay && via != listener)?;
        self.source(peer, via, *ssrc, address)
    }

    fn say(&mut self, from: &str, to: &str, message: &Message) {
        self.way.entry((domain(from), domain(to))).or_default().push_back(message.to_json().expect("JSON"));
        self.settle();
    }

    fn last_note(&self, at: &str) -> Option<&'static str> {
        self.gateways[&domain(at)].noted.last().map(|noted| noted.what)
    }

    /// Everybody sees everybody once, and hears all others once.
    fn agree(&self, here: &[&str], expected: &[&str]) {
        let all: BTreeSet<String> = expected.iter().map(|one| (*one).to_string()).collect();
        for at in here {
            assert_eq!(self.roster(at), all, "the roster at {at}");
            let own = at.get(6..7).unwrap_or("?");
            let others: Vec<&str> = expected
                .iter()
                .copied()
                .filter(|one| !one.starts_with(own))
                .map(|one| one.trim_end_matches(" muted"))
                .collect();
            assert_eq!(self.audible(at), others, "who is heard at {at}");
        }
    }
}

fn three() -> (Town, Who, Who, Who) {
    let mut town = Town::new(openly);
    let a = town.phones(A, "081500").expect("the mayor comes");
    let b = town.phones(B, "4711").expect("a citizen of B comes");
    let c = town.phones(C, "4711").expect("a citizen of C comes");
    (town, a, b, c)
}

#[test]
fn citizens_of_three_towns_meet_by_the_id_that_they_key_and_hear_each_other_and_not_themselves() {
    let (mut town, ..) = three();
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
    assert!(town.phones(B, "9999").is_none(), "a wrong PIN");
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
}

#[test]
fn whoever_enters_is_told_of_everybody_and_only_then_that_these_are_all() {
    let mut town = Town::new(openly);
    town.phones(A, "081500");
    town.up.remove(&(domain(A), domain(B)));
    town.say(B, A, &Message::Enter { room: address() });
    let told: Vec<Message> =
        town.way[&(domain(A), domain(B))].iter().filter_map(|what| Message::read(what).ok()).collect();
    let at = |is_meant: fn(&Message) -> bool| told.iter().rposition(is_meant);
    let all_told = at(|message| matches!(message, Message::AllTold { .. }));
    assert!(all_told.is_some() && all_told > at(|message| matches!(message, Message::Put { .. })), "{told:?}");
}

#[test]
fn a_mute_by_the_home_moderator_reaches_a_telephone_elsewhere_and_both_audits_have_the_same_event() {
    let (mut town, mayor, _, c) = three();
    let on = true;
    town.acts(&mayor, Some(&c), Action::Mute { participant: ParticipantId(0), on });
    town.agree(&[A, B, C], &["a1", "b1", "c1 muted"]);
    let event = |at: &str| town.gateways[&domain(at)].noted.last().map(|noted| (noted.what, noted.event.clone()));
    assert_eq!(event(A), event(C));
    town.acts(&mayor, None, Action::MuteAll { on });
    town.agree(&[A, B, C], &["a1", "b1 muted", "c1 muted"]);
}

#[test]
fn an_operator_at_home_mutes_a_telephone_elsewhere_and_one_elsewhere_cannot() {
    let (mut town, mayor, _, c) = three();
    town.operator_mutes(A, &c, true);
    town.agree(&[A, B, C], &["a1", "b1", "c1 muted"]);
    let muted = town.gateways[&domain(A)].line(&c).expect("in the roster");
    assert!(!muted.muted_by_moderator, "there may be no moderator who could let them speak");
    town.operator_mutes(A, &c, false);
    town.agree(&[A, B, C], &["a1", "b1", "c1 muted"]);
    town.operator_mutes(B, &mayor, true);
    assert_eq!(town.last_note(A), Some("notTheirs"));
    town.agree(&[A, B, C], &["a1", "b1", "c1 muted"]);
}

#[test]
fn a_moderator_elsewhere_leads_if_the_home_institution_gave_that_role_and_not_otherwise() {
    let (mut town, mayor, b, c) = three();
    let mute = Action::Mute { participant: ParticipantId(0), on: true };
    town.acts(&b, Some(&c), mute);
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
    let deputy = town.phones(B, "081500").expect("the deputy comes");
    town.acts(&deputy, Some(&c), mute);
    town.agree(&[A, B, C], &["a1", "b1", "b2", "c1 muted"]);
    town.acts(&deputy, None, Action::Lock { on: true });
    assert!(town.phones(C, "4711").is_none_or(|who| town.gateways[&domain(C)].line(&who).is_none()), "locked");
    town.acts(&deputy, Some(&mayor), Action::Remove { participant: ParticipantId(0) });
    town.agree(&[B, C], &["b1", "b2", "c1 muted"]);
    town.acts(&deputy, None, Action::End);
    assert!(town.gateways.values().all(|gateway| gateway.rooms.is_empty()), "over for all");
}

#[test]
fn whoever_may_only_take_part_does_not_lead_by_knowing_the_moderators_pin() {
    let mut town = Town::new(|with| Share { role: Role::Participant, ..openly(with) });
    let b = town.phones(B, "081500").expect("comes");
    let shown = town.gateways[&domain(A)].line(&b).expect("in the roster at home");
    assert_eq!(shown.role, Role::Participant);
}

#[test]
fn nobody_is_more_than_the_meeting_allows_their_institution_also_with_an_older_grant() {
    let mut town = Town::new(|with| Share { role: Role::Listener, ..openly(with) });
    let b = town.phones(B, "081500").expect("comes");
    assert_eq!(town.gateways[&domain(A)].line(&b).expect("in the roster at home").role, Role::Listener);
    let mut town = Town::new(openly);
    let b = town.phones(B, "081500").expect("comes");
    town.at(A).book = council(|with| Share { role: Role::Participant, ..openly(with) });
    let line = town.gateways[&domain(B)].cascade.shards[&address()].ours[&b.id].line.clone();
    town.say(B, A, &Message::Put { room: address(), line: Box::new(Line { hand: true, ..line }) });
    assert_eq!(town.gateways[&domain(A)].line(&b).expect("in the roster at home").role, Role::Participant);
}

#[test]
fn people_of_another_institution_come_in_at_its_hours_alone_and_stay_after_them() {
    let by_day = |with: &str| Share { hours: "08:00-18:00".parse().ok(), ..openly(with) };
    let clock = |hour| jiff::civil::time(hour, 0, 0, 0);
    let mut town = Town::new(by_day);
    town.phones(A, "081500").expect("the mayor comes");
    town.phones(B, "4711").expect("it is day");
    // Somebody who was admitted by day comes at night.
    town.at(A).time = clock(19);
    assert!(town.phones(C, "4711").is_none(), "it is night");
    assert_eq!(town.last_note(A), Some("refusedHours"));
    town.agree(&[A, B], &["a1", "b1"]);
    town.at(A).time = clock(9);
    town.phones(C, "4711").expect("it is day again");
    town.at(A).cascade.terms([Terms { hours: "08:00-09:00".parse().ok(), ..free(C) }]);
    assert!(town.phones(C, "4711").is_none(), "not at this hour by what holds for C");
    town.phones(B, "4711").expect("but for B");
    town.agree(&[A, B, C], &["a1", "b1", "b2", "c1"]);
}

#[test]
fn a_grant_of_the_day_lets_nobody_in_at_night() {
    let mut town = Town::new(|with| Share { hours: "08:00-18:00".parse().ok(), ..openly(with) });
    let b = town.phones(B, "4711").expect("it is day");
    let line = town.gateways[&domain(B)].cascade.shards[&address()].ours[&b.id].line.clone();
    town.say(B, A, &Message::Gone { room: address(), who: b.clone() });
    assert!(town.gateways[&domain(A)].line(&b).is_none());
    town.at(A).time = jiff::civil::time(20, 0, 0, 0);
    town.say(B, A, &Message::Put { room: address(), line: Box::new(line) });
    assert!(town.gateways[&domain(A)].line(&b).is_none(), "not at night");
}

#[test]
fn an_institution_sees_no_rooms_but_those_that_are_shown_to_it() {
    let mut town = Town::new(openly);
    town.at(A).cascade.terms([Terms { rooms: Some(vec!["bau".parse().expect("a room")]), ..free(B) }]);
    town.heal(A, B, true);
    town.heal(A, C, true);
    town.phones(A, "081500").expect("the mayor comes");
    assert!(town.phones(B, "4711").is_none(), "not told of it");
    town.at(B).cascade.ask(LegId(77), &address(), "4711".parse().ok().as_ref(), Instant::now());
    town.settle();
    assert_eq!(town.at(B).answers.get(&LegId(77)), Some(&Admission::Refused), "and it does not help to know its name");
    town.phones(C, "4711").expect("C is");
    town.agree(&[A, C], &["a1", "c1"]);
}

/// What is told of each one's name at a gateway, in the order of their places.
fn names_at(town: &Town, at: &str) -> BTreeSet<String> {
    let room = town.gateways[&domain(at)].rooms.values().next().expect("a room");
    let all = room.snapshot(Role::Moderator).participants;
    all.iter().map(|one| one.name.for_roster().to_owned()).collect()
}

#[test]
fn where_no_names_cross_nobody_elsewhere_is_told_one_not_even_while_the_home_is_away() {
    let hidden = |with: &str| Share { names: if with == B { Names::None } else { Names::Chosen }, ..openly(with) };
    let mut town = Town::new(hidden);
    for (at, pin) in [(A, "081500"), (B, "4711"), (C, "4711")] {
        town.phones(at, pin).expect("comes");
    }
    let told = |town: &Town, at| names_at(town, at);
    let all = [A, B, C].map(|at| format!("Telefon {at}"));
    assert_eq!(told(&town, A), BTreeSet::from(all.clone()));
    assert_eq!(told(&town, C), BTreeSet::from(all.clone()));
    let own = BTreeSet::from([String::from("Telefon"), format!("Telefon {B}")]);
    assert_eq!(told(&town, B), own);
    town.cut(A, B);
    town.cut(A, C);
    town.later(60);
    assert_eq!(told(&town, B), own, "C knows that B is told none");
    assert_eq!(told(&town, C), BTreeSet::from([B, C].map(|at| format!("Telefon {at}"))));
    town.heal(A, B, false);
    town.heal(A, C, false);
    town.later(11);
    assert_eq!(told(&town, B), own);
    // The meeting is changed: from now on names cross.
    town.at(A).book = council(openly);
    let book = town.at(A).book.clone();
    town.at(A).cascade.say_rooms(&domain(B), &book);
    town.settle();
    assert_eq!(told(&town, B), BTreeSet::from(all));
}

#[test]
fn our_peoples_names_stay_here_if_that_holds_for_an_institution_also_in_its_own_meetings() {
    let mut town = Town::new(openly);
    town.at(B).cascade.terms([Terms { names: Names::None, ..free(A) }]);
    town.phones(A, "081500").expect("the mayor comes");
    town.phones(B, "4711").expect("a citizen of B comes");
    assert_eq!(names_at(&town, A), BTreeSet::from([String::from("Telefon"), format!("Telefon {A}")]));
    assert_eq!(names_at(&town, B), BTreeSet::from([A, B].map(|at| format!("Telefon {at}"))));
}

#[test]
fn people_of_another_institution_wait_until_the_home_moderator_admits_them() {
    let mut town = Town::new(|with| Share { lobby: true, ..openly(with) });
    let mayor = town.phones(A, "081500").expect("the mayor comes");
    let b = town.phones(B, "4711").expect("a place in the lobby");
    assert_eq!(town.roster(A), BTreeSet::from([String::from("a1")]));
    assert!(town.audible(A).is_empty() && town.audible(B).is_empty());
    // A gateway that lets its people in by itself: they are not, at home.
    let line = town.gateways[&domain(B)].cascade.shards[&address()].ours[&b.id].line.clone();
    town.say(B, A, &Message::Put { room: address(), line: Box::new(Line { lobby: false, ..line }) });
    assert!(town.audible(A).is_empty(), "not admitted, not heard");
    town.acts(&mayor, Some(&b), Action::Admit { participant: ParticipantId(0) });
    town.agree(&[A, B], &["a1", "b1"]);
}

#[test]
fn no_more_come_than_the_meeting_allows_an_institution() {
    let mut town = Town::new(|with| Share { most: 2, ..openly(with) });
    town.phones(A, "081500");
    for _ in 0..4 {
        town.phones(B, "4711");
    }
    town.agree(&[A, B], &["a1", "b1", "b2"]);
    assert_eq!(town.last_note(A), Some("refusedFull"));
}

#[test]
fn whom_an_institutions_own_system_brings_is_shown_as_of_it_everywhere_and_takes_one_of_its_places() {
    let mut town = Town::new(|with| Share { most: 1, ..openly(with) });
    let guest = town.is_brought(C);
    let b = town.phones(B, "4711").expect("a citizen of B comes");
    let institution = |town: &Town, at: &str, who: &Who| {
        town.gateways[&domain(at)].line(who).expect("in the roster").institution.map(|name| name.to_lowercase())
    };
    assert_eq!(institution(&town, A, &guest).as_deref(), Some(C));
    assert_eq!(institution(&town, B, &guest).as_deref(), Some(C));
    assert_eq!(town.at(A).cascade.count_elsewhere(&domain(B), &address().here()), 1);
    // B cannot make somebody of its own C's.
    let line = town.gateways[&domain(B)].cascade.shards[&address()].ours[&b.id].line.clone();
    let lie = Line { through: Some(domain(C)), hand: true, ..line };
    town.say(B, A, &Message::Put { room: address(), line: Box::new(lie) });
    assert_eq!(institution(&town, A, &b).as_deref(), Some(B));
    town.phones(C, "4711");
    assert_eq!(town.last_note(A), Some("refusedFull"), "C has one there");
    let a = town.at(A);
    assert!(!a.cascade.tells_no_names(&domain(C), &address().here(), &a.book));
    a.cascade.terms([Terms { names: Names::None, ..free(C) }]);
    assert!(a.cascade.tells_no_names(&domain(C), &address().here(), &a.book), "what is typed bears no name for them");
}

#[test]
fn while_the_home_gateway_is_away_the_others_go_on_and_fall_back_into_place() {
    for anew in [false, true] {
        let (mut town, ..) = three();
        town.cut(A, B);
        assert_eq!(town.audible(B), ["c1"; 0], "C still has its home: nobody is heard twice");
        town.cut(A, C);
        assert_eq!(town.audible(B), ["c1"]);
        assert_eq!(town.audible(C), ["b1"]);
        assert_eq!(town.roster(B), BTreeSet::from(["a1 away", "b1", "c1"].map(String::from)));
        town.later(60);
        assert_eq!(
            town.roster(B),
            BTreeSet::from(["b1", "c1"].map(String::from)),
            "whoever is away for too long is gone"
        );
        town.phones(B, "4711");
        town.heal(A, B, anew);
        town.heal(A, C, anew);
        town.later(11);
        town.agree(&[A, B, C], &["a1", "b1", "c1"]);
    }
}

#[test]
fn a_link_that_breaks_for_a_moment_leaves_nobody_doubled_or_lost() {
    let (mut town, _, _, c) = three();
    town.cut(A, C);
    assert_eq!(town.roster(A), BTreeSet::from(["a1", "b1", "c1 away"].map(String::from)));
    assert_eq!(town.audible(A), ["b1"]);
    // Meanwhile somebody else comes at C, and the first one hangs up.
    let now = town.now;
    let room = address();
    town.at(C).tell(&room, Command::Leave { leg: LegId(1) }, now);
    assert!(town.gateways[&domain(C)].line(&c).is_none());
    town.heal(A, C, false);
    town.later(11);
    assert_eq!(town.roster(A), BTreeSet::from(["a1", "b1"].map(String::from)));
    town.phones(C, "4711");
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
}

#[test]
fn a_home_gateway_that_was_started_anew_has_its_meeting_back() {
    let (mut town, ..) = three();
    let book = town.at(A).book.clone();
    town.gateways.insert(domain(A), Gateway::new(A, book, 9));
    for other in [B, C] {
        town.way.clear();
        town.cut(A, other);
        town.heal(A, other, true);
    }
    town.phones(A, "081500");
    town.later(11);
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
}

#[test]
fn who_speaks_is_one_decision() {
    let (mut town, a, b, c) = three();
    let shard = &town.gateways[&domain(A)].cascade.shards[&address()];
    let legs: Vec<LegId> = [&b, &c].iter().map(|who| shard.others[*who].leg).chain([LegId(1)]).collect();
    town.speak(A, &legs);
    for (at, who) in [(B, [&a, &b, &c]), (C, [&a, &b, &c])] {
        let gateway = &town.gateways[&domain(at)];
        let shard = &gateway.cascade.shards[&address()];
        let expected: BTreeSet<LegId> = who.iter().filter_map(|who| shard.leg_of(who, &gateway.us)).collect();
        let chosen = gateway.chosen[&address()].clone().expect("the home decides");
        assert_eq!(chosen.into_iter().collect::<BTreeSet<_>>(), expected, "at {at}");
    }
}

impl Town {
    /// Somebody types at their gateway.
    fn types(&mut self, by: &Who, text: &str) {
        let now = self.now;
        let gateway = self.gateways.get_mut(&by.of).expect("a gateway");
        let (name, room) = gateway.rooms.iter().next().expect("a room");
        let leg = room.ours().find(|(_, one)| one.id == by.id).and_then(|(leg, _)| leg).expect("a leg");
        let name = name.clone();
        gateway.tell(&name, Command::Type { leg, text: Typed::read(text) }, now);
        self.settle();
    }

    /// What was read since at each of the three.
    fn read(&mut self) -> [String; 3] {
        [A, B, C].map(|at| std::mem::take(&mut self.at(at).read))
    }
}

#[test]
fn what_is_typed_is_read_everywhere_once_and_what_could_not_be_said_is_not_said_later() {
    let (mut town, a, b, c) = three();
    let texts = |texts: [&str; 3]| texts.map(String::from);
    town.types(&a, "a");
    town.types(&b, "ü");
    town.types(&c, "🙂");
    assert_eq!(town.read(), texts(["aü🙂", "aü🙂", "aü🙂"]));
    town.cut(A, B);
    town.types(&b, "lost");
    town.types(&a, "x");
    assert_eq!(town.read(), texts(["x", "lost", "lostx"]), "those who still can be told are told");
    town.cut(A, C);
    town.types(&b, "direct");
    assert_eq!(town.read(), texts(["", "direct", "direct"]), "the others meet while the home is away");
    for anew in [false, true] {
        town.heal(A, B, anew);
        town.heal(A, C, anew);
        town.later(11);
        assert_eq!(town.read(), texts(["", "", ""]), "what was said before is not said again");
    }
    town.types(&b, "again");
    assert_eq!(town.read(), texts(["again", "again", "again"]));
}

#[test]
fn nobody_types_in_the_name_of_others_or_from_the_lobby() {
    let mut town = Town::new(|with| Share { lobby: true, ..openly(with) });
    let (a, b) = (town.phones(A, "081500").expect("comes"), town.phones(B, "4711").expect("waits"));
    town.types(&a, "closed");
    town.types(&b, "b");
    assert_eq!(
        town.read(),
        [String::from("closed"), String::new(), String::new()],
        "who waits neither reads nor is read"
    );
    let text = |who: &Who| Message::Text { room: address(), who: who.clone(), text: Typed::read("forged") };
    town.say(B, A, &text(&b));
    assert_eq!(town.read()[0], "", "nor if their gateway says it");
    town.acts(&a, None, Action::AdmitAll);
    town.say(B, A, &text(&a));
    assert_eq!(town.last_note(A), Some("notTheirs"));
    town.say(A, B, &text(&b));
    assert_eq!(town.last_note(B), Some("notTheirs"));
    assert_eq!(town.read(), [""; 3].map(String::from));
    town.types(&b, "in");
    assert_eq!(town.read()[0], "in");
}

#[test]
fn a_peer_cannot_speak_for_others_or_by_an_old_grant() {
    let (mut town, _, b, c) = three();
    let line = |who: &Who, of: &str| {
        let shard = &town.gateways[&domain(of)].cascade.shards[&address()];
        shard.ours[&who.id].line.clone()
    };
    let (of_b, of_c) = (line(&b, B), line(&c, C));
    let room = address();
    let renamed = Line { name: Name::chosen("Bürgermeister"), ..of_c.clone() };
    town.say(B, A, &Message::Put { room: room.clone(), line: Box::new(renamed) });
    assert_eq!(town.last_note(A), Some("notTheirs"));
    town.say(B, A, &Message::Gone { room: room.clone(), who: c.clone() });
    let second = Line { who: Who { of: domain(B), id: ParticipantId(99) }, ..of_b.clone() };
    town.say(B, A, &Message::Put { room: room.clone(), line: Box::new(second.clone()) });
    assert_eq!(town.last_note(A), Some("refusedNotShared"), "a grant is for one person");
    let stolen = Line { grant: of_c.grant, ..second };
    town.say(B, A, &Message::Put { room: room.clone(), line: Box::new(stolen) });
    assert_eq!(town.last_note(A), Some("refusedNotShared"), "and for one institution");
    let leads = Line { role: Role::Moderator, ..of_b };
    town.say(B, A, &Message::Put { room: room.clone(), line: Box::new(leads) });
    let act = Message::Act {
        room: room.clone(),
        by: b,
        whom: Some(c),
        action: Action::MuteAll { on: true },
        event: String::from("x"),
    };
    town.say(B, A, &act);
    assert_eq!(town.last_note(A), Some("notTheirs"), "who was admitted as a participant does not lead");
    town.say(B, C, &act);
    assert_eq!(town.last_note(C), Some("notTheirs"));
    town.agree(&[A, C], &["a1", "b1", "c1"]);
}

#[test]
fn what_only_the_home_institution_says_and_who_speaks_of_others_people_is_noted_and_changes_nothing() {
    let (mut town, a, b, c) = three();
    let room = address();
    for (to, message) in [
        (A, Message::Gone { room: room.clone(), who: c.clone() }),
        (A, Message::Gone { room: room.clone(), who: a.clone() }),
        (A, Message::Speaking { room: room.clone(), who: vec![b.clone()] }),
        (A, Message::Close { room: room.clone(), why: Why::Over }),
        (C, Message::Speaking { room: room.clone(), who: vec![b.clone()] }),
        (C, Message::Close { room: room.clone(), why: Why::Over }),
        (C, Message::Refuse { room: room.clone(), who: c.clone(), why: Why::Full }),
        (C, Message::Gone { room: room.clone(), who: a.clone() }),
        (C, Message::Gone { room: room.clone(), who: c.clone() }),
    ] {
        town.at(to).noted.clear();
        town.say(B, to, &message);
        assert_eq!(town.last_note(to), Some("notTheirs"), "{message:?} to {to}");
    }
    town.agree(&[A, B, C], &["a1", "b1", "c1"]);
}

#[test]
fn a_peer_that_wants_more_than_anybody_needs_is_not_answered_and_told_of_and_others_are() {
    let (mut town, ..) = three();
    for ticket in 0..1_000 {
        let message = Message::Ask { ticket, room: address(), pin: None };
        town.way.entry((domain(B), domain(A))).or_default().push_back(message.to_json().expect("JSON"));
    }
    town.settle();
    let offences = &town.gateways[&domain(A)].offences;
    assert!((590..=610).contains(&offences.len()), "{}", offences.len());
    assert!(offences.iter().all(|offence| *offence == (domain(B), Offence::TooMuch)));
    let now = town.now;
    town.at(C).cascade.ask(LegId(5), &address(), "4711".parse().ok().as_ref(), now);
    town.settle();
    assert!(matches!(town.at(C).answers.get(&LegId(5)), Some(Admission::Admitted { .. })));
    town.later(60);
    town.at(B).cascade.ask(LegId(6), &address(), "4711".parse().ok().as_ref(), now);
    town.settle();
    assert!(matches!(town.at(B).answers.get(&LegId(6)), Some(Admission::Admitted { .. })), "a minute later");
}

#[test]
fn an_id_of_two_institutions_leads_to_neither() {
    let mut town = Town::new(openly);
    let id: crate::words::ConferenceId = "123456".parse().expect("an ID");
    let theirs = |of: &str| Shared {
        room: format!("falle@{of}").parse().expect("a room"),
        id: id.clone(),
        title: String::new(),
    };
    assert_eq!(town.gateways[&domain(C)].cascade.find(&id), Some(address()));
    town.say(B, C, &Message::Rooms { rooms: vec![theirs(A)] });
    assert_eq!(town.gateways[&domain(C)].cascade.find(&id), Some(address()), "a peer shares its own rooms alone");
    town.say(B, C, &Message::Rooms { rooms: vec![theirs(B)] });
    assert_eq!(town.gateways[&domain(C)].cascade.find(&id), None, "a PIN would go to the wrong one");
    assert_eq!(town.gateways[&domain(C)].offences, [(domain(B), Offence::SameId)]);
    town.say(B, C, &Message::Rooms { rooms: Vec::new() });
    assert_eq!(town.gateways[&domain(C)].cascade.find(&id), Some(address()));
    town.way.entry((domain(B), domain(C))).or_default().push_back(serde_json::value::to_raw_value(&7).expect("JSON"));
    town.settle();
    assert_eq!(town.gateways[&domain(C)].offences.last(), Some(&(domain(B), Offence::Garbled)));
}

#[test]
fn a_room_that_is_not_shared_is_not_there_for_others() {
    let mut town =
        Town::new(|with| Share { with: domain(if with == B { "stadt-x.example" } else { with }), ..openly(with) });
    assert_eq!(town.gateways[&domain(B)].cascade.find(&"123456".parse().expect("an ID")), None);
    let now = town.now;
    town.at(B).cascade.ask(LegId(5), &address(), "4711".parse().ok().as_ref(), now);
    town.settle();
    assert_eq!(town.at(B).answers.get(&LegId(5)), Some(&Admission::Refused), "like one that does not exist");
    town.say(B, A, &Message::Enter { room: address() });
    assert_eq!(town.last_note(A), Some("refusedNotShared"));
    town.say(B, A, &Message::Close { room: address(), why: Why::Over });
    town.say(B, A, &Message::Answer { ticket: 1, verdict: Verdict::PinNeeded, hold: 0 });
    assert!(town.gateways[&domain(A)].rooms.is_empty());
}

#[test]
fn a_question_that_nobody_answers_has_an_end() {
    let mut town = Town::new(openly);
    town.up.clear();
    let now = town.now;
    town.at(B).cascade.ask(LegId(5), &address(), None, now);
    assert!(town.at(B).answers.is_empty());
    town.later(9);
    assert_eq!(town.at(B).answers.get(&LegId(5)), Some(&Admission::NotNow(crate::ivr::Obstacle::Fault)));
}

/// What may happen in a town.
#[derive(Clone, Debug)]
enum Step {
    Comes(usize),
    Goes(usize, u64),
    Cut(usize),
    Heal(usize, bool),
    Later(u64),
}

const NAMES: [&str; 3] = [A, B, C];
const LINKS: [(&str, &str); 3] = [(A, B), (A, C), (B, C)];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize).prop_map(Step::Comes),
        (0..3_usize, 1..4_u64).prop_map(|(at, leg)| Step::Goes(at, leg)),
        (0..3_usize).prop_map(Step::Cut),
        (0..3_usize, any::<bool>()).prop_map(|(link, anew)| Step::Heal(link, anew)),
        (1..70_u64).prop_map(Step::Later),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_breaks_and_heals_in_the_end_all_rosters_are_one_and_each_is_heard_once(steps in prop::collection::vec(step(), 1..30)) {
        let mut town = Town::new(|with| Share { most: 100, ..openly(with) });
        town.phones(A, "081500");
        let mut down = BTreeSet::new();
        for step in steps {
            match step {
                Step::Comes(at) => drop(town.phones(NAMES[at], "4711")),
                Step::Goes(at, leg) => {
                    let now = town.now;
                    let gateway = town.at(NAMES[at]);
                    let names: Vec<RoomId> = gateway.rooms.keys().cloned().collect();
                    names.iter().for_each(|name| gateway.tell(name, Command::Leave { leg: LegId(leg) }, now));
                    town.settle();
                }
                Step::Cut(link) => if down.insert(link) { town.cut(LINKS[link].0, LINKS[link].1) },
                Step::Heal(link, anew) => if down.remove(&link) { town.heal(LINKS[link].0, LINKS[link].1, anew) },
                Step::Later(seconds) => town.later(seconds),
            }
            for at in NAMES {
                let mut heard = town.audible(at);
                heard.dedup();
                prop_assert_eq!(&heard, &town.audible(at), "nobody is heard twice");
                let own = at.get(6..7).unwrap_or("?");
                prop_assert!(heard.iter().all(|one| !one.starts_with(own)), "no echo at {}: {:?}", at, heard);
            }
        }
        for link in down {
            town.heal(LINKS[link].0, LINKS[link].1, false);
        }
        town.later(11);
        town.later(60);
        let all: Vec<String> = NAMES.iter().flat_map(|at| {
            let gateway = &town.gateways[&domain(at)];
            let own = at.get(6..7).unwrap_or("?");
            gateway.rooms.values().flat_map(|room| room.ours().map(|(_, one)| format!("{own}{}", one.id.0)).collect::<Vec<_>>()).collect::<Vec<_>>()
        }).collect();
        let mut expected: Vec<&str> = all.iter().map(String::as_str).collect();
        expected.sort();
        let here: Vec<&str> = NAMES.into_iter().filter(|at| !town.gateways[&domain(at)].rooms.is_empty()).filter(|at| {
            *at != A || town.gateways[&domain(A)].rooms.values().any(|room| room.ours().next().is_some())
        }).collect();
        town.agree(&here, &expected);
    }
}

/// What two audits say of it, each with its peer.
fn notes_of(town: &Town, at: &str, what: &str) -> Vec<(String, String)> {
    let noted = town.gateways[&domain(at)].noted.iter().filter(|noted| noted.what == what);
    noted.map(|noted| (noted.peer.to_string(), noted.event.clone())).collect()
}

/// Somebody at a gateway hangs up.
fn hangs_up(town: &mut Town, at: &str, leg: u64) {
    let now = town.now;
    let gateway = town.at(at);
    let name = gateway.rooms.keys().next().expect("a room").clone();
    gateway.tell(&name, Command::Leave { leg: LegId(leg) }, now);
    town.settle();
}

#[test]
fn whoever_was_told_of_somebody_forgets_them_and_both_audits_say_so_with_one_event() {
    let mut town = Town::new(openly);
    town.phones(A, "4711").expect("in");
    town.phones(C, "4711").expect("in");
    let citizen = town.phones(B, "4711").expect("in");
    let (room, id, told) = town.at(B).told[&LegId(1)].clone();
    assert_eq!((&room, id, &told[..]), (&address(), citizen.id, &[domain(A), domain(C)][..]));
    hangs_up(&mut town, B, 1);
    assert_eq!(town.at(B).cascade.erase(&room, id, &told), Ok(2));
    town.settle();
    let asked = notes_of(&town, B, "erasureAsked");
    assert_eq!(asked.iter().map(|(peer, _)| peer.as_str()).collect::<Vec<_>>(), [A, C]);
    assert_eq!(notes_of(&town, B, "erasureReceipt"), asked);
    for at in [A, C] {
        assert_eq!(notes_of(&town, at, "erased"), [(String::from(B), asked[0].1.clone())], "{at}");
    }
    assert!(town.at(B).kept.is_empty() && town.at(B).cascade.waiting_erasures().next().is_none());
}

#[test]
fn a_member_that_is_away_is_asked_when_it_is_back_also_after_a_restart_here() {
    let mut town = Town::new(openly);
    town.phones(A, "4711").expect("in");
    town.phones(C, "4711").expect("in");
    town.phones(B, "4711").expect("in");
    let (room, id, told) = town.at(B).told[&LegId(1)].clone();
    hangs_up(&mut town, B, 1);
    town.cut(B, C);
    town.at(B).cascade.erase(&room, id, &told).expect("room");
    town.settle();
    assert_eq!(notes_of(&town, B, "erasureReceipt").len(), 1, "A has answered");
    let kept = town.at(B).kept.clone();
    assert_eq!(kept.iter().map(|erasure| erasure.to.as_str()).collect::<Vec<_>>(), [C]);
    // B begins anew, and has what was kept.
    let mut again = Gateway::new(B, Book::of_file(Vec::new()).expect("empty"), 9);
    again.kept.clone_from(&kept);
    kept.into_iter().for_each(|erasure| again.cascade.kept_erasure(erasure));
    town.gateways.insert(domain(B), again);
    town.heal(A, B, true);
    assert_eq!(notes_of(&town, B, "erasureReceipt").len(), 0);
    town.heal(B, C, true);
    assert_eq!(notes_of(&town, B, "erasureReceipt").len(), 1);
    assert_eq!(notes_of(&town, C, "erased").len(), 1);
    assert!(town.at(B).kept.is_empty());
}

#[test]
fn who_is_still_shown_elsewhere_is_taken_away_there() {
    let mut town = Town::new(openly);
    town.phones(A, "4711").expect("in");
    let citizen = town.phones(B, "4711").expect("in");
    let (room, id, told) = town.at(B).told[&LegId(1)].clone();
    assert_eq!(told, [domain(A)]);
    // Their gateway is gone in the middle: A shows them as away, for a while.
    town.cut(A, B);
    assert_eq!(town.roster(A), BTreeSet::from([String::from("a1"), format!("b{} away", citizen.id.0)]));
    let mut again = Gateway::new(B, Book::of_file(Vec::new()).expect("empty"), 9);
    again.cascade.erase(&room, id, &told).expect("room");
    town.gateways.insert(domain(B), again);
    town.heal(A, B, true);
    assert_eq!(town.roster(A), BTreeSet::from([String::from("a1")]));
}

#[test]
fn nobody_has_somebody_elses_people_forgotten_and_a_new_one_with_an_old_number_stays() {
    let mut town = Town::new(openly);
    let mayor = town.phones(A, "081500").expect("in");
    town.phones(C, "4711").expect("in");
    let citizen = town.phones(B, "4711").expect("in");
    for who in [citizen.clone(), mayor] {
        let event = String::from("forged");
        town.say(C, A, &Message::Erase { room: address(), who, event });
        assert_eq!(town.last_note(A), Some("notTheirs"));
    }
    assert!(town.roster(A).contains(&format!("b{}", citizen.id.0)));
    // A receipt for what nobody has asked for says nothing.
    let forged = Message::Erased { room: address(), who: citizen.clone(), event: String::from("forged"), had: true };
    town.say(C, B, &forged);
    assert!(notes_of(&town, B, "erasureReceipt").is_empty());
    // Somebody else of B has this number now: the wish about an earlier one waits until they are gone.
    town.at(B).cascade.erase(&address(), citizen.id, &[domain(A), domain(C)]).expect("room");
    town.settle();
    assert!(town.roster(A).contains(&format!("b{}", citizen.id.0)));
    assert!(notes_of(&town, B, "erasureReceipt").is_empty());
    hangs_up(&mut town, B, 1);
    assert_eq!(notes_of(&town, B, "erasureReceipt").len(), 2);
}

#[test]
fn so_many_receipts_are_waited_for_and_no_more() {
    let mut town = Town::new(openly);
    town.cut(A, B);
    let gateway = town.at(B);
    let told = vec![domain(A); 100];
    for number in 0..100 {
        let told: Vec<Domain> = told.iter().take(1).cloned().collect();
        for part in 0..100 {
            let id = ParticipantId(number * 100 + part);
            gateway.cascade.erase(&address(), id, &told).expect("room");
        }
    }
    assert_eq!(gateway.cascade.erase(&address(), ParticipantId(1), &told), Err(Full));
}
