//! The dialplan by API: what runs, its versions, drafts, publishing and going back. In: HTTP requests with JSON. Out: wishes to
//! the gateway, and what it answered.
//!
//! Plans are long: before a body is read the gateway is asked whether whoever sends it may.

mod body;
mod refusal;
mod routes;

use std::num::NonZeroU32;

pub(super) use body::{Conflict, PlanProblem, problems};
pub use refusal::PlanRefusal;
pub(super) use routes::{Api, routes};

use crate::publish::{About, Draft, FileChange, Files, Replayed};
use crate::words::{Both, Right};

/// What somebody wants of the dialplan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanWish {
    /// To see the plan that runs.
    Running,
    /// To see what is said of versions, the newest first.
    Versions {
        /// Those before this one.
        before: Option<u64>,
        /// At most so many.
        most: usize,
    },
    /// To see one with its files.
    Version {
        /// Which; 0 is the plan that is shipped.
        number: u64,
    },
    /// To see what changed from one version to another.
    Diff {
        /// From this one.
        from: u64,
        /// To this one; the one that runs, if nothing is said.
        to: Option<u64>,
    },
    /// To see what is said of all drafts.
    Drafts,
    /// To see one.
    Draft {
        /// Whose; one's own, if nothing is said.
        author: Option<String>,
    },
    /// To write one's own.
    Save {
        /// The files, and what they are for.
        edit: Box<Edit>,
        /// Only if it was last written then.
        expects: Option<u64>,
    },
    /// To throw one's own away.
    Discard,
    /// To agree to somebody else's.
    Approve {
        /// Whose.
        author: String,
        /// SHA-256 of the files that one has seen.
        fingerprint: String,
    },
    /// To publish files.
    Publish(Box<Edit>),
    /// To publish a draft.
    PublishDraft {
        /// Whose.
        author: String,
        /// Why; the draft's own comment, if nothing is said.
        comment: Option<String>,
    },
    /// To know which calls of the last days would go elsewhere.
    Replay {
        /// By what.
        draft: Tried,
        /// So many days.
        days: NonZeroU32,
    },
    /// To publish the files of an earlier version again.
    Restore {
        /// Which; 0 is the plan that is shipped.
        number: u64,
        /// Why.
        comment: String,
    },
}

/// Files that are to be published, or kept as a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// All of them.
    pub files: Files,
    /// The version that they were made from.
    pub parent: u64,
    /// What for.
    pub comment: String,
}

/// What calls are tried with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// These files.
    Files(Files),
    /// The draft of this author.
    Draft(String),
}

impl PlanWish {
    /// What a token needs for it.
    pub const fn needs(&self) -> Right {
        match self {
            Self::Running
            | Self::Versions { .. }
            | Self::Version { .. }
            | Self::Diff { .. }
            | Self::Drafts
            | Self::Draft { .. } => Right::Plan,
            Self::Save { .. } | Self::Discard => Right::Edit,
            Self::Replay { .. } => Right::Calls,
            Self::Approve { .. } | Self::Publish(_) | Self::PublishDraft { .. } | Self::Restore { .. } => {
                Right::Publish
            }
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanDone {
    /// The plan that runs.
    Running(Box<Runs>),
    /// Some versions.
    Versions {
        /// Which, the newest first.
        versions: Vec<PlanVersion>,
        /// There are more before this one.
        next: Option<u64>,
    },
    /// One version.
    Version {
        /// What is said of it.
        listed: Box<PlanVersion>,
        /// Its files.
        files: Files,
    },
    /// What changed.
    Diff {
        /// From this version.
        from: u64,
        /// To this one.
        to: u64,
        /// File by file.
        changes: Vec<FileChange>,
    },
    /// All drafts.
    Drafts(Vec<KeptDraft>),
    /// One draft.
    Draft(Box<KeptDraft>),
    /// It is no more.
    Discarded,
    /// What the draft would do with the calls that there were.
    Replayed(Box<Replayed>),
    /// It runs.
    Published {
        /// What is said of it.
        listed: Box<PlanVersion>,
        /// What it probably does not do as it was meant.
        warnings: Vec<crate::dialplan::Problem>,
    },
}

/// A draft, and when it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDraft {
    /// The draft.
    pub draft: Draft,
    /// For `If-Match`.
    pub revision: u64,
}

/// A version without its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanVersion {
    /// Its number.
    pub number: u64,
    /// What is said of it.
    pub about: About,
    /// How many files it has.
    pub files: usize,
    /// How long they are together.
    pub bytes: usize,
}

/// The plan that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// What is said of it.
    pub listed: PlanVersion,
    /// Its files.
    pub files: Files,
    /// How many rules it has.
    pub rules: usize,
    /// The last edit that could not take its place, if nothing was published since.
    pub refused: Option<RefusedEdit>,
    /// The plan is in a folder, and is published by writing there.
    pub by_folder: bool,
    /// A second person has to agree.
    pub approval: bool,
}

/// An edit that was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEdit {
    /// When.
    pub at: jiff::Timestamp,
    /// By whom.
    pub by: String,
    /// In a sentence.
    pub why: Both,
    /// Everything that is wrong with it.
    pub problems: Vec<crate::dialplan::Problem>,
}

/// No version has a higher number: what reads JSON elsewhere may count in 63 bits.
const LAST: u64 = u64::MAX >> 1;

/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 500;
