//! Drafts: what somebody writes before it is published, and who agrees to it.

use super::super::meetings::Reply;
use super::super::{Gateway, clock};
use super::{Drafted, Intent, Origin, Waiting, Worked, refused};
use crate::config;
use crate::publish::{Approval, Draft, MOST_DRAFTS};
use crate::store::{Revision, Value};
use crate::web::{Edit, KeptDraft, PlanDone, PlanRefusal};

impl Gateway {
    pub(super) fn draft(&self, author: &str) -> Result<PlanDone, PlanRefusal> {
        let (revision, draft) = self.publishing.history.draft(author).ok_or(PlanRefusal::NoDraft)?;
        Ok(PlanDone::Draft(Box::new(KeptDraft { draft: draft.clone(), revision })))
    }

    pub(super) fn save(&self, edit: Edit, author: String, expects: Option<u64>, reply: Reply) {
        let known = self.publishing.history.draft(&author).map(|(revision, _)| revision);
        if expects.is_some_and(|expects| known != Some(expects)) {
            return drop(reply.send(Err(refused(PlanRefusal::StaleDraft))));
        }
        if known.is_none() && self.publishing.history.drafts().count() >= MOST_DRAFTS {
            return drop(reply.send(Err(refused(PlanRefusal::TooManyDrafts))));
        }
        let Edit { files, parent, comment } = edit;
        let fingerprint = String::new();
        let draft = Draft { author, files, fingerprint, parent, comment, at: clock::moment(), approval: None };
        self.keep_draft(draft, known, reply);
    }

    pub(super) fn approve(&self, author: &str, fingerprint: &str, by: String, reply: Reply) {
        let refuse = |why, reply: Reply| drop(reply.send(Err(refused(why))));
        let Some((revision, draft)) = self.publishing.history.draft(author) else {
            return refuse(PlanRefusal::NoDraft, reply);
        };
        if author == by {
            return refuse(PlanRefusal::OwnDraft, reply);
        }
        if draft.fingerprint != fingerprint {
            return refuse(PlanRefusal::StaleDraft, reply);
        }
        let approval = Some(Approval { by, at: clock::moment() });
        self.keep_draft(Draft { approval, ..draft.clone() }, Some(revision), reply);
    }

    pub(super) fn keep_draft(&self, mut draft: Draft, expects: Option<u64>, reply: Reply) {
        let Some((place, reply)) = self.place(reply) else { return };
        self.publishing.jobs.start(place, move || {
            draft.fingerprint = config::fingerprint(&draft.files);
            let kept = Value::new(draft.to_kept());
            let expects = expects.map(Revision);
            Some(Worked::Drafted(Box::new(Drafted { draft, kept, expects, reply })))
        });
    }

    pub(super) fn discard(&mut self, author: String, reply: Option<Reply>) {
        let Some((revision, _)) = self.publishing.history.draft(&author) else {
            if let Some(reply) = reply {
                drop(reply.send(Err(refused(PlanRefusal::NoDraft))));
            }
            return;
        };
        let key = Draft::key(&author);
        self.want_plan(key, Some(Revision(revision)), None, Waiting::Discarded { author, reply });
    }

    pub(super) fn publish_draft(&mut self, author: String, comment: Option<String>, by: String, reply: Reply) {
        let Some((_, draft)) = self.publishing.history.draft(&author) else {
            return drop(reply.send(Err(refused(PlanRefusal::NoDraft))));
        };
        if self.publishing.approval && draft.approval.is_none() {
            return drop(reply.send(Err(refused(PlanRefusal::NeedsApproval))));
        }
        let intent = Intent {
            files: draft.files.clone(),
            parent: draft.parent,
            comment: comment.unwrap_or_else(|| draft.comment.clone()),
            by,
            approved_by: draft.approval.as_ref().map(|approval| approval.by.clone()),
            restores: None,
            draft: Some(author),
            origin: Origin::Api(reply),
        };
        self.publish_plan(intent);
    }
}
