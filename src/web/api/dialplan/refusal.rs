//! Why a plan is not published, not shown or not kept: with every problem of its files, or with what somebody else published.

use axum::http::StatusCode;

use crate::dialplan::Problem;
use crate::publish::{MOST_DRAFTS, ThreeWay, Unfit};

/// Why something is not done with the dialplan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanRefusal {
    /// There is no such version, or it is no longer kept.
    NoVersion,
    /// There is no such draft.
    NoDraft,
    /// The draft was written since.
    StaleDraft,
    /// So many drafts are there as may be.
    TooManyDrafts,
    /// The plan is in a folder.
    InFolder,
    /// A second person has to agree first.
    NeedsApproval,
    /// Who wrote it cannot be the second person.
    OwnDraft,
    /// The files are those of the plan that runs.
    Unchanged,
    /// They cannot be those of a plan.
    Files(Unfit),
    /// They have errors.
    Problems(Vec<Problem>),
    /// Somebody else published meanwhile.
    Conflict(Box<ThreeWay>),
}

impl PlanRefusal {
    /// Status, kind and title.
    pub(in crate::web::api) const fn head(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoVersion => (StatusCode::NOT_FOUND, "no-version", "No such version"),
            Self::NoDraft => (StatusCode::NOT_FOUND, "no-draft", "No such draft"),
            Self::StaleDraft => (StatusCode::PRECONDITION_FAILED, "stale-draft", "The draft was changed meanwhile"),
            Self::TooManyDrafts => (StatusCode::CONFLICT, "too-many-drafts", "No further draft can be kept"),
            Self::InFolder => (StatusCode::CONFLICT, "in-folder", "The plan is in a folder"),
            Self::NeedsApproval => (StatusCode::CONFLICT, "approval", "A second person has to agree first"),
            Self::OwnDraft => (StatusCode::CONFLICT, "own-draft", "Somebody else has to agree"),
            Self::Unchanged => (StatusCode::CONFLICT, "unchanged", "Nothing is changed"),
            Self::Files(_) => (StatusCode::UNPROCESSABLE_ENTITY, "files", "These are not the files of a plan"),
            Self::Problems(_) => (StatusCode::UNPROCESSABLE_ENTITY, "plan", "The plan has errors"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict", "Somebody else published meanwhile"),
        }
    }

    pub(in crate::web::api) fn detail(&self) -> String {
        match self {
            Self::NoVersion => "Look at /api/v1/dialplan/versions for those that there are.".into(),
            Self::NoDraft => "Look at /api/v1/dialplan/drafts for those that there are.".into(),
            Self::StaleDraft => "Read it again, and decide anew.".into(),
            Self::TooManyDrafts => {
                format!("There are {MOST_DRAFTS} drafts: their authors have to throw some away first.")
            }
            Self::InFolder => "What is in [dialplan] folder counts: change it there, or take that line out of \
                einwahl.toml and start the gateway again; the last version then runs on."
                .into(),
            Self::NeedsApproval => {
                "Save it as your draft, and let somebody else with the right \"publish\" agree to it \
                ([dialplan] approval = true)."
                    .into()
            }
            Self::OwnDraft => "Ask somebody else with the right \"publish\" to look at your draft.".into(),
            Self::Unchanged => "These files run already.".into(),
            Self::Files(why) => format!("{why}."),
            Self::Problems(problems) => {
                let errors = problems.iter().filter(|problem| problem.is_error()).count();
                format!(
                    "Correct what `problems` names ({errors} errors), and publish again. The plan that runs goes on."
                )
            }
            Self::Conflict(view) => format!(
                "You began with version {}, version {} runs now. `conflict` shows each file as it was, theirs and yours; \
                 publish what you decide with the parent {}.",
                view.base, view.theirs, view.theirs
            ),
        }
    }
}
