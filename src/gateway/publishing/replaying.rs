//! Tries files, or a draft, with the calls that there were.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::super::meetings::Reply;
use super::super::{Gateway, clock};
use super::refused;
use crate::dialplan::{Plan, Problem, Surroundings};
use crate::publish::{Files, Replay};
use crate::records::calls;
use crate::web::{PlanDone, PlanRefusal, Refusal, Tried};

/// Calls that a draft is tried with: the newest ones, so many at a time.
const MOST_REPLAYED: u64 = 100_000;
const AT_A_TIME: usize = 2_000;

fn replayed(
    running: &Plan,
    files: &Files,
    around: &Surroundings,
    reader: &calls::Reader,
    since: jiff::Timestamp,
) -> Result<PlanDone, Refusal> {
    let (draft, problems) = Plan::check(files.sources(), around);
    if problems.iter().any(Problem::is_error) {
        return Err(refused(PlanRefusal::Problems(problems)));
    }
    let mut replay = Replay::new(running, &draft);
    let mut before = None;
    while replay.calls() < MOST_REPLAYED {
        let past = reader.past(since, before, AT_A_TIME).map_err(|error| {
            tracing::error!(%error, "a draft cannot be tried with the calls that there were");
            Refusal::Out
        })?;
        for call in &past {
            replay.call(&call.facts, &call.began.to_zoned_datetime(around.zone.clone()), call.is_older);
        }
        before = past.last().map(|call| call.id);
        if past.len() < AT_A_TIME {
            break;
        }
    }
    Ok(PlanDone::Replayed(Box::new(replay.end())))
}

impl Gateway {
    /// Tries files, or a draft, with the calls of the last days.
    pub(super) fn replay(&self, draft: Tried, days: NonZeroU32, reply: Reply) {
        let files = match draft {
            Tried::Files(files) => Some(files),
            Tried::Draft(author) => self.publishing.history.draft(&author).map(|(_, draft)| draft.files.clone()),
        };
        let Some(files) = files else { return drop(reply.send(Err(refused(PlanRefusal::NoDraft)))) };
        let Some((place, reply)) = self.place(reply) else { return };
        let (running, around) = (Arc::clone(&self.routing.running), self.around());
        let (reader, since) = (self.calls.reader(), clock::days_ago(days));
        self.publishing.jobs.start(place, move || {
            drop(reply.send(replayed(&running.plan, &files, &around, &reader, since).map(Into::into)));
            None
        });
    }
}
