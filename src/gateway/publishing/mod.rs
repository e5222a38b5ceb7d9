//! Publishes dialplans: from a wish of the API, or from a folder that somebody wrote in, to the plan that runs. What takes long
//! is done elsewhere ([`Jobs`]); here everything happens in one order:
//!
//! files → checked, with their examples → the version that they were made from is still the last → the store takes the next
//! number → it runs, for calls that begin from then on → the audit → the answer.
//!
//! Nothing runs that the store has not taken, but for a folder: what stands there counts, whatever the disk of the store does.

mod drafts;
mod folder;
mod replaying;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access::Bearer;
use super::erasures::Forgotten;
use super::jobs::{Jobs, Place};
use super::meetings::{Reply, refusal_of};
use super::running::Running;
use super::watching::{Looked, Watched};
use super::{Gateway, around, clock};
use crate::config;
use crate::dialplan::{Plan, Problem, Surroundings};
use crate::publish::{About, Draft, Files, History, Version, three_way};
use crate::records::Deed;
use crate::store::{self, Failed, Revision, Value};
use crate::web::{Edit, KeptDraft, PlanDone, PlanRefusal, PlanVersion, PlanWish, Refusal, RefusedEdit};
use crate::words::{Both, Language, both};

/// The plan of the configuration, and how others take its place.
#[derive(Clone, Debug)]
pub struct Config {
    /// What calls are for, if nothing else was published: what stands in the folder, or else what is shipped.
    pub first: Running,
    /// What is shipped.
    pub shipped: Files,
    /// The folder whose plan counts.
    pub folder: Option<std::path::PathBuf>,
    /// A second person has to agree to what is published.
    pub approval: bool,
    /// What a plan may speak of.
    pub around: Surroundings,
}

/// Versions, drafts, and what is under way.
pub(in crate::gateway) struct Publishing {
    history: History,
    folder: Option<Watched>,
    approval: bool,
    refused: Option<RefusedEdit>,
    /// When each version was written, to be able to take it away.
    revisions: BTreeMap<u64, Revision>,
    /// What is with the store, by its ticket.
    waiting: BTreeMap<u64, Waiting>,
    jobs: Jobs,
}

/// What came of a job.
pub(in crate::gateway) enum Worked {
    /// Files were checked.
    Checked(Box<Checked>),
    /// A draft is to be kept.
    Drafted(Box<Drafted>),
    /// Somebody looked into the folder.
    Looked(Looked),
    /// Call records whose time was over are gone.
    RecordsDeleted { before: jiff::Timestamp, records: u64 },
    /// Somebody's records are erased.
    Forgotten(Box<Forgotten>),
}

/// Files that are to run.
pub(in crate::gateway) struct Intent {
    pub(in crate::gateway) files: Files,
    pub(in crate::gateway) parent: u64,
    pub(in crate::gateway) comment: String,
    pub(in crate::gateway) by: String,
    approved_by: Option<String>,
    restores: Option<u64>,
    /// Whose draft they are.
    draft: Option<String>,
    origin: Origin,
}

/// Who is to be told.
pub(in crate::gateway) enum Origin {
    Api(Reply),
    Folder,
}

/// The same, with what was found.
pub(in crate::gateway) struct Checked {
    intent: Intent,
    about: About,
    plan: Plan,
    problems: Vec<Problem>,
    kept: Value,
}

/// A draft as it is to be kept.
pub(in crate::gateway) struct Drafted {
    draft: Draft,
    kept: Value,
    expects: Option<Revision>,
    reply: Reply,
}

enum Waiting {
    Version { number: u64, checked: Box<Checked> },
    Draft { draft: Box<Draft>, reply: Reply },
    Discarded { author: String, reply: Option<Reply> },
    Forgotten { number: u64 },
}

impl Publishing {
    /// From what was kept; and the plan that runs first.
    pub(in crate::gateway) fn begin(config: &Config, kept: &mut Vec<store::Entry>, jobs: Jobs) -> (Self, Running) {
        let mut history = History::default();
        history.add(shipped(config));
        let mut revisions = BTreeMap::new();
        kept.retain(|entry| {
            let taken = take_in(&mut history, entry);
            if let (true, Some(number)) = (taken, Version::number_of(&entry.key)) {
                revisions.insert(number, entry.revision);
            }
            !taken
        });
        let running = first(config, &around::at_start(&config.around, kept), &history);
        let publishing = Self {
            history,
            folder: config.folder.clone().map(Watched::new),
            approval: config.approval,
            refused: None,
            revisions,
            waiting: BTreeMap::new(),
            jobs,
        };
        (publishing, running)
    }

    /// For who else has something to tell.
    pub(in crate::gateway) fn teller(&self) -> tokio::sync::mpsc::Sender<Worked> {
        self.jobs.teller()
    }

    fn edit_refused(&mut self, by: &str, why: Both, problems: Vec<Problem>) {
        self.refused = Some(RefusedEdit { at: clock::moment(), by: by.to_owned(), why, problems });
    }
}

/// Takes in what is ours; says whether it is.
fn take_in(history: &mut History, entry: &store::Entry) -> bool {
    let told = |error: crate::publish::Unreadable| tracing::error!(key = entry.key, %error, "left out");
    if let Some(number) = Version::number_of(&entry.key) {
        match Version::from_kept(number, entry.value.as_bytes()) {
            Ok(version) => history.add(version),
            Err(error) => told(error),
        }
        return true;
    }
    let Some(author) = Draft::author_of(&entry.key) else { return false };
    match Draft::from_kept(author, entry.value.as_bytes()) {
        Ok(draft) => history.put_draft(entry.revision.0, draft),
        Err(error) => told(error),
    }
    true
}

fn shipped(config: &Config) -> Version {
    let about = About {
        by: String::from("einwahl"),
        at: jiff::Timestamp::UNIX_EPOCH,
        comment: String::from("shipped"),
        fingerprint: config::fingerprint(&config.shipped),
        parent: 0,
        approved_by: None,
        restores: None,
    };
    Version { number: 0, about, files: config.shipped.clone() }
}

/// What runs first. In a folder's place nothing else does; else the last version that is whole in these surroundings: that of
/// yesterday is better than none.
fn first(config: &Config, around: &Surroundings, history: &History) -> Running {
    if config.folder.is_some() {
        let is_kept = |version: &&Version| version.about.fingerprint == config.first.about.fingerprint;
        let known = history.current().filter(is_kept);
        return known.map_or_else(|| config.first.clone(), |version| running(version, config.first.plan.clone()));
    }
    for version in history.before(None) {
        let (plan, problems) = Plan::check(version.files.sources(), around);
        if !problems.iter().any(Problem::is_error) {
            return running(version, plan);
        }
        let number = version.number;
        for problem in problems.iter().filter(|problem| problem.is_error()) {
            tracing::error!(version = number, "{problem}");
        }
        tracing::error!(version = number, "this version of the dialplan cannot be served: an earlier one runs");
    }
    config.first.clone()
}

fn running(version: &Version, plan: Plan) -> Running {
    Running { plan, version: version.number, about: version.about.clone(), files: version.files.clone() }
}

fn listed(number: u64, about: &About, files: &Files) -> PlanVersion {
    PlanVersion { number, about: about.clone(), files: files.len(), bytes: files.bytes() }
}

fn refused(why: PlanRefusal) -> Refusal {
    Refusal::Plan(Box::new(why))
}

/// Reads the plan, tries its examples, and writes down how it is to be kept.
pub(in crate::gateway) fn check(intent: Intent, around: &Surroundings, at: jiff::Timestamp) -> Worked {
    let about = About {
        by: intent.by.clone(),
        at,
        comment: intent.comment.clone(),
        fingerprint: config::fingerprint(&intent.files),
        parent: intent.parent,
        approved_by: intent.approved_by.clone(),
        restores: intent.restores,
    };
    let (plan, problems) = Plan::check(intent.files.sources(), around);
    let version = Version { number: 0, about, files: intent.files.clone() };
    let kept = Value::new(version.to_kept());
    Worked::Checked(Box::new(Checked { intent, about: version.about, plan, problems, kept }))
}

impl Gateway {
    pub(in crate::gateway) fn on_plan_wish(&mut self, wish: PlanWish, by: &Bearer, reply: Reply) {
        let by = by.name.clone();
        let done = match wish {
            PlanWish::Running => Ok(self.what_runs()),
            PlanWish::Versions { before, most } => Ok(self.versions(before, most)),
            PlanWish::Version { number } => self.version(number),
            PlanWish::Diff { from, to } => return self.diff(from, to, reply),
            PlanWish::Drafts => {
                let kept = |(revision, draft): (u64, &Draft)| KeptDraft { draft: draft.clone(), revision };
                Ok(PlanDone::Drafts(self.publishing.history.drafts().map(kept).collect()))
            }
            PlanWish::Draft { author } => self.draft(&author.unwrap_or(by)),
            PlanWish::Save { edit, expects } => return self.save(*edit, by, expects, reply),
            PlanWish::Discard => return self.discard(by, Some(reply)),
            PlanWish::Approve { author, fingerprint } => return self.approve(&author, &fingerprint, by, reply),
            PlanWish::Publish(_) | PlanWish::PublishDraft { .. } | PlanWish::Restore { .. }
                if self.publishing.folder.is_some() =>
            {
                Err(PlanRefusal::InFolder)
            }
            PlanWish::Publish(_) if self.publishing.approval => Err(PlanRefusal::NeedsApproval),
            PlanWish::Publish(edit) => {
                let Edit { files, parent, comment } = *edit;
                let origin = Origin::Api(reply);
                let intent =
                    Intent { files, parent, comment, by, approved_by: None, restores: None, draft: None, origin };
                return self.publish_plan(intent);
            }
            PlanWish::Replay { draft, days } => return self.replay(draft, days, reply),
            PlanWish::PublishDraft { author, comment } => return self.publish_draft(author, comment, by, reply),
            PlanWish::Restore { number, comment } => return self.restore(number, comment, by, reply),
        };
        drop(reply.send(done.map(Into::into).map_err(refused)));
    }

    /// A place to work at; without one the reply is that there is too much to do.
    fn place(&self, reply: Reply) -> Option<(Place, Reply)> {
        match self.publishing.jobs.place() {
            Some(place) => Some((place, reply)),
            None => {
                drop(reply.send(Err(Refusal::Busy)));
                None
            }
        }
    }

    fn restore(&mut self, number: u64, comment: String, by: String, reply: Reply) {
        let Some(version) = self.publishing.history.get(number) else {
            return drop(reply.send(Err(refused(PlanRefusal::NoVersion))));
        };
        let intent = Intent {
            files: version.files.clone(),
            parent: self.publishing.history.current_number(),
            comment,
            by,
            approved_by: None,
            restores: Some(number),
            draft: None,
            origin: Origin::Api(reply),
        };
        self.publish_plan(intent);
    }

    fn publish_plan(&mut self, intent: Intent) {
        if intent.parent != self.publishing.history.current_number() {
            return self.conflict(intent);
        }
        let Some(place) = self.publishing.jobs.place() else {
            match intent.origin {
                Origin::Api(reply) => drop(reply.send(Err(Refusal::Busy))),
                Origin::Folder => self.look_again(),
            }
            return;
        };
        let (around, at) = (self.around(), clock::moment());
        self.publishing.jobs.start(place, move || Some(check(intent, &around, at)));
    }

    /// Somebody else was faster: nothing is overwritten.
    fn conflict(&mut self, intent: Intent) {
        let Intent { files, parent, origin, .. } = intent;
        let Origin::Api(reply) = origin else { return self.look_again() };
        let history = &self.publishing.history;
        let (Some(current), base) = (history.current(), history.get(parent)) else { return };
        let (base, theirs) = (base.map(|base| base.files.clone()), (current.number, current.files.clone()));
        let Some((place, reply)) = self.place(reply) else { return };
        self.publishing.jobs.start(place, move || {
            let view = three_way((parent, base.as_ref()), (theirs.0, &theirs.1), &files);
            drop(reply.send(Err(refused(PlanRefusal::Conflict(Box::new(view))))));
            None
        });
    }

    pub(in crate::gateway) fn on_worked(&mut self, worked: Worked) {
        match worked {
            Worked::Checked(checked) => self.on_checked(checked),
            Worked::Drafted(drafted) => {
                let Drafted { draft, kept, expects, reply } = *drafted;
                let (key, draft) = (Draft::key(&draft.author), Box::new(draft));
                self.want_plan(key, expects, Some(kept), Waiting::Draft { draft, reply });
            }
            Worked::Looked(looked) => self.on_looked(looked),
            Worked::Forgotten(forgotten) => self.on_forgotten(*forgotten),
            Worked::RecordsDeleted { before, records } => {
                self.note(Deed::CallsDeleted { before: before.to_string(), records })
            }
        }
    }

    fn on_checked(&mut self, checked: Box<Checked>) {
        let current = self.publishing.history.current_number();
        if checked.problems.iter().any(Problem::is_error) {
            return self.refuse_plan(*checked);
        }
        if checked.intent.parent != current {
            return self.conflict(checked.intent);
        }
        let last = self.publishing.history.current();
        if last.is_some_and(|last| last.about.fingerprint == checked.about.fingerprint) {
            self.publishing.refused = None;
            if let Origin::Api(reply) = checked.intent.origin {
                drop(reply.send(Err(refused(PlanRefusal::Unchanged))));
            }
            return;
        }
        let (number, kept) = (current + 1, checked.kept.clone());
        self.want_plan(Version::key(number), None, Some(kept), Waiting::Version { number, checked });
    }

    fn refuse_plan(&mut self, checked: Checked) {
        let Checked { intent, problems, .. } = checked;
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let first = problems.iter().find(|problem| problem.is_error());
        let first = first.map(|first| first.told(Language::En));
        let first = first.map(|first| format!("{}:{}:{}: {}", first.file, first.line, first.column, first.message));
        let first = first.unwrap_or_default();
        tracing::warn!(by = intent.by, errors, first, "a dialplan is refused, the one that runs goes on");
        self.note(Deed::PlanRefused { by: intent.by.clone(), errors, first });
        self.publishing.edit_refused(&intent.by, both!("{} Fehler", "it has {} errors", errors), problems.clone());
        if let Origin::Api(reply) = intent.origin {
            drop(reply.send(Err(refused(PlanRefusal::Problems(problems)))));
        }
    }

    fn want_plan(&mut self, key: String, expects: Option<Revision>, value: Option<Value>, waiting: Waiting) {
        let ticket = self.desk.ticket();
        match self.store.want(store::Wish { ticket, key, expects, value }) {
            Ok(()) => drop(self.publishing.waiting.insert(ticket, waiting)),
            Err(failed) => self.on_plan_kept(waiting, Err(failed)),
        }
    }

    /// Whether the answer was for us.
    pub(in crate::gateway) fn on_plan_answered(&mut self, ticket: u64, outcome: &Result<Revision, Failed>) -> bool {
        let Some(waiting) = self.publishing.waiting.remove(&ticket) else { return false };
        self.on_plan_kept(waiting, outcome.clone());
        true
    }

    fn on_plan_kept(&mut self, waiting: Waiting, outcome: Result<Revision, Failed>) {
        match (waiting, outcome) {
            (Waiting::Version { number, checked }, Ok(revision)) => {
                self.publishing.revisions.insert(number, revision);
                self.plan_is_kept(number, *checked);
            }
            (Waiting::Version { checked, .. }, Err(Failed::Conflict)) => self.conflict(checked.intent),
            (Waiting::Version { checked, .. }, Err(failed)) => self.plan_is_not_kept(*checked, &failed),
            (Waiting::Draft { draft, reply }, Ok(revision)) => {
                if let Some(approval) = &draft.approval {
                    let (author, by) = (draft.author.clone(), approval.by.clone());
                    self.note(Deed::DraftApproved { author, by });
                }
                let kept = KeptDraft { draft: (*draft).clone(), revision: revision.0 };
                self.publishing.history.put_draft(revision.0, *draft);
                drop(reply.send(Ok(PlanDone::Draft(Box::new(kept)).into())));
            }
            (Waiting::Discarded { author, reply }, Ok(_)) => {
                self.publishing.history.remove_draft(&author);
                if let Some(reply) = reply {
                    drop(reply.send(Ok(PlanDone::Discarded.into())));
                }
            }
            (Waiting::Forgotten { number }, Ok(_)) => {
                self.publishing.history.remove(number);
                self.publishing.revisions.remove(&number);
            }
            (Waiting::Draft { reply, .. } | Waiting::Discarded { reply: Some(reply), .. }, Err(failed)) => {
                let why =
                    if failed == Failed::Conflict { refused(PlanRefusal::StaleDraft) } else { refusal_of(&failed) };
                drop(reply.send(Err(why)));
            }
            (Waiting::Discarded { reply: None, .. } | Waiting::Forgotten { .. }, Err(failed)) => {
                tracing::warn!(%failed, "a version or draft of the dialplan that nobody needs is kept");
            }
        }
    }

    fn plan_is_kept(&mut self, number: u64, checked: Checked) {
        let Checked { intent, about, plan, problems, .. } = checked;
        let version = Version { number, about, files: intent.files };
        let rules = plan.len();
        self.publishing.refused = None;
        let listed = listed(number, &version.about, &version.files);
        self.note(Deed::PlanPublished {
            version: number,
            by: listed.about.by.clone(),
            approved_by: listed.about.approved_by.clone(),
            restores: listed.about.restores,
            comment: listed.about.comment.clone(),
            files: listed.files,
            rules,
        });
        tracing::info!(version = number, by = listed.about.by, rules, "a dialplan is published");
        self.run(running(&version, plan));
        self.publishing.history.add(version);
        self.forget_old_versions();
        if let Some(author) = intent.draft {
            self.discard(author, None);
        }
        if let Origin::Api(reply) = intent.origin {
            let done = PlanDone::Published { listed: Box::new(listed), warnings: problems };
            drop(reply.send(Ok(done.into())));
        }
    }

    /// The store is out. What stands in the folder counts nevertheless, without a number.
    fn plan_is_not_kept(&mut self, checked: Checked, failed: &Failed) {
        let Checked { intent, about, plan, .. } = checked;
        match intent.origin {
            Origin::Api(reply) => drop(reply.send(Err(refusal_of(failed)))),
            Origin::Folder => {
                tracing::error!(%failed, "the plan of the folder runs, but is kept as no version");
                self.run(Running { plan, version: 0, about, files: intent.files });
            }
        }
    }

    /// From now on this is what calls are for. Those that have begun keep the plan that they began with.
    fn run(&mut self, next: Running) {
        let old = std::mem::replace(&mut self.routing.running, Arc::new(next));
        // The last who has it takes it apart, which takes a while with a long one.
        tokio::task::spawn_blocking(move || drop(old));
    }

    fn forget_old_versions(&mut self) {
        for number in self.publishing.history.too_old() {
            if let Some(revision) = self.publishing.revisions.get(&number).copied() {
                self.want_plan(Version::key(number), Some(revision), None, Waiting::Forgotten { number });
            }
        }
    }
}
