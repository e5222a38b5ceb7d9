//! Complaints about what happens to people in a meeting: played in menus and a room, on a virtual clock.

use einwahl::config::Config as File;
use einwahl::ivr::Prompt;
use einwahl::room::{Action, Command, Config, Kind, Role};
use einwahl::words::{LegId, ParticipantId, Personal};

use crate::town::Town;

fn with_lobby() -> Config {
    Config { lobby: true, ..Config::default() }
}

fn raised_hands(town: &Town) -> Vec<ParticipantId> {
    let hands = town.room.snapshot(Role::Moderator).participants.into_iter().filter(|one| one.hand);
    hands.map(|one| one.id).collect()
}

#[test]
fn jitsi_meet_7271_6686_callers_get_through_the_lobby_and_have_a_hand() {
    let mut town = Town::with(with_lobby());
    let citizens = [town.dials_in(1, "4711"), town.dials_in(2, "4711")];
    assert!(town.inside.is_empty() && citizens.iter().all(|leg| town.has_heard(*leg, Prompt::InLobby)));
    let (_, erika) = town.browser(100, Role::Moderator);
    town.after(30);
    let [one, other] = citizens.map(|leg| town.room.owner(leg).expect("a line in the lobby"));
    town.tells_room(Command::Act { by: erika, action: Action::Admit { participant: one } });
    town.tells_room(Command::Act { by: erika, action: Action::Remove { participant: other } });
    assert!(town.inside.contains(&citizens[0]), "who is admitted is in");
    assert!(town.has_heard(citizens[1], Prompt::NotAdmitted), "who is not hears so");
    town.keys(citizens[0], "*9");
    assert_eq!((town.last_heard(citizens[0]), raised_hands(&town)), (Some(Prompt::HandRaised), vec![one]));
    town.keys(citizens[0], "*9");
    assert_eq!((town.last_heard(citizens[0]), raised_hands(&town)), (Some(Prompt::HandLowered), vec![]));
}

#[test]
fn bigbluebutton_25244_any_moderator_can_unmute_whom_another_one_muted() {
    for unmuted_by in ["another page", "another telephone", "nobody, since all moderators have left"] {
        let mut town = Town::with(Config::default());
        let (desk, erika) = town.browser(100, Role::Moderator);
        let (other_desk, otto) = town.browser(101, Role::Moderator);
        let mayor = town.dials_in(2, "0815");
        let caller = town.dials_in(1, "4711");
        let participant = town.room.owner(caller).expect("in the roster");
        town.tells_room(Command::Act { by: erika, action: Action::Mute { participant, on: true } });
        assert_eq!((town.last_heard(caller), town.muted[&caller]), (Some(Prompt::MutedByModerator), true));
        town.tells_room(Command::Leave { leg: desk });
        match unmuted_by {
            "another page" => {
                town.tells_room(Command::Act { by: otto, action: Action::Mute { participant, on: false } });
            }
            "another telephone" => town.keys(mayor, "*5"),
            _ => {
                town.tells_room(Command::Leave { leg: other_desk });
                town.tells_room(Command::Leave { leg: mayor });
                assert!(town.muted[&caller], "no microphone opens by itself");
                town.keys(caller, "*6");
            }
        }
        assert!(!town.muted[&caller], "by {unmuted_by}");
    }
}

#[test]
fn bigbluebutton_9583_nobody_is_shown_a_telephone_number() {
    let mut town = Town::with(with_lobby());
    let number = "+493012377721";
    town.numbers.insert(LegId(1), Personal::new(number.parse().expect("a number")));
    let caller = town.dials_in(1, "4711");
    let (_, erika) = town.browser(100, Role::Moderator);
    town.tells_room(Command::Act { by: erika, action: Action::AdmitAll });
    assert!(town.inside.contains(&caller));
    for viewer in [Role::Listener, Role::Participant, Role::Moderator] {
        let roster = serde_json::to_string(&town.room.snapshot(viewer)).expect("what a page gets");
        let events = serde_json::to_string(&town.room.events_since(0, viewer)).expect("what a page gets");
        for told in [roster, events] {
            assert!(told.contains("Telefon ···21"), "callers can be told apart: {told}");
            assert!(!told.contains("777") && !told.contains("4930"), "to {viewer:?}: {told}");
        }
    }
}

/// `docs/admin.md`, `docs/citizen.md` and the message of a bad configuration say: 4 to 12 digits.
#[test]
fn bigbluebutton_24094_a_pin_of_every_documented_length_opens_by_telephone_and_no_other_can_be_set() {
    for length in 1..=16 {
        let pin: String = "7193824605178293".chars().take(length).collect();
        let file = format!("[[meetings]]\nroom = \"rat\"\nid = \"123456\"\npin = \"{pin}\"\n");
        let read = File::from_toml(&file);
        let documented = (4..=12).contains(&length);
        assert_eq!(read.is_ok(), documented, "{length} digits");
        if let Err(error) = read {
            assert!(error.to_string().contains("4 to 12 digits"), "{error}");
            continue;
        }
        let mut town = Town::with(Config::default());
        town.pin = pin.clone();
        let caller = town.dials_in(1, &pin);
        assert!(town.inside.contains(&caller), "{length} digits and #");
        let hasty = town.call(2);
        town.keys(hasty, "123456#");
        town.after(1);
        town.keys(hasty, &pin);
        town.after(6);
        assert!(town.inside.contains(&hasty), "{length} digits without #");
    }
}

#[test]
fn jigasi_183_each_telephone_is_its_own_participant_also_behind_one_number() {
    let mut town = Town::with(Config::default());
    for leg in 1..=3 {
        town.numbers.insert(LegId(leg), Personal::new("+493090180".parse().expect("a number")));
        town.dials_in(leg, "4711");
    }
    let roster = town.room.snapshot(Role::Participant).participants;
    assert!(roster.iter().all(|one| one.kind == Kind::Phone) && roster.len() == 3);
    let names: Vec<_> = roster.iter().map(|one| one.name.for_roster().to_owned()).collect();
    assert_eq!(names, ["Telefon ···80", "Telefon ···80 (2)", "Telefon ···80 (3)"]);
    town.keys(LegId(1), "*3");
    assert!(town.has_heard(LegId(1), Prompt::Number(3)));
    town.tells_room(Command::Leave { leg: LegId(2) });
    assert_eq!(town.room.count(), 2, "one of them hangs up, and only that one");
}

#[test]
fn livekit_4316_whose_time_is_up_leaves_alone_and_the_meeting_goes_on() {
    let mut town = Town::with(Config::default());
    let (desk, erika) = town.browser(100, Role::Moderator);
    let callers = [town.dials_in(1, "4711"), town.dials_in(2, "4711")];
    town.tells_room(Command::Gone { leg: desk });
    town.tells_room(Command::Gone { leg: callers[0] });
    town.after(60);
    assert!(!town.room.is_over() && town.room.count() == 1, "the last one who is here keeps the meeting");
    assert!(town.inside.contains(&callers[1]) && !town.hung_up.contains_key(&callers[1]));
    town.tells_room(Command::Returned { participant: erika, leg: LegId(101) });
    let (_, again) = town.browser(102, Role::Moderator);
    town.tells_room(Command::Act { by: again, action: Action::MuteAll { on: true } });
    assert!(town.muted[&callers[1]], "and it can be led on");
}
