//! Plans, versions and drafts as the API writes them.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Edit, KeptDraft, LAST, LONGEST_COMMENT, PlanRefusal, PlanVersion, PlanWish, RefusedEdit, Runs, Tried};
use crate::dialplan::{self, Severity};
use crate::meeting::Fault;
use crate::publish::{Change, FileChange, Files, Moved, Replayed, Side, ThreeWay, Way};
use crate::web::api::problem::Refusal;
use crate::web::api::reading::from_to;
use crate::words::{Both, Language, both};

/// Files of a plan: texts by name.
type Texts = BTreeMap<String, String>;

/// Files that are to be kept as a draft.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DraftBody {
    /// All files of the plan: texts by name.
    #[schema(example = json!({"10-amt.toml": "[[rule]]\nname = \"Rat\"\ncalled = \"*\"\nroom = \"rat\"\n"}))]
    files: Texts,
    /// The version that they were made from; 0 is the plan that is shipped.
    parent: u64,
    /// What for.
    #[serde(default)]
    #[schema(required = false, max_length = 500)]
    comment: String,
}

/// What is to be published: files with their parent, or a draft.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PublishBody {
    /// All files of the plan: texts by name.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    files: Option<Texts>,
    /// The version that `files` were made from; 0 is the plan that is shipped.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    parent: Option<u64>,
    /// In place of `files`: publish the draft of this author.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    draft: Option<String>,
    /// Why.
    #[serde(default)]
    #[schema(required = false, nullable = false, max_length = 500)]
    comment: Option<String>,
}

/// What is to be published.
pub(super) enum What {
    Files(Edit),
    Draft { author: String, comment: Option<String> },
}

/// The version to go back to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RollbackBody {
    /// Its number; 0 is the plan that is shipped.
    version: u64,
    /// Why.
    #[serde(default)]
    #[schema(required = false, max_length = 500)]
    comment: String,
}

/// What the calls of the last days are tried with: files, or a draft.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// All files of the plan: texts by name.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    files: Option<Texts>,
    /// In place of `files`: the draft of this author.
    #[serde(default)]
    #[schema(required = false, nullable = false)]
    draft: Option<String>,
    /// So many days.
    #[serde(default = "week")]
    #[schema(required = false, nullable = false, minimum = 1, maximum = 366)]
    days: u32,
}

const fn week() -> u32 {
    7
}

impl ReplayBody {
    pub(super) fn wish(self) -> Result<PlanWish, Refusal> {
        let wrong = |field, message: Both| Refusal::Faults(vec![Fault::new(field, message)]);
        let days = NonZeroU32::new(self.days).filter(|days| days.get() <= 366);
        let days = days.ok_or_else(|| wrong("days", from_to(1, 366)))?;
        let draft = match (self.files, self.draft) {
            (Some(texts), None) => Tried::Files(files(texts)?),
            (None, Some(author)) => Tried::Draft(author),
            (..) => {
                let message = both!(
                    "Schicken Sie `files`, oder `draft` mit dem Namen dessen, der ihn geschrieben hat",
                    "send `files`, or `draft` with the name of its author"
                );
                return Err(wrong("the body", message));
            }
        };
        Ok(PlanWish::Replay { draft, days })
    }
}

/// What a draft would do with the calls that there were.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanReplay {
    /// Calls that were tried: at most the newest 100,000.
    calls: u64,
    /// Of these, so many without all that one of the plans asks for (`asserted`, `diversion`, `accepts`): their records are from before
    /// that was kept.
    unsure: u64,
    /// Of these, so many would go elsewhere.
    moved: u64,
    /// Which: the most frequent first.
    groups: Vec<MovedCalls>,
    /// So many of them are in no group, since there are too many.
    ungrouped: u64,
}

/// Calls that would go elsewhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MovedCalls {
    /// What was called.
    called: String,
    /// Where they go by the plan that runs.
    from: CallWay,
    /// Where they would go.
    to: CallWay,
    /// How many there were.
    calls: u64,
}

/// What a plan does with a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CallWay {
    /// The rule that decides; `null` if none does.
    rule: Option<String>,
    /// What it decides, in words.
    decision: String,
}

impl PlanReplay {
    pub(super) fn of(replayed: Replayed, language: Language) -> Self {
        let way = |way: Way| CallWay { rule: way.rule, decision: way.decision.said(language).to_owned() };
        let group = |moved: Moved| MovedCalls {
            called: moved.called,
            from: way(moved.from),
            to: way(moved.to),
            calls: moved.calls,
        };
        let Replayed { calls, unsure, moved, groups, ungrouped } = replayed;
        Self { calls, unsure, moved, groups: groups.into_iter().map(group).collect(), ungrouped }
    }
}

/// The draft that somebody agrees to.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ApproveBody {
    /// Whose it is.
    pub(super) author: String,
    /// The fingerprint of what one has seen.
    pub(super) fingerprint: String,
}

impl DraftBody {
    pub(super) fn edit(self) -> Result<Edit, Refusal> {
        Ok(Edit { files: files(self.files)?, parent: number("parent", self.parent)?, comment: comment(self.comment)? })
    }
}

impl PublishBody {
    pub(super) fn what(self) -> Result<What, Refusal> {
        let told = self.comment.map(comment).transpose()?;
        match (self.files, self.parent, self.draft) {
            (Some(texts), Some(parent), None) => {
                let parent = number("parent", parent)?;
                Ok(What::Files(Edit { files: files(texts)?, parent, comment: told.unwrap_or_default() }))
            }
            (None, None, Some(author)) => Ok(What::Draft { author, comment: told }),
            (..) => {
                let message = both!(
                    "Schicken Sie `files` mit ihrem `parent`, oder `draft` mit dem Namen dessen, der ihn geschrieben hat",
                    "send `files` with their `parent`, or `draft` with the name of its author"
                );
                Err(Refusal::Faults(vec![Fault::new("the body", message)]))
            }
        }
    }
}

impl RollbackBody {
    pub(super) fn wish(self) -> Result<PlanWish, Refusal> {
        Ok(PlanWish::Restore { number: number("version", self.version)?, comment: comment(self.comment)? })
    }
}

fn files(texts: Texts) -> Result<Files, Refusal> {
    Files::new(texts).map_err(|why| Refusal::Plan(Box::new(PlanRefusal::Files(why))))
}

fn number(field: &'static str, number: u64) -> Result<u64, Refusal> {
    let unknown = || both!("Eine Version mit dieser Nummer gibt es nicht", "there is no version with this number");
    Some(number).filter(|number| *number <= LAST).ok_or_else(|| Refusal::Faults(vec![Fault::new(field, unknown())]))
}

fn comment(text: String) -> Result<String, Refusal> {
    if text.chars().count() <= LONGEST_COMMENT {
        return Ok(text);
    }
    let message = both!("höchstens {} Zeichen", "at most {} characters", LONGEST_COMMENT);
    Err(Refusal::Faults(vec![Fault::new("comment", message)]))
}

/// The plan that runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunningPlan {
    #[serde(flatten)]
    version: VersionInfo,
    /// How many rules it has.
    rules: usize,
    /// Its files: texts by name.
    files: Texts,
    /// The last edit that could not take its place, if nothing was published since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    refused: Option<RefusedPlan>,
    /// The plan is in a folder, and is published by writing there.
    by_folder: bool,
    /// A second person has to agree to what is published.
    approval: bool,
}

/// What is said of a version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VersionInfo {
    /// Its number; 0 is the plan that is shipped.
    version: u64,
    /// Who published it.
    by: String,
    /// When (RFC 3339).
    at: String,
    /// Why.
    comment: String,
    /// SHA-256 of its files.
    fingerprint: String,
    /// The version that it was made from.
    parent: u64,
    /// Who else agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    approved_by: Option<String>,
    /// The version whose files these are again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    restores: Option<u64>,
    /// How many files it has.
    file_count: usize,
    /// How long they are together.
    bytes: usize,
}

/// Some versions, the newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Versions {
    pub(super) versions: Vec<VersionInfo>,
    /// There are more: ask for those `before` this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(super) next: Option<u64>,
}

/// A version with its files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeVersion {
    #[serde(flatten)]
    pub(super) version: VersionInfo,
    /// Its files: texts by name.
    pub(super) files: Texts,
}

/// A version that was published.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublishedVersion {
    #[serde(flatten)]
    pub(super) version: VersionInfo,
    /// What it probably does not do as it was meant.
    pub(super) warnings: Vec<PlanProblem>,
}

/// An edit that was not published.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusedPlan {
    /// When (RFC 3339).
    at: String,
    /// By whom; `folder`: in the folder.
    by: String,
    /// Why, in a sentence.
    why: String,
    /// Everything that is wrong with it.
    problems: Vec<PlanProblem>,
}

/// What is wrong with a plan, and where.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::web::api) struct PlanProblem {
    /// How bad it is.
    severity: SeverityName,
    /// The file.
    file: String,
    /// The line, from 1.
    line: usize,
    /// The column in characters, from 1.
    column: usize,
    /// How many characters it concerns.
    length: usize,
    /// What is wrong.
    message: String,
    /// What to do.
    help: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum SeverityName {
    /// The plan cannot be used.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// What changed from one version to another.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanDiff {
    /// From this version.
    pub(super) from: u64,
    /// To this one.
    pub(super) to: u64,
    /// File by file.
    pub(super) files: Vec<FileDiff>,
}

/// A file that changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileDiff {
    /// Its name.
    name: String,
    /// What became of it.
    change: ChangeName,
    /// Lines that were added.
    added: u32,
    /// Lines that were taken away.
    removed: u32,
    /// What differs, in the unified form.
    diff: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ChangeName {
    Added,
    Removed,
    Changed,
}

/// Two changes of one version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::web::api) struct Conflict {
    /// The version that you began with.
    base: u64,
    /// The version that was published meanwhile.
    theirs: u64,
    /// Every file that one of you changed.
    files: Vec<ConflictFile>,
    /// All files with both changes, if they do not touch: what you can publish next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    merged: Option<Texts>,
}

/// A file that one of you changed. A text that is left out: there is no such file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConflictFile {
    /// Its name.
    name: String,
    /// Who changed it.
    side: SideName,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    base: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    theirs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    yours: Option<String>,
    /// With both changes, where they do not touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    merged: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum SideName {
    Theirs,
    Yours,
    Both,
    Conflict,
}

/// All drafts, without their files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Drafts {
    pub(super) drafts: Vec<DraftInfo>,
}

/// What is said of a draft.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DraftInfo {
    /// Whose it is.
    author: String,
    /// The version that it was made from.
    parent: u64,
    /// What it is for.
    comment: String,
    /// When it was last written (RFC 3339).
    at: String,
    /// SHA-256 of its files: to be named when one agrees.
    fingerprint: String,
    /// Who agreed to it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    approved_by: Option<String>,
    /// For `If-Match`.
    pub(super) revision: u64,
}

/// A draft with its files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeDraft {
    #[serde(flatten)]
    pub(super) draft: DraftInfo,
    /// Its files: texts by name.
    pub(super) files: Texts,
}

pub(super) fn texts(files: &Files) -> Texts {
    files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

impl From<PlanVersion> for VersionInfo {
    fn from(listed: PlanVersion) -> Self {
        let PlanVersion { number, about, files, bytes } = listed;
        Self {
            version: number,
            by: about.by,
            at: about.at.to_string(),
            comment: about.comment,
            fingerprint: about.fingerprint,
            parent: about.parent,
            approved_by: about.approved_by,
            restores: about.restores,
            file_count: files,
            bytes,
        }
    }
}

impl RunningPlan {
    pub(super) fn of(runs: Runs, language: Language) -> Self {
        Self {
            files: texts(&runs.files),
            version: runs.listed.into(),
            rules: runs.rules,
            refused: runs.refused.map(|refused| RefusedPlan::of(refused, language)),
            by_folder: runs.by_folder,
            approval: runs.approval,
        }
    }
}

impl RefusedPlan {
    fn of(refused: RefusedEdit, language: Language) -> Self {
        let RefusedEdit { at, by, why, problems } = refused;
        let why = why.said(language).to_owned();
        Self { at: at.to_string(), by, why, problems: self::problems(&problems, language) }
    }
}

pub(in crate::web::api) fn problems(problems: &[dialplan::Problem], language: Language) -> Vec<PlanProblem> {
    problems.iter().map(|problem| PlanProblem::of(problem, language)).collect()
}

impl PlanProblem {
    fn of(problem: &dialplan::Problem, language: Language) -> Self {
        let told = problem.told(language);
        Self {
            severity: match problem.severity {
                Severity::Error => SeverityName::Error,
                Severity::Warning => SeverityName::Warning,
            },
            file: told.file.to_owned(),
            line: told.line,
            column: told.column,
            length: problem.length(),
            message: told.message.to_owned(),
            help: told.help.to_owned(),
        }
    }
}

impl From<FileChange> for FileDiff {
    fn from(change: FileChange) -> Self {
        let FileChange { name, change, added, removed, diff } = change;
        let change = match change {
            Change::Added => ChangeName::Added,
            Change::Removed => ChangeName::Removed,
            Change::Changed => ChangeName::Changed,
        };
        Self { name, change, added, removed, diff }
    }
}

impl From<&ThreeWay> for Conflict {
    fn from(view: &ThreeWay) -> Self {
        let file = |file: &crate::publish::Weighed| ConflictFile {
            name: file.name.clone(),
            side: match file.side {
                Side::Theirs => SideName::Theirs,
                Side::Yours => SideName::Yours,
                Side::Both => SideName::Both,
                Side::Conflict => SideName::Conflict,
            },
            base: file.base.clone(),
            theirs: file.theirs.clone(),
            yours: file.yours.clone(),
            merged: file.merged.clone(),
        };
        let files = view.files.iter().map(file).collect();
        Self { base: view.base, theirs: view.theirs, files, merged: view.merged.as_ref().map(texts) }
    }
}

impl From<KeptDraft> for DraftInfo {
    fn from(kept: KeptDraft) -> Self {
        let KeptDraft { draft, revision } = kept;
        Self {
            author: draft.author,
            parent: draft.parent,
            comment: draft.comment,
            at: draft.at.to_string(),
            fingerprint: draft.fingerprint,
            approved_by: draft.approval.map(|approval| approval.by),
            revision,
        }
    }
}

impl From<KeptDraft> for WholeDraft {
    fn from(kept: KeptDraft) -> Self {
        Self { files: texts(&kept.draft.files), draft: kept.into() }
    }
}
