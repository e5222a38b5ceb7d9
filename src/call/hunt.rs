//! Whom to ring next. In: how many can be rung and in which way, then what becomes of each. Out: whom to ring and whom to leave,
//! until somebody has answered or nobody will.

use std::time::{Duration, Instant};

/// In which way several telephones are rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One after the other, the first always first.
    InOrder,
    /// All at once; the first who answers has the call.
    All,
    /// One after the other, each call beginning with the one after that which the last call began with.
    Rotation,
}

/// What becomes of a telephone that is rung, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It is busy.
    Busy(usize),
    /// It cannot be reached, or does not want.
    Refused(usize),
    /// Somebody has answered.
    Answered(usize),
    /// [`Hunt::next_timeout`] is over.
    Timeout,
    /// The caller has given up.
    Abandoned,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ring this one.
    Ring(usize),
    /// Ring it no longer.
    Leave(usize),
    /// This one has the call.
    Connect(usize),
    /// Nobody has it: whether all were busy.
    GiveUp {
        /// All of them.
        busy: bool,
    },
}

/// A hunt. It is over once it connects, gives up, or is abandoned.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// Who has not been rung yet, the next last.
    waiting: Vec<usize>,
    ringing: Vec<usize>,
    together: bool,
    patience: Duration,
    deadline: Option<Instant>,
    busy: bool,
}

impl Hunt {
    /// Begins with `count` telephones; `turn` counts the calls before this one, for [`Way::Rotation`].
    pub fn new(count: usize, way: Way, turn: usize, patience: Duration, now: Instant) -> (Self, Vec<Effect>) {
        let mut order: Vec<usize> = (0..count).collect();
        if way == Way::Rotation && count > 0 {
            order.rotate_left(turn % count);
        }
        order.reverse();
        let together = way == Way::All;
        let mut hunt = Self { waiting: order, ringing: Vec::new(), together, patience, deadline: None, busy: true };
        let effects = hunt.go_on(now);
        (hunt, effects)
    }

    /// Something happens.
    #[must_use]
    pub fn on(mut self, input: Input, now: Instant) -> (Self, Vec<Effect>) {
        let effects = match input {
            Input::Busy(which) => self.lost(which, true, now),
            Input::Refused(which) => self.lost(which, false, now),
            Input::Answered(which) => self.answered(which),
            Input::Timeout if self.deadline.is_some_and(|deadline| deadline <= now) => {
                self.busy = false;
                let mut effects = self.leave_all();
                effects.extend(self.go_on(now));
                effects
            }
            Input::Timeout => Vec::new(),
            Input::Abandoned => {
                self.waiting.clear();
                self.deadline = None;
                self.leave_all()
            }
        };
        (self, effects)
    }

    /// When it goes on without an answer.
    pub const fn next_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn lost(&mut self, which: usize, busy: bool, now: Instant) -> Vec<Effect> {
        let before = self.ringing.len();
        self.ringing.retain(|ringing| *ringing != which);
        if self.ringing.len() == before {
            // Left already: what it says now concerns nobody.
            return Vec::new();
        }
        self.busy &= busy;
        if self.ringing.is_empty() { self.go_on(now) } else { Vec::new() }
    }

    fn answered(&mut self, which: usize) -> Vec<Effect> {
        if !self.ringing.contains(&which) {
            return vec![Effect::Leave(which)];
        }
        self.ringing.retain(|ringing| *ringing != which);
        self.waiting.clear();
        self.deadline = None;
        let mut effects = vec![Effect::Connect(which)];
        effects.extend(self.leave_all());
        effects
    }

    fn go_on(&mut self, now: Instant) -> Vec<Effect> {
        let count = if self.together { self.waiting.len() } else { 1 };
        let next: Vec<usize> = std::iter::from_fn(|| self.waiting.pop()).take(count).collect();
        if next.is_empty() {
            self.deadline = None;
            return vec![Effect::GiveUp { busy: self.busy }];
        }
        self.deadline = Some(now + self.patience);
        self.ringing.extend(&next);
        next.into_iter().map(Effect::Ring).collect()
    }

    fn leave_all(&mut self) -> Vec<Effect> {
        self.ringing.drain(..).map(Effect::Leave).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn begin(way: Way, turn: usize) -> (Hunt, Vec<Effect>, Instant) {
        let now = Instant::now();
        let (hunt, effects) = Hunt::new(3, way, turn, PATIENCE, now);
        (hunt, effects, now)
    }

    #[test]
    fn in_order_each_rings_its_time_and_the_next_is_asked() {
        let (hunt, effects, now) = begin(Way::InOrder, 7);
        assert_eq!(effects, [Effect::Ring(0)]);
        let (hunt, effects) = hunt.on(Input::Timeout, now + PATIENCE / 2);
        assert!(effects.is_empty(), "its time is not over");
        let (hunt, effects) = hunt.on(Input::Timeout, now + PATIENCE);
        assert_eq!(effects, [Effect::Leave(0), Effect::Ring(1)]);
        let (hunt, effects) = hunt.on(Input::Busy(1), now + PATIENCE);
        assert_eq!(effects, [Effect::Ring(2)]);
        let (hunt, effects) = hunt.on(Input::Refused(0), now + PATIENCE);
        assert!(effects.is_empty(), "the first was left, and says so late");
        let (_, effects) = hunt.on(Input::Refused(2), now + PATIENCE);
        assert_eq!(effects, [Effect::GiveUp { busy: false }]);
    }

    #[test]
    fn all_at_once_the_first_who_answers_has_the_call_and_a_late_one_is_left() {
        let (hunt, effects, now) = begin(Way::All, 0);
        assert_eq!(effects, [Effect::Ring(0), Effect::Ring(1), Effect::Ring(2)]);
        let (hunt, effects) = hunt.on(Input::Refused(0), now);
        assert!(effects.is_empty());
        let (hunt, effects) = hunt.on(Input::Answered(2), now);
        assert_eq!(effects, [Effect::Connect(2), Effect::Leave(1)]);
        let (hunt, effects) = hunt.on(Input::Answered(1), now);
        assert_eq!(effects, [Effect::Leave(1)], "it answered in the same moment");
        assert_eq!(hunt.next_timeout(), None);
    }

    #[test]
    fn in_rotation_each_call_begins_one_further() {
        for (turn, first) in [(0, 0), (1, 1), (2, 2), (3, 0)] {
            assert_eq!(begin(Way::Rotation, turn).1, [Effect::Ring(first)]);
        }
    }

    #[test]
    fn only_if_all_are_busy_is_the_caller_told_so() {
        let (mut hunt, _, now) = begin(Way::InOrder, 0);
        for which in 0..3 {
            let (next, effects) = hunt.on(Input::Busy(which), now);
            hunt = next;
            assert_eq!(effects.contains(&Effect::GiveUp { busy: true }), which == 2);
        }
    }

    #[test]
    fn a_caller_who_gives_up_stops_all_ringing() {
        let (hunt, _, now) = begin(Way::All, 0);
        let (hunt, effects) = hunt.on(Input::Abandoned, now);
        assert_eq!(effects, [Effect::Leave(0), Effect::Leave(1), Effect::Leave(2)]);
        assert_eq!(hunt.on(Input::Refused(0), now).1, []);
    }

    fn input() -> impl Strategy<Value = Input> {
        prop_oneof![
            (0_usize..4).prop_map(Input::Busy),
            (0_usize..4).prop_map(Input::Refused),
            (0_usize..4).prop_map(Input::Answered),
            Just(Input::Timeout),
            Just(Input::Abandoned),
        ]
    }

    proptest! {
        /// Whatever happens: nobody rings twice at once, nobody is forgotten ringing, one has the call at most.
        #[test]
        fn no_telephone_rings_on_for_ever(
            way in prop_oneof![Just(Way::InOrder), Just(Way::All), Just(Way::Rotation)],
            count in 0_usize..5,
            turn in 0_usize..9,
            inputs in proptest::collection::vec(input(), 0..30),
        ) {
            let mut now = Instant::now();
            let (mut hunt, mut effects) = Hunt::new(count, way, turn, PATIENCE, now);
            let (mut ringing, mut rung, mut ends) = (BTreeSet::new(), BTreeSet::new(), 0);
            for input in inputs.into_iter().map(Some).chain([None]) {
                for effect in effects.drain(..) {
                    match effect {
                        Effect::Ring(which) => {
                            prop_assert!(rung.insert(which), "{which} is rung a second time");
                            ringing.insert(which);
                        }
                        Effect::Leave(which) => drop(ringing.remove(&which)),
                        Effect::Connect(which) => {
                            prop_assert!(ringing.remove(&which));
                            ends += 1;
                        }
                        Effect::GiveUp { .. } => ends += 1,
                    }
                }
                if let Some(Input::Busy(which) | Input::Refused(which)) = input {
                    ringing.remove(&which);
                }
                let Some(input) = input else { break };
                now += PATIENCE;
                (hunt, effects) = hunt.on(input, now);
            }
            prop_assert!(ends <= 1);
            if hunt.next_timeout().is_none() {
                prop_assert!(ringing.is_empty(), "{ringing:?} ring on");
            }
        }
    }
}
