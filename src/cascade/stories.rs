use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};

use super::*;

/// One side with the room above it: it has said everything up to `said`, and knows of the other everything up to `knows`.
struct Side {
    link: Link,
    said: u64,
    knows: Option<u64>,
    closed: Option<Closing>,
    anew: usize,
}

/// Two sides, and what is on its way between them: to the first, to the second.
struct Pair {
    now: Instant,
    sides: [Side; 2],
    way: [VecDeque<String>; 2],
    connected: bool,
}

/// `[n, true]`: everything up to n; `[n, false]`: the n-th.
fn told(number: u64, whole: bool) -> Box<RawValue> {
    to_raw_value(&(number, whole)).expect("JSON")
}

impl Side {
    fn new(chance: u64) -> Self {
        Self { link: Link::new(chance), said: 0, knows: None, closed: None, anew: 0 }
    }

    fn say(&mut self) {
        self.said += 1;
        self.link.say(told(self.said, false));
    }

    /// Does what the link wants; returns what is to be sent.
    fn work(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(output) = self.link.poll() {
            match output {
                Output::Send(frame) => sent.push(frame.to_json()),
                Output::Heard(what) => {
                    let (number, whole): (u64, bool) = serde_json::from_str(what.get()).expect("what we say");
                    assert!(whole || self.knows == Some(number - 1), "{number} after {:?}", self.knows);
                    self.knows = Some(number);
                }
                Output::TellAnew => self.link.say(told(self.said, true)),
                Output::Anew => {
                    self.anew += 1;
                    self.knows = None;
                }
                Output::Close(why) => self.closed = Some(why),
            }
        }
        sent
    }
}

impl Pair {
    #[allow(clippy::disallowed_methods, reason = "the origin of a virtual clock")]
    fn new() -> Self {
        Self { now: Instant::now(), sides: [Side::new(100), Side::new(900)], way: Default::default(), connected: false }
    }

    fn connect(&mut self) {
        self.connected = true;
        self.way = Default::default();
        for side in &mut self.sides {
            side.closed = None;
            side.link.opened(self.now);
        }
        self.work();
    }

    /// What is on its way is lost.
    fn cut(&mut self) {
        self.connected = false;
        self.way = Default::default();
        self.sides.iter_mut().for_each(|side| side.link.closed());
    }

    fn work(&mut self) {
        for from in 0..2 {
            let sent = self.sides[from].work();
            if self.connected {
                self.way[1 - from].extend(sent);
            }
        }
    }

    fn deliver_one(&mut self, to: usize) {
        if let Some(text) = self.way[to].pop_front() {
            let frame = Frame::read(text.as_bytes()).expect("a frame");
            self.sides[to].link.on_frame(frame, self.now);
            self.work();
        }
    }

    fn deliver_all(&mut self) {
        while self.way.iter().any(|way| !way.is_empty()) {
            (0..2).for_each(|to| self.deliver_one(to));
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.sides.iter_mut().for_each(|side| side.link.on_time(self.now));
        self.work();
    }

    fn agree(&self) -> bool {
        self.sides[0].knows == Some(self.sides[1].said) && self.sides[1].knows == Some(self.sides[0].said)
    }
}

#[test]
fn two_greet_tell_each_other_everything_and_then_what_is_new() {
    let mut pair = Pair::new();
    pair.sides[0].said = 5;
    pair.connect();
    pair.deliver_all();
    assert!(pair.agree());
    pair.sides[1].say();
    pair.work();
    pair.deliver_all();
    assert!(pair.agree() && pair.sides.iter().all(|side| side.anew == 1));
}

#[test]
fn what_was_said_while_the_link_was_cut_comes_once_and_nothing_is_told_anew() {
    let mut pair = Pair::new();
    pair.connect();
    pair.deliver_all();
    for _ in 0..100 {
        pair.sides.iter_mut().for_each(Side::say);
        pair.work();
        pair.deliver_one(0);
    }
    pair.cut();
    for _ in 0..100 {
        pair.sides.iter_mut().for_each(Side::say);
    }
    pair.connect();
    pair.deliver_all();
    assert!(pair.agree() && pair.sides.iter().all(|side| side.anew == 1));
}

#[test]
fn one_that_was_started_anew_is_told_everything_and_tells_everything() {
    let mut pair = Pair::new();
    pair.connect();
    pair.sides[0].say();
    pair.work();
    pair.deliver_all();
    pair.cut();
    pair.sides[1] = Side::new(77);
    pair.sides[1].said = 3;
    pair.connect();
    pair.deliver_all();
    assert!(pair.agree());
    assert_eq!((pair.sides[0].anew, pair.sides[1].anew), (2, 1));
}

#[test]
fn a_break_in_which_more_was_said_than_is_kept_ends_with_everything_told_anew() {
    let mut pair = Pair::new();
    pair.connect();
    pair.deliver_all();
    pair.cut();
    (0..5_000).for_each(|_| pair.sides[0].say());
    pair.sides[1].say();
    pair.connect();
    pair.deliver_all();
    assert!(pair.agree());
    assert_eq!((pair.sides[0].anew, pair.sides[1].anew), (1, 2), "only one of them had to begin anew");
}

#[test]
fn a_peer_that_is_silent_is_asked_and_then_given_up() {
    let mut pair = Pair::new();
    pair.connect();
    pair.deliver_all();
    pair.pass(Duration::from_millis(400));
    pair.deliver_all();
    assert_eq!(pair.sides[0].closed, None);
    pair.way = Default::default();
    pair.pass(Duration::from_millis(400));
    pair.way = Default::default();
    pair.pass(Duration::from_millis(799));
    assert_eq!(pair.sides[0].closed, None);
    pair.pass(Duration::from_millis(1));
    assert_eq!(pair.sides[0].closed, Some(Closing::Silent));
    assert_eq!(pair.sides[0].link.next_timeout(), None);
}

#[test]
fn a_peer_that_acknowledges_nothing_fills_no_memory() {
    let mut pair = Pair::new();
    pair.connect();
    pair.deliver_all();
    for _ in 0..10_000 {
        pair.sides[0].say();
        pair.work();
        pair.way = Default::default();
        if pair.sides[0].closed.is_some() {
            break;
        }
    }
    assert_eq!(pair.sides[0].closed, Some(Closing::TooMuch));
}

#[test]
fn a_gap_a_lie_and_a_second_hello_end_the_connection() {
    for text in [
        r#"{"kind":"said","number":9,"what":1}"#,
        r#"{"kind":"got","number":9}"#,
        r#"{"kind":"go","session":5,"from":7}"#,
        r#"{"kind":"hello","versions":[1]}"#,
    ] {
        let mut pair = Pair::new();
        pair.connect();
        pair.deliver_all();
        pair.way[0].push_back(text.to_owned());
        pair.deliver_one(0);
        assert_eq!(pair.sides[0].closed, Some(Closing::Broken), "{text}");
    }
    let mut pair = Pair::new();
    pair.connect();
    pair.way[0] = VecDeque::from([String::from(r#"{"kind":"hello","versions":[7,8]}"#)]);
    pair.deliver_one(0);
    assert_eq!(pair.sides[0].closed, Some(Closing::NoCommonVersion));
}

#[test]
fn what_a_later_version_adds_is_ignored() {
    let mut pair = Pair::new();
    pair.connect();
    pair.deliver_all();
    for text in [r#"{"kind":"dance","style":"polka"}"#, r#"{"kind":"pong","mark":3,"colour":"blue"}"#] {
        pair.way[0].push_back(text.to_owned());
        pair.deliver_one(0);
    }
    assert_eq!(pair.sides[0].closed, None);
    assert!(matches!(Frame::read(br#"{"kind":"bye","why":"lunch"}"#), Ok(Frame::Bye { why: Closing::Other })));
    assert!(Frame::read(&vec![b' '; LONGEST + 1]).is_err());
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Say(usize),
    Deliver(usize),
    Cut,
    Connect,
    Restart(usize),
    Pass(u16),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0usize..2).prop_map(Act::Say),
        8 => (0usize..2).prop_map(Act::Deliver),
        1 => Just(Act::Cut),
        2 => Just(Act::Connect),
        1 => (0usize..2).prop_map(Act::Restart),
        1 => (0u16..1_500).prop_map(Act::Pass),
    ]
}

proptest! {
    /// Whatever happens: nothing is heard twice, out of order or left out (`Side::work` looks), and in the end both know all.
    #[test]
    fn after_any_breaks_both_sides_know_everything(acts in prop::collection::vec(act(), 0..200)) {
        let mut pair = Pair::new();
        let mut chance = 1_000;
        for act in acts {
            match act {
                Act::Say(side) => pair.sides[side].say(),
                Act::Deliver(to) => pair.deliver_one(to),
                Act::Cut => pair.cut(),
                Act::Connect => pair.connect(),
                Act::Restart(side) => {
                    pair.cut();
                    chance += 1_000;
                    let said = pair.sides[side].said;
                    pair.sides[side] = Side::new(chance);
                    pair.sides[side].said = said;
                }
                Act::Pass(milliseconds) => pair.pass(Duration::from_millis(milliseconds.into())),
            }
            pair.work();
            if pair.sides.iter().any(|side| side.closed.is_some()) {
                pair.cut();
            }
        }
        pair.connect();
        pair.deliver_all();
        prop_assert!(pair.agree(), "{:?} {:?}", pair.sides[0].knows, pair.sides[1].knows);
    }

    #[test]
    fn no_bytes_stop_a_link(frames in prop::collection::vec(".{0,60}", 0..8)) {
        let mut pair = Pair::new();
        pair.connect();
        for text in frames {
            if let Ok(frame) = Frame::read(text.as_bytes()) {
                pair.sides[0].link.on_frame(frame, pair.now);
                pair.work();
            }
        }
    }
}
