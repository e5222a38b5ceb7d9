//! The store's SQLite file. In: reads and compare-and-sets. Out: rows. WAL, so that a reader never waits for the writer;
//! `synchronous = FULL`, so that what was answered is still there after a loss of power.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior, params};

use super::seal::Seal;
use super::{CannotOpen, Entry, Failed, Revision, Value, Wish};

/// The forms of the database, from the first: each is made from the one before. What is released is never edited.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, proof BLOB) STRICT;
    INSERT INTO state VALUES (1, 0, NULL);
"];

/// Tells our files from other SQLite files: "EWhl".
const APPLICATION: u32 = 0x4557_686c;

/// Under this name a value is sealed that only proves that the key is the right one.
const PROOF: &str = "proof of the key";

#[derive(Debug)]
pub(super) struct Database {
    file: PathBuf,
    connection: Connection,
    is_new: bool,
}

impl Database {
    /// Opens the file, makes it if there is none, and brings it to our form.
    pub(super) fn open(file: &Path) -> Result<Self, CannotOpen> {
        let connection = Connection::open(file).map_err(|why| damaged(file, &why))?;
        Self::prepare(file, connection)
    }

    pub(super) fn in_memory() -> Result<Self, CannotOpen> {
        let file = Path::new("the store in memory");
        let connection = Connection::open_in_memory().map_err(|why| damaged(file, &why))?;
        Self::prepare(file, connection)
    }

    fn prepare(file: &Path, connection: Connection) -> Result<Self, CannotOpen> {
        let mut database = Self { file: file.to_owned(), connection, is_new: false };
        match database.migrate() {
            Ok(Ok(())) => Ok(database),
            Ok(Err(newer)) => Err(newer),
            // A file, or a disk, that may only be read: what is in it is of use nevertheless.
            Err(why) if is_write_protected(&why) => Self::read_only(file),
            Err(why) => Err(damaged(file, &why)),
        }
    }

    fn read_only(file: &Path) -> Result<Self, CannotOpen> {
        let fails = |why: rusqlite::Error| damaged(file, &why);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
        let place = format!("file:{}?immutable=1", file.display());
        let connection = Connection::open_with_flags(place, flags).map_err(fails)?;
        connection.execute_batch("PRAGMA query_only = ON").map_err(fails)?;
        Ok(Self { file: file.to_owned(), connection, is_new: false })
    }

    fn migrate(&mut self) -> rusqlite::Result<Result<(), CannotOpen>> {
        let form: u32 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let kind: u32 = self.connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
        if form > 0 && kind != APPLICATION {
            let why = String::from("this database is not einwahl's");
            return Ok(Err(CannotOpen::Damaged { file: self.file.clone(), why }));
        }
        if form > known {
            return Ok(Err(CannotOpen::Newer { file: self.file.clone(), found: form, known }));
        }
        let report: String = self.connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if report != "ok" {
            return Ok(Err(CannotOpen::Damaged { file: self.file.clone(), why: report }));
        }
        self.is_new = form == 0;
        self.connection.execute_batch(
            "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;",
        )?;
        for (step, change) in (1_u32..).zip(MIGRATIONS).filter(|(step, _)| *step > form) {
            let migration = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            migration.execute_batch(change)?;
            migration.pragma_update(None, "user_version", step)?;
            migration.pragma_update(None, "application_id", APPLICATION)?;
            migration.commit()?;
        }
        Ok(Ok(()))
    }

    /// Whether nothing was in it before.
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether the file was written under this key; a new one is from now on.
    pub(super) fn knows(&self, seal: &Seal) -> Result<bool, CannotOpen> {
        let fails = |why: rusqlite::Error| damaged(&self.file, &why);
        let proof: Option<Vec<u8>> =
            self.connection.query_row("SELECT proof FROM state", [], |row| row.get(0)).map_err(fails)?;
        match proof {
            Some(proof) => Ok(seal.open(PROOF, Revision(0), &proof).is_some()),
            None => {
                let proof = seal.close(PROOF, Revision(0), &Value::new(Vec::new()));
                self.connection.execute("UPDATE state SET proof = ?1", [proof]).map_err(fails)?;
                Ok(true)
            }
        }
    }

    /// Everything. What was tampered with is left out, and an ERROR says so.
    pub(super) fn list(&self, seal: &Seal) -> Result<Vec<Entry>, CannotOpen> {
        let fails = |why: rusqlite::Error| damaged(&self.file, &why);
        let mut rows =
            self.connection.prepare("SELECT key, value, revision FROM entries ORDER BY key").map_err(fails)?;
        let rows =
            rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, Revision(row.get(2)?))));
        let mut entries = Vec::new();
        for row in rows.map_err(fails)? {
            let (key, sealed, revision) = row.map_err(fails)?;
            match seal.open(&key, revision, &sealed) {
                Some(value) => entries.push(Entry { key, value, revision }),
                None => tracing::error!(%key, "this entry of the store was changed by somebody else: it is left out"),
            }
        }
        Ok(entries)
    }

    /// Whether something can be written now; if not, why.
    pub(super) fn writable(&mut self) -> Result<(), String> {
        let tried = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|nothing| nothing.execute("UPDATE state SET revision = revision", []));
        tried.map(drop).map_err(|why| why.to_string())
    }

    /// Compares and sets, in one transaction.
    pub(super) fn set(&mut self, seal: &Seal, wish: &Wish) -> Result<Revision, Failed> {
        let out = |why: rusqlite::Error| Failed::Out(why.to_string());
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(out)?;
        let found: Option<u64> = change
            .query_row("SELECT revision FROM entries WHERE key = ?1", [&wish.key], |row| row.get(0))
            .optional()
            .map_err(out)?;
        if found.map(Revision) != wish.expects {
            return Err(Failed::Conflict);
        }
        let last: u64 = change.query_row("SELECT revision FROM state", [], |row| row.get(0)).map_err(out)?;
        let revision = Revision(last + 1);
        match &wish.value {
            Some(value) => {
                let sealed = seal
                    .close(&wish.key, revision, value)
                    .ok_or_else(|| Failed::Out(String::from("the system gives no randomness")))?;
                let put = "INSERT INTO entries VALUES (?1, ?2, ?3)
                    ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision";
                change.execute(put, params![wish.key, sealed, revision.0]).map_err(out)?;
            }
            None => {
                change.execute("DELETE FROM entries WHERE key = ?1", [&wish.key]).map_err(out)?;
            }
        }
        change.execute("UPDATE state SET revision = ?1", [revision.0]).map_err(out)?;
        change.commit().map_err(out)?;
        Ok(revision)
    }
}

fn damaged(file: &Path, why: &rusqlite::Error) -> CannotOpen {
    CannotOpen::Damaged { file: file.to_owned(), why: why.to_string() }
}

fn is_write_protected(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::DiskFull))
}
