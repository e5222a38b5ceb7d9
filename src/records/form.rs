//! The form of a database of ours: made where there is none, refused where a newer version wrote it.

use rusqlite::{Connection, TransactionBehavior};

/// What a database is to be.
pub(super) struct Form {
    /// The number of its form.
    pub number: u32,
    /// Tells it from other SQLite files.
    pub application: u32,
    /// The statements that make it.
    pub make: &'static str,
    /// What a loss of power may take: nothing (`FULL`), or the last entries (`NORMAL`).
    pub synchronous: &'static str,
}

impl Form {
    /// Makes it, if it is new. With WAL, so that a backup never waits; what is deleted is overwritten.
    pub fn prepare(&self, connection: &mut Connection) -> Result<(), String> {
        self.settle(connection).map_err(|why| why.to_string())?
    }

    fn settle(&self, connection: &mut Connection) -> rusqlite::Result<Result<(), String>> {
        let Self { number, application, make, synchronous } = self;
        let form: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if form > *number {
            return Ok(Err(format!(
                "a newer einwahl wrote this (form {form}, this one knows forms up to {number}): start that version"
            )));
        }
        connection.execute_batch(&format!(
            "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA secure_delete = ON;",
        ))?;
        if form == 0 {
            let making = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            making.execute_batch(make)?;
            making.pragma_update(None, "user_version", number)?;
            making.pragma_update(None, "application_id", application)?;
            making.commit()?;
        }
        Ok(Ok(()))
    }
}
