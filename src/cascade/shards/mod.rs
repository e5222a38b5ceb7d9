//! The shards of all rooms that span gateways, as one node sees them. In: what peers say, which links are up, what the rooms here
//! are like, and the time. Out: what is to be said to peers, and what is to be done here.
//!
//! Each gateway decides what its own participants are and tells the others; the home institution decides who may come, what the
//! meeting is (open, locked, over) and who speaks. Institutions meet at the home one, which passes on what each says. Does it not
//! answer, the others tell each other directly, if the meeting allows it: everybody is known by institution and number, so whoever is told
//! on two ways is one person, heard on one of them.

mod admission;
mod erasure;
mod heard;
mod links;
mod shard;

#[cfg(test)]
mod stories;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use jiff::civil::Time;
use ring::hmac;

use super::message::{Media, Message, Shared, Who};
use crate::ivr::Admission;
use crate::meeting::{Book, Names, Share, Terms};
use crate::room::{self, Action, Name, Opening, Room};
use crate::words::{Bucket, ConferenceId, Domain, LegId, ParticipantId, Pin, RoomId, Typed};

use admission::Asked;
pub use erasure::{Erasure, Full};
use shard::{Shard, Tie};

/// Numbers of participants elsewhere begin far above those that a room gives, and stay whole in a page's arithmetic.
const FIRST_ELSEWHERE: u64 = 1 << 40;

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Say this to a peer.
    Say {
        /// To whom.
        to: Domain,
        /// What.
        what: Box<Message>,
    },
    /// A room of ours is wanted elsewhere: it is made if it is not there, and shown to [`Cascade::look`].
    Open {
        /// Which, by its name here.
        room: RoomId,
    },
    /// Tell a room of this node; one of ours is made if it is not there.
    Tell {
        /// Which, by its name here.
        room: RoomId,
        /// What.
        command: room::Command,
    },
    /// Somebody of a peer wants into a room of ours: answer with [`Cascade::answer`].
    Asked {
        /// Whose.
        by: Domain,
        /// For the answer.
        ticket: u64,
        /// Where, by its name here.
        room: RoomId,
        /// The PIN, if one was given.
        pin: Option<Pin>,
    },
    /// A question of [`Cascade::ask`] is answered.
    Answered {
        /// Who asked.
        leg: LegId,
        /// What the home institution says.
        admission: Admission,
        /// It is held back for so long before it is said.
        hold: std::time::Duration,
    },
    /// A peer takes part in a room: from now on it is sent who speaks; with `relay` those of other peers, too.
    Relate {
        /// Which peer.
        peer: Domain,
        /// Which room, by its name here.
        room: RoomId,
        /// Whether others' are passed on.
        relay: bool,
    },
    /// It does so no longer.
    Unrelate {
        /// Which peer.
        peer: Domain,
        /// Which room, by its name here.
        room: RoomId,
    },
    /// Somebody elsewhere is heard on this leg from now on: what that peer sends with this SSRC.
    Hear {
        /// The leg.
        leg: LegId,
        /// Which peer.
        peer: Domain,
        /// The SSRC.
        ssrc: u32,
        /// In which room, by its name here.
        room: RoomId,
        /// Nobody hears them.
        muted: bool,
    },
    /// Nobody is heard on this leg any more.
    Unhear {
        /// The leg.
        leg: LegId,
    },
    /// By this SSRC the leg is sent to peers.
    Stream {
        /// The leg.
        leg: LegId,
        /// The SSRC.
        ssrc: u32,
    },
    /// The home institution's decision of who speaks; nothing, if it decides no longer.
    Choose {
        /// In which room, by its name here.
        room: RoomId,
        /// On which legs.
        chosen: Option<Vec<LegId>>,
    },
    /// A peer says how a media connection can be made, and whether that is an answer.
    Media {
        /// Which peer.
        peer: Domain,
        /// What it says.
        media: Box<Media>,
        /// It answers an offer of ours.
        answers: bool,
    },
    /// These institutions have been told of somebody of ours: all of them, whenever it is one more.
    Told {
        /// Who is heard on this leg.
        leg: LegId,
        /// Where, by its address.
        room: RoomId,
        /// Their line there.
        id: ParticipantId,
        /// Which institutions.
        institutions: Vec<Domain>,
    },
    /// Keep this over a restart: [`Cascade::kept_erasure`] takes it in again.
    Keep(Box<Erasure>),
    /// Keep it no longer.
    Forget(Box<Erasure>),
    /// For the audit of this node; the same stands in the peer's with the same event.
    Note(Noted),
    /// For the audit, too: a peer said what it may not say, or what cannot be read.
    Offence {
        /// Which peer.
        peer: Domain,
        /// What.
        what: Offence,
    },
}

/// What a peer said that is ignored, whatever room it may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Offence {
    /// A message that is none.
    #[error("a message that cannot be read is ignored")]
    Garbled,
    /// More questions, entries and wishes of moderators than one institution has.
    #[error("it asks for more than one institution can need, and is not answered")]
    TooMuch,
    /// It shares a meeting under an ID that another institution's has: neither is found by it.
    #[error("it shares a meeting whose ID another institution's has: neither can be dialled from here")]
    SameId,
}

impl Offence {
    /// In one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Garbled => "garbled",
            Self::TooMuch => "tooMuch",
            Self::SameId => "sameId",
        }
    }
}

/// What is written down of what peers do to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The peer.
    pub peer: Domain,
    /// Where, by its address.
    pub room: RoomId,
    /// What.
    pub what: &'static str,
    /// To whom or by whom, if it is about one.
    pub who: Option<Who>,
    /// The same in both audits.
    pub event: String,
}

/// See the module.
pub struct Cascade {
    us: Domain,
    /// What grants are made with.
    key: hmac::Key,
    /// Rises; what grants and events are told apart by.
    counter: u64,
    chance: u64,
    peers: BTreeMap<Domain, Peer>,
    shards: BTreeMap<RoomId, Shard>,
    asked: BTreeMap<u64, Asked>,
    /// What holds for single institutions in all meetings.
    terms: BTreeMap<Domain, Terms>,
    /// Who is told no names in a room.
    nameless: BTreeSet<(Domain, RoomId)>,
    /// What the home institution gave to somebody who is about to join.
    grants: BTreeMap<LegId, String>,
    /// Whose own system brings somebody here.
    guests: BTreeMap<LegId, Domain>,
    /// What is waited for of those who have to forget somebody of ours.
    erasures: BTreeSet<Erasure>,
    first_leg: u64,
    people: u64,
    last_ssrc: u32,
    out: VecDeque<Effect>,
}

/// Another institution's gateway.
#[derive(Debug, Default)]
struct Peer {
    /// What people call the institution.
    name: String,
    up: bool,
    /// The rooms of it that our people may join.
    rooms: Vec<Shared>,
    /// What it may still ask for.
    patience: Option<Bucket>,
}

impl Cascade {
    /// A node of `us` that knows nobody yet. `key` makes grants and is the same after a restart; `chance` is a random number; legs of
    /// those elsewhere are numbered from `first_leg`.
    pub fn new(us: Domain, key: &[u8; 32], chance: u64, first_leg: u64) -> Self {
        // Never 0, and far from the end: so many people no node sees.
        let last_ssrc = u32::try_from(chance & 0x3fff_ffff).unwrap_or_default() | 0x4000_0000;
        Self {
            us,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            counter: 0,
            chance,
            peers: BTreeMap::new(),
            shards: BTreeMap::new(),
            asked: BTreeMap::new(),
            terms: BTreeMap::new(),
            nameless: BTreeSet::new(),
            grants: BTreeMap::new(),
            guests: BTreeMap::new(),
            erasures: BTreeSet::new(),
            first_leg,
            people: 0,
            last_ssrc,
            out: VecDeque::new(),
        }
    }

    /// What holds for single institutions in all meetings, from now on.
    pub fn terms(&mut self, terms: impl IntoIterator<Item = Terms>) {
        self.terms = terms.into_iter().map(|terms| (terms.with.clone(), terms)).collect();
    }

    /// What is to be done next. After every call of another method: until there is nothing.
    pub fn poll(&mut self) -> Option<Effect> {
        self.out.pop_front()
    }

    /// The room that has this ID at another institution, if one of ours may join it. If two institutions have it, nobody can tell
    /// which is meant, and a PIN would go to the wrong one: then there is none.
    pub fn find(&self, id: &ConferenceId) -> Option<RoomId> {
        let mut found = self.rooms().filter(|(_, shared)| shared.id == *id);
        let (peer, shared) = found.next()?;
        found.all(|(other, _)| other == peer).then(|| shared.room.clone())
    }

    /// The rooms of other institutions that our people may join.
    pub fn rooms(&self) -> impl Iterator<Item = (&Domain, &Shared)> {
        self.peers.iter().flat_map(|(peer, known)| known.rooms.iter().map(move |shared| (peer, shared)))
    }

    /// The rooms of which there is a shard here, with the institutions that take part.
    pub fn shared(&self) -> impl Iterator<Item = (&RoomId, Vec<&Domain>)> {
        self.shards.iter().map(|(address, shard)| (address, shard.institutions()))
    }

    /// Somebody of ours is about to be in a room of another institution: how the room here begins. Its home says more as soon as it can.
    pub fn begin(&mut self, room: &RoomId) -> room::Config {
        if let Some(home) = room.home()
            && !self.shards.contains_key(room)
        {
            self.shards.insert(room.clone(), Shard::new(home.clone()));
            self.enter(room, &home);
        }
        self.shards.get(room).map_or_else(|| waiting("", true), Shard::config)
    }

    /// A room here is not as it was.
    pub fn look(&mut self, room: &RoomId, now: &Room, book: &Book) {
        let address = self.address(room);
        let Some(mut shard) = self.shards.remove(&address) else { return };
        let at_home = shard.home == self.us;
        if now.is_over() || (!at_home && now.is_empty()) {
            return self.close(&address, shard);
        }
        let mut seen = BTreeSet::new();
        for (leg, participant) in now.ours() {
            seen.insert(participant.id);
            self.look_at(&address, &mut shard, leg, &participant);
        }
        let gone: Vec<ParticipantId> = shard.ours.keys().filter(|id| !seen.contains(id)).copied().collect();
        for id in gone {
            shard.ours.remove(&id);
            self.say_to_all(&shard, None, &Message::Gone { room: address.clone(), who: self.one(id) });
            self.say_erasures_of(&address, id);
        }
        if at_home {
            self.tell_state(&address, &mut shard, now.told_of(), book);
            self.tell_newcomers(&address, &mut shard);
        }
        self.shards.insert(address, shard);
    }

    /// A moderator here, or the institution itself, wants something done that is not for this node alone ([`room::Effect::Ask`]).
    pub fn asks(&mut self, room: &RoomId, by: Option<ParticipantId>, action: Action) {
        let address = self.address(room);
        let Some(mut shard) = self.shards.remove(&address) else { return };
        let whom = action.whom().and_then(|id| shard.who(id));
        let event = self.event();
        let (home, by) = (shard.home.clone(), self.one(by.unwrap_or(Who::INSTITUTION)));
        let act = |whom: Option<Who>| Message::Act {
            room: address.clone(),
            by: by.clone(),
            whom,
            action,
            event: event.clone(),
        };
        match (home == self.us, whom) {
            (true, Some(whom)) => {
                self.admits(&address, &mut shard, Some(&whom), action);
                self.acts(&whom.of.clone(), &address, &event, Some(whom.clone()));
                self.say(&whom.of.clone(), act(Some(whom)));
            }
            (true, None) => {
                self.admits(&address, &mut shard, None, action);
                shard.ties.keys().for_each(|peer| self.acts(peer, &address, &event, None));
                self.say_to_all(&shard, None, &act(None));
            }
            (false, whom) => {
                self.acts(&home, &address, &event, whom.clone());
                self.say(&home, act(whom));
            }
        }
        self.shards.insert(address, shard);
    }

    /// These speak in a room here.
    pub fn speaking(&mut self, room: &RoomId, participants: &[ParticipantId]) {
        let address = self.address(room);
        let Some(shard) = self.shards.get(&address).filter(|shard| shard.home == self.us) else { return };
        let who = participants.iter().map(|id| shard.who(*id).unwrap_or_else(|| self.one(*id))).collect();
        let message = Message::Speaking { room: address, who };
        let peers: Vec<Domain> = shard.ties.keys().cloned().collect();
        peers.iter().for_each(|peer| self.say(peer, message.clone()));
    }

    /// Somebody types in a room here. Ours are told of at its home, or to those whom we have met while that is away; the home tells all
    /// who have somebody inside. Whoever cannot be reached now is not told later.
    pub fn types(&mut self, room: &RoomId, by: ParticipantId, text: &Typed) {
        let address = self.address(room);
        let Some(shard) = self.shards.get(&address) else { return };
        let at_home = shard.home == self.us;
        let who = match shard.who(by) {
            Some(who) if at_home => who,
            Some(_) => return,
            None => self.one(by),
        };
        let inside = shard.ties.iter().filter(|(peer, tie)| tie.related && **peer != who.of).map(|(peer, _)| peer);
        let home = (!at_home).then_some(&shard.home);
        let peers: Vec<Domain> = inside.chain(home).filter(|peer| self.is_up(peer)).cloned().collect();
        let message = Message::Text { room: address, who, text: text.clone() };
        peers.iter().for_each(|peer| self.say(peer, message.clone()));
    }

    /// When [`Self::on_time`] has to be called.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.shards.values().filter_map(Shard::next_timeout).chain(self.asked.values().map(|asked| asked.until)).min()
    }

    /// Waits are over.
    pub fn on_time(&mut self, now: Instant) {
        self.give_up_asking(now);
        let due = self.shards.iter().filter(|(_, shard)| shard.next_timeout().is_some_and(|at| at <= now));
        for address in due.map(|(address, _)| address.clone()).collect::<Vec<_>>() {
            self.with(&address, |cascade, shard| cascade.drop_overdue(&address, shard, now));
            self.forget_empty(&address);
        }
    }

    // --- within ---

    /// One of ours, new or not as before.
    fn look_at(&mut self, address: &RoomId, shard: &mut Shard, leg: Option<LegId>, participant: &room::Participant) {
        let known = shard.ours.remove(&participant.id);
        let ssrc = known.as_ref().map_or_else(|| self.next_ssrc(), |known| known.line.ssrc);
        let granted = leg.and_then(|leg| self.grants.remove(&leg));
        let grant = granted.or_else(|| known.as_ref().and_then(|known| known.line.grant.clone()));
        let through = leg.and_then(|leg| self.guests.get(&leg).cloned());
        let through = through.or_else(|| known.as_ref().and_then(|known| known.line.through.clone()));
        let line = shard::line_of(self.one(participant.id), participant, ssrc, (grant, through));
        if let Some(leg) = leg.filter(|leg| known.as_ref().is_none_or(|known| known.leg != Some(*leg))) {
            self.out.push_back(Effect::Stream { leg, ssrc });
        }
        let is_news = known.as_ref().is_none_or(|known| known.line != line);
        let mut told = known.map(|known| known.told).unwrap_or_default();
        let before = told.len();
        told.extend(shard.audience(&self.us));
        if let Some(leg) = leg.filter(|_| told.len() > before) {
            let (room, id, institutions) = (address.clone(), participant.id, told.iter().cloned().collect());
            self.out.push_back(Effect::Told { leg, room, id, institutions });
        }
        shard.ours.insert(participant.id, shard::Ours { line: line.clone(), leg, told });
        if is_news {
            self.say_to_all(shard, None, &Message::Put { room: address.clone(), line: Box::new(line) });
        }
    }

    /// The room here is over or empty.
    fn close(&mut self, address: &RoomId, shard: Shard) {
        let at_home = shard.home == self.us;
        let room = self.here(address);
        // The shard is taken out already: nobody of ours is there any more.
        shard.ours.keys().for_each(|id| self.say_erasures_of(address, *id));
        for peer in shard.ties.keys().chain((!at_home).then_some(&shard.home)) {
            let why = super::message::Why::Over;
            let room_of = address.clone();
            let end = if at_home { Message::Close { room: room_of, why } } else { Message::Leave { room: room_of } };
            self.say(peer, end);
            self.out.push_back(Effect::Unrelate { peer: peer.clone(), room: room.clone() });
        }
        self.out.extend(
            shard.others.values().filter(|other| other.heard.is_some()).map(|other| Effect::Unhear { leg: other.leg }),
        );
    }

    /// Does something with a shard.
    fn with(&mut self, address: &RoomId, work: impl FnOnce(&mut Self, &mut Shard)) {
        if let Some(mut shard) = self.shards.remove(address) {
            work(self, &mut shard);
            self.shards.insert(address.clone(), shard);
        }
    }

    fn say(&mut self, to: &Domain, mut what: Message) {
        // Whoever tells something goes through here: no name gets past.
        if let Message::Put { room, line } = &mut what
            && line.who.of != *to
            && self.hides_names(to, room)
        {
            line.name = Name::untold(line.kind);
        }
        self.out.push_back(Effect::Say { to: to.clone(), what: Box::new(what) });
    }

    /// To everybody who is told of our people in this room, but one.
    fn say_to_all(&mut self, shard: &Shard, but: Option<&Domain>, what: &Message) {
        let home = Some(&shard.home).filter(|home| **home != self.us);
        let peers: Vec<Domain> = shard.ties.keys().chain(home).filter(|peer| Some(*peer) != but).cloned().collect();
        peers.iter().for_each(|peer| self.say(peer, what.clone()));
    }

    fn acts(&mut self, peer: &Domain, room: &RoomId, event: &str, who: Option<Who>) {
        let noted = Noted { peer: peer.clone(), room: room.clone(), what: "acted", who, event: event.to_owned() };
        self.out.push_back(Effect::Note(noted));
    }

    /// One of ours.
    fn one(&self, id: ParticipantId) -> Who {
        Who { of: self.us.clone(), id }
    }

    /// The address of a room here.
    fn address(&self, room: &RoomId) -> RoomId {
        if room.home().is_some() { room.clone() } else { room.at(&self.us) }
    }

    /// The name here of a room.
    fn here(&self, address: &RoomId) -> RoomId {
        if address.home().as_ref() == Some(&self.us) { address.here() } else { address.clone() }
    }

    /// Whether an institution is told no names in a room.
    fn hides_names(&self, peer: &Domain, address: &RoomId) -> bool {
        let always = self.terms.get(peer).is_some_and(|terms| terms.names == Names::None);
        always || self.nameless.contains(&(peer.clone(), address.clone()))
    }

    /// Whether those of an institution who are in a room of ours on this gateway are told no names.
    pub fn tells_no_names(&self, institution: &Domain, room: &RoomId, book: &Book) -> bool {
        let share = self.share(institution, room, book);
        self.hides_names(institution, &self.address(room)) || share.is_none_or(|share| share.names == Names::None)
    }

    /// What the people of an institution may in a room of ours, by the meeting and by what holds for that institution.
    fn share<'a>(&self, peer: &Domain, room: &RoomId, book: &'a Book) -> Option<&'a Share> {
        let shows = self.terms.get(peer).is_none_or(|terms| terms.shows(room));
        book.get(room).filter(|_| shows)?.meeting.share(peer)
    }

    /// Whether somebody of an institution may come in now.
    fn is_open(&self, peer: &Domain, share: &Share, time: Time) -> bool {
        share.is_open(time) && self.terms.get(peer).is_none_or(|terms| terms.is_open(time))
    }

    /// What people call an institution.
    fn called(&self, institution: &Domain) -> String {
        let name = self.peers.get(institution).map(|peer| &peer.name).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| institution.to_string())
    }

    fn is_up(&self, peer: &Domain) -> bool {
        self.peers.get(peer).is_some_and(|peer| peer.up)
    }

    /// Names something once, for two audits.
    fn event(&mut self) -> String {
        self.counter += 1;
        format!("{}-{:x}-{:x}", self.us, self.chance, self.counter)
    }

    const fn next_ssrc(&mut self) -> u32 {
        self.last_ssrc = self.last_ssrc.wrapping_add(1);
        self.last_ssrc
    }
}

/// A room of another institution of which nothing is known but what is given.
fn waiting(title: &str, lobby: bool) -> room::Config {
    room::Config { title: title.to_owned(), opening: Opening::ByHome, lobby, at_home: false, ..room::Config::default() }
}
