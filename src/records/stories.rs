//! What the audit promises: whoever tampers with it is found, and what is deleted in time leaves a sound chain.

use super::*;
use crate::words::ParticipantId;

const KEY: HeadKey = [7; 32];

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("einwahl-audit-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("audit.db")
    }

    fn audit(&self) -> Audit {
        Audit::open(&self.file(), KEY).expect("opens")
    }

    /// Meetings are deleted, one a day.
    fn with_days(name: &str, days: i64) -> Self {
        let place = Self::new(name);
        let audit = place.audit();
        for day in 0..days {
            audit.note(at(day), deleted(&format!("room-{day}")));
        }
        drop(audit);
        place
    }

    fn verify(&self) -> Result<Verdict, Broken> {
        verify(&self.file(), &KEY, None).expect("read")
    }

    fn sql(&self, change: &str) {
        let connection = rusqlite::Connection::open(self.file()).expect("opens");
        connection.execute_batch("DROP TRIGGER IF EXISTS entries_are_never_changed").expect("dropped");
        connection.execute_batch(change).expect("done");
    }

    fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        list(&self.file(), |text| texts.push(text.to_owned())).expect("read");
        texts
    }

    fn bytes(&self) -> Vec<u8> {
        let read = |name: &str| std::fs::read(self.0.join(name)).unwrap_or_default();
        [read("audit.db"), read("audit.db-wal")].concat()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + day * 86_400).expect("a time")
}

fn deleted(room: &str) -> Deed {
    Deed::MeetingDeleted { room: room.parse().expect("a room"), by: String::from("ratsinfo") }
}

fn fault(number: u64, fault: Fault) -> Result<Verdict, Broken> {
    Err(Broken { number, fault })
}

#[test]
fn entries_are_numbered_readable_and_go_on_after_a_restart() {
    let place = Place::with_days("restart", 2);
    let audit = place.audit();
    let (by, whom) = (ParticipantId(1), Some(ParticipantId(4)));
    let room = "rat".parse().expect("a room");
    audit.note(at(2), Deed::Moderated { room, by, act: String::from("remove"), whom, on: None });
    drop(audit);
    assert_eq!(place.verify().map(|verdict| verdict.entries), Ok(3));
    let texts = place.texts();
    assert_eq!(
        texts[2],
        r#"{"number":3,"at":"2026-05-30T20:26:40.000Z","what":"moderated","room":"rat","by":1,"act":"remove","whom":4}"#
    );
    let entry: Entry = serde_json::from_str(&texts[0]).expect("an entry");
    assert_eq!(entry.deed, deleted("room-0"));
}

#[test]
fn an_entry_that_was_changed_is_found() {
    let place = Place::with_days("changed", 5);
    place.sql("UPDATE audit SET entry = replace(entry, 'room-2', 'room-9') WHERE number = 3");
    assert_eq!(place.verify(), fault(3, Fault::Changed));
}

#[test]
fn an_entry_that_was_taken_out_is_found_wherever_it_was() {
    let place = Place::with_days("middle", 5);
    place.sql("DELETE FROM audit WHERE number = 3");
    assert_eq!(place.verify(), fault(3, Fault::Missing));
    let place = Place::with_days("first", 5);
    place.sql("DELETE FROM audit WHERE number <= 2");
    assert_eq!(place.verify(), fault(3, Fault::NoCheckpoint));
    let place = Place::with_days("last", 5);
    place.sql("DELETE FROM audit WHERE number = 5");
    assert_eq!(place.verify(), fault(5, Fault::End));
    let place = Place::with_days("all", 5);
    place.sql("DELETE FROM audit");
    assert_eq!(place.verify(), fault(5, Fault::End));
}

#[test]
fn an_entry_that_was_put_in_is_found() {
    let place = Place::with_days("put-in", 3);
    place.sql(
        "INSERT INTO audit SELECT 4, replace(replace(entry, '\"number\":3', '\"number\":4'), 'room-2', 'room-7'), hash
         FROM audit WHERE number = 3",
    );
    assert_eq!(place.verify(), fault(4, Fault::Changed));
}

/// Somebody who writes all of it anew, hashes and all, has no key for the seal.
#[test]
fn an_audit_that_was_written_anew_is_found_by_its_seal_or_by_a_head_that_was_noted_down() {
    let place = Place::with_days("anew", 3);
    let noted = place.verify().expect("sound").head.expect("entries");
    drop(std::fs::remove_dir_all(&place.0));
    std::fs::create_dir_all(&place.0).expect("a folder");
    let forged = Audit::open(&place.file(), [8; 32]).expect("opens");
    (0..3).for_each(|day| forged.note(at(day), deleted("harmless")));
    drop(forged);
    assert_eq!(place.verify(), fault(3, Fault::Seal));
    let with_its_key = verify(&place.file(), &[8; 32], Some(&noted)).expect("read");
    assert_eq!(with_its_key, fault(3, Fault::NotSeen));
    assert_eq!(noted.to_string().parse(), Ok(noted));
    assert!("3:xyz".parse::<Seen>().is_err());
}

#[test]
fn a_slip_does_not_change_an_entry() {
    let place = Place::with_days("slip", 1);
    let connection = rusqlite::Connection::open(place.file()).expect("opens");
    let refused = connection.execute("UPDATE audit SET entry = '{}'", []).expect_err("refused").to_string();
    assert!(refused.contains("never changed"), "{refused}");
}

#[test]
fn what_is_old_is_deleted_from_the_disk_and_the_chain_stays_sound() {
    let place = Place::with_days("prune", 10);
    let noted = place.verify().expect("sound").head.expect("entries");
    let audit = place.audit();
    audit.prune(at(10), at(4));
    audit.note(at(11), deleted("room-11"));
    drop(audit);
    let verdict = place.verify().expect("sound");
    assert_eq!((verdict.entries, verdict.head.map(|head| head.number)), (8, Some(12)));
    assert!(
        place.texts()[6].contains(r#""number":11"#)
            && place.texts()[6].contains(r#""what":"checkpoint","from":1,"to":4"#)
    );
    assert!(!place.bytes().windows(6).any(|part| part == b"room-3"), "a deleted entry is still in the file");
    assert!(place.bytes().windows(6).any(|part| part == b"room-4"));
    assert_eq!(verify(&place.file(), &KEY, Some(&noted)).expect("read"), Ok(verdict), "what was noted is still there");
    // A second time, so that the first checkpoint goes, too; and then everything.
    for (day, before, left) in [(12, 11, 2), (40, 40, 1)] {
        let audit = place.audit();
        audit.prune(at(day), at(before));
        drop(audit);
        assert_eq!(place.verify().map(|verdict| verdict.entries), Ok(left), "on day {day}");
    }
}

#[test]
fn a_chain_that_is_broken_is_not_deleted_from() {
    let place = Place::with_days("evidence", 5);
    place.sql("UPDATE audit SET entry = replace(entry, 'room-1', 'room-x') WHERE number = 2");
    let audit = place.audit();
    audit.prune(at(9), at(4));
    drop(audit);
    assert_eq!(place.texts().len(), 5);
    assert_eq!(place.verify(), fault(2, Fault::Changed));
}

#[test]
fn a_checkpoint_that_lies_about_what_was_deleted_is_found() {
    let place = Place::with_days("lie", 5);
    let audit = place.audit();
    audit.prune(at(9), at(2));
    drop(audit);
    place.sql("DELETE FROM audit WHERE number = 3");
    assert_eq!(place.verify(), fault(4, Fault::NoCheckpoint));
}

#[test]
fn what_could_not_be_written_is_counted_and_said() {
    let place = Place::with_days("missing", 1);
    let audit = place.audit();
    let other = rusqlite::Connection::open(place.file()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    audit.note(at(1), deleted("lost"));
    // Written or lost: the thread is through with it once it takes the next.
    while audit.missed.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    other.execute_batch("ROLLBACK").expect("released");
    audit.note(at(2), deleted("kept"));
    drop(audit);
    let texts = place.texts();
    assert!(texts[1].contains(r#""what":"missing","entries":1"#) && texts[2].contains("kept"), "{texts:?}");
    assert_eq!(place.verify().map(|verdict| verdict.entries), Ok(3));
}

#[test]
fn a_newer_audit_is_refused_and_one_that_is_not_there_is_named() {
    let place = Place::with_days("newer", 1);
    place.sql("PRAGMA user_version = 9");
    let error = Audit::open(&place.file(), KEY).expect_err("refused").to_string();
    assert!(error.contains("audit.db: a newer einwahl wrote this"), "{error}");
    let error = verify(&place.0.join("none.db"), &KEY, None).expect_err("none").to_string();
    assert!(error.contains("none.db: ") && error.contains("[store] folder"), "{error}");
}
