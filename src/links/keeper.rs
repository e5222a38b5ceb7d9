//! Keeps the link to one member: one task that owns it, its connection, and the tries to open one. In: connections, frames, what is to
//! be said, what the registry says of the member, the time. Out: frames, and events to the gateway, which it waits for if it has to.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::open::dial;
use super::refused::Why;
use super::socket::{Came, Connection, Reader, Writer};
use super::steward::{Peer, Saying};
use super::{Ended, Event, Shared, State, Turn, clock};
use crate::cascade::{Backoff, Closing, Frame, Link, Output};
use crate::member::{Domain, Member, Spki};
use crate::words::Bucket;

/// So often it is measured how far away the peer is.
const MEASURE: Duration = Duration::from_secs(2);

/// Frames that wait to be sent; then nothing more is said until some are gone.
const MOST_WAITING: usize = 256;

/// Answers to what came wait here, too: who does not read them is left.
const TOO_MANY: usize = 16 * 1_024;

type Dialling = Pin<Box<dyn Future<Output = Result<Connection, String>> + Send>>;

pub(super) struct Keeper {
    shared: Arc<Shared>,
    domain: Domain,
    member: watch::Receiver<Arc<Member>>,
    peer: Arc<Peer>,
    to_say: mpsc::Receiver<Saying>,
    arrivals: mpsc::Receiver<Connection>,
    link: Link,
    turn: Turn,
    line: Option<Line>,
    /// Whether the gateway was told that it is up.
    is_told: bool,
    dialling: Option<Dialling>,
    next_try: Option<Instant>,
    backoff: Backoff,
    frames: Bucket,
    bytes: Bucket,
}

/// The present connection.
struct Line {
    reader: Reader,
    writer: Writer,
    by_us: bool,
    key: Spki,
    address: std::net::SocketAddr,
    next_measure: Instant,
    /// The mark of the last question, and when it was asked.
    asked: Option<(u64, Instant)>,
    marks: u64,
}

enum Step {
    Stop,
    Member(bool),
    Arrived(Connection),
    Dialled(Result<Connection, String>),
    Came(Came),
    Flowed(bool),
    Say(Saying),
    Time,
}

impl Keeper {
    pub fn new(
        shared: Arc<Shared>,
        domain: Domain,
        member: watch::Receiver<Arc<Member>>,
        peer: Arc<Peer>,
        to_say: mpsc::Receiver<Saying>,
        arrivals: mpsc::Receiver<Connection>,
    ) -> Self {
        let (now, limits) = (clock::now(), &shared.config.limits);
        let frames = Bucket::new(limits.frames.0, limits.frames.1, now);
        let bytes = Bucket::new(limits.bytes.0, limits.bytes.1, now);
        Self {
            link: Link::new(u64::from_be_bytes(clock::chance())),
            turn: Turn::default(),
            line: None,
            is_told: false,
            dialling: None,
            next_try: Some(now),
            backoff: Backoff::default(),
            frames,
            bytes,
            shared,
            domain,
            member,
            peer,
            to_say,
            arrivals,
        }
    }

    pub async fn run(mut self) {
        loop {
            match self.step().await {
                Step::Stop => return self.end(Ended::Stopping, Closing::Stopping).await,
                Step::Member(true) => self.look_again().await,
                Step::Member(false) if self.shared.closing.is_cancelled() => {
                    return self.end(Ended::Stopping, Closing::Stopping).await;
                }
                Step::Member(false) => {
                    let why = if self.shared.members.has_expired() { Ended::Expired } else { Ended::NoMember };
                    return self.end(why, Closing::NoMember).await;
                }
                Step::Arrived(connection) => self.arrived(connection).await,
                Step::Dialled(outcome) => self.dialled(outcome).await,
                Step::Came(came) => self.came(came).await,
                Step::Flowed(true) => {}
                Step::Flowed(false) => {
                    self.lost(None, Ended::Lost(String::from("it does not read what it is sent"))).await;
                }
                Step::Say(saying) => self.say(saying).await,
                Step::Time => self.on_time().await,
            }
        }
    }

    /// Waits for whatever happens next.
    async fn step(&mut self) -> Step {
        let deadline = self.next_timeout();
        let (reader, writer, waiting) = match &mut self.line {
            None => (None, None, 0),
            Some(line) => {
                let waiting = line.writer.waiting();
                (Some(&mut line.reader), Some(&mut line.writer), waiting)
            }
        };
        tokio::select! {
            biased;
            () = self.shared.closing.cancelled() => Step::Stop,
            changed = self.member.changed() => Step::Member(changed.is_ok()),
            Some(connection) = self.arrivals.recv() => Step::Arrived(connection),
            outcome = dialled(&mut self.dialling) => Step::Dialled(outcome),
            flowed = flow(writer) => Step::Flowed(flowed),
            came = next(reader) => Step::Came(came),
            Some(saying) = self.to_say.recv(), if waiting < MOST_WAITING => Step::Say(saying),
            () = clock::until(deadline) => Step::Time,
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let of_link = self.link.next_timeout().map(|(at, _)| at);
        let measure = self.line.as_ref().filter(|_| self.is_told).map(|line| line.next_measure);
        let may_dial = self.line.is_none() && self.dialling.is_none();
        let next_try = self.next_try.filter(|_| may_dial);
        of_link.into_iter().chain(measure).chain(next_try).min()
    }

    async fn on_time(&mut self) {
        let now = clock::now();
        self.link.on_time(now);
        self.perform(None).await;
        if self.is_told
            && let Some(line) = self.line.as_mut().filter(|line| line.next_measure <= now)
        {
            line.marks += 1;
            line.asked = Some((line.marks, now));
            line.next_measure = now + MEASURE;
            line.writer.push(&Frame::Ping { mark: line.marks });
        }
        let is_due = self.next_try.is_some_and(|at| at <= now);
        if is_due && self.line.is_none() && self.dialling.is_none() {
            self.next_try = None;
            let member = Arc::clone(&self.member.borrow());
            // A member without a place for links opens them itself.
            if !member.links.is_empty() {
                self.dialling = Some(Box::pin(dial(member, Arc::clone(&self.shared))));
            }
        }
    }

    /// The registry was changed, or a pin begins or ends.
    async fn look_again(&mut self) {
        let member = Arc::clone(&self.member.borrow_and_update());
        let Some(line) = &self.line else {
            // It may be elsewhere now.
            if self.dialling.is_none() {
                self.backoff.worked();
                self.next_try = Some(clock::now());
            }
            return;
        };
        if !member.has_key(line.key, clock::moment()) {
            self.lost(Some(Closing::NoMember), Ended::KeyRetired).await;
        } else if !member.is_at(line.address.ip()) {
            self.lost(Some(Closing::NoMember), Ended::OtherNetwork).await;
        }
    }

    /// Where there are two connections, the one that the lower domain has opened stays; of two of the same side the newer.
    async fn arrived(&mut self, connection: Connection) {
        // It was recognised before it waited here.
        if !self.shared.members.is_key_of(&self.domain, connection.key) {
            return connection.dismiss(Closing::NoMember);
        }
        let ours_stays = *self.shared.members.us() < self.domain;
        match self.line.take() {
            Some(line) if line.by_us != connection.by_us && connection.by_us != ours_stays => {
                self.line = Some(line);
                connection.dismiss(Closing::TwoConnections);
            }
            Some(line) => {
                drop(line.writer.finish(Some(Closing::TwoConnections)));
                self.take(connection).await;
            }
            None => self.take(connection).await,
        }
    }

    async fn take(&mut self, connection: Connection) {
        let now = clock::now();
        let (by_us, key, address) = (connection.by_us, connection.key, connection.address);
        let (reader, writer) = connection.split();
        self.line = Some(Line { reader, writer, by_us, key, address, next_measure: now, asked: None, marks: 0 });
        self.next_try = None;
        self.link.opened(now);
        self.perform(None).await;
    }

    async fn dialled(&mut self, outcome: Result<Connection, String>) {
        self.dialling = None;
        match outcome {
            Ok(connection) => self.arrived(connection).await,
            Err(why) if self.line.is_none() => {
                self.try_again();
                let is_news = !matches!(self.peer.state(), State::Down { why: before, .. } if before == why);
                if is_news {
                    tracing::info!(peer = %self.domain, why, "a member's gateway is not reached");
                    self.peer.set(|state| match state {
                        State::Down { why: told, .. } => *told = why,
                        State::Up { .. } => *state = State::Down { since: clock::moment(), why },
                    });
                }
            }
            Err(_) => {}
        }
    }

    async fn came(&mut self, came: Came) {
        let now = clock::now();
        let length = match &came {
            Came::Frame(_, length) | Came::Nothing(length) => *length,
            Came::Broken(_) | Came::Over(_) => 0,
        };
        if !self.frames.take(now) || !self.bytes.take_many(count(length), now) {
            self.offends(Why::TooMuch);
            return self.lost(Some(Closing::TooMuch), Ended::WeClosed(Closing::TooMuch)).await;
        }
        match came {
            Came::Nothing(_) => {}
            Came::Over(why) => self.lost(None, Ended::Lost(why)).await,
            Came::Broken(why) => {
                self.offends(Why::Broken(why));
                self.lost(Some(Closing::Broken), Ended::WeClosed(Closing::Broken)).await;
            }
            Came::Frame(frame, _) => {
                if let Frame::Pong { mark } = frame {
                    self.measured(mark, now);
                }
                let said_bye = if let Frame::Bye { why } = frame { Some(why) } else { None };
                self.link.on_frame(frame, now);
                self.greeted().await;
                self.perform(said_bye).await;
            }
        }
    }

    /// What is said arrives, from the peer's hello on.
    async fn greeted(&mut self) {
        if self.is_told || !self.link.is_up() {
            return;
        }
        self.is_told = true;
        self.backoff.worked();
        let by_us = self.line.as_ref().is_some_and(|line| line.by_us);
        self.peer.set(|state| *state = State::Up { since: clock::moment(), by_us, round_trip: None });
        self.shared.observed.link(&self.domain, true);
        self.tell(Event::Up { peer: self.domain.clone() }).await;
    }

    fn measured(&mut self, mark: u64, now: Instant) {
        let Some(line) = self.line.as_mut() else { return };
        let Some((_, at)) = line.asked.take_if(|(asked, _)| *asked == mark) else { return };
        let took = now.saturating_duration_since(at);
        self.peer.set(|state| {
            if let State::Up { round_trip, .. } = state {
                *round_trip = Some(took);
            }
        });
        // The next one is as good.
        drop(self.shared.events.try_send(Event::RoundTrip { peer: self.domain.clone(), took }));
    }

    async fn say(&mut self, saying: Saying) {
        if self.peer.overrun.swap(false, Ordering::Relaxed) {
            // Something is missing between what was said and what is to be said: everything is told anew.
            self.link = Link::new(u64::from_be_bytes(clock::chance()));
            self.turn = Turn(self.turn.0 + 1);
            if self.line.is_some() {
                self.lost(Some(Closing::TooMuch), Ended::WeClosed(Closing::TooMuch)).await;
            }
        }
        if saying.turn == self.turn {
            self.link.say(saying.what);
            self.perform(None).await;
        }
    }

    /// Does what the link wants. `bye` is why the peer ends the connection, if it has just said so.
    async fn perform(&mut self, bye: Option<Closing>) {
        while let Some(output) = self.link.poll() {
            let peer = self.domain.clone();
            match output {
                Output::Send(frame) => {
                    if let Some(line) = &mut self.line {
                        line.writer.push(&frame);
                    }
                }
                Output::Heard(what) => self.tell(Event::Heard { peer, what }).await,
                Output::Anew => self.tell(Event::Anew { peer }).await,
                Output::TellAnew => {
                    self.turn = Turn(self.turn.0 + 1);
                    self.tell(Event::TellAnew { peer, turn: self.turn }).await;
                }
                Output::Close(why) => {
                    if why == Closing::Broken {
                        self.offends(Why::Broken(String::from("a frame that may not come now")));
                    }
                    let ended = bye.map_or(Ended::WeClosed(why), Ended::TheyClosed);
                    // The link has said bye itself.
                    self.lost(None, ended).await;
                }
            }
        }
        if self.line.as_ref().is_some_and(|line| line.writer.waiting() > TOO_MANY) {
            self.lost(None, Ended::Lost(String::from("it does not read what it is sent"))).await;
        }
    }

    /// There is no connection any more.
    async fn lost(&mut self, bye: Option<Closing>, why: Ended) {
        if let Some(line) = self.line.take() {
            drop(line.writer.finish(bye));
        }
        self.link.closed();
        self.try_again();
        self.down(why).await;
    }

    async fn down(&mut self, why: Ended) {
        self.peer.set(|state| *state = State::Down { since: clock::moment(), why: why.to_string() });
        if std::mem::take(&mut self.is_told) {
            self.shared.observed.link(&self.domain, false);
            self.tell(Event::Down { peer: self.domain.clone(), why }).await;
        }
    }

    fn try_again(&mut self) {
        self.next_try = Some(clock::now() + self.backoff.failed(u32::from_be_bytes(clock::chance())));
    }

    fn offends(&self, why: Why) {
        let address = self.line.as_ref().map(|line| line.address.ip().to_canonical());
        self.shared.refuse(address, Some(self.domain.clone()), why);
    }

    async fn end(mut self, why: Ended, bye: Closing) {
        if let Some(line) = self.line.take() {
            drop(line.writer.finish(Some(bye)).await);
        }
        self.down(why).await;
        self.shared.observed.link_is_gone(&self.domain);
    }

    /// Waits for the gateway, and the peer waits for us; when the door closes, nobody has to be told.
    async fn tell(&mut self, event: Event) {
        tokio::select! {
            biased;
            _ = self.shared.events.send(event) => {}
            () = self.shared.closing.cancelled() => {}
        }
    }
}

async fn next(reader: Option<&mut Reader>) -> Came {
    match reader {
        Some(reader) => reader.next().await,
        None => std::future::pending().await,
    }
}

async fn flow(writer: Option<&mut Writer>) -> bool {
    match writer {
        Some(writer) => writer.flow().await,
        None => std::future::pending().await,
    }
}

async fn dialled(dialling: &mut Option<Dialling>) -> Result<Connection, String> {
    match dialling {
        Some(dialling) => dialling.await,
        None => std::future::pending().await,
    }
}

fn count(bytes: usize) -> f64 {
    u32::try_from(bytes).map_or(f64::MAX, f64::from)
}
