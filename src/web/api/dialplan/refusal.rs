//! Why a plan is not published, not shown or not kept: with every problem of its files, or with what somebody else published.

use axum::http::StatusCode;

use crate::dialplan::Problem;
use crate::publish::{MOST_DRAFTS, ThreeWay, Unfit};
use crate::web::api::problem::Head;
use crate::words::{Both, Language, both};

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
    /// Status, kind and title, in German and in English.
    pub(in crate::web::api) const fn head(&self) -> Head {
        match self {
            Self::NoVersion => {
                (StatusCode::NOT_FOUND, "no-version", ("Diese Version gibt es nicht (mehr)", "No such version"))
            }
            Self::NoDraft => (StatusCode::NOT_FOUND, "no-draft", ("Diesen Entwurf gibt es nicht", "No such draft")),
            Self::StaleDraft => (
                StatusCode::PRECONDITION_FAILED,
                "stale-draft",
                ("Der Entwurf wurde inzwischen geändert", "The draft was changed meanwhile"),
            ),
            Self::TooManyDrafts => {
                (StatusCode::CONFLICT, "too-many-drafts", ("Es gibt zu viele Entwürfe", "No further draft can be kept"))
            }
            Self::InFolder => {
                (StatusCode::CONFLICT, "in-folder", ("Der Wählplan liegt in einem Ordner", "The plan is in a folder"))
            }
            Self::NeedsApproval => (
                StatusCode::CONFLICT,
                "approval",
                ("Eine zweite Person muss zuerst zustimmen", "A second person has to agree first"),
            ),
            Self::OwnDraft => {
                (StatusCode::CONFLICT, "own-draft", ("Eine andere Person muss zustimmen", "Somebody else has to agree"))
            }
            Self::Unchanged => (StatusCode::CONFLICT, "unchanged", ("Es ist nichts geändert", "Nothing is changed")),
            Self::Files(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "files",
                ("Das sind nicht die Dateien eines Wählplans", "These are not the files of a plan"),
            ),
            Self::Problems(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "plan", ("Der Wählplan hat Fehler", "The plan has errors"))
            }
            Self::Conflict(_) => (
                StatusCode::CONFLICT,
                "conflict",
                ("Inzwischen hat jemand anders veröffentlicht", "Somebody else published meanwhile"),
            ),
        }
    }

    pub(in crate::web::api) fn detail(&self) -> Both {
        match self {
            Self::NoVersion => both!(
                "Die Versionen, die es gibt, stehen in der Liste (/api/v1/dialplan/versions).",
                "Look at the list (/api/v1/dialplan/versions) for those that there are."
            ),
            Self::NoDraft => both!(
                "Die Entwürfe, die es gibt, stehen in der Liste (/api/v1/dialplan/drafts).",
                "Look at the list (/api/v1/dialplan/drafts) for those that there are."
            ),
            Self::StaleDraft => {
                both!("Laden Sie ihn neu, und entscheiden Sie noch einmal.", "Read it again, and decide anew.")
            }
            Self::TooManyDrafts => both!(
                "Es gibt {} Entwürfe: Wer sie geschrieben hat, muss zuerst welche verwerfen.",
                "There are {} drafts: their authors have to throw some away first.",
                MOST_DRAFTS
            ),
            Self::InFolder => both!(
                "Es gilt, was in [dialplan] folder liegt: Ändern Sie es dort, oder nehmen Sie diese Zeile aus einwahl.toml und \
                 starten Sie das Gateway neu; dann gilt die letzte Version weiter.",
                "What is in [dialplan] folder counts: change it there, or take that line out of einwahl.toml and start the \
                 gateway again; the last version then runs on."
            ),
            Self::NeedsApproval => both!(
                "Speichern Sie ihn als Ihren Entwurf, und lassen Sie jemand anderes mit dem Recht \"publish\" zustimmen \
                 ([dialplan] approval = true).",
                "Save it as your draft, and let somebody else with the right \"publish\" agree to it \
                 ([dialplan] approval = true)."
            ),
            Self::OwnDraft => both!(
                "Bitten Sie jemand anderes mit dem Recht \"publish\", Ihren Entwurf anzusehen.",
                "Ask somebody else with the right \"publish\" to look at your draft."
            ),
            Self::Unchanged => both!("Diese Dateien gelten schon.", "These files run already."),
            Self::Files(why) => {
                let why = Both::from(why.clone());
                Both::new(format!("{}.", why.said(Language::De)), format!("{}.", why.said(Language::En)))
            }
            Self::Problems(problems) => both!(
                "Berichtigen Sie, was genannt ist (Fehler: {}), und veröffentlichen Sie noch einmal. Der Plan in Betrieb \
                 gilt weiter.",
                "Correct what is named ({} errors), and publish again. The plan that runs goes on.",
                problems.iter().filter(|problem| problem.is_error()).count()
            ),
            Self::Conflict(view) => both!(
                "Sie haben mit Version {base} begonnen, in Betrieb ist jetzt Version {theirs}. `conflict` zeigt jede Datei, wie \
                 sie war, deren und Ihre; veröffentlichen Sie mit `parent` {theirs}, wofür Sie sich entscheiden.",
                "You began with version {base}, version {theirs} runs now. `conflict` shows each file as it was, theirs and \
                 yours; publish what you decide with the parent {theirs}.",
                base = view.base,
                theirs = view.theirs
            ),
        }
    }
}
