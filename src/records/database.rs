//! The audit's SQLite file. In: deeds. Out: entries. One writer; readers may look at any time (WAL).

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::chain::{Broken, Hash, Seen, Verdict, Walk};
use super::deed::{Deed, Entry, written};
use super::form::Form;
use super::{CannotOpen, HeadKey};

/// The form of the database. A trigger keeps slips from changing an entry; who means to is found by the chain.
const FORM: u32 = 1;
const MAKE: &str = "
    CREATE TABLE audit (number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
    CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, hash BLOB NOT NULL,
        seal BLOB NOT NULL) STRICT;
    CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'an entry of the audit is never changed'); END;
";

/// Which entries somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those after this number, the oldest first.
    pub after: Option<u64>,
    /// Without that: those before this number, the newest first; `None`: from the last.
    pub before: Option<u64>,
    /// Only what happened so.
    pub what: Option<String>,
    /// Only what somebody did, or what was done to their account.
    pub by: Option<String>,
    /// At most so many.
    pub most: usize,
}

/// Tells our files from other SQLite files: "EWau".
const APPLICATION: u32 = 0x4557_6175;

#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    key: HeadKey,
}

impl Database {
    pub(super) fn open(file: &Path, key: HeadKey) -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen { file: file.to_owned(), why };
        let connection = Connection::open(file).map_err(|why| fails(why.to_string()))?;
        Self::prepare(connection, key).map_err(fails)
    }

    pub(super) fn in_memory() -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen { file: PathBuf::from("the audit in memory"), why };
        let connection = Connection::open_in_memory().map_err(|why| fails(why.to_string()))?;
        Self::prepare(connection, [0; 32]).map_err(fails)
    }

    fn prepare(mut connection: Connection, key: HeadKey) -> Result<Self, String> {
        let form = Form { number: FORM, application: APPLICATION, make: MAKE, synchronous: "FULL" };
        form.prepare(&mut connection)?;
        Ok(Self { connection, key })
    }

    /// Only to read, beside the gateway that writes.
    pub(super) fn look(file: &Path) -> Result<Self, CannotOpen> {
        let fails = |why: String| CannotOpen { file: file.to_owned(), why };
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|why| fails(format!("{why}: is this the folder of [store] folder, and may you read it?")))?;
        connection.execute_batch("PRAGMA busy_timeout = 2000").map_err(|why| fails(why.to_string()))?;
        Ok(Self { connection, key: [0; 32] })
    }

    /// Appends, and seals the new head, in one transaction.
    pub(super) fn append(&mut self, at: Timestamp, deed: &Deed) -> Result<(), String> {
        let change = begin(&mut self.connection)?;
        append(&change, &self.key, at, deed)?;
        change.commit().map_err(|why| why.to_string())
    }

    /// Deletes the entries before a time. A chain that is broken is kept as it is, for whoever looks into it.
    pub(super) fn prune(&mut self, now: Timestamp, before: Timestamp) -> Result<(), String> {
        let told = |why: rusqlite::Error| why.to_string();
        let Some((from, to)) = self.older_than(before).map_err(told)? else { return Ok(()) };
        if let Err(broken) = self.verify(&self.key, None)? {
            tracing::error!(%broken, "the audit is not sound: nothing of it is deleted");
            return Ok(());
        }
        let change = begin(&mut self.connection)?;
        let hash: Vec<u8> =
            change.query_row("SELECT hash FROM audit WHERE number = ?1", [to], |row| row.get(0)).map_err(told)?;
        let hash = Hash::read(&hash).ok_or("a hash has another length")?;
        append(&change, &self.key, now, &Deed::Checkpoint { from, to, hash })?;
        change.execute("DELETE FROM audit WHERE number <= ?1", [to]).map_err(told)?;
        change.commit().map_err(told)?;
        // What is deleted is overwritten (secure_delete), and must not go on living in the log.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(told)?;
        if let Err(broken) = self.verify(&self.key, None)? {
            tracing::error!(%broken, "the audit is not sound after a deletion");
        }
        tracing::info!(from, to, "entries of the audit whose time was over are deleted");
        Ok(())
    }

    /// The first and the last entry of those whose time is over.
    fn older_than(&self, before: Timestamp) -> rusqlite::Result<Option<(u64, u64)>> {
        let first: Option<u64> = self.connection.query_row("SELECT min(number) FROM audit", [], |row| row.get(0))?;
        let kept = "SELECT min(number) FROM audit WHERE json_extract(entry, '$.at') >= ?1";
        let kept: Option<u64> = self.connection.query_row(kept, [written(before)], |row| row.get(0))?;
        let last: Option<u64> = match kept {
            Some(kept) => kept.checked_sub(1),
            None => self.connection.query_row("SELECT max(number) FROM audit", [], |row| row.get(0))?,
        };
        Ok(first.zip(last).filter(|(first, last)| first <= last))
    }

    /// Follows the whole chain.
    pub(super) fn verify(&self, key: &HeadKey, seen: Option<&Seen>) -> Result<Result<Verdict, Broken>, String> {
        let told = |why: rusqlite::Error| why.to_string();
        // One view of the file, though the gateway goes on writing.
        let view = self.connection.unchecked_transaction().map_err(told)?;
        let mut walk = Walk::new(self.last_checkpoint().map_err(told)?, seen);
        let mut broken = None;
        self.each(|number, text, hash| {
            if broken.is_none() {
                broken = walk.step(number, text, hash).err();
            }
        })?;
        let head = self.head().map_err(told)?;
        drop(view);
        Ok(match broken {
            Some(broken) => Err(broken),
            None => walk.end(head, key),
        })
    }

    fn last_checkpoint(&self) -> rusqlite::Result<Option<(u64, Hash)>> {
        let find = "SELECT entry FROM audit WHERE entry LIKE '%\"what\":\"checkpoint\"%' ORDER BY number DESC LIMIT 1";
        let text: Option<String> = self.connection.query_row(find, [], |row| row.get(0)).optional()?;
        let entry: Option<Entry> = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(entry.and_then(|entry| {
            let Deed::Checkpoint { to, hash, .. } = entry.deed else { return None };
            Some((to, hash))
        }))
    }

    fn head(&self) -> rusqlite::Result<Option<(Seen, Vec<u8>)>> {
        self.connection
            .query_row("SELECT number, hash, seal FROM head", [], |row| {
                let hash: Vec<u8> = row.get(1)?;
                let hash = Hash::read(&hash).unwrap_or(Hash::NONE);
                Ok((Seen { number: row.get(0)?, hash }, row.get(2)?))
            })
            .optional()
    }

    pub(super) fn page(&self, wanted: &Wanted) -> Result<Vec<String>, String> {
        let told = |why: rusqlite::Error| why.to_string();
        let order = if wanted.after.is_some() { "ASC" } else { "DESC" };
        let find = format!(
            "SELECT entry FROM audit WHERE (?1 IS NULL OR number > ?1) AND (?2 IS NULL OR number < ?2)
             AND (?3 IS NULL OR json_extract(entry, '$.what') = ?3)
             AND (?4 IS NULL OR json_extract(entry, '$.by') = ?4 OR json_extract(entry, '$.account') = ?4)
             ORDER BY number {order} LIMIT ?5"
        );
        let mut find = self.connection.prepare(&find).map_err(told)?;
        let wish = params![wanted.after, wanted.before, wanted.what, wanted.by, wanted.most];
        let found = find.query_map(wish, |row| row.get(0)).map_err(told)?;
        found.collect::<Result<_, _>>().map_err(told)
    }

    /// Every entry: number, text and hash, from the first.
    pub(super) fn each(&self, mut each: impl FnMut(u64, &str, &[u8])) -> Result<(), String> {
        let told = |why: rusqlite::Error| why.to_string();
        let mut rows =
            self.connection.prepare("SELECT number, entry, hash FROM audit ORDER BY number").map_err(told)?;
        let mut rows = rows.query([]).map_err(told)?;
        while let Some(row) = rows.next().map_err(told)? {
            let (text, hash): (String, Vec<u8>) = (row.get(1).map_err(told)?, row.get(2).map_err(told)?);
            each(row.get(0).map_err(told)?, &text, &hash);
        }
        Ok(())
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, String> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|why| why.to_string())
}

fn append(change: &Transaction<'_>, key: &HeadKey, at: Timestamp, deed: &Deed) -> Result<(), String> {
    let told = |why: rusqlite::Error| why.to_string();
    let last: Option<(u64, Vec<u8>)> = change
        .query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(told)?;
    let (last, before) = match last {
        Some((number, hash)) => (number, Hash::read(&hash).ok_or("a hash has another length")?),
        None => (0, Hash::NONE),
    };
    let entry = Entry::new(last + 1, at, deed.clone());
    let text = serde_json::to_string(&entry).map_err(|why| why.to_string())?;
    let head = Seen { number: entry.number, hash: before.then(&text) };
    let hash = head.hash.as_bytes();
    change.execute("INSERT INTO audit VALUES (?1, ?2, ?3)", params![head.number, text, hash]).map_err(told)?;
    let keep = "INSERT INTO head VALUES (1, ?1, ?2, ?3)
        ON CONFLICT (one) DO UPDATE SET number = excluded.number, hash = excluded.hash, seal = excluded.seal";
    change.execute(keep, params![head.number, hash, head.seal(key)]).map_err(told)?;
    Ok(())
}
