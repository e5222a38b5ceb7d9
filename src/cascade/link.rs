//! One link. In: a connection that opened or closed, frames, what is to be said, the time. Out: frames, what was said, and when
//! everything has to be told anew.
//!
//! Each side numbers what it says and keeps it until the other has got it. On a new connection each says how far it got
//! (`hello`), and the other from where it goes on (`go`). If it cannot (one of them was started anew, or too much was said
//! meanwhile), it begins another session and says everything that counts once more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::frame::{Closing, Frame, Got, Session, VERSION};

/// A silent peer is asked after this time, and given up after the second.
const ASK: Duration = Duration::from_millis(400);
const GIVE_UP: Duration = Duration::from_millis(1_200);

/// What arrived is acknowledged at the latest after so many; before, when the peer is asked whether it is there.
const ACKNOWLEDGE: u64 = 32;

/// What the other side has not got is kept up to these bounds.
const MOST_KEPT: usize = 4_096;
const MOST_BYTES: usize = 4 * 1_024 * 1_024;

/// A link to one peer; outlives its connections.
#[derive(Debug)]
pub struct Link {
    ours: Outgoing,
    theirs: Option<Got>,
    unacknowledged: u64,
    line: Line,
    out: VecDeque<Output>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this on the present connection.
    Send(Frame),
    /// They said something.
    Heard(Box<RawValue>),
    /// They know nothing of what we said: say everything that counts now, before anything else.
    TellAnew,
    /// What they said before counts no longer: they tell it anew.
    Anew,
    /// Close the present connection.
    Close(Closing),
}

/// Why [`Link::on_time`] has to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Nothing came for a while: ask.
    Ask,
    /// Nothing came for too long: give the connection up.
    GiveUp,
}

/// What we say.
#[derive(Debug)]
struct Outgoing {
    session: Session,
    last: u64,
    /// What they have surely got.
    got: u64,
    kept: VecDeque<(u64, Box<RawValue>)>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Down,
    Up {
        /// Their hello has come: we may speak.
        greeted: bool,
        /// They have said from where they go on: they may speak.
        going: bool,
        /// When anything came last.
        heard: Instant,
        /// Whether they were asked since.
        asked: bool,
    },
}

impl Link {
    /// A link that was never up. `chance` is a random number, so that nobody takes this session for an earlier one.
    pub fn new(chance: u64) -> Self {
        let ours = Outgoing::new(Session(chance));
        Self { ours, theirs: None, unacknowledged: 0, line: Line::Down, out: VecDeque::new() }
    }

    /// Whether what is said is sent at once.
    pub const fn is_up(&self) -> bool {
        matches!(self.line, Line::Up { greeted: true, .. })
    }

    /// What is to be done next. After every call of another method: until there is nothing.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::on_time`] has to be called, and why.
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        match self.line {
            Line::Down => None,
            Line::Up { heard, asked: true, .. } => Some((heard + GIVE_UP, Timer::GiveUp)),
            Line::Up { heard, asked: false, .. } => Some((heard + ASK, Timer::Ask)),
        }
    }

    /// A connection is there; an earlier one, if there was one, is dead.
    pub fn opened(&mut self, now: Instant) {
        self.closed();
        self.line = Line::Up { greeted: false, going: false, heard: now, asked: false };
        self.send(Frame::Hello { versions: vec![VERSION], got: self.theirs });
    }

    /// The connection is gone. What was to be sent on it comes on the next one.
    pub fn closed(&mut self) {
        self.line = Line::Down;
        self.out.retain(|output| !matches!(output, Output::Send(_) | Output::Close(_)));
    }

    /// Something is to be said. It arrives once and in order, or everything is told anew.
    pub fn say(&mut self, what: Box<RawValue>) {
        let number = self.ours.keep(what.clone());
        if self.is_up() {
            self.send(Frame::Said { number, what });
            // Whoever takes everything and acknowledges nothing is told anew: what is kept is bounded.
            if !self.ours.reaches_back_to(self.ours.got + 1) {
                self.close(Closing::TooMuch);
            }
        }
    }

    /// A frame came.
    pub fn on_frame(&mut self, frame: Frame, now: Instant) {
        let Line::Up { greeted, going, heard, asked } = &mut self.line else { return };
        (*heard, *asked) = (now, false);
        match (frame, *greeted, *going) {
            (Frame::Hello { versions, got }, false, _) => {
                *greeted = true;
                if versions.contains(&VERSION) { self.go(got) } else { self.close(Closing::NoCommonVersion) }
            }
            (Frame::Go { session, from }, _, false) => {
                *going = true;
                self.gone(session, from);
            }
            (Frame::Said { number, what }, _, true) => self.hear(number, what),
            (Frame::Got { number }, true, _) if number <= self.ours.last => self.ours.forget(number),
            (Frame::Ping { mark }, ..) => self.send(Frame::Pong { mark }),
            (Frame::Pong { .. } | Frame::Unknown, ..) => {}
            (Frame::Bye { .. }, ..) => {
                self.out.push_back(Output::Close(Closing::Other));
                self.line = Line::Down;
            }
            (Frame::Hello { .. } | Frame::Go { .. } | Frame::Said { .. } | Frame::Got { .. }, ..) => {
                self.close(Closing::Broken);
            }
        }
    }

    /// The time of [`Self::next_timeout`] has come.
    pub fn on_time(&mut self, now: Instant) {
        match self.next_timeout().filter(|(at, _)| *at <= now) {
            None => {}
            Some((_, Timer::Ask)) => {
                self.acknowledge();
                self.send(Frame::Ping { mark: 0 });
                if let Line::Up { asked, .. } = &mut self.line {
                    *asked = true;
                }
            }
            Some((_, Timer::GiveUp)) => self.close(Closing::Silent),
        }
    }

    /// They got so far: we go on from there, or anew.
    fn go(&mut self, got: Option<Got>) {
        let ours = &mut self.ours;
        let can =
            |got: &Got| got.session == ours.session && got.number <= ours.last && ours.reaches_back_to(got.number + 1);
        match got.filter(can) {
            Some(got) => {
                ours.forget(got.number);
                let (session, from) = (ours.session, got.number + 1);
                self.out.push_back(Output::Send(Frame::Go { session, from }));
                let again = ours.kept.iter().map(|(number, what)| Frame::Said { number: *number, what: what.clone() });
                self.out.extend(again.map(Output::Send));
            }
            None => {
                let session = Session(ours.session.0.wrapping_add(1));
                *ours = Outgoing::new(session);
                self.send(Frame::Go { session, from: 1 });
                self.out.push_back(Output::TellAnew);
            }
        }
    }

    /// They go on from there.
    fn gone(&mut self, session: Session, from: u64) {
        let known = self.theirs.filter(|theirs| theirs.session == session);
        match known {
            Some(theirs) if theirs.number.checked_add(1) == Some(from) => {}
            None if from == 1 => {
                self.theirs = Some(Got { session, number: 0 });
                self.unacknowledged = 0;
                self.out.push_back(Output::Anew);
            }
            Some(_) | None => self.close(Closing::Broken),
        }
    }

    fn hear(&mut self, number: u64, what: Box<RawValue>) {
        let Some(theirs) = self.theirs.as_mut().filter(|theirs| theirs.number.checked_add(1) == Some(number)) else {
            return self.close(Closing::Broken);
        };
        theirs.number = number;
        self.unacknowledged += 1;
        self.out.push_back(Output::Heard(what));
        if self.unacknowledged >= ACKNOWLEDGE {
            self.acknowledge();
        }
    }

    fn acknowledge(&mut self) {
        if let Some(theirs) = self.theirs.filter(|_| self.unacknowledged > 0) {
            self.unacknowledged = 0;
            self.send(Frame::Got { number: theirs.number });
        }
    }

    fn send(&mut self, frame: Frame) {
        self.out.push_back(Output::Send(frame));
    }

    fn close(&mut self, why: Closing) {
        self.send(Frame::Bye { why });
        self.out.push_back(Output::Close(why));
        self.line = Line::Down;
    }
}

impl Outgoing {
    const fn new(session: Session) -> Self {
        Self { session, last: 0, got: 0, kept: VecDeque::new(), bytes: 0 }
    }

    fn keep(&mut self, what: Box<RawValue>) -> u64 {
        self.last = self.last.saturating_add(1);
        self.bytes = self.bytes.saturating_add(what.get().len());
        self.kept.push_back((self.last, what));
        while self.kept.len() > MOST_KEPT || self.bytes > MOST_BYTES {
            self.drop_first();
        }
        self.last
    }

    /// They have got everything up to this number.
    fn forget(&mut self, number: u64) {
        self.got = self.got.max(number);
        while self.kept.front().is_some_and(|(kept, _)| *kept <= number) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some((_, gone)) = self.kept.pop_front() {
            self.bytes = self.bytes.saturating_sub(gone.get().len());
        }
    }

    /// Whether everything from this number on is still there to be said again.
    fn reaches_back_to(&self, number: u64) -> bool {
        self.kept.front().map_or(self.last.saturating_add(1), |(first, _)| *first) <= number
    }
}
