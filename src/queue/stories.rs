//! Stories of an office on a Monday morning.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const CONFIG: Config =
    Config { agents: 2, longest: 3, patience: Duration::from_secs(20), rest: Duration::from_secs(10) };

struct Office {
    queue: Queue,
    now: Instant,
}

impl Office {
    fn opened(is_open: bool) -> Self {
        let now = Instant::now();
        Self { queue: Queue::new(CONFIG, is_open, now), now }
    }

    fn sees(&mut self, input: Input) -> Vec<Effect> {
        let (queue, effects) = self.queue.clone().on(input, self.now);
        self.queue = queue;
        effects
    }

    fn waits(&mut self, seconds: u64) -> Vec<Effect> {
        self.now += Duration::from_secs(seconds);
        self.sees(Input::Timeout)
    }
}

fn leg(number: u64) -> LegId {
    LegId(number)
}

#[test]
fn two_agents_take_two_callers_and_the_third_moves_up() {
    let mut office = Office::opened(true);
    assert_eq!(office.sees(Input::Arrives(leg(1))), [Effect::Place(leg(1), 1), Effect::Ring(0, leg(1))]);
    assert_eq!(office.sees(Input::Arrives(leg(2))), [Effect::Place(leg(2), 2), Effect::Ring(1, leg(2))]);
    assert_eq!(office.sees(Input::Arrives(leg(3))), [Effect::Place(leg(3), 3)]);
    // Who answers first gets who came first, whoever it rang for.
    let taken = office.sees(Input::Answered(1));
    assert_eq!(taken, [Effect::Connect(leg(1), 1), Effect::Place(leg(2), 1), Effect::Place(leg(3), 2)]);
    assert_eq!(office.sees(Input::Answered(0)), [Effect::Connect(leg(2), 0), Effect::Place(leg(3), 1)]);
    assert_eq!(office.sees(Input::Free(1)), [], "she writes a note first");
    assert_eq!(office.waits(10), [Effect::Ring(1, leg(3))]);
}

#[test]
fn an_agent_who_does_not_answer_is_left_in_peace_for_a_while() {
    let mut office = Office::opened(true);
    office.sees(Input::Arrives(leg(1)));
    assert_eq!(office.waits(20), [Effect::Leave(0), Effect::Ring(1, leg(1))]);
    assert_eq!(office.sees(Input::Refused(1)), [], "both rest");
    assert_eq!(office.waits(10), [Effect::Ring(0, leg(1))], "and then it is tried again");
}

#[test]
fn a_caller_who_hangs_up_makes_room_and_nobody_is_rung_for_nothing() {
    let mut office = Office::opened(true);
    for number in 1..=3 {
        office.sees(Input::Arrives(leg(number)));
    }
    assert_eq!(office.sees(Input::Arrives(leg(4))), [Effect::TurnAway(leg(4), Why::Full)]);
    assert_eq!(office.sees(Input::Leaves(leg(2))), [Effect::Place(leg(3), 2)]);
    assert_eq!(office.sees(Input::Leaves(leg(3))), [Effect::Leave(1)]);
    assert_eq!(office.sees(Input::Leaves(leg(1))), [Effect::Leave(0)]);
    assert_eq!(office.sees(Input::Answered(0)), [Effect::Leave(0)], "he had picked up in the same moment");
    assert!(office.queue.is_empty());
}

#[test]
fn who_comes_before_the_office_opens_waits_for_it_and_who_waits_when_it_closes_is_told() {
    let mut office = Office::opened(false);
    assert_eq!(office.sees(Input::Arrives(leg(1))), [Effect::OpensSoon(leg(1))]);
    assert_eq!(office.queue.next_timeout(), None);
    assert_eq!(office.sees(Input::Opens), [Effect::Place(leg(1), 1), Effect::Ring(0, leg(1))]);
    assert_eq!(office.sees(Input::Closes), [Effect::TurnAway(leg(1), Why::Closed), Effect::Leave(0)]);
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => (1_u64..8).prop_map(|number| Input::Arrives(leg(number))),
        2 => (1_u64..8).prop_map(|number| Input::Leaves(leg(number))),
        2 => (0_usize..3).prop_map(Input::Refused),
        3 => (0_usize..3).prop_map(Input::Answered),
        2 => (0_usize..3).prop_map(Input::Free),
        1 => Just(Input::Opens),
        1 => Just(Input::Closes),
        4 => Just(Input::Timeout),
    ]
}

proptest! {
    /// Whatever happens: who waits is served in the order of arrival, nobody is served twice or forgotten, no agent has two
    /// callers, and no more agents ring than callers wait.
    #[test]
    fn a_queue_is_fair_and_forgets_nobody(inputs in proptest::collection::vec((input(), 0_u64..25), 0..60)) {
        let mut office = Office::opened(true);
        let (mut line, mut rung, mut talking) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        for (input, seconds) in inputs {
            // One leg calls once, and only who talks can stop.
            match input {
                Input::Arrives(caller) if line.contains(&caller) => continue,
                Input::Free(agent) if talking.remove(&agent).is_none() => continue,
                Input::Answered(agent) | Input::Refused(agent) if !rung.contains(&agent) => continue,
                Input::Arrives(caller) => line.push(caller),
                Input::Leaves(caller) => line.retain(|waiting| *waiting != caller),
                Input::Refused(agent) => drop(rung.remove(&agent)),
                Input::Answered(_) | Input::Free(_) | Input::Opens | Input::Closes | Input::Timeout => {}
            }
            office.now += Duration::from_secs(seconds);
            for effect in office.sees(input) {
                match effect {
                    Effect::Place(caller, place) => prop_assert_eq!(line.get(place - 1), Some(&caller)),
                    Effect::OpensSoon(caller) => prop_assert!(line.contains(&caller)),
                    Effect::TurnAway(caller, _) => line.retain(|waiting| *waiting != caller),
                    Effect::Ring(agent, _) => prop_assert!(rung.insert(agent) && !talking.contains_key(&agent)),
                    Effect::Leave(agent) => prop_assert!(rung.remove(&agent)),
                    Effect::Connect(caller, agent) => {
                        prop_assert!(rung.remove(&agent));
                        prop_assert_eq!(line.remove(0), caller);
                        prop_assert!(talking.insert(agent, caller).is_none());
                    }
                }
            }
            prop_assert!(rung.len() <= line.len());
            prop_assert_eq!(office.queue.len(), line.len());
        }
    }
}
