//! What the store promises, on real files.

use std::path::PathBuf;

use super::*;

/// A folder of its own for each story, gone at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("einwahl-store-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Self(path)
    }

    fn open(&self) -> Result<Opened, CannotOpen> {
        let folder = Folder::open(&self.0)?;
        let (to, events) = mpsc::channel(64);
        let (store, entries) = Store::open(&folder, to)?;
        Ok(Opened { store, entries, events, _folder: folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn bytes(&self) -> Vec<u8> {
        let read = |name: &str| std::fs::read(self.file(name)).unwrap_or_default();
        [read("store.db"), read("store.db-wal")].concat()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[derive(Debug)]
struct Opened {
    store: Store,
    entries: Vec<Entry>,
    events: mpsc::Receiver<Event>,
    _folder: Folder,
}

impl Opened {
    /// Wants, and waits for the answer.
    fn set(&mut self, key: &str, expects: Option<Revision>, value: Option<&str>) -> Result<Revision, Failed> {
        let value = value.map(|value| Value::new(value.as_bytes().to_vec()));
        self.store.want(Wish { ticket: 1, key: key.to_owned(), expects, value })?;
        loop {
            if let Event::Answered { outcome, .. } = self.events.blocking_recv().expect("the thread lives") {
                return outcome;
            }
        }
    }

    fn texts(&self) -> Vec<(&str, &str)> {
        let text =
            |entry: &'_ Entry| std::str::from_utf8(entry.value.as_bytes()).expect("text").to_owned().leak() as &str;
        self.entries.iter().map(|entry| (entry.key.as_str(), text(entry))).collect()
    }
}

#[test]
fn what_was_written_is_there_after_a_restart_and_cannot_be_read_in_the_file() {
    let place = Place::new("restart");
    let mut store = place.open().expect("opens");
    assert_eq!(store.entries, []);
    let first = store.set("meetings/rat", None, Some("PIN 4711")).expect("written");
    store.set("meetings/amt", None, Some("PIN 0815")).expect("written");
    store.set("meetings/rat", Some(first), Some("PIN 2222")).expect("written");
    store.set("meetings/gone", None, Some("PIN 9999")).expect("written");
    store.set("meetings/gone", Some(Revision(4)), None).expect("deleted");
    drop(store);
    let store = place.open().expect("opens again");
    assert_eq!(store.texts(), [("meetings/amt", "PIN 0815"), ("meetings/rat", "PIN 2222")]);
    assert_eq!(store.entries[1].revision, Revision(3));
    for pin in ["4711", "0815", "2222", "9999"] {
        assert!(!place.bytes().windows(4).any(|part| part == pin.as_bytes()), "{pin} is in the file");
    }
}

#[test]
fn of_two_who_change_the_same_only_the_first_does_and_the_watcher_sees_one_change() {
    let mut store = Place::new("cas").open().expect("opens");
    let made = store.set("k", None, Some("a")).expect("made");
    assert_eq!(store.set("k", None, Some("b")), Err(Failed::Conflict), "there is one already");
    let second = store.set("k", Some(made), Some("c")).expect("changed");
    assert_eq!(store.set("k", Some(made), Some("d")), Err(Failed::Conflict));
    assert_eq!(store.set("k", Some(made), None), Err(Failed::Conflict));
    store.set("k", Some(second), None).expect("deleted");
    assert_eq!(store.set("k", Some(second), Some("e")), Err(Failed::Conflict), "it is gone");
}

#[test]
fn many_writers_at_once_lose_no_update() {
    let place = Place::new("race");
    let mut opened = place.open().expect("opens");
    let mut revision = opened.set("count", None, Some("0")).expect("made");
    // Ten writers who all read the same revision: one wins each round, whatever the order.
    for round in 1..=5_u64 {
        std::thread::scope(|threads| {
            for writer in 0..10 {
                let store = &opened.store;
                threads.spawn(move || {
                    let value = Some(Value::new(format!("{round}").into_bytes()));
                    let wish = Wish { ticket: writer, key: String::from("count"), expects: Some(revision), value };
                    store.want(wish).expect("queued");
                });
            }
        });
        let mut won = 0;
        for _ in 0..10 {
            match opened.events.blocking_recv().expect("an event") {
                Event::Put(entry) => {
                    won += 1;
                    revision = entry.revision;
                    assert!(matches!(opened.events.blocking_recv(), Some(Event::Answered { outcome: Ok(_), .. })));
                }
                Event::Answered { outcome, .. } => assert_eq!(outcome, Err(Failed::Conflict)),
                Event::Deleted { .. } => panic!("nothing was deleted"),
            }
        }
        assert_eq!(won, 1, "in round {round}");
    }
}

#[test]
fn a_folder_that_is_in_use_is_refused_and_free_afterwards() {
    let place = Place::new("lock");
    let first = place.open().expect("opens");
    let error = place.open().expect_err("refused").to_string();
    assert!(error.contains("another einwahl uses this folder"), "{error}");
    drop(first);
    place.open().expect("free");
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
    let place = Place::new("folder");
    std::fs::write(&place.0, "a file").expect("written");
    let error = Folder::open(&place.file("einwahl")).expect_err("refused").to_string();
    assert!(error.contains("einwahl: ") && error.contains("[store] folder"), "{error}");
    std::fs::remove_file(&place.0).expect("removed");
}

#[test]
fn a_newer_database_is_refused_with_a_sentence_and_not_touched() {
    let place = Place::new("newer");
    drop(place.open().expect("opens"));
    let other = rusqlite::Connection::open(place.file("store.db")).expect("opens");
    other.pragma_update(None, "user_version", 99).expect("written");
    drop(other);
    let error = place.open().expect_err("refused").to_string();
    assert!(error.contains("a newer einwahl wrote this (form 99"), "{error}");
    let other = rusqlite::Connection::open(place.file("store.db")).expect("opens");
    assert_eq!(other.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)), Ok(99));
}

#[test]
fn a_key_that_is_lost_wrong_or_open_to_others_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new("key");
    drop(place.open().expect("opens"));
    let key = place.file("store.key");
    let kept = std::fs::read(&key).expect("a key");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("set");
    assert_eq!(std::fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    mode(0o640);
    let error = place.open().expect_err("refused").to_string();
    assert!(error.contains("others can read this key (mode 640)"), "{error}");
    std::fs::remove_file(&key).expect("removed");
    let error = place.open().expect_err("refused").to_string();
    assert!(error.contains("store.key") && error.contains("put it back from the backup"), "{error}");
    std::fs::write(&key, "0".repeat(64)).expect("written");
    mode(0o600);
    assert!(matches!(place.open(), Err(CannotOpen::WrongKey { .. })));
    std::fs::write(&key, kept).expect("written");
    place.open().expect("the right key opens");
}

#[test]
fn an_entry_that_somebody_moved_is_left_out_and_the_others_are_there() {
    let place = Place::new("moved");
    let mut store = place.open().expect("opens");
    store.set("meetings/rat", None, Some("rat")).expect("written");
    store.set("meetings/amt", None, Some("amt")).expect("written");
    drop(store);
    let other = rusqlite::Connection::open(place.file("store.db")).expect("opens");
    let swap =
        "UPDATE entries SET value = (SELECT value FROM entries WHERE key = 'meetings/amt') WHERE key = 'meetings/rat'";
    other.execute(swap, []).expect("written");
    drop(other);
    assert_eq!(place.open().expect("opens").texts(), [("meetings/amt", "amt")]);
}

#[test]
fn a_damaged_database_is_told_with_its_file() {
    let place = Place::new("damaged");
    drop(place.open().expect("opens"));
    std::fs::write(place.file("store.db"), "this was a database".repeat(500)).expect("written");
    let error = place.open().expect_err("refused").to_string();
    assert!(error.contains("store.db: ") && error.contains("put a backup in its place"), "{error}");
}

#[test]
fn while_somebody_else_holds_the_database_a_wish_is_refused_and_later_ones_are_fulfilled() {
    let place = Place::new("held");
    let mut store = place.open().expect("opens");
    let other = rusqlite::Connection::open(place.file("store.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("held");
    let error = store.set("k", None, Some("a")).expect_err("refused").to_string();
    assert!(error.contains("cannot be written") && error.contains("locked"), "{error}");
    other.execute_batch("ROLLBACK").expect("released");
    store.set("k", None, Some("a")).expect("written");
}

#[test]
fn a_database_that_may_only_be_read_gives_what_is_in_it_and_refuses_wishes() {
    let place = Place::new("read-only");
    let mut store = place.open().expect("opens");
    store.set("k", None, Some("a")).expect("written");
    drop(store);
    // The log can neither be found nor made: what a disk does that is mounted to be read.
    std::fs::create_dir(place.file("store.db-wal")).expect("made");
    std::fs::create_dir(place.file("store.db-shm")).expect("made");
    let mut store = place.open().expect("opens");
    assert_eq!(store.texts(), [("k", "a")]);
    assert!(matches!(store.set("l", None, Some("b")), Err(Failed::Out(_))));
}

#[test]
fn a_store_in_memory_takes_wishes_and_one_that_is_out_says_why() {
    let (to, mut events) = mpsc::channel(8);
    let store = Store::in_memory(to).expect("opens");
    let wish = Wish { ticket: 9, key: String::from("k"), expects: None, value: Some(Value::new(vec![1])) };
    store.want(wish.clone()).expect("queued");
    assert!(matches!(events.blocking_recv(), Some(Event::Put(_))));
    assert_eq!(events.blocking_recv(), Some(Event::Answered { ticket: 9, outcome: Ok(Revision(1)) }));
    let why = CannotOpen::Damaged { file: "store.db".into(), why: String::from("broken") };
    assert!(matches!(Store::out(&why).want(wish), Err(Failed::Out(why)) if why.contains("broken")));
    assert_eq!(format!("{:?}", Value::new(vec![7, 7])), "a value of 2 bytes");
}
