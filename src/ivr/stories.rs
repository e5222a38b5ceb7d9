//! What callers live through, key by key, on a virtual clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::words::{Digit, Language, Role, RoomId};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn origin() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
    Instant::now()
}

/// The meetings of an office, as the gateway would look them up: ID, then PIN (none: everybody) and role.
#[derive(Clone, Default)]
struct Office {
    meetings: BTreeMap<&'static str, Vec<(&'static str, Role)>>,
    takes: Duration,
    hold: Duration,
}

impl Office {
    fn new() -> Self {
        let council = vec![("4711", Role::Participant), ("0815", Role::Moderator)];
        Self { meetings: [("123456", council), ("2222", vec![])].into(), ..Self::default() }
    }

    fn answer(&self, target: &Target, pin: Option<&str>) -> Admission {
        let pins = match target {
            Target::Conference(id) => self.meetings.get(id.as_str()),
            Target::Room(_) => self.meetings.get("123456"),
        };
        let room: RoomId = "rat".parse().expect("a room");
        let admitted = |role| Admission::Admitted { room: room.clone(), role };
        match (pins, pin) {
            (None, _) => Admission::Refused,
            (Some(pins), None) if pins.is_empty() => admitted(Role::Participant),
            (Some(_), None) => Admission::PinNeeded,
            (Some(pins), Some(given)) => {
                let known = pins.iter().find(|(pin, _)| *pin == given);
                known.map_or(Admission::Refused, |(_, role)| admitted(*role))
            }
        }
    }
}

/// A caller, their menu and the office, on a virtual clock.
struct Call {
    menu: Menu,
    office: Office,
    now: Instant,
    began: Instant,
    /// Everything that came out, and when.
    log: Vec<(Duration, Effect)>,
    answers: Vec<(Instant, Admission)>,
}

impl Call {
    fn to(config: Config, office: Office) -> Self {
        let now = origin();
        let (menu, effects) = Menu::new(config, Language::De, now);
        let mut call = Self { menu, office, now, began: now, log: Vec::new(), answers: Vec::new() };
        call.perform(effects);
        call
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::LookUp { target, pin } = &effect {
                let admission = self.office.answer(target, pin.as_ref().map(crate::words::Pin::expose));
                self.answers.push((self.now + self.office.takes, admission));
            }
            self.log.push((self.now - self.began, effect));
        }
        if self.office.takes.is_zero() {
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.answers.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, admission) in due {
            self.gives(Input::Answered { admission, hold: self.office.hold });
        }
    }

    fn gives(&mut self, input: Input) -> &mut Self {
        let (menu, effects) = self.menu.clone().on(input, self.now);
        self.menu = menu;
        self.perform(effects);
        self
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.gives(Input::Digit(Digit::from_char(key).expect("a key")));
        }
        self
    }

    /// Time passes in steps of 100 ms; every prompt is taken to last until the next time this is called.
    fn after(&mut self, span: Duration) -> &mut Self {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(100);
            self.deliver();
            if let Some((_, timer)) = self.menu.next_timeout().filter(|(at, _)| *at <= self.now) {
                self.gives(Input::Timeout(timer));
            }
        }
        self
    }

    fn listens(&mut self) -> &mut Self {
        let last =
            self.log.iter().rev().find_map(|(_, effect)| {
                if let Effect::Play { id, repeat: false, .. } = effect { Some(*id) } else { None }
            });
        self.gives(Input::Played(last.expect("something was played")))
    }

    fn hears(&self) -> Vec<Prompt> {
        let last = self.log.iter().rev().find_map(|(_, effect)| {
            if let Effect::Play { prompts, .. } = effect { Some(prompts.clone()) } else { None }
        });
        last.unwrap_or_default().into_iter().map(|spoken| spoken.prompt).collect()
    }

    fn has(&self, effect: &Effect) -> bool {
        self.log.iter().any(|(_, done)| done == effect)
    }

    fn count(&self, is_meant: impl Fn(&Effect) -> bool) -> usize {
        self.log.iter().filter(|(_, effect)| is_meant(effect)).count()
    }

    fn joined_as(&self) -> Option<Role> {
        self.log.iter().find_map(|(_, effect)| if let Effect::Join { role, .. } = effect { Some(*role) } else { None })
    }

    /// What the caller can notice: sounds and the end, with their times.
    fn audible(&self) -> Vec<(Duration, String)> {
        let heard = |effect: &Effect| matches!(effect, Effect::Play { .. } | Effect::StopPlaying | Effect::HangUp(_));
        self.log.iter().filter(|(_, e)| heard(e)).map(|(at, effect)| (*at, format!("{effect:?}"))).collect()
    }
}

fn failed(effect: &Effect) -> bool {
    matches!(effect, Effect::Failed { .. })
}

#[test]
fn a_citizen_keys_id_and_pin_and_is_in() {
    let mut call = Call::to(Config::default(), Office::new());
    assert_eq!(call.hears(), [Prompt::Welcome, Prompt::AskId]);
    call.listens().keys("123456#").after(seconds(1));
    assert_eq!(call.hears(), [Prompt::AskPin]);
    call.listens().keys("4711#");
    assert_eq!(call.joined_as(), Some(Role::Participant));
    call.gives(Input::Notice(Notice::Admitted { count: 3, muted: false }));
    let three = [Prompt::CountBefore, Prompt::Number(3), Prompt::CountAfter];
    assert_eq!(call.hears(), [&[Prompt::Admitted][..], &three, &[Prompt::KeysHint]].concat());
}

#[test]
fn the_moderators_pin_makes_a_moderator() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("123456#").after(seconds(1)).keys("0815#");
    assert_eq!(call.joined_as(), Some(Role::Moderator));
}

#[test]
fn a_meeting_without_a_pin_asks_for_none() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("2222#");
    assert_eq!(call.joined_as(), Some(Role::Participant));
}

#[test]
fn a_key_stops_the_prompt() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("1");
    assert!(call.has(&Effect::StopPlaying));
    call.keys("2");
    assert_eq!(call.count(|effect| *effect == Effect::StopPlaying), 1, "there is nothing more to stop");
}

#[test]
fn an_entry_is_complete_by_time_or_by_length_too() {
    let mut call = Call::to(Config { pin_length: Some(4), ..Config::default() }, Office::new());
    call.keys("123456").after(seconds(6));
    assert_eq!(call.hears(), [Prompt::AskPin]);
    call.keys("4711");
    assert_eq!(call.joined_as(), Some(Role::Participant));
}

#[test]
fn who_presses_pound_out_of_habit_after_a_complete_id_still_hears_the_question_for_the_pin() {
    let config = Config { id_length: Some(6), pin_length: Some(4), ..Config::default() };
    let mut early = Call::to(config.clone(), Office::new());
    early.keys("123456#").after(seconds(1));
    assert_eq!(early.hears(), [Prompt::AskPin]);
    let mut late = Call::to(config, Office::new());
    late.keys("123456").after(seconds(1));
    let stops = late.count(|effect| *effect == Effect::StopPlaying);
    late.keys("#");
    assert_eq!(late.count(|effect| *effect == Effect::StopPlaying), stops, "the question goes on");
    late.keys("4711");
    assert_eq!(late.joined_as(), Some(Role::Participant));
}

#[test]
fn a_telephone_that_dials_id_and_pin_from_memory_gets_in_without_waiting_for_questions() {
    let mut call = Call::to(Config::default(), Office { takes: Duration::from_millis(300), ..Office::new() });
    call.keys("123456#4711#").after(seconds(2));
    assert_eq!(call.joined_as(), Some(Role::Participant));
    assert_eq!(call.count(failed), 0);
}

#[test]
fn a_citizen_with_a_wrong_pin_is_asked_again_and_after_three_tries_the_call_ends() {
    let mut call = Call::to(Config::default(), Office::new());
    for _ in 0..2 {
        call.keys("123456#").after(seconds(1)).keys("9999#").after(seconds(2));
        assert_eq!(call.hears(), [Prompt::WrongEntry, Prompt::AskId]);
    }
    call.keys("123456#").after(seconds(1)).keys("9999#").after(seconds(2));
    assert_eq!(call.hears(), [Prompt::TriesUsedUp, Prompt::Goodbye]);
    assert_eq!(call.count(failed), 3, "each is told to the guard and the audit");
    call.listens();
    assert!(call.has(&Effect::HangUp(HangUp::TriesUsedUp)));
    assert!(call.menu.is_over());
}

#[test]
fn an_unknown_conference_is_asked_for_its_pin_like_any_other_and_counts_once() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("777777#").after(seconds(1));
    assert_eq!(call.hears(), [Prompt::AskPin]);
    assert_eq!(call.count(failed), 1, "who only looks for IDs is counted, too");
    call.keys("4711#").after(seconds(2));
    assert_eq!(call.hears(), [Prompt::WrongEntry, Prompt::AskId]);
    assert_eq!(call.count(failed), 1);
}

#[test]
fn an_entry_that_cannot_be_a_pin_is_a_failure_too() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("123456#").after(seconds(1)).keys("12#");
    assert_eq!(call.hears(), [Prompt::WrongEntry, Prompt::AskId]);
    assert_eq!(call.count(failed), 1);
}

#[test]
fn the_guard_holds_back_yes_and_no_alike() {
    let mut call = Call::to(Config::default(), Office { hold: seconds(4), ..Office::new() });
    call.keys("123456#").after(seconds(5)).keys("4711#").after(seconds(3));
    assert_eq!(call.joined_as(), None);
    call.after(seconds(2));
    assert_eq!(call.joined_as(), Some(Role::Participant));
}

#[test]
fn who_says_nothing_is_asked_three_times_and_only_after_the_question_has_been_heard() {
    let mut call = Call::to(Config::default(), Office::new());
    call.after(seconds(20));
    assert_eq!(call.hears(), [Prompt::Welcome, Prompt::AskId], "it may still be playing");
    call.listens().after(seconds(13));
    assert_eq!(call.hears(), [Prompt::NothingKeyed, Prompt::AskId]);
    call.listens().after(seconds(13)).listens().after(seconds(13));
    assert_eq!(call.hears(), [Prompt::TriesUsedUp, Prompt::Goodbye]);
    call.after(seconds(60));
    assert!(call.menu.is_over(), "also when nobody tells the end of the farewell");
}

#[test]
fn a_caller_chooses_a_language_by_key_and_hears_it_from_then_on() {
    let mut call = Call::to(Config { ask_language: true, ..Config::default() }, Office::new());
    assert_eq!(call.hears(), [Prompt::Welcome, Prompt::ForThisLanguage, Prompt::ForThisLanguage]);
    call.keys("2");
    assert!(call.has(&Effect::Language(Language::En)));
    let last = call.log.last().map(|(_, effect)| effect.clone());
    let Some(Effect::Play { prompts, .. }) = last else { panic!("silence") };
    assert_eq!(prompts, [Prompt::AskId.in_language(Language::En)]);
}

#[test]
fn who_chooses_no_language_has_that_of_the_number() {
    let mut call = Call::to(Config { ask_language: true, ..Config::default() }, Office::new());
    call.keys("7");
    assert_eq!(call.hears()[0], Prompt::Welcome, "that key is no language");
    call.listens().after(seconds(13));
    assert_eq!(call.hears(), [Prompt::AskId]);
    assert_eq!(call.menu.language(), Language::De);
}

#[test]
fn a_number_that_leads_to_one_room_asks_only_for_the_pin() {
    let door = Door::Room("rat".parse().expect("a room"));
    let mut call = Call::to(Config { door, ..Config::default() }, Office::new());
    assert_eq!(call.hears(), [Prompt::Welcome, Prompt::AskPin]);
    call.keys("1111#").after(seconds(2));
    assert_eq!(call.hears(), [Prompt::WrongPin, Prompt::AskPin]);
    call.keys("4711#");
    assert_eq!(call.joined_as(), Some(Role::Participant));
}

fn in_the_room() -> Call {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("2222#").gives(Input::Notice(Notice::Admitted { count: 1, muted: false }));
    call
}

#[test]
fn a_caller_in_front_of_a_closed_meeting_hears_music_and_is_told_that_the_wait_goes_on() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("2222#").gives(Input::Notice(Notice::NotOpenYet));
    assert_eq!(call.hears(), [Prompt::NotOpenYet]);
    call.listens();
    assert_eq!(call.hears(), [Prompt::HoldMusic]);
    call.after(seconds(61));
    assert_eq!(call.hears(), [Prompt::StillWaiting]);
    call.listens();
    assert_eq!(call.hears(), [Prompt::HoldMusic]);
    call.keys("*6");
    assert_eq!(call.count(|effect| matches!(effect, Effect::Press(_))), 0, "there is nothing to mute yet");
    call.keys("*0");
    assert_eq!(call.hears(), [Prompt::HelpWaiting]);
    call.keys("*");
    assert_eq!(call.hears(), [Prompt::HoldMusic], "the key stops the words, the music goes on");
    call.gives(Input::Notice(Notice::InLobby)).gives(Input::Notice(Notice::Admitted { count: 2, muted: false }));
    assert_eq!(call.hears()[0], Prompt::Admitted);
    call.listens().after(seconds(300));
    assert_eq!(call.hears()[0], Prompt::Admitted, "no music in the meeting");
}

#[test]
fn the_keys_of_the_conference_reach_the_room() {
    let mut call = in_the_room();
    call.keys("*6*9*3");
    for key in [Key::Mute, Key::Hand, Key::Count] {
        assert!(call.has(&Effect::Press(key)));
    }
    call.keys("*0");
    assert_eq!(call.hears(), [Prompt::Help]);
    call.keys("*#");
    assert_eq!(call.hears(), [Prompt::Keys]);
}

#[test]
fn a_host_leads_by_keys_and_is_told_them_with_the_list() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("123456#")
        .after(seconds(1))
        .keys("0815#")
        .gives(Input::Notice(Notice::Admitted { count: 1, muted: false }));
    call.keys("*1*5*7");
    for lead in [Lead::AdmitAll, Lead::MuteAll, Lead::Lock] {
        assert!(call.has(&Effect::Press(Key::Lead(lead))));
    }
    call.keys("*#");
    assert_eq!(call.hears(), [Prompt::Keys, Prompt::KeysModerator]);
    let mut citizen = in_the_room();
    citizen.keys("*#");
    assert_eq!(citizen.hears(), [Prompt::Keys], "who does not lead is not told keys that do nothing");
}

#[test]
fn the_key_that_ends_the_meeting_is_meant_only_if_it_is_pressed_again_soon() {
    let mut call = in_the_room();
    let pressed = |call: &Call, sure| call.count(|effect| *effect == Effect::Press(Key::Lead(Lead::End { sure })));
    call.keys("*8").gives(Input::Notice(Notice::ConfirmEnd));
    assert_eq!(call.hears(), [Prompt::ConfirmEnd]);
    call.after(seconds(21)).keys("*8");
    assert_eq!((pressed(&call, false), pressed(&call, true)), (2, 0), "the first time is long ago");
    call.after(seconds(10)).keys("*8");
    assert_eq!((pressed(&call, false), pressed(&call, true)), (2, 1));
}

#[test]
fn a_lone_digit_or_a_star_of_long_ago_does_nothing_in_the_conference() {
    let mut call = in_the_room();
    call.keys("6*").after(seconds(6)).keys("6").keys("**").keys("6");
    assert_eq!(call.count(|effect| matches!(effect, Effect::Press(_))), 1, "only the last one follows a star");
}

#[test]
fn a_muted_caller_hears_how_to_ask_for_the_floor() {
    let mut call = in_the_room();
    call.gives(Input::Notice(Notice::MutedByModerator));
    assert_eq!(call.hears(), [Prompt::MutedByModerator]);
    call.gives(Input::Notice(Notice::MayNotSpeak));
    assert_eq!(call.hears(), [Prompt::MayNotSpeak]);
}

#[test]
fn whoever_is_removed_hears_why_and_then_the_call_ends() {
    let mut call = in_the_room();
    call.gives(Input::Notice(Notice::Removed));
    assert_eq!(call.hears(), [Prompt::Removed, Prompt::Goodbye]);
    assert!(!call.menu.is_over());
    call.gives(Input::Notice(Notice::Ended)).listens();
    assert!(call.has(&Effect::HangUp(HangUp::Removed)));
}

#[test]
fn a_locked_meeting_says_so_to_those_who_know_the_pin() {
    let mut call = Call::to(Config::default(), Office::new());
    call.keys("2222#").gives(Input::NotTaken(Obstacle::Locked));
    assert_eq!(call.hears(), [Prompt::Locked, Prompt::Goodbye]);
    call.listens();
    assert!(call.has(&Effect::HangUp(HangUp::NotNow(Obstacle::Locked))));
}

#[test]
fn when_the_office_does_not_answer_the_caller_is_not_left_in_silence() {
    let mut call = Call::to(Config::default(), Office { takes: seconds(3_600), ..Office::new() });
    call.keys("123456#").after(seconds(11));
    assert_eq!(call.hears(), [Prompt::Fault, Prompt::Goodbye]);
    let mut unseated = Call::to(Config::default(), Office::new());
    unseated.keys("2222#").after(seconds(11));
    assert_eq!(unseated.hears(), [Prompt::Fault, Prompt::Goodbye]);
}

#[test]
fn an_announcement_is_said_and_the_call_ends() {
    let now = origin();
    let (menu, out) = Menu::announcement(Prompt::Closed, Language::En, now);
    let [Effect::Play { prompts, repeat: false, id }] = &out[..] else { panic!("{out:?}") };
    assert_eq!(prompts, &[Prompt::Closed.in_language(Language::En)]);
    let (menu, out) = menu.on(Input::Played(*id), now);
    assert_eq!(out, [Effect::HangUp(HangUp::Announced)]);
    assert!(menu.is_over());
}

/// One thing that a caller does.
#[derive(Clone, Debug)]
enum Deed {
    Keys(String),
    Wait(u64),
    Listen,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => "[0-9]{4,7}#".prop_map(Deed::Keys),
        2 => "[0-9*#A]{1,4}".prop_map(Deed::Keys),
        3 => (1..80_u64).prop_map(Deed::Wait),
        2 => Just(Deed::Listen),
    ]
}

fn plays(call: &mut Call, deeds: &[Deed]) {
    for deed in deeds {
        match deed {
            Deed::Keys(keys) => {
                call.keys(keys);
            }
            Deed::Wait(tenths) => {
                call.after(Duration::from_millis(100 * tenths));
            }
            Deed::Listen => {
                if let Some(id) = call.menu.playing() {
                    call.gives(Input::Played(id));
                }
            }
        }
    }
}

/// A printed text less its instants, whose nanoseconds may by chance be what was keyed.
fn without_times(printed: &str) -> String {
    let mut parts = printed.split("Instant {");
    let before = parts.next().unwrap_or_default().to_owned();
    parts.filter_map(|part| part.split_once('}')).fold(before, |text, (_, after)| text + after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is keyed and whenever, a guesser cannot tell a conference that does not exist from one that does,
    /// not even when one look-up takes longer than the other.
    #[test]
    fn a_conference_that_does_not_exist_sounds_like_one_that_does(
        deeds in prop::collection::vec(any_deed(), 1..25),
        takes in 0_u64..3,
    ) {
        let mut none = Call::to(Config::default(), Office::default());
        plays(&mut none, &deeds);
        let mut some = Call::to(Config::default(), Office { takes: Duration::from_millis(100 * takes), ..Office::default() });
        for id in ["1234", "12345", "123456"] {
            some.office.meetings.insert(id, vec![("00000000", Role::Participant)]);
        }
        // Every ID that is keyed exists, with a PIN that nobody can key here.
        for keys in deeds.iter().filter_map(|deed| if let Deed::Keys(keys) = deed { Some(keys) } else { None }) {
            let id: &'static str = Box::leak(keys.trim_end_matches('#').to_owned().into_boxed_str());
            some.office.meetings.insert(id, vec![("00000000", Role::Participant)]);
        }
        plays(&mut some, &deeds);
        prop_assert_eq!(none.audible(), some.audible());
    }

    /// Nobody is left alone: a menu has ended, waits for a time, or is in the meeting. And no key is ever printed.
    #[test]
    fn no_caller_is_left_in_silence_and_no_key_is_printed(deeds in prop::collection::vec(any_deed(), 1..25)) {
        let mut call = Call::to(Config { ask_language: true, ..Config::default() }, Office::new());
        for deed in &deeds {
            plays(&mut call, std::slice::from_ref(deed));
            prop_assert!(call.menu.is_over() || call.menu.next_timeout().is_some());
            if let Deed::Keys(keys) = deed {
                let secret = keys.trim_end_matches('#');
                let printed = format!("{:?} {:?} {:?}", call.menu, call.log.last(), Input::Digit(Digit::STAR));
                let printed = without_times(&printed);
                prop_assert!(secret.len() < 5 || !printed.contains(secret), "{}", printed);
            }
        }
    }
}
