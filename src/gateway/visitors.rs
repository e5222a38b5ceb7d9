//! Those who take part by browser: from the door's events to the room, and from the room's effects to the page.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::chance::{NoChance, random};
use super::{Gateway, clock};
use crate::connection::{Candidate, Credentials, Fingerprint, Offer, Transport, answer};
use crate::ivr::{Admission, Notice, Obstacle, Target};
use crate::media::{BrowserLeg, CanonicalName};
use crate::observe::Who;
use crate::records::Door;
use crate::room::{Command, Kind, Name, Newcomer, Numbered, Refusal, Why};
use crate::web::{self, Answer, Code, End, Hello, Link, Request};
use crate::words::{LegId, ParticipantId, Personal, Pin, Role, RoomId, SessionId};
use crate::workers;

/// Somebody in a browser, by their leg.
pub(super) struct Visitor {
    room: RoomId,
    participant: Option<ParticipantId>,
    role: Role,
    token: String,
    session: SessionId,
    /// `None` while the connection is broken and the place is kept.
    link: Option<Link>,
    /// Not in the meeting yet.
    waiting: bool,
    /// The last event that the page knows.
    seen: u64,
    connection: Connection,
    /// The answer that the next welcome brings.
    answer: Option<String>,
}

/// What a further offer for the same connection must fit.
struct Connection {
    fingerprint: Fingerprint,
    first_ssrc: u32,
    name: CanonicalName,
}

/// A page that waits for the answer of another institution.
struct Arrival {
    session: SessionId,
    link: Link,
    room: RoomId,
    name: Name,
    offer: Offer,
    from: Personal<std::net::IpAddr>,
    /// Whether it gave a PIN.
    pin: bool,
}

/// So many wait at once.
const MOST_ARRIVING: usize = 512;

/// All of them.
#[derive(Default)]
pub(super) struct Visitors {
    arriving: BTreeMap<LegId, Arrival>,
    by_leg: BTreeMap<LegId, Visitor>,
    by_session: BTreeMap<SessionId, LegId>,
    by_token: BTreeMap<String, LegId>,
    legs: u64,
}

/// Telephones' legs bear the numbers of their calls, from 1; browsers' legs begin far above.
const FIRST_LEG: u64 = 1 << 62;

impl Visitors {
    pub(super) fn is_here(&self, leg: LegId) -> bool {
        self.by_leg.contains_key(&leg)
    }

    /// Everybody's leg.
    pub(super) fn legs(&self) -> impl Iterator<Item = LegId> {
        self.by_leg.keys().copied()
    }

    /// How many there are, those among them whose connection broke and whose place is kept.
    pub(super) fn count(&self) -> usize {
        self.by_leg.len()
    }

    fn next_leg(&mut self) -> LegId {
        self.legs += 1;
        LegId(FIRST_LEG + self.legs)
    }

    fn insert(&mut self, leg: LegId, visitor: Visitor) {
        self.by_session.insert(visitor.session, leg);
        self.by_token.insert(visitor.token.clone(), leg);
        self.by_leg.insert(leg, visitor);
    }

    fn remove(&mut self, leg: LegId) -> Option<Visitor> {
        let visitor = self.by_leg.remove(&leg)?;
        self.by_session.remove(&visitor.session);
        self.by_token.remove(&visitor.token);
        Some(visitor)
    }

    /// Tells a page something. One that does not keep up loses its connection, and comes back.
    pub(super) fn tell(&mut self, leg: LegId, answer: Answer) {
        if let Some(visitor) = self.by_leg.get_mut(&leg)
            && visitor.link.as_ref().is_some_and(|link| !link.tell(answer))
        {
            visitor.link = None;
        }
    }
}

/// The addresses that answers name: where we listen, or what stands for it outside.
pub(super) fn candidates(listen: &[SocketAddr], public: &[std::net::IpAddr]) -> Vec<Candidate> {
    let mut addresses = Vec::new();
    for address in listen {
        if public.is_empty() {
            addresses.push(*address);
        } else {
            addresses.extend(public.iter().map(|ip| SocketAddr::new(*ip, address.port())));
        }
    }
    addresses.dedup();
    let udp = addresses.iter().map(|address| Candidate::Udp(*address));
    udp.chain(addresses.iter().map(|address| Candidate::Tcp(*address))).collect()
}

impl Gateway {
    pub(super) fn on_page(&mut self, event: web::Event) {
        match event {
            web::Event::Arrived { session, hello, link } => {
                let refused = match *hello {
                    Hello::Join { room, name, offer, pin, from } => {
                        self.page_joins(session, &link, &room, name, &offer, pin.as_ref(), &from)
                    }
                    Hello::Resume { room, token, offer } => {
                        self.page_returns(session, &link, &room, &token, offer.as_deref())
                    }
                };
                if let Err(refusal) = refused {
                    // The page is gone, or hears why it cannot come in.
                    let _ = link.tell(refusal);
                }
            }
            web::Event::Said { session, request } => {
                if let Some(leg) = self.visitors.by_session.get(&session).copied() {
                    self.page_says(leg, request);
                }
            }
            web::Event::Gone { session } => self.page_gone(session),
            web::Event::Called(call) => self.on_call(*call),
            web::Event::Knocked(knock) => self.on_knock(*knock),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "each is one thing that a page says first")]
    fn page_joins(
        &mut self,
        session: SessionId,
        link: &Link,
        room: &RoomId,
        name: Name,
        offer: &str,
        pin: Option<&Pin>,
        from: &Personal<std::net::IpAddr>,
    ) -> Result<(), Answer> {
        let offer = Offer::read(offer).map_err(|why| {
            tracing::info!(%session, %why, "a page's offer cannot be used");
            Answer::refused(Code::Sound)
        })?;
        let leg = self.visitors.next_leg();
        let arrival = Arrival {
            session,
            link: link.clone(),
            room: room.clone(),
            name,
            offer,
            from: from.clone(),
            pin: pin.is_some(),
        };
        if room.home().is_some() {
            let wait = self.page_guard.closed_for(Some(from), None, clock::now());
            if !wait.is_zero() && pin.is_some() {
                return Err(Answer::slow_down(wait));
            }
            if self.visitors.arriving.len() >= MOST_ARRIVING {
                return Err(Answer::refused(Code::Full));
            }
            self.visitors.arriving.insert(leg, arrival);
            if !self.ask_elsewhere(leg, &Target::Room(room.clone()), pin) {
                self.visitors.arriving.remove(&leg);
                return Err(Answer::refused(Code::WrongPin));
            }
            return Ok(());
        }
        let role = self.admit_page(room, pin, from)?;
        self.page_comes(leg, arrival, role)
    }

    /// The home institution of a room has answered for a page.
    pub(super) fn page_is_answered(&mut self, leg: LegId, admission: &Admission) {
        let Some(arrival) = self.visitors.arriving.remove(&leg) else { return self.forget_elsewhere(leg) };
        let link = arrival.link.clone();
        let come = match admission {
            Admission::Admitted { role, .. } => self.page_comes(leg, arrival, *role),
            Admission::NotNow(obstacle) => Err(Answer::refused(code_of(*obstacle))),
            Admission::PinNeeded | Admission::Refused if !arrival.pin => Err(Answer::refused(Code::Pin)),
            Admission::PinNeeded | Admission::Refused => {
                for suspicion in self.page_guard.failed(Some(&arrival.from), None, clock::now()) {
                    self.observed.suspected(Who::Browser);
                    tracing::warn!(room = %arrival.room, ?suspicion, "somebody seems to guess by browser");
                    self.note_guess(Door::Browser, Some(arrival.from.to_string()), None, suspicion);
                }
                Err(Answer::refused(Code::WrongPin))
            }
        };
        if let Err(refusal) = come {
            self.forget_elsewhere(leg);
            // The page is gone, or hears why it cannot come in.
            let _ = link.tell(refusal);
        }
    }

    /// A page that may come in does.
    fn page_comes(&mut self, leg: LegId, arrival: Arrival, role: Role) -> Result<(), Answer> {
        let Arrival { session, link, room, name, offer, .. } = arrival;
        let token = secret().map_err(|_| Answer::refused(Code::Full))?;
        let (connection, answer) = self.connect(leg, &offer)?;
        let visitor = Visitor {
            room: room.clone(),
            participant: None,
            role,
            token,
            session,
            link: Some(link),
            waiting: false,
            seen: 0,
            connection,
            answer: Some(answer),
        };
        self.visitors.insert(leg, visitor);
        tracing::info!(%leg, %room, ?role, "a page joins");
        self.open_room(&room);
        self.tell_room(&room, Command::Join(Newcomer { leg, kind: Kind::Browser, name, role, guest: None }));
        Ok(())
    }

    /// Who guesses waits, and hears the same of a meeting that does not exist.
    fn admit_page(
        &mut self,
        room: &RoomId,
        pin: Option<&Pin>,
        from: &Personal<std::net::IpAddr>,
    ) -> Result<Role, Answer> {
        let target = Target::Room(room.clone());
        let conference = self.book.conference(&target);
        let wait = self.page_guard.closed_for(Some(from), conference.as_ref(), clock::now());
        if !wait.is_zero() && pin.is_some() {
            return Err(Answer::slow_down(wait));
        }
        match (self.book.admission(&target, pin, clock::moment()), pin) {
            (Admission::Admitted { role, .. }, _) => Ok(role),
            (Admission::NotNow(obstacle), _) => Err(Answer::refused(code_of(obstacle))),
            (Admission::PinNeeded | Admission::Refused, None) => Err(Answer::refused(Code::Pin)),
            (Admission::PinNeeded | Admission::Refused, Some(_)) => {
                for suspicion in self.page_guard.failed(Some(from), conference.as_ref(), clock::now()) {
                    self.observed.suspected(Who::Browser);
                    tracing::warn!(%room, ?suspicion, "somebody seems to guess by browser");
                    self.note_guess(Door::Browser, Some(from.to_string()), Some(&target), suspicion);
                }
                Err(Answer::refused(Code::WrongPin))
            }
        }
    }

    /// Makes the leg that an offer asks for.
    fn connect(&self, leg: LegId, offer: &Offer) -> Result<(Connection, String), Answer> {
        let fault = |error: String| {
            tracing::error!(%leg, %error, "a browser's leg was not made");
            Answer::refused(Code::Full)
        };
        let now = clock::now();
        let without = |error: NoChance| fault(error.to_string());
        let credentials = Credentials::new(&random().map_err(without)?, &offer.ufrag);
        let first_ssrc = u32::from_be_bytes(random().map_err(without)?);
        let name = CanonicalName::new(random().map_err(without)?);
        let ours = self.identity.fingerprint();
        let (session, answer) = answer(offer, ours, &credentials, &self.candidates, first_ssrc, &name);
        let chance = random().map_err(without)?;
        let browser = BrowserLeg::new(session, chance, now).map_err(|error| fault(error.to_string()))?;
        let ufrag = credentials.ufrag.clone();
        let transport = Transport::new(&self.identity, credentials, offer.fingerprint, now);
        let command =
            workers::Command::AddBrowser { leg, ufrag, transport: Box::new(transport), browser: Box::new(browser) };
        self.pool.send(command).map_err(|error| fault(error.to_string()))?;
        Ok((Connection { fingerprint: offer.fingerprint, first_ssrc, name }, answer))
    }

    /// Answers an offer for a connection that there is: a restart.
    fn restart(&self, leg: LegId, offer: &Offer) -> Option<String> {
        let connection = &self.visitors.by_leg.get(&leg)?.connection;
        if connection.fingerprint != offer.fingerprint {
            return None;
        }
        let credentials = Credentials::new(&random().ok()?, &offer.ufrag);
        let ours = self.identity.fingerprint();
        let Connection { first_ssrc, name, .. } = connection;
        let (_, answer) = answer(offer, ours, &credentials, &self.candidates, *first_ssrc, name);
        self.tell_media(workers::Command::Restart { leg, credentials });
        Some(answer)
    }

    fn page_returns(
        &mut self,
        session: SessionId,
        link: &Link,
        room: &RoomId,
        token: &str,
        offer: Option<&str>,
    ) -> Result<(), Answer> {
        let gone = || Answer::refused(Code::Gone);
        let old = self.visitors.by_token.get(token).copied().ok_or_else(gone)?;
        let visitor = self.visitors.by_leg.get(&old).filter(|visitor| visitor.room == *room).ok_or_else(gone)?;
        let participant = visitor.participant.ok_or_else(gone)?;
        let offer = offer.map(|offer| Offer::read(offer).map_err(|_| Answer::refused(Code::Sound))).transpose()?;
        let answer = offer.as_ref().and_then(|offer| self.restart(old, offer));
        let new = match &offer {
            Some(offer) if answer.is_none() => {
                let leg = self.visitors.next_leg();
                Some((leg, self.connect(leg, offer)?))
            }
            Some(_) | None => None,
        };
        // Only now that nothing can fail any more the place changes hands.
        let mut visitor = self.visitors.remove(old).ok_or_else(gone)?;
        (visitor.session, visitor.link, visitor.answer) = (session, Some(link.clone()), answer);
        let leg = match new {
            Some((leg, (connection, answer))) => {
                (visitor.connection, visitor.answer) = (connection, Some(answer));
                leg
            }
            None => old,
        };
        self.visitors.insert(leg, visitor);
        tracing::info!(%leg, %room, "a page is back");
        self.tell_room(room, Command::Returned { participant, leg });
        if leg != old {
            self.tell_media(workers::Command::Remove { leg: old });
        }
        Ok(())
    }

    fn page_says(&mut self, leg: LegId, request: Request) {
        let Some(visitor) = self.visitors.by_leg.get(&leg) else { return };
        let room = visitor.room.clone();
        match request {
            Request::Offer { sdp } => {
                let answer = Offer::read(&sdp).ok().and_then(|offer| self.restart(leg, &offer));
                let answer = answer.map_or(Answer::refused(Code::Sound), |sdp| Answer::Answer { sdp });
                self.visitors.tell(leg, answer);
            }
            Request::Act { action } => {
                if let Some(by) = visitor.participant {
                    let role = visitor.role;
                    self.act(&room, by, role, action);
                }
            }
            Request::Type { text } => self.tell_room(&room, Command::Type { leg, text }),
            Request::Leave => {
                self.dismiss(leg, End::Left);
                self.tell_room(&room, Command::Leave { leg });
            }
        }
    }

    /// The connection broke: the room keeps the place for a while.
    fn page_gone(&mut self, session: SessionId) {
        self.visitors.arriving.retain(|_, arrival| arrival.session != session);
        let Some(leg) = self.visitors.by_session.remove(&session) else { return };
        let Some(visitor) = self.visitors.by_leg.get_mut(&leg) else { return };
        visitor.link = None;
        let room = visitor.room.clone();
        tracing::info!(%leg, %room, "a page's connection is over");
        self.tell_room(&room, Command::Gone { leg });
    }

    /// Ends a page's part: it is told why.
    pub(super) fn dismiss(&mut self, leg: LegId, why: End) {
        self.visitors.tell(leg, Answer::Ended { why });
        self.forget(leg);
    }

    fn forget(&mut self, leg: LegId) {
        if self.visitors.remove(leg).is_some() {
            self.tell_media(workers::Command::Remove { leg });
        }
    }

    /// Those whose place the room did not keep any longer.
    pub(super) fn forget_the_lost(&mut self, name: &RoomId) {
        let room = self.rooms.get(name);
        let lost: Vec<LegId> = self
            .visitors
            .by_leg
            .iter()
            .filter(|(leg, visitor)| {
                visitor.link.is_none() && visitor.room == *name && room.is_none_or(|room| room.owner(**leg).is_none())
            })
            .map(|(leg, _)| *leg)
            .collect();
        for leg in lost {
            self.forget(leg);
        }
    }

    // --- what the room wants done ---

    pub(super) fn page_is_seated(&mut self, leg: LegId, participant: ParticipantId) {
        let Some(visitor) = self.visitors.by_leg.get(&leg) else { return };
        let plan = self.plan_of(&visitor.room);
        let Some(visitor) = self.visitors.by_leg.get_mut(&leg) else { return };
        let Some(room) = self.rooms.get(&visitor.room) else { return };
        visitor.participant = Some(participant);
        visitor.waiting = !room.viewers().any(|(_, id, _)| id == participant);
        let snapshot = (!visitor.waiting).then(|| room.snapshot(visitor.role));
        visitor.seen = snapshot.as_ref().map_or(0, |snapshot| snapshot.revision);
        let welcome = Answer::Welcome {
            you: participant,
            role: visitor.role,
            token: visitor.token.clone(),
            answer: visitor.answer.take(),
            relay: self.relays.as_ref().and_then(|relays| relays.place(leg)).map(Box::new),
            waiting: visitor.waiting,
            plan: Box::new(plan),
            snapshot: snapshot.map(Box::new),
        };
        self.visitors.tell(leg, welcome);
    }

    pub(super) fn page_enters(&mut self, leg: LegId) {
        let Some(visitor) = self.visitors.by_leg.get_mut(&leg).filter(|visitor| visitor.waiting) else { return };
        let Some(room) = self.rooms.get(&visitor.room) else { return };
        visitor.waiting = false;
        let snapshot = room.snapshot(visitor.role);
        visitor.seen = snapshot.revision;
        self.visitors.tell(leg, Answer::Admitted { snapshot });
    }

    pub(super) fn page_is_refused(&mut self, leg: LegId, why: Refusal) {
        self.visitors.tell(leg, Answer::refused(code_of(why.obstacle())));
        self.forget(leg);
    }

    pub(super) fn page_is_noticed(&mut self, leg: LegId, notice: Notice) {
        self.visitors.tell(leg, Answer::Notice(notice));
    }

    pub(super) fn page_is_disconnected(&mut self, leg: LegId, why: Why) {
        let why = match why {
            Why::Removed => End::Removed,
            Why::NotAdmitted => End::NotAdmitted,
            Why::Ended => End::Ended,
            Why::Replaced => End::Replaced,
        };
        self.dismiss(leg, why);
    }

    /// Sends an event to the pages that it concerns.
    pub(super) fn publish(&mut self, name: &RoomId, numbered: &Numbered) {
        for (leg, role) in self.pages_in(name) {
            let is_news = self.visitors.by_leg.get(&leg).is_some_and(|visitor| visitor.seen < numbered.revision);
            if is_news && numbered.event.is_for(role) {
                self.visitors.tell(leg, Answer::Event(numbered.clone()));
            }
        }
    }

    /// Tells something to everybody who is at a room by page, inside or in front of it.
    pub(super) fn tell_pages(&mut self, name: &RoomId, answer: &Answer) {
        let at_room = |(leg, visitor): (&LegId, &Visitor)| (visitor.room == *name).then_some(*leg);
        let legs: Vec<LegId> = self.visitors.by_leg.iter().filter_map(at_room).collect();
        for leg in legs {
            self.visitors.tell(leg, answer.clone());
        }
    }

    /// Tells the pages who speaks.
    pub(super) fn show_speakers(&mut self, name: &RoomId, participants: &[ParticipantId]) {
        for (leg, _) in self.pages_in(name) {
            self.visitors.tell(leg, Answer::Speaking { participants: participants.to_vec() });
        }
    }

    fn pages_in(&self, name: &RoomId) -> Vec<(LegId, Role)> {
        let viewers = self.rooms.get(name).into_iter().flat_map(|room| room.viewers());
        viewers.filter(|(leg, ..)| self.visitors.is_here(*leg)).map(|(leg, _, role)| (leg, role)).collect()
    }
}

const fn code_of(obstacle: Obstacle) -> Code {
    match obstacle {
        Obstacle::Locked => Code::Locked,
        Obstacle::Full => Code::Full,
        Obstacle::Over => Code::Over,
        Obstacle::Fault => Code::Gone,
    }
}

/// What lets a page come back: 256 random bits.
fn secret() -> Result<String, NoChance> {
    Ok(random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[path = "visitors_tests.rs"]
mod tests;
