//! Stories of people who want to be called back, and of one office.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

const RULES: Rules =
    Rules { tries: 2, pause: Duration::from_secs(600), keep: Duration::from_secs(24 * 3_600), longest: 3 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn request(id: &str, number: &str, now: Timestamp) -> Request {
    let number = Personal::new(number.parse().expect("a number"));
    Request::new(id.parse().expect("an id"), "standesamt", number, None, RULES, now)
}

fn ask(requests: &mut Requests, id: &str, number: &str, now: Timestamp) -> Result<Asked, NoPlace> {
    let asked = requests.ask(request(id, number, now), RULES, now);
    if let Ok(Asked::New(request)) = &asked {
        assert_ne!(due(requests, now), Some(id), "it is not kept yet");
        requests.put(request.clone());
    }
    asked
}

fn due(requests: &Requests, now: Timestamp) -> Option<&str> {
    requests.due("standesamt", now).map(|request| request.id.as_str())
}

#[test]
fn the_first_who_asked_is_called_first_and_the_same_number_twice_is_one_request() {
    let mut requests = Requests::default();
    assert!(matches!(ask(&mut requests, "b", "+493012345601", at(0)), Ok(Asked::New(_))));
    assert!(matches!(ask(&mut requests, "a", "+493012345602", at(1)), Ok(Asked::New(_))));
    assert_eq!(ask(&mut requests, "c", "+493012345601", at(2)), Ok(Asked::Again));
    assert_eq!(due(&requests, at(3)), Some("b"));
    requests.begin(&"b".parse().expect("an id"));
    assert_eq!(due(&requests, at(3)), Some("a"), "one agent calls the first, another the second");
    requests.put_back(&"b".parse().expect("an id"));
    assert_eq!(due(&requests, at(3)), Some("b"), "no agent had time: it is still the first");
    assert_eq!(requests.due("bauamt", at(3)), None);
    let order: Vec<_> = requests.list().into_iter().map(|(request, _)| request.id.to_string()).collect();
    assert_eq!(order, ["b", "a"]);
}

#[test]
fn who_does_not_answer_is_called_again_after_a_while_and_then_given_up() {
    let mut requests = Requests::default();
    ask(&mut requests, "a", "+493012345601", at(0)).expect("a place");
    let id = "a".parse().expect("an id");
    requests.begin(&id);
    let Some(Next::Again(again)) = requests.not_there(&id, RULES, at(10)) else { panic!("again") };
    assert_eq!((again.tries, again.next), (1, at(610)));
    assert_eq!((due(&requests, at(609)), due(&requests, at(610))), (None, Some("a")));
    requests.begin(&id);
    assert!(matches!(requests.not_there(&id, RULES, at(620)), Some(Next::GivenUp(request)) if request.tries == 2));
    assert_eq!(requests.list(), []);
}

#[test]
fn no_more_are_kept_than_may_be_and_none_longer_than_the_plan_says() {
    let mut requests = Requests::default();
    for (id, number) in [("a", "+493012345601"), ("b", "+493012345602"), ("c", "+493012345603")] {
        ask(&mut requests, id, number, at(0)).expect("a place");
    }
    assert_eq!(ask(&mut requests, "d", "+493012345604", at(0)), Err(NoPlace::Full));
    assert_eq!(requests.over(at(24 * 3_600 - 1)), []);
    assert_eq!(requests.over(at(24 * 3_600)).len(), 3);
}

#[test]
fn nobody_has_somebody_else_called_again_and_again() {
    let mut requests = Requests::default();
    for round in 0..5 {
        ask(&mut requests, "a", "+493012345601", at(round)).expect("a place");
        requests.remove(&"a".parse().expect("an id"));
    }
    assert_eq!(ask(&mut requests, "a", "+493012345601", at(5)), Err(NoPlace::TooOften));
    assert!(ask(&mut requests, "a", "+493012345602", at(5)).is_ok(), "others may ask");
    assert!(ask(&mut requests, "b", "+493012345601", at(24 * 3_600 + 5)).is_ok(), "the day after, too");
}

#[test]
fn what_is_kept_comes_back_whole_and_what_is_damaged_shows_no_number() {
    let mut kept = request("a", "+493012345601", at(0));
    kept.trunk = "carrier".parse().ok();
    assert_eq!(Request::from_kept(&kept.to_kept()), Ok(kept.clone()));
    let text = String::from_utf8(kept.to_kept()).expect("text");
    let newer = text.replace("\"form\":1", "\"form\":2");
    assert!(Request::from_kept(newer.as_bytes()).expect_err("refused").to_string().contains("newer"));
    let damaged = text.replace("+493012345601", "+49301234560x");
    let error = Request::from_kept(damaged.as_bytes()).expect_err("refused").to_string();
    assert!(!error.contains("1234560"), "{error}");
    assert!(!format!("{kept:?}").contains("12345601"));
}

const PATIENCE: Duration = Duration::from_secs(20);

/// What comes of it, in this order.
fn play(inputs: &[Input]) -> Vec<Effect> {
    let mut now = Instant::now();
    let (mut attempt, mut all) = Attempt::new(PATIENCE, now);
    for input in inputs {
        now += 3 * PATIENCE;
        let (next, effects) = attempt.on(*input, now);
        attempt = next;
        all.extend(effects);
    }
    all
}

#[test]
fn the_agent_is_rung_first_hears_for_whom_it_is_and_then_the_other_telephone_rings() {
    use Effect::{Connect, End, Leave, LeaveAgent, Ring, RingAgent, SayNobody, Tell};
    use Input::{AgentAnswers, AgentLeaves, AgentRefuses, Answers, Refuses, Timeout, Told};
    let begin = [AgentAnswers, Told];
    for (rest, expected) in [
        (vec![Answers], vec![Connect, End(Outcome::Connected)]),
        (vec![Refuses], vec![SayNobody, End(Outcome::NotThere)]),
        (vec![Timeout], vec![Leave, SayNobody, End(Outcome::NotThere)]),
        (vec![Timeout, Answers], vec![Leave, SayNobody, End(Outcome::NotThere)]),
        (vec![AgentLeaves], vec![Leave, End(Outcome::AgentLeft)]),
    ] {
        let told = play(&[&begin[..], &rest].concat());
        assert_eq!(told, [vec![RingAgent, Tell, Ring], expected].concat(), "{rest:?}");
    }
    assert_eq!(play(&[AgentRefuses, Timeout]), [RingAgent, End(Outcome::NoAgent)]);
    assert_eq!(play(&[Timeout, AgentAnswers]), [RingAgent, LeaveAgent, End(Outcome::NoAgent)]);
    assert_eq!(play(&[AgentAnswers, AgentLeaves]), [RingAgent, Tell, End(Outcome::AgentLeft)]);
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        Just(Input::AgentAnswers),
        Just(Input::AgentRefuses),
        Just(Input::AgentLeaves),
        Just(Input::Told),
        Just(Input::Answers),
        Just(Input::Refuses),
        Just(Input::Timeout),
    ]
}

proptest! {
    /// Whatever happens: it ends once, at once or when its time is over, and nobody's telephone is rung who was not told before.
    #[test]
    fn every_try_comes_to_one_end(inputs in proptest::collection::vec(input(), 0..12)) {
        let told = play(&[&inputs[..], &[Input::Timeout, Input::Timeout, Input::Timeout]].concat());
        prop_assert!(told.iter().filter(|effect| matches!(effect, Effect::End(_))).count() == 1, "{told:?}");
        let place = |wanted: Effect| told.iter().position(|effect| *effect == wanted);
        if let Some(ring) = place(Effect::Ring) {
            prop_assert!(place(Effect::Tell).is_some_and(|tell| tell < ring), "{told:?}");
            let end = told.iter().position(|effect| matches!(effect, Effect::End(_)));
            prop_assert!(end.is_none_or(|end| end > ring), "{told:?}");
        }
    }
}
