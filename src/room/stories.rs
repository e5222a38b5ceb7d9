//! What people live through in a meeting.

use std::time::{Duration, Instant};

use super::*;
use crate::words::Typed;

/// A meeting on a virtual clock, with what came out of it.
struct Story {
    room: Room,
    now: Instant,
    out: Vec<Effect>,
    next_leg: u64,
}

impl Story {
    fn begins(config: Config) -> Self {
        #[allow(clippy::disallowed_methods, reason = "an origin for a virtual clock")]
        let now = Instant::now();
        Self { room: Room::new(config, now), now, out: Vec::new(), next_leg: 0 }
    }

    fn does(&mut self, command: Command) -> &mut Self {
        let (room, out) = self.room.clone().apply(command, self.now);
        self.room = room;
        self.out = out;
        self
    }

    fn joins(&mut self, kind: Kind, name: &str, role: Role) -> (LegId, ParticipantId) {
        self.next_leg += 1;
        let leg = LegId(self.next_leg);
        self.does(Command::Join(Newcomer { leg, kind, name: Name::chosen(name), role, guest: None }));
        (leg, self.room.owner(leg).unwrap_or(ParticipantId(0)))
    }

    fn guest(&mut self, role: Role, lobby: bool) -> (LegId, ParticipantId) {
        self.next_leg += 1;
        let leg = LegId(self.next_leg);
        let guest = Some(Guest { institution: String::from("Stadt C"), lobby });
        let newcomer = Newcomer { leg, kind: Kind::Phone, name: Name::chosen("Cem"), role, guest };
        self.does(Command::Join(newcomer));
        (leg, self.room.owner(leg).expect("on the roster"))
    }

    fn citizen(&mut self) -> (LegId, ParticipantId) {
        self.joins(Kind::Phone, "Telefon ···42", Role::Participant)
    }

    fn moderator(&mut self) -> (LegId, ParticipantId) {
        self.joins(Kind::Browser, "Erika Muster", Role::Moderator)
    }

    fn acts(&mut self, by: ParticipantId, action: Action) -> &mut Self {
        self.does(Command::Act { by, action })
    }

    fn presses(&mut self, leg: LegId, key: Key) -> &mut Self {
        self.does(Command::Key { leg, key })
    }

    fn after(&mut self, span: Duration) -> &mut Self {
        self.now += span;
        while let Some((_, timer)) = self.room.next_timeout().filter(|(at, _)| *at <= self.now) {
            self.does(Command::Timeout(timer));
        }
        self
    }

    fn told(&self, leg: LegId) -> Vec<Notice> {
        let to_leg = |effect: &Effect| {
            if let Effect::Notice { leg: to, notice } = effect { (*to == leg).then_some(*notice) } else { None }
        };
        self.out.iter().filter_map(to_leg).collect()
    }

    fn has(&self, effect: &Effect) -> bool {
        self.out.contains(effect)
    }

    fn line(&self, id: ParticipantId) -> Participant {
        let all = self.room.snapshot(Role::Moderator).participants;
        all.into_iter().find(|participant| participant.id == id).expect("still on the roster")
    }
}

fn with_lobby() -> Config {
    Config { lobby: true, ..Config::default() }
}

#[test]
fn a_citizen_in_the_lobby_hears_nothing_until_a_moderator_admits_them() {
    let mut story = Story::begins(with_lobby());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    assert_eq!(story.told(leg), [Notice::InLobby]);
    assert!(!story.has(&Effect::Enter { leg }), "not one sample before admission");
    story.presses(leg, Key::Mute).presses(leg, Key::Count);
    assert_eq!(story.told(leg), [], "who waits learns nothing of the room");
    story.acts(erika, Action::Admit { participant: citizen });
    assert!(story.has(&Effect::Enter { leg }));
    assert_eq!(story.told(leg), [Notice::Admitted { count: 2, muted: false }]);
    assert!(story.has(&Effect::Announce(Announcement::Arrival)));
}

#[test]
fn a_guest_waits_where_others_do_not_if_their_institution_does_and_is_shown_as_of_it() {
    let mut story = Story::begins(Config { opening: Opening::WithModerator, ..Config::default() });
    let (early, waiting) = story.guest(Role::Participant, true);
    let (_, erika) = story.moderator();
    assert!(story.line(waiting).lobby, "the meeting has begun, and they wait");
    let (leg, _) = story.guest(Role::Participant, true);
    assert_eq!(story.told(leg), [Notice::InLobby]);
    let (leg, other) = story.guest(Role::Participant, false);
    assert!(story.has(&Effect::Enter { leg }));
    assert_eq!(story.line(other).institution.as_deref(), Some("Stadt C"));
    let (leg, _) = story.guest(Role::Moderator, true);
    assert!(story.has(&Effect::Enter { leg }), "who leads waits for nobody");
    story.acts(erika, Action::Admit { participant: waiting });
    assert!(story.has(&Effect::Enter { leg: early }));
}

#[test]
fn who_waits_in_the_lobby_is_shown_to_moderators_only() {
    let mut story = Story::begins(with_lobby());
    story.moderator();
    let (_, citizen) = story.citizen();
    let sees = |role| story.room.snapshot(role).participants.iter().any(|p| p.id == citizen);
    assert!(sees(Role::Moderator) && !sees(Role::Participant));
    let missed = |role| story.room.events_since(0, role).expect("all is kept").len();
    assert_eq!((missed(Role::Moderator), missed(Role::Participant)), (2, 1));
}

#[test]
fn a_caller_whom_a_moderator_muted_hears_how_to_ask_and_any_moderator_can_unmute_them() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (_, otto) = story.moderator();
    let (leg, citizen) = story.citizen();
    story.acts(erika, Action::Mute { participant: citizen, on: true });
    assert_eq!(story.told(leg), [Notice::MutedByModerator]);
    assert!(story.has(&Effect::SetMuted { leg, on: true }));
    story.presses(leg, Key::Mute);
    assert_eq!(story.told(leg), [Notice::MayNotSpeak]);
    assert!(story.line(citizen).muted_by_moderator);
    story.presses(leg, Key::Hand);
    assert_eq!(story.told(leg), [Notice::HandRaised]);
    story.acts(otto, Action::GiveFloor { participant: citizen });
    assert_eq!(story.told(leg), [Notice::YouMaySpeak]);
    assert!(story.has(&Effect::SetMuted { leg, on: false }));
    assert!(!story.line(citizen).hand && !story.line(citizen).muted);
}

#[test]
fn a_moderator_cannot_switch_on_the_microphone_of_somebody_who_muted_themselves() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    story.presses(leg, Key::Mute).acts(erika, Action::Mute { participant: citizen, on: true });
    story.acts(erika, Action::Mute { participant: citizen, on: false });
    assert_eq!(story.told(leg), [Notice::PleaseUnmute]);
    assert!(story.line(citizen).muted && !story.line(citizen).muted_by_moderator);
    story.presses(leg, Key::Mute);
    assert_eq!(story.told(leg), [Notice::Unmuted]);
    assert!(!story.line(citizen).muted);
}

#[test]
fn nobody_stays_muted_when_the_last_moderator_leaves() {
    let mut story = Story::begins(Config::default());
    let (desk, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    story.acts(erika, Action::MuteAll { on: true }).does(Command::Leave { leg: desk });
    assert_eq!(story.told(leg), [Notice::PleaseUnmute]);
    assert!(story.line(citizen).muted, "no microphone opens by itself");
    story.presses(leg, Key::Mute);
    assert!(!story.line(citizen).muted);
}

#[test]
fn a_listener_speaks_only_with_the_floor() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (leg, pupil) = story.joins(Kind::Phone, "Telefon", Role::Listener);
    assert_eq!(story.told(leg), [Notice::Admitted { count: 2, muted: true }]);
    story.presses(leg, Key::Mute);
    assert_eq!(story.told(leg), [Notice::MayNotSpeak]);
    story.acts(erika, Action::MuteAll { on: false });
    assert!(story.line(pupil).muted, "everybody may speak again means everybody who may speak");
    story.acts(erika, Action::GiveFloor { participant: pupil });
    assert!(!story.line(pupil).muted);
}

impl Story {
    /// What the others read of what is typed on that leg.
    fn types(&mut self, leg: LegId, text: &str) -> Option<(ParticipantId, String)> {
        self.does(Command::Type { leg, text: Typed::read(text) });
        self.out.iter().find_map(|effect| {
            let Effect::Typed { by, text, .. } = effect else { return None };
            Some((*by, text.reveal().to_owned()))
        })
    }
}

#[test]
fn what_somebody_types_is_read_by_all_also_if_they_are_muted_but_not_from_the_lobby() {
    let mut story = Story::begins(with_lobby());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    assert_eq!(story.types(leg, "Hallo"), None, "who waits is not read");
    assert!(!story.room.viewers().any(|(_, id, _)| id == citizen), "and reads nothing");
    story.acts(erika, Action::Admit { participant: citizen });
    assert_eq!(story.types(leg, "Grüße 🙂\u{8}"), Some((citizen, String::from("Grüße 🙂\u{8}"))));
    story.acts(erika, Action::Mute { participant: citizen, on: true });
    assert_eq!(story.types(leg, "x"), Some((citizen, String::from("x"))), "muting is of sound");
    story.does(Command::Gone { leg });
    assert_eq!(story.types(leg, "y"), None);
    assert!(!format!("{:?}", story.room).contains("Grüße"), "nothing is kept");
}

#[test]
fn a_listener_types_only_with_the_floor_and_nobody_floods_the_others() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (leg, pupil) = story.joins(Kind::Browser, "Kim", Role::Listener);
    assert_eq!(story.types(leg, "x"), None);
    story.acts(erika, Action::GiveFloor { participant: pupil });
    assert_eq!(story.types(leg, "x"), Some((pupil, String::from("x"))));
    let flood = "y".repeat(Typed::MOST);
    let (_, read) = story.types(leg, &flood).expect("some of it");
    assert!(read.ends_with(Typed::LOST) && read.chars().count() == Typed::MOST, "cut, and marked");
    assert!(story.has(&Effect::TypedTooFast { letters: 1 }));
    assert_eq!(story.types(leg, &flood), None);
    assert!(story.has(&Effect::TypedTooFast { letters: Typed::MOST }));
    story.after(Duration::from_secs(1));
    assert_eq!(story.types(leg, "z").map(|(_, text)| text), Some(String::from("z")));
}

#[test]
fn a_citizen_may_not_do_what_moderators_do() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    for action in [Action::End, Action::Lock { on: true }, Action::Remove { participant: erika }, Action::AdmitAll] {
        let before = story.room.snapshot(Role::Moderator);
        story.acts(citizen, action);
        assert_eq!(story.told(leg), [Notice::OnlyModerators]);
        assert_eq!(story.room.snapshot(Role::Moderator), before);
    }
}

#[test]
fn callers_wait_for_the_opening_time_and_all_come_in_then() {
    let mut story = Story::begins(Config::default());
    let ten_minutes = Duration::from_secs(600);
    story.room = Room::new(Config { opening: Opening::At(story.now + ten_minutes), ..with_lobby() }, story.now);
    let (first, _) = story.citizen();
    let (desk, _) = story.moderator();
    assert_eq!(story.told(desk), [Notice::NotOpenYet], "this meeting keeps to its time");
    story.after(ten_minutes);
    assert!(story.has(&Effect::Enter { leg: desk }));
    assert_eq!(story.told(first), [Notice::InLobby]);
}

#[test]
fn a_meeting_that_waits_for_its_moderator_begins_when_one_arrives() {
    let mut story = Story::begins(Config { opening: Opening::WithModerator, ..Config::default() });
    let (leg, _) = story.citizen();
    assert_eq!(story.told(leg), [Notice::NotOpenYet]);
    assert_eq!(story.room.next_timeout(), None);
    let (desk, _) = story.moderator();
    for who in [leg, desk] {
        assert_eq!(story.told(who), [Notice::Admitted { count: 2, muted: false }]);
    }
    assert!(story.room.snapshot(Role::Listener).open);
}

#[test]
fn a_locked_meeting_lets_nobody_in_but_those_whose_line_broke_and_moderators() {
    let mut story = Story::begins(Config::default());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    story.acts(erika, Action::Lock { on: true }).does(Command::Gone { leg });
    let (late, _) = story.citizen();
    assert!(story.has(&Effect::Refused { leg: late, why: Refusal::Locked }));
    let (otto, _) = story.moderator();
    assert!(story.has(&Effect::Enter { leg: otto }));
    let again = LegId(77);
    story.does(Command::Returned { participant: citizen, leg: again });
    assert!(story.has(&Effect::Enter { leg: again }));
}

#[test]
fn a_browser_that_reconnects_keeps_its_place_its_mute_and_its_hand() {
    let mut story = Story::begins(with_lobby());
    let (_, erika) = story.moderator();
    let (old, otto) = story.joins(Kind::Browser, "Otto", Role::Participant);
    story.acts(erika, Action::Admit { participant: otto });
    story.acts(otto, Action::MuteSelf { on: true }).acts(otto, Action::Hand { on: true });
    let seen = story.room.revision();
    story.does(Command::Gone { leg: old });
    assert!(story.line(otto).away);
    story.acts(erika, Action::LowerHand { participant: otto }).after(Duration::from_secs(20));
    let new = LegId(99);
    story.does(Command::Returned { participant: otto, leg: new });
    let muted = story.out.iter().position(|e| *e == Effect::SetMuted { leg: new, on: true });
    let entered = story.out.iter().position(|e| *e == Effect::Enter { leg: new });
    assert!(muted.is_some() && muted < entered, "muted before heard: {:?}", story.out);
    let line = story.line(otto);
    assert!(!line.away && line.muted && !line.hand && !line.lobby, "no second time in the lobby");
    assert_eq!(story.room.events_since(seen, Role::Participant).map(|missed| missed.len()), Some(3));
}

#[test]
fn who_does_not_come_back_in_time_has_left() {
    let mut story = Story::begins(Config::default());
    story.moderator();
    let (leg, citizen) = story.citizen();
    story.does(Command::Gone { leg }).after(Duration::from_secs(44));
    assert_eq!(story.room.count(), 2);
    story.after(Duration::from_secs(1));
    assert_eq!(story.room.count(), 1);
    assert!(story.has(&Effect::Announce(Announcement::Departure)));
    story.does(Command::Returned { participant: citizen, leg: LegId(50) });
    assert!(story.has(&Effect::Refused { leg: LegId(50), why: Refusal::PlaceGone }));
}

#[test]
fn a_second_page_of_the_same_person_replaces_the_first() {
    let mut story = Story::begins(Config::default());
    let (old, erika) = story.moderator();
    story.does(Command::Returned { participant: erika, leg: LegId(9) });
    assert!(story.has(&Effect::Exit { leg: old }));
    assert!(story.has(&Effect::Disconnect { leg: old, why: Why::Replaced }));
    assert!(story.has(&Effect::Enter { leg: LegId(9) }));
    story.does(Command::Leave { leg: old });
    assert_eq!(story.room.count(), 1, "the old page closes late, and that is nobody's leaving");
}

#[test]
fn nobody_takes_the_place_of_another_by_their_leg() {
    let mut story = Story::begins(Config::default());
    let (desk, _) = story.moderator();
    let (_, citizen) = story.citizen();
    story.does(Command::Returned { participant: citizen, leg: desk });
    assert!(story.has(&Effect::Refused { leg: desk, why: Refusal::PlaceGone }));
}

#[test]
fn the_moderator_ends_the_meeting_for_all() {
    let mut story = Story::begins(with_lobby());
    let (desk, erika) = story.moderator();
    let (waiting, _) = story.citizen();
    story.acts(erika, Action::End);
    for leg in [desk, waiting] {
        assert!(story.has(&Effect::Disconnect { leg, why: Why::Ended }));
    }
    assert!(!story.has(&Effect::Exit { leg: waiting }), "who never was inside is not taken out");
    assert!(story.room.is_empty() && story.room.is_over());
    let (late, _) = story.citizen();
    assert!(story.has(&Effect::Refused { leg: late, why: Refusal::Ended }));
}

#[test]
fn somebody_who_is_removed_hears_why() {
    let mut story = Story::begins(with_lobby());
    let (_, erika) = story.moderator();
    let (leg, citizen) = story.citizen();
    story.acts(erika, Action::Remove { participant: citizen });
    assert!(story.has(&Effect::Disconnect { leg, why: Why::NotAdmitted }));
    let (leg, citizen) = story.citizen();
    story.acts(erika, Action::Admit { participant: citizen }).acts(erika, Action::Remove { participant: citizen });
    assert!(story.has(&Effect::Exit { leg }) && story.has(&Effect::Disconnect { leg, why: Why::Removed }));
    assert!(Why::Removed.notice().is_some_and(Notice::is_last));
}

#[test]
fn a_moderator_leads_by_telephone_alone() {
    let mut story = Story::begins(with_lobby());
    let (mayor, _) = story.joins(Kind::Phone, "Telefon", Role::Moderator);
    let lead = |lead| Key::Lead(lead);
    story.presses(mayor, lead(Lead::AdmitAll));
    assert_eq!(story.told(mayor), [Notice::NobodyWaits]);
    let (first, one) = story.citizen();
    assert_eq!(story.told(mayor), [Notice::SomebodyWaits]);
    let (second, _) = story.citizen();
    assert_eq!(story.told(mayor), [], "the mayor knows already, and is not interrupted for each");
    story.presses(mayor, lead(Lead::AdmitAll));
    assert!(story.has(&Effect::Enter { leg: first }) && story.has(&Effect::Enter { leg: second }));
    assert_eq!(story.told(mayor), [Notice::AllAdmitted]);
    story.presses(mayor, lead(Lead::MuteAll));
    assert_eq!((story.told(mayor), story.told(first)), (vec![Notice::AllMuted], vec![Notice::MutedByModerator]));
    story.presses(mayor, lead(Lead::MuteAll));
    assert_eq!((story.told(mayor), story.line(one).muted), (vec![Notice::AllUnmuted], false));
    story.presses(mayor, lead(Lead::Lock));
    assert_eq!(story.told(mayor), [Notice::LockedNow]);
    let (late, _) = story.citizen();
    assert!(story.has(&Effect::Refused { leg: late, why: Refusal::Locked }));
    story.presses(mayor, lead(Lead::Lock)).presses(mayor, lead(Lead::End { sure: false }));
    assert_eq!(story.told(mayor), [Notice::ConfirmEnd]);
    story.presses(mayor, lead(Lead::End { sure: true }));
    assert!(story.room.is_over() && story.has(&Effect::Disconnect { leg: first, why: Why::Ended }));
}

#[test]
fn a_citizen_who_presses_a_hosts_key_hears_that_only_the_host_may() {
    let mut story = Story::begins(with_lobby());
    let (mayor, erika) = story.joins(Kind::Phone, "Telefon", Role::Moderator);
    let (leg, citizen) = story.citizen();
    story.presses(leg, Key::Lead(Lead::AdmitAll));
    assert_eq!(story.told(leg), [], "who waits presses in vain");
    story.acts(erika, Action::Admit { participant: citizen });
    for lead in [Lead::AdmitAll, Lead::MuteAll, Lead::Lock, Lead::End { sure: true }] {
        story.presses(leg, Key::Lead(lead));
        assert_eq!(story.told(leg), [Notice::OnlyModerators]);
    }
    assert!(!story.room.is_over() && !story.line(erika).muted);
    story.presses(mayor, Key::Count);
    assert_eq!(story.told(mayor), [Notice::Count { count: 2 }]);
}

#[test]
fn hands_queue_in_the_order_in_which_they_went_up() {
    let mut story = Story::begins(Config::default());
    let (first, one) = story.citizen();
    let (second, two) = story.citizen();
    story.presses(second, Key::Hand).presses(first, Key::Hand);
    assert!(story.line(two).hand_since < story.line(one).hand_since);
    story.presses(second, Key::Hand);
    assert_eq!(story.told(second), [Notice::HandLowered]);
    assert_eq!(story.line(two).hand_since, None);
}

#[test]
fn each_telephone_is_one_participant_and_can_ask_how_many_there_are() {
    let mut story = Story::begins(Config { announce: Announce::Count, ..Config::default() });
    story.citizen();
    assert!(!story.out.iter().any(|e| matches!(e, Effect::Announce(_))), "there is nobody to hear it");
    story.citizen();
    let (leg, _) = story.citizen();
    assert!(story.has(&Effect::Announce(Announcement::Count(3))));
    story.presses(leg, Key::Count);
    assert_eq!(story.told(leg), [Notice::Count { count: 3 }]);
    let names: Vec<_> = story.room.snapshot(Role::Listener).participants.into_iter().map(|p| p.name).collect();
    assert_eq!(names[2].for_roster(), "Telefon ···42 (3)");
}

#[test]
fn who_is_muted_is_never_shown_as_speaking() {
    let mut story = Story::begins(Config::default());
    let (leg, citizen) = story.citizen();
    story.does(Command::Speaking(vec![leg, LegId(1234)]));
    assert!(story.has(&Effect::Speaking(vec![citizen])));
    story.does(Command::Speaking(vec![leg]));
    assert_eq!(story.out, [], "nothing new");
    story.presses(leg, Key::Mute);
    assert!(story.has(&Effect::Speaking(vec![])));
    story.does(Command::Speaking(vec![leg]));
    assert_eq!(story.out, []);
}

#[test]
fn a_full_meeting_refuses_and_keeps_no_trace() {
    let mut story = Story::begins(Config { most: 1, ..Config::default() });
    story.moderator();
    let (late, _) = story.citizen();
    assert_eq!(story.out, [Effect::Refused { leg: late, why: Refusal::Full }]);
}

#[test]
fn what_a_page_sends_and_gets_is_the_json_that_it_knows() {
    let action: Action = serde_json::from_str(r#"{"do":"mute","participant":7,"on":true}"#).expect("an action");
    assert_eq!(action, Action::Mute { participant: ParticipantId(7), on: true });
    let action: Action = serde_json::from_str(r#"{"do":"muteAll"}"#).expect("an action");
    assert_eq!(action, Action::MuteAll { on: true });
    let mut story = Story::begins(Config { title: "Rat".into(), ..Config::default() });
    story.citizen();
    let json = serde_json::to_value(story.room.snapshot(Role::Participant)).expect("json");
    let participant = serde_json::json!({
        "id": 1, "name": "Telefon ···42", "kind": "phone", "role": "participant", "muted": false,
        "mutedByModerator": false, "hand": false, "speaking": false, "lobby": false, "away": false,
    });
    assert_eq!(
        json,
        serde_json::json!({
            "revision": 1, "title": "Rat", "open": true, "locked": false, "ended": false,
            "participants": [participant.clone()],
        })
    );
    let event = serde_json::to_value(&story.room.events_since(0, Role::Participant).expect("kept")[0]).expect("json");
    let expected = serde_json::json!({"revision": 1, "event": {"what": "joined", "participant": participant}});
    assert_eq!(event, expected);
}

#[test]
fn no_name_is_in_what_is_printed() {
    let mut story = Story::begins(Config::default());
    story.joins(Kind::Browser, "Kanarienvogel", Role::Participant);
    let printed = format!("{:?} {:?} {:?}", story.room, story.out, story.room.snapshot(Role::Moderator));
    assert!(!printed.contains("Kanarienvogel") && printed.contains("K···"));
}

#[test]
fn a_meeting_ends_at_its_time_and_everybody_is_told_those_who_wait_too() {
    let now = Story::begins(Config::default()).now;
    let hour = Duration::from_secs(3_600);
    let mut story = Story::begins(Config { end: Some(now + hour), ..with_lobby() });
    story.now = now;
    let (erika, _) = story.moderator();
    let (caller, _) = story.citizen();
    story.after(hour - Duration::from_secs(1));
    assert!(!story.room.is_over());
    story.after(Duration::from_secs(1));
    for leg in [erika, caller] {
        assert!(story.has(&Effect::Disconnect { leg, why: Why::Ended }));
    }
    assert!(story.room.is_over() && story.room.next_timeout().is_none());
}

#[test]
fn who_waits_is_let_in_when_the_opening_is_brought_forward_and_waits_on_when_it_is_put_off() {
    let now = Story::begins(Config::default()).now;
    let at =
        |minutes: u64| Config { opening: Opening::At(now + Duration::from_secs(60 * minutes)), ..Config::default() };
    let mut story = Story::begins(at(30));
    story.now = now;
    let (caller, _) = story.citizen();
    story.does(Command::Change(Box::new(at(60)))).after(Duration::from_secs(45 * 60));
    assert!(!story.has(&Effect::Enter { leg: caller }));
    story.does(Command::Change(Box::new(at(40))));
    assert!(story.has(&Effect::Enter { leg: caller }), "its time is over already");
}

#[test]
fn a_new_title_is_seen_by_those_who_are_here() {
    let mut story = Story::begins(Config::default());
    story.moderator();
    let mut copy = story.room.snapshot(Role::Moderator);
    story.does(Command::Change(Box::new(Config { title: String::from("Bauausschuss"), ..Config::default() })));
    for effect in &story.out {
        if let Effect::Published(numbered) = effect {
            copy.follow(numbered);
        }
    }
    assert_eq!(copy.title, "Bauausschuss");
}
