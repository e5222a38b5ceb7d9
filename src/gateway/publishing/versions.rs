//! What is told of the versions that there are.

use super::super::Gateway;
use super::super::meetings::Reply;
use super::{listed, refused};
use crate::web::{PlanDone, PlanRefusal, PlanVersion, Runs};

impl Gateway {
    pub(super) fn what_runs(&self) -> PlanDone {
        let running = &self.routing.running;
        PlanDone::Running(Box::new(Runs {
            listed: listed(running.version, &running.about, &running.files),
            files: running.files.clone(),
            rules: running.plan.len(),
            refused: self.publishing.refused.clone(),
            by_folder: self.publishing.folder.is_some(),
            approval: self.publishing.approval,
        }))
    }

    pub(super) fn versions(&self, before: Option<u64>, most: usize) -> PlanDone {
        let history = &self.publishing.history;
        let versions: Vec<PlanVersion> = history
            .before(before)
            .take(most)
            .map(|version| listed(version.number, &version.about, &version.files))
            .collect();
        let last = versions.last().map(|version| version.number);
        let next = last.filter(|last| history.before(Some(*last)).next().is_some());
        PlanDone::Versions { versions, next }
    }

    pub(super) fn version(&self, number: u64) -> Result<PlanDone, PlanRefusal> {
        let version = self.publishing.history.get(number).ok_or(PlanRefusal::NoVersion)?;
        let listed = Box::new(listed(number, &version.about, &version.files));
        Ok(PlanDone::Version { listed, files: version.files.clone() })
    }

    pub(super) fn diff(&self, from: u64, to: Option<u64>, reply: Reply) {
        let to = to.unwrap_or(self.routing.running.version);
        let files = |number| self.publishing.history.get(number).map(|version| version.files.clone());
        let (Some(old), Some(new)) = (files(from), files(to)) else {
            return drop(reply.send(Err(refused(PlanRefusal::NoVersion))));
        };
        let Some((place, reply)) = self.place(reply) else { return };
        self.publishing.jobs.start(place, move || {
            drop(reply.send(Ok(PlanDone::Diff { from, to, changes: old.changes_to(&new) }.into())));
            None
        });
    }
}
