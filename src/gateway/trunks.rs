//! The trunks: what the door tells of them goes into the log, the audit and the figures, and is kept for who asks by API; and
//! examinations, one at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::access::Bearer;
use super::meetings::Reply;
use super::{Gateway, clock};
use crate::doctor;
use crate::records::Deed;
use crate::sip::{Trunk, TrunkNews};
use crate::trunk::standing::Standing;
use crate::web::{Done, Refusal, ShownTrunk, TrunkTrouble, TrunkWish};
use crate::words::TrunkName;

/// Troubles that are kept of each.
const MOST: usize = 10;

/// What is known of the trunks.
pub(super) struct Trunks {
    known: BTreeMap<TrunkName, Known>,
    /// An examination calls on the institution's bill.
    examinations: Arc<Semaphore>,
}

struct Known {
    standing: Standing,
    since: Timestamp,
    registered_until: Option<Timestamp>,
    troubles: VecDeque<TrunkTrouble>,
}

impl Default for Trunks {
    fn default() -> Self {
        Self { known: BTreeMap::new(), examinations: Arc::new(Semaphore::new(1)) }
    }
}

impl Gateway {
    /// The door tells how a trunk stands.
    pub(super) fn trunk_stands(&mut self, trunk: &TrunkName, news: TrunkNews) {
        let TrunkNews { standing, registered_for } = news;
        let now = clock::moment();
        self.observed.trunk(trunk, &standing);
        let known = self.trunks.known.entry(trunk.clone()).or_insert_with(|| Known {
            standing: Standing::Unknown,
            since: now,
            registered_until: None,
            troubles: VecDeque::new(),
        });
        known.registered_until =
            registered_for.and_then(|left| now.checked_add(SignedDuration::try_from(left).ok()?).ok());
        let is_new = known.standing.word() != standing.word();
        let was_known = known.standing != Standing::Unknown;
        known.standing = standing;
        if !is_new {
            return;
        }
        known.since = now;
        let (state, why) = (known.standing.word(), known.standing.why().map(str::to_owned));
        match &why {
            Some(why) => {
                known.troubles.push_front(TrunkTrouble { at: now, state: state.to_owned(), why: why.clone() });
                known.troubles.truncate(MOST);
                tracing::warn!(%trunk, state, why, "a trunk fails");
            }
            None if state == "up" => tracing::info!(%trunk, "a trunk is up"),
            None => return,
        }
        // That all is well at the start is not worth an entry.
        if was_known || why.is_some() {
            self.note(Deed::TrunkStands { trunk: trunk.clone(), state: state.to_owned(), why });
        }
    }

    pub(super) fn on_trunk_wish(&self, wish: TrunkWish, by: &Bearer, reply: Reply) {
        match wish {
            TrunkWish::List => {
                let shown = self.config.sip.trunks.0.iter().map(|trunk| self.shown_trunk(trunk)).collect();
                // Whoever asked may be gone: nobody has to be told.
                drop(reply.send(Ok(Done::Trunks(shown))));
            }
            TrunkWish::Check { name, number } => self.examine(&name, number, by, reply),
        }
    }

    fn shown_trunk(&self, trunk: &Trunk) -> ShownTrunk {
        let known = self.trunks.known.get(&trunk.name);
        let standing = known.map(|known| &known.standing);
        ShownTrunk {
            name: trunk.name.to_string(),
            dial: trunk.outbound.as_ref().map(|outbound| outbound.target.to_string()),
            state: standing.map_or("unknown", Standing::word).to_owned(),
            why: standing.and_then(Standing::why).map(str::to_owned),
            since: known.map(|known| known.since),
            registers: trunk.outbound.as_ref().is_some_and(|outbound| outbound.register),
            registered_until: known.and_then(|known| known.registered_until),
            calls: self.door.calls_of(&trunk.name),
            most_calls: trunk.most_calls,
            has_test: trunk.outbound.as_ref().is_some_and(|outbound| outbound.test.is_some()),
            last_errors: known.map(|known| known.troubles.iter().cloned().collect()).unwrap_or_default(),
        }
    }

    fn examine(&self, name: &TrunkName, number: Option<String>, by: &Bearer, reply: Reply) {
        let refused = |why: Refusal, reply: Reply| drop(reply.send(Err(why)));
        let Some(trunk) = self.config.sip.trunks.named(name).cloned() else { return refused(Refusal::NoTrunk, reply) };
        if trunk.outbound.is_none() {
            return refused(Refusal::NoDial, reply);
        }
        let Ok(turn) = Arc::clone(&self.trunks.examinations).try_acquire_owned() else {
            return refused(Refusal::Busy, reply);
        };
        self.note(Deed::TrunkChecked { trunk: name.clone(), by: by.name.clone() });
        let codecs = if trunk.codecs.is_empty() { self.config.codecs.clone() } else { trunk.codecs.clone() };
        let listening = self.door.listening();
        let listening = listening.plain.iter().chain(&listening.tls).copied().collect();
        let residency = self.config.residency.clone();
        let wish = doctor::Wish { trunk, dns: self.config.sip.dns.clone(), residency, number, listening, codecs };
        tokio::spawn(async move {
            let done = doctor::examine(wish).await.map(|report| Done::TrunkChecked(Box::new(report)));
            let done = done.map_err(|error| {
                tracing::error!(%error, "a trunk could not be examined");
                Refusal::Busy
            });
            drop(reply.send(done));
            drop(turn);
        });
    }
}
