//! What a record shows, what it hides, and that it is gone when its time is over.

use super::*;
use crate::call::ladder::{Heading, Side};
use crate::dialplan::{Facts, Outcome, Step, Trace};
use crate::store::Key;
use crate::words::{Both, Personal, TrunkName};

fn seal() -> Seal {
    Seal::new(&Key::generate(), CALLER_PURPOSE)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).expect("a time")
}

fn finished(second: i64, called: &str, caller: Option<&str>) -> Finished {
    let mut ladder = Ladder::default();
    let invite = Heading { what: "INVITE", method: "INVITE", call_id: "x" };
    ladder.add(Side::Caller, false, &invite, std::time::Duration::ZERO);
    let step = |number: usize, outcome| Step {
        rule: format!("Regel {number}"),
        place: format!("a.toml:{number}"),
        context: String::from("main"),
        outcome,
    };
    let steps: Vec<Step> =
        (0..100).map(|number| step(number, Outcome::OtherTime)).chain([step(100, Outcome::Takes)]).collect();
    Finished {
        began: at(second),
        answered: Some(at(second + 1)),
        ended: at(second + 61),
        facts: Facts {
            called: called.to_owned(),
            caller: caller.and_then(|number| number.parse().ok()).map(Personal::new),
            asserted: caller.and_then(|_| "+4930901820".parse().ok()).map(Personal::new),
            diverted: "+493090181234".parse().ok().map(Personal::new),
            language: "en".parse().ok(),
            trunk: "rathaus".parse::<TrunkName>().ok(),
            secure: true,
        },
        rule: Some(String::from("Regel 100")),
        decision: Both::new("Menü auf Deutsch", "the menu in German"),
        version: 12,
        end: End::ByCaller,
        quality: None,
        ladder,
        crossed: Vec::new(),
        trace: Box::new(move || Trace { international: None, steps }),
    }
}

use crate::call::ladder::Ladder;

fn page(calls: &Calls, filter: Filter) -> Page {
    let (tell, told) = bounded(1);
    calls.reader().page(filter, move |page| drop(tell.send(page)));
    told.recv().expect("an answer").expect("read")
}

fn ids(page: &Page) -> Vec<u64> {
    page.records.iter().map(|record| record.id).collect()
}

#[test]
fn a_record_shows_the_call_and_its_caller_masked() {
    let calls = Calls::in_memory(seal()).expect("records");
    calls.keep(finished(0, "90182000", Some("+493012345642")));
    calls.keep(finished(1, "90182000", None));
    let shown = page(&calls, Filter { most: 10, ..Filter::default() });
    assert_eq!(ids(&shown), [2, 1]);
    let record = &shown.records[1];
    assert_eq!(record.caller.as_ref().map(ToString::to_string).as_deref(), Some("+49 30 ···42"));
    assert_eq!(shown.records[0].caller, None, "who withholds the number has none");
    assert_eq!((record.version, record.status.status, record.ended), (12, 200, at(61)));
    let (tell, told) = bounded(1);
    calls.reader().whole(1, move |whole| drop(tell.send(whole)));
    let whole = told.recv().expect("an answer").expect("read").expect("there");
    assert_eq!(whole.ladder.rungs.len(), 1);
    assert_eq!(whole.trace.len(), 64, "the last of them, and with them the rule that decided");
    assert_eq!(whole.trace.last().map(|step| step.outcome), Some(Outcome::Takes));
}

#[test]
fn records_are_filtered_and_paged() {
    let calls = Calls::in_memory(seal()).expect("records");
    for second in 0..10 {
        calls.keep(finished(second, if second % 2 == 0 { "1" } else { "2" }, None));
    }
    let first = page(&calls, Filter { most: 3, called: Some(String::from("2")), ..Filter::default() });
    assert_eq!((ids(&first), first.next), (vec![10, 8, 6], Some(6)));
    let rest =
        page(&calls, Filter { most: 3, called: Some(String::from("2")), after: first.next, ..Filter::default() });
    assert_eq!((ids(&rest), rest.next), (vec![4, 2], None));
    let hour = page(&calls, Filter { most: 9, from: Some(at(3)), to: Some(at(5)), ..Filter::default() });
    assert_eq!(ids(&hour), [5, 4]);
    for (filter, expected) in [
        (Filter { trunk: "rathaus".parse().ok(), ..Filter::default() }, 10),
        (Filter { trunk: "carrier".parse().ok(), ..Filter::default() }, 0),
        (Filter { rule: Some(String::from("Regel 100")), ..Filter::default() }, 10),
        (Filter { status: Some(404), ..Filter::default() }, 0),
    ] {
        assert_eq!(page(&calls, Filter { most: 50, ..filter }).records.len(), expected);
    }
}

#[test]
fn a_record_whose_time_is_over_is_gone_and_its_number_is_not_given_again() {
    let folder = std::env::temp_dir().join(format!("einwahl-calls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (file, key) = (folder.join("calls.db"), Key::generate());
    let open = || Calls::open(&file, Seal::new(&key, CALLER_PURPOSE)).expect("records");
    let calls = open();
    calls.keep(finished(0, "verschwindet-4711", Some("+493012345642")));
    calls.keep(finished(100, "bleibt", None));
    let (tell, told) = bounded(1);
    calls.prune(at(50), move |deleted| tell.send(deleted).expect("somebody hears"));
    assert_eq!(told.recv(), Ok(1));
    drop(calls);
    let bytes = std::fs::read(&file).expect("the file");
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("bleibt") && !holds("verschwindet-4711"), "deleted, and overwritten");
    assert!(["12345642", "90181234", "30901820"].iter().all(|number| !holds(number)), "numbers stand in it sealed");
    let calls = open();
    calls.prune(at(500), |_| {});
    calls.keep(finished(600, "neu", None));
    assert_eq!(ids(&page(&calls, Filter { most: 9, ..Filter::default() })), [3]);
    drop(calls);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_plan_is_tried_with_the_calls_of_a_time_the_newest_first() {
    let calls = Calls::in_memory(seal()).expect("records");
    for second in 0..5 {
        calls.keep(finished(second, "1", Some("+493012345642")));
    }
    let reader = calls.reader();
    let past = reader.past(at(1), None, 3).expect("read");
    assert_eq!(past.iter().map(|call| call.id).collect::<Vec<_>>(), [5, 4, 3]);
    assert_eq!(past[0].facts, finished(4, "1", Some("+493012345642")).facts, "all that a plan asks for");
    assert!(past.iter().all(|call| !call.is_older));
    let rest = reader.past(at(1), Some(3), 3).expect("read");
    assert_eq!(rest.iter().map(|call| call.id).collect::<Vec<_>>(), [2]);
    drop(calls);
    assert!(reader.past(at(0), None, 1).is_err(), "nobody waits for what is over");
}

#[test]
fn records_that_are_out_keep_nobody_waiting() {
    let calls = Calls::out();
    calls.keep(finished(0, "1", None));
    let (tell, told) = bounded(1);
    calls.reader().whole(1, move |whole| drop(tell.send(whole)));
    assert!(matches!(told.recv(), Ok(Err(CannotRead::Out(_)))));
}

#[test]
fn somebody_is_forgotten_with_who_was_told_of_them_and_others_stay() {
    let crossed = Crossed {
        room: "rat@stadt-a.example".parse().expect("a room"),
        id: crate::words::ParticipantId(7),
        told: vec!["stadt-a.example".parse().expect("a domain")],
    };
    let calls = Calls::in_memory(seal()).expect("records");
    calls.keep(Finished { crossed: vec![crossed.clone()], ..finished(0, "90182000", Some("+493012345642")) });
    calls.keep(finished(1, "90182000", Some("+493012345643")));
    calls.keep(finished(2, "90182000", Some("+493012345642")));
    calls.keep(finished(3, "90182000", None));
    let erase = |whose: Whose| {
        let (tell, told) = bounded(1);
        calls.reader().erase(whose, move |erased| drop(tell.send(erased)));
        told.recv().expect("an answer").expect("erased")
    };
    let number = Personal::new("+49 30 1234 5642".parse().expect("a number"));
    assert_eq!(erase(Whose::Number(number.clone())), Erased { records: 2, crossed: vec![crossed] });
    assert_eq!(ids(&page(&calls, Filter { most: 10, ..Filter::default() })), [4, 2]);
    assert_eq!(erase(Whose::Number(number)), Erased::default(), "nothing is left");
    assert_eq!(erase(Whose::Record(4)), Erased { records: 1, crossed: Vec::new() });
    assert_eq!(ids(&page(&calls, Filter { most: 10, ..Filter::default() })), [2]);
    for number in ["+4930901820", "+493090181234"] {
        calls.keep(finished(4, "90182000", Some("+493012345644")));
        let number = Personal::new(number.parse().expect("a number"));
        assert!(
            erase(Whose::Number(number)).records >= 1,
            "who is vouched for, and who diverts a call, is forgotten, too"
        );
        assert_eq!(ids(&page(&calls, Filter { most: 10, ..Filter::default() })), Vec::<u64>::new());
    }
}
