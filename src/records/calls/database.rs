//! The SQLite file of the call records. In: calls that are over. Out: rows. One thread has it; WAL, so that a backup never waits.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::record::{Crossed, Erased, Filter, Finished, Page, Past, Quality, Record, Status, Whole, Whose};
use super::{BACK, End};
use crate::call::ladder::Ladder;
use crate::dialplan::{Facts, Step};
use crate::records::CannotOpen;
use crate::records::deed::written;
use crate::records::form::Form;
use crate::store::{Revision, Seal, Value};
use crate::words::{Both, Language, Personal, PhoneNumber, Purpose};

/// The form of the database.
const FORM: u32 = 1;
const MAKE: &str = "
    CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, began TEXT NOT NULL, answered TEXT, ended TEXT NOT NULL,
        trunk TEXT, called TEXT NOT NULL, personal BLOB NOT NULL, secure INTEGER NOT NULL, rule TEXT, decision TEXT NOT NULL,
        version INTEGER NOT NULL, status INTEGER NOT NULL, cause INTEGER NOT NULL, why TEXT NOT NULL, quality TEXT,
        trace TEXT NOT NULL, ladder TEXT NOT NULL) STRICT;
    CREATE INDEX calls_by_time ON calls (began);
";

/// Tells our files from other SQLite files: "EWca".
const APPLICATION: u32 = 0x4557_6361;

/// Rules that a record shows: more are met by no call that a person could follow.
const MOST_STEPS: usize = 64;

/// What a list needs, in this order.
const COLUMNS: &str =
    "id, began, answered, ended, trunk, called, personal, secure, rule, decision, version, status, cause, why, quality";

pub(super) struct Database {
    connection: Connection,
    seal: Seal,
    next: u64,
}

/// What belongs to a person, sealed.
#[derive(Serialize, Deserialize)]
struct OfPerson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    crossed: Vec<Crossed>,
    /// What else a plan asks for. Records from before it was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<AlsoAsked>,
    /// What the columns `why` and `decision` say in English alone. Records from before it was kept have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<AlsoTold>,
}

/// What is told of a call in other languages than English, which the columns hold.
#[derive(Serialize, Deserialize)]
struct AlsoTold {
    /// An [`End`]: what a newer version wrote, and is none here, is no mistake.
    end: serde_json::Value,
    /// What was decided, in German. The plan that said it may be gone.
    decided: String,
}

/// What a plan asks for beside what the columns hold.
#[derive(Serialize, Deserialize)]
struct AlsoAsked {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asserted: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    diverted: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl OfPerson {
    /// Whether this number stands in it: of who called, of whom the trunk vouched for, or of who diverted the call.
    fn names(&self, number: &str) -> bool {
        let also = self.asked.iter().flat_map(|asked| [&asked.asserted, &asked.diverted]);
        std::iter::once(&self.caller).chain(also).any(|known| known.as_deref() == Some(number))
    }
}

impl Database {
    pub(super) fn open(file: &Path, seal: Seal) -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen { file: file.to_owned(), why };
        let connection = Connection::open(file).map_err(|why| fails(why.to_string()))?;
        Self::prepare(connection, seal).map_err(fails)
    }

    pub(super) fn in_memory(seal: Seal) -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen { file: PathBuf::from("the call records in memory"), why };
        let connection = Connection::open_in_memory().map_err(|why| fails(why.to_string()))?;
        Self::prepare(connection, seal).map_err(fails)
    }

    fn prepare(mut connection: Connection, seal: Seal) -> Result<Self, String> {
        let form: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(told)?;
        let kind: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(told)?;
        if form > 0 && kind != APPLICATION {
            return Err(String::from("this database is not einwahl's call records"));
        }
        // What a loss of power may take are the last calls: a record is no proof.
        let ours = Form { number: FORM, application: APPLICATION, make: MAKE, synchronous: "NORMAL" };
        ours.prepare(&mut connection)?;
        let last: Option<u64> = connection
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'calls'", [], |row| row.get(0))
            .optional()
            .map_err(told)?;
        Ok(Self { connection, seal, next: last.unwrap_or_default() + 1 })
    }

    pub(super) fn keep(&mut self, finished: Finished) -> Result<(), String> {
        let Finished { began, answered, ended, facts, rule, decision, version, end, quality, ladder, crossed, trace } =
            finished;
        let id = self.next;
        let [caller, asserted, diverted] = [&facts.caller, &facts.asserted, &facts.diverted]
            .map(|number| number.as_ref().map(|number| number.reveal(Purpose::Record).as_str().to_owned()));
        let asked = Some(AlsoAsked { asserted, diverted, language: facts.language.map(|tag| tag.to_string()) });
        let ((status, cause), why) = (end.status(), end.told());
        let kept = serde_json::to_value(&end).map_err(|error| error.to_string())?;
        let also = AlsoTold { end: kept, decided: decision.said(Language::De).to_owned() };
        let personal = Value::new(text(&OfPerson { caller, crossed, asked, told: Some(also) })?.into_bytes());
        let personal = self.seal.close(&place(id), Revision(id), &personal).ok_or("the system gives no randomness")?;
        let mut steps = trace().steps;
        // The last one decided.
        let first = steps.len().saturating_sub(MOST_STEPS);
        let put =
            "INSERT INTO calls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
        let values = params![
            id,
            written(began),
            answered.map(written),
            written(ended),
            facts.trunk.as_ref().map(|trunk| trunk.as_str()),
            facts.called,
            personal,
            facts.secure,
            rule,
            decision.said(Language::En),
            version,
            status,
            cause,
            why.said(Language::En),
            quality.as_ref().map(text).transpose()?,
            text(&steps.split_off(first))?,
            text(&ladder)?,
        ];
        self.connection.execute(put, values).map_err(told)?;
        self.next += 1;
        Ok(())
    }

    /// Deletes what began before a time, looks whether it is gone, and says how many there were.
    pub(super) fn prune(&mut self, before: Timestamp) -> Result<u64, String> {
        let before = written(before);
        let deleted = self.connection.execute("DELETE FROM calls WHERE began < ?1", [&before]).map_err(told)?;
        if deleted == 0 {
            return Ok(0);
        }
        self.truncate_log()?;
        let count = "SELECT count(*) FROM calls WHERE began < ?1";
        let left: u64 = self.connection.query_row(count, [&before], |row| row.get(0)).map_err(told)?;
        if left > 0 {
            return Err(format!("{left} records are still there after they were deleted"));
        }
        tracing::info!(deleted, "call records whose time was over are deleted");
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }

    /// What is deleted is overwritten (secure_delete), and must not go on living in the log.
    fn truncate_log(&self) -> Result<(), String> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(told)
    }

    /// Deletes somebody's records, looks whether they are gone, and says who else was told of them.
    pub(super) fn erase(&mut self, whose: &Whose) -> Result<Erased, String> {
        let (ids, crossed) = self.of(whose)?;
        let delete = self.connection.transaction().map_err(told)?;
        for id in &ids {
            delete.execute("DELETE FROM calls WHERE id = ?1", [id]).map_err(told)?;
        }
        delete.commit().map_err(told)?;
        self.truncate_log()?;
        let (left, _) = self.of(whose)?;
        if !left.is_empty() {
            return Err(format!("{} records are still there after they were erased", left.len()));
        }
        Ok(Erased { records: u64::try_from(ids.len()).unwrap_or(u64::MAX), crossed })
    }

    /// The records of somebody. Numbers are sealed: each record is opened.
    fn of(&self, whose: &Whose) -> Result<(Vec<u64>, Vec<Crossed>), String> {
        let mut asked = self.connection.prepare_cached("SELECT id, personal FROM calls").map_err(told)?;
        let mut rows = asked.query([]).map_err(told)?;
        let (mut ids, mut crossed) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(told)? {
            let (id, sealed): (u64, Vec<u8>) = (get(row, 0)?, get(row, 1)?);
            let is_meant = match whose {
                Whose::Record(wanted) => id == *wanted,
                Whose::Number(_) => true,
            };
            if !is_meant {
                continue;
            }
            let person = self.person(id, &sealed)?;
            let is_theirs = match whose {
                Whose::Record(_) => true,
                Whose::Number(number) => person.names(number.reveal(Purpose::Record).as_str()),
            };
            if is_theirs {
                ids.push(id);
                crossed.extend(person.crossed);
            }
        }
        Ok((ids, crossed))
    }

    /// What was sealed of a record.
    fn person(&self, id: u64, sealed: &[u8]) -> Result<OfPerson, String> {
        let personal = self.seal.open(&place(id), Revision(id), sealed);
        let personal: Option<OfPerson> = personal.and_then(|value| serde_json::from_slice(value.as_bytes()).ok());
        personal.ok_or_else(|| format!("record {id} was changed by somebody else, or the key is another"))
    }

    pub(super) fn page(&self, filter: &Filter) -> Result<Page, String> {
        let find = format!(
            "SELECT {COLUMNS} FROM calls WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR began >= ?2) AND (?3 IS NULL OR began < ?3)
                AND (?4 IS NULL OR trunk = ?4) AND (?5 IS NULL OR rule = ?5) AND (?6 IS NULL OR status = ?6)
                AND (?7 IS NULL OR called = ?7) ORDER BY id DESC LIMIT ?8"
        );
        let most = filter.most.saturating_add(1);
        let mut asked = self.connection.prepare_cached(&find).map_err(told)?;
        let values = params![
            filter.after,
            filter.from.map(written),
            filter.to.map(written),
            filter.trunk.as_ref().map(|trunk| trunk.as_str()),
            filter.rule,
            filter.status,
            filter.called,
            u64::try_from(most).unwrap_or(u64::MAX),
        ];
        let mut rows = asked.query(values).map_err(told)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next().map_err(told)? {
            records.push(self.record(row)?);
        }
        let has_more = records.len() > filter.most;
        records.truncate(filter.most);
        let next = records.last().map(|last| last.id).filter(|_| has_more);
        Ok(Page { records, next })
    }

    pub(super) fn whole(&self, id: u64) -> Result<Option<Whole>, String> {
        let find = format!("SELECT {COLUMNS}, trace, ladder FROM calls WHERE id = ?1");
        let mut asked = self.connection.prepare_cached(&find).map_err(told)?;
        let mut rows = asked.query([id]).map_err(told)?;
        let Some(row) = rows.next().map_err(told)? else { return Ok(None) };
        let (trace, ladder): (String, String) = (get(row, 15)?, get(row, 16)?);
        let trace: Vec<Step> = serde_json::from_str(&trace).map_err(|error| error.to_string())?;
        let ladder: Ladder = serde_json::from_str(&ladder).map_err(|error| error.to_string())?;
        Ok(Some(Whole { record: self.record(row)?, trace, ladder }))
    }

    pub(super) fn past(&self, since: Timestamp, before: Option<u64>, most: usize) -> Result<Vec<Past>, String> {
        let find = format!(
            "SELECT {COLUMNS} FROM calls WHERE began >= ?1 AND (?2 IS NULL OR id < ?2) AND called NOT LIKE '{BACK}%'
                ORDER BY id DESC LIMIT ?3"
        );
        let mut asked = self.connection.prepare_cached(&find).map_err(told)?;
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let mut rows = asked.query(params![written(since), before, most]).map_err(told)?;
        let mut calls = Vec::new();
        while let Some(row) = rows.next().map_err(told)? {
            let person = self.person(get(row, 0)?, &get::<Vec<u8>>(row, 6)?)?;
            let Record { id, began, trunk, called, caller, secure, .. } = self.record(row)?;
            let facts = Facts { called, caller, trunk, secure, ..Facts::default() };
            let call = match person.asked {
                None => Past { id, began, facts, is_older: true },
                Some(AlsoAsked { asserted, diverted, language }) => {
                    let [asserted, diverted] =
                        [asserted, diverted].map(|number| number.and_then(|number| number.parse().ok()));
                    let facts = Facts {
                        asserted: asserted.map(Personal::new),
                        diverted: diverted.map(Personal::new),
                        language: language.and_then(|tag| tag.parse().ok()),
                        ..facts
                    };
                    Past { id, began, facts, is_older: false }
                }
            };
            calls.push(call);
        }
        Ok(calls)
    }

    fn record(&self, row: &Row<'_>) -> Result<Record, String> {
        let id: u64 = get(row, 0)?;
        let sealed: Vec<u8> = get(row, 6)?;
        let OfPerson { caller, told, .. } = self.person(id, &sealed)?;
        let caller = caller.and_then(|number| number.parse::<PhoneNumber>().ok());
        let (end, decided) = told.map_or((None, None), |told| (Some(told.end), Some(told.decided)));
        let (english, why): (String, String) = (get(row, 9)?, get(row, 13)?);
        let end = end.and_then(|end| serde_json::from_value::<End>(end).ok());
        let why = end.map_or_else(|| Both::new(why.as_str(), why.as_str()), |end| end.told());
        let trunk: Option<String> = get(row, 4)?;
        let quality: Option<String> = get(row, 14)?;
        Ok(Record {
            id,
            began: time(&get::<String>(row, 1)?)?,
            answered: get::<Option<String>>(row, 2)?.map(|at| time(&at)).transpose()?,
            ended: time(&get::<String>(row, 3)?)?,
            trunk: trunk.and_then(|trunk| trunk.parse().ok()),
            called: get(row, 5)?,
            caller: caller.map(Personal::new),
            secure: get(row, 7)?,
            rule: get(row, 8)?,
            decision: Both::new(decided.unwrap_or_else(|| english.clone()), english),
            version: get(row, 10)?,
            status: Status { status: get(row, 11)?, cause: get(row, 12)?, why },
            quality: quality.and_then(|quality| serde_json::from_str::<Quality>(&quality).ok()),
        })
    }
}

fn place(id: u64) -> String {
    format!("calls/{id}")
}

fn text(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

fn time(written: &str) -> Result<Timestamp, String> {
    written.parse().map_err(|error: jiff::Error| error.to_string())
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: usize) -> Result<T, String> {
    row.get(column).map_err(told)
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn told(why: rusqlite::Error) -> String {
    why.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Refusal;
    use crate::dialplan::Trace;
    use crate::store::Key;

    #[test]
    fn a_record_from_before_all_was_kept_is_read_and_told_apart() {
        let seal = Seal::new(&Key::generate(), super::super::CALLER_PURPOSE);
        let mut database = Database::in_memory(seal).expect("records");
        let caller = Personal::new("+493012345642".parse().expect("a number"));
        let began = Timestamp::UNIX_EPOCH;
        let call = |called: &str| Finished {
            began,
            answered: None,
            ended: began,
            facts: Facts { called: called.to_owned(), caller: Some(caller.clone()), ..Facts::default() },
            rule: None,
            decision: Both::new("an den Rat", "to the council"),
            version: 1,
            end: End::Refused(Refusal::TrunkFull { trunk: "rathaus".parse().expect("a trunk") }),
            quality: None,
            ladder: Ladder::default(),
            crossed: Vec::new(),
            trace: Box::new(Trace::default),
        };
        database.keep(call("100")).expect("kept");
        database.keep(call("200")).expect("kept");
        let older = Value::new(br#"{"caller":"+493012345642"}"#.to_vec());
        let older = database.seal.close(&place(1), Revision(1), &older).expect("sealed");
        database.connection.execute("UPDATE calls SET personal = ?1 WHERE id = 1", [older]).expect("written");
        let newer = Value::new(br#"{"told":{"end":{"aWordOfTomorrow":1},"decided":"morgen"}}"#.to_vec());
        let newer = database.seal.close(&place(3), Revision(3), &newer).expect("sealed");
        database.keep(call("300")).expect("kept");
        database.connection.execute("UPDATE calls SET personal = ?1 WHERE id = 3", [newer]).expect("written");
        let records = database.page(&Filter { most: 9, ..Filter::default() }).expect("read").records;
        let told = |record: &Record| {
            let (decision, why) = (record.decision.said(Language::De), record.status.why.said(Language::De));
            (decision.to_owned(), why.to_owned())
        };
        let [newer, now, older] = records.as_slice() else { panic!("three records") };
        assert_eq!((now.status.status, now.decision.said(Language::En)), (503, "to the council"));
        let full = "der Anschluss rathaus hat so viele Anrufe, wie er darf";
        assert!(told(now).0 == "an den Rat" && told(now).1.starts_with(full), "{now:?}");
        let in_english = "trunk rathaus has as many calls as it may";
        assert!(told(older).0 == "to the council" && told(older).1.starts_with(in_english), "{older:?}");
        assert!(told(newer).0 == "morgen" && told(newer).1.starts_with(in_english), "{newer:?}");
        database.connection.execute("DELETE FROM calls WHERE id = 3", []).expect("gone");

        let past = database.past(began, None, 9).expect("read");
        assert_eq!(past.iter().map(|call| (call.id, call.is_older)).collect::<Vec<_>>(), [(2, false), (1, true)]);
        assert_eq!(past[1].facts, call("100").facts, "what was kept of it is there");
        let erased = database.erase(&Whose::Number(caller)).expect("erased");
        assert_eq!(erased.records, 2, "it is erased like others");
    }
}
