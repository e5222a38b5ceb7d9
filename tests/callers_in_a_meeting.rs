//! Callers with their menus and a browser in one room, wired as the gateway wires them, on a virtual clock.
//! What is told here spans two rooms of the house; what concerns one alone is told beside it.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that goes wrong may stop")]

mod town;

use einwahl::ivr::{HangUp, Obstacle, Prompt};
use einwahl::room::{Action, Command, Config, Opening, Role};

use town::Town;

#[test]
fn a_citizen_dials_in_waits_in_the_lobby_with_music_and_is_admitted_from_a_browser() {
    let mut town = Town::with(Config { lobby: true, ..Config::default() });
    let (_, erika) = town.browser(100, Role::Moderator);
    let citizen = town.dials_in(1, "4711");
    town.after(5);
    assert_eq!(town.last_heard(citizen), Some(Prompt::HoldMusic));
    assert!(!town.inside.contains(&citizen), "not one sample of the room before admission");
    let waiting = town.room.owner(citizen).expect("in the lobby");
    town.tells_room(Command::Act { by: erika, action: Action::Admit { participant: waiting } });
    assert!(town.inside.contains(&citizen));
    assert!(town.has_heard(citizen, Prompt::Number(2)));
    town.after(200);
    assert_ne!(town.last_heard(citizen), Some(Prompt::HoldMusic), "and no music in the meeting");
}

#[test]
fn callers_wait_until_the_moderator_dials_in_by_telephone_too() {
    let mut town = Town::with(Config { opening: Opening::WithModerator, ..Config::default() });
    let citizen = town.dials_in(1, "4711");
    town.after(70);
    assert!(town.has_heard(citizen, Prompt::NotOpenYet) && town.has_heard(citizen, Prompt::StillWaiting));
    assert!(town.inside.is_empty());
    let mayor = town.dials_in(2, "0815");
    assert_eq!(town.inside, [citizen, mayor].into());
}

#[test]
fn a_caller_muted_by_a_moderator_hears_so_asks_for_the_floor_by_key_and_gets_it() {
    let mut town = Town::with(Config::default());
    let (_, erika) = town.browser(100, Role::Moderator);
    let caller = town.dials_in(1, "4711");
    let participant = town.room.owner(caller).expect("in the roster");
    town.tells_room(Command::Act { by: erika, action: Action::Mute { participant, on: true } });
    assert_eq!(town.last_heard(caller), Some(Prompt::MutedByModerator));
    town.keys(caller, "*6");
    assert_eq!((town.last_heard(caller), town.muted[&caller]), (Some(Prompt::MayNotSpeak), true));
    town.keys(caller, "*9");
    town.tells_room(Command::Act { by: erika, action: Action::GiveFloor { participant } });
    assert_eq!((town.last_heard(caller), town.muted[&caller]), (Some(Prompt::YouMaySpeak), false));
}

#[test]
fn the_end_for_all_is_heard_by_every_caller_before_the_call_ends() {
    let mut town = Town::with(Config { lobby: true, ..Config::default() });
    let (_, erika) = town.browser(100, Role::Moderator);
    let callers = [town.dials_in(1, "4711"), town.dials_in(2, "0815")];
    town.tells_room(Command::Act { by: erika, action: Action::End });
    for caller in callers {
        assert!(town.has_heard(caller, Prompt::Ended) && !town.hung_up.contains_key(&caller));
    }
    town.after(1);
    for caller in callers {
        assert_eq!(town.hung_up.get(&caller), Some(&HangUp::Ended));
    }
    assert!(town.inside.is_empty());
}

#[test]
fn a_late_caller_hears_that_the_meeting_is_locked() {
    let mut town = Town::with(Config::default());
    let (_, erika) = town.browser(100, Role::Moderator);
    town.tells_room(Command::Act { by: erika, action: Action::Lock { on: true } });
    let late = town.dials_in(1, "4711");
    town.after(1);
    assert!(town.has_heard(late, Prompt::Locked));
    assert_eq!(town.hung_up.get(&late), Some(&HangUp::NotNow(Obstacle::Locked)));
}

#[test]
fn dial_in_works_although_nobody_has_joined_by_browser() {
    let mut town = Town::with(Config::default());
    let first = town.dials_in(1, "4711");
    assert!(town.has_heard(first, Prompt::Alone));
    let second = town.dials_in(2, "4711");
    assert_eq!(town.inside, [first, second].into());
}
