//! The right to be forgotten: from a wish to the records, to the requests to be called back, to the institutions that were told of
//! somebody, and to their receipts.

use std::collections::{BTreeMap, BTreeSet};

use super::Gateway;
use super::access::Bearer;
use super::ledger::cannot;
use super::meetings::Reply;
use super::publishing::Worked;
use crate::cascade::Erasure;
use crate::records::Deed;
use crate::records::calls::{CannotRead, Erased, Whose};
use crate::store::{self, Revision, Value};
use crate::web::{Done, erasures};

/// The folder of the store in which wishes to other institutions are.
const FOLDER: &str = "federation/erasures/";

/// Wishes that are kept.
#[derive(Default)]
pub(super) struct Erasures {
    /// When each was written.
    revisions: BTreeMap<String, Revision>,
    /// Their receipt was faster than the store.
    over: BTreeSet<String>,
}

/// Records are erased.
pub(super) struct Forgotten {
    whose: Whose,
    erased: Result<Erased, CannotRead>,
    by: String,
    reply: Reply,
}

fn key_of(erasure: &Erasure) -> String {
    format!("{FOLDER}{}/{}", erasure.event, erasure.to)
}

impl Gateway {
    pub(super) fn on_erasures(&mut self, wish: erasures::Wish, by: &Bearer, reply: Reply) {
        let whose = match wish {
            erasures::Wish::List => {
                let waiting = self.waiting_erasures().into_iter().map(erasures::ShownErasure::of).collect();
                return drop(reply.send(Ok(Done::Erasures(erasures::Done::List(waiting)))));
            }
            erasures::Wish::Erase(whose) => whose,
        };
        let (teller, by) = (self.publishing.teller(), by.name.clone());
        self.calls.reader().erase(whose.clone(), move |erased| {
            let forgotten = Forgotten { whose, erased, by, reply };
            drop(teller.blocking_send(Worked::Forgotten(Box::new(forgotten))));
        });
    }

    /// The records are gone: those who were told are asked to forget, too.
    pub(super) fn on_forgotten(&mut self, forgotten: Forgotten) {
        let Forgotten { whose, erased, by, reply } = forgotten;
        let Erased { records, crossed } = match erased {
            Ok(erased) => erased,
            Err(why) => return drop(reply.send(Err(cannot(why)))),
        };
        let (callbacks, under_way) = match &whose {
            Whose::Record(_) => (0, 0),
            Whose::Number(number) => (self.forget_callbacks(number), self.ledger.up_with(number)),
        };
        let (mut asked, mut not_asked) = (0, 0);
        for one in &crossed {
            match self.erase_elsewhere(one) {
                Ok(count) => asked += count,
                Err(why) => {
                    tracing::error!(%why, "members are not asked to forget somebody: ask again when receipts have come");
                    not_asked += one.told.len();
                }
            }
        }
        tracing::info!(by, records, callbacks, asked, not_asked, "somebody is forgotten");
        self.note(Deed::Erased { by, records, callbacks, asked, not_asked });
        let done = erasures::Erased { records, callbacks, under_way, asked, not_asked };
        drop(reply.send(Ok(Done::Erasures(erasures::Done::Erased(done)))));
    }

    /// Keeps a wish until its receipt is there.
    pub(super) fn keep_erasure(&mut self, erasure: &Erasure) {
        let value = serde_json::to_vec(erasure).map(Value::new).ok();
        self.want_erasure(key_of(erasure), None, value);
    }

    /// The receipt is there.
    pub(super) fn forget_erasure(&mut self, erasure: &Erasure) {
        let key = key_of(erasure);
        match self.erasures.revisions.remove(&key) {
            Some(revision) => self.want_erasure(key, Some(revision), None),
            None => drop(self.erasures.over.insert(key)),
        }
    }

    /// What was kept over a restart.
    pub(super) fn take_erasure(&mut self, entry: &store::Entry) {
        if !entry.key.starts_with(FOLDER) {
            return;
        }
        match serde_json::from_slice::<Erasure>(entry.value.as_bytes()) {
            Ok(erasure) => self.await_receipt(erasure),
            Err(error) => tracing::error!(%error, "a wish to forget somebody is left out"),
        }
        self.erasure_is_kept(entry);
    }

    /// It is in the store.
    pub(super) fn erasure_is_kept(&mut self, entry: &store::Entry) {
        if !entry.key.starts_with(FOLDER) {
            return;
        }
        if self.erasures.over.remove(&entry.key) {
            self.want_erasure(entry.key.clone(), Some(entry.revision), None);
        } else {
            self.erasures.revisions.insert(entry.key.clone(), entry.revision);
        }
    }

    fn want_erasure(&mut self, key: String, expects: Option<Revision>, value: Option<Value>) {
        let ticket = self.desk.ticket();
        if let Err(why) = self.store.want(store::Wish { ticket, key, expects, value }) {
            tracing::error!(%why, "a wish to forget somebody does not outlive a restart, or is made once more");
        }
    }
}
