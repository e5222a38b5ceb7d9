//! The audit for those who may read it. Reading takes its time, and following a chain more: one at a time, on a thread of its own,
//! beside the thread that writes.

use std::sync::Arc;

use super::Gateway;
use super::keeping::Place;
use super::meetings::Reply;
use crate::records::{self, HEAD_PURPOSE};
use crate::store;
use crate::web::audit::{Done, Wish};
use crate::web::{self, Refusal};

/// Readers at once.
pub(super) const MOST: usize = 2;

impl Gateway {
    pub(super) fn read_audit(&self, wish: Wish, reply: Reply) {
        let Place::Folder(folder) = &self.config.place else {
            // A demo keeps none: there is nothing to be read.
            let chain = wish.verify.then_some(Ok(records::Verdict { entries: 0, head: None }));
            let done = Done { entries: Vec::new(), chain, csv: wish.csv };
            return drop(reply.send(Ok(web::Done::Audit(Box::new(done)))));
        };
        let Ok(turn) = Arc::clone(&self.audits).try_acquire_owned() else {
            return drop(reply.send(Err(Refusal::Busy)));
        };
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || {
            let done = read(&folder, &wish).map_err(|why| {
                tracing::error!(%why, "the audit cannot be read");
                Refusal::Out
            });
            drop(reply.send(done.map(|done| web::Done::Audit(Box::new(done)))));
            drop(turn);
        });
    }
}

fn read(folder: &std::path::Path, wish: &Wish) -> Result<Done, String> {
    let file = folder.join("audit.db");
    let told = |why: records::CannotOpen| why.to_string();
    let entries = records::page(&file, &wish.wanted).map_err(told)?;
    let chain = match wish.verify {
        true => {
            let key = store::key_of(folder).map_err(|why| why.to_string())?.derive(HEAD_PURPOSE);
            Some(records::verify(&file, &key, None).map_err(told)?)
        }
        false => None,
    };
    Ok(Done { entries, chain, csv: wish.csv })
}
