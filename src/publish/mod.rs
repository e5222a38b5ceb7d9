//! Versions of the dialplan: what was published when, by whom and why; drafts that wait; what differs, and what comes of two
//! changes of the same version. In: files, names, times. Out: versions, texts as they are kept, comparisons. Pure.
//!
//! Versions are numbered from 1 without a gap, and none is ever changed: who publishes adds the next one, which is refused when
//! somebody else has added it meanwhile. To go back is to publish the files of an earlier version again.

mod compare;
mod draft;
mod files;
mod history;
mod lines;
mod replay;
mod version;

pub use compare::{Change, FileChange, Side, ThreeWay, Weighed, three_way};
pub use draft::{Approval, Draft};
pub use files::{Files, Unfit};
pub use history::{History, MOST_DRAFTS};
pub use lines::{merge, unified};
pub use replay::{Moved, Replay, Replayed, Way};
pub use version::{About, Version};

/// What is kept cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is stored of this version cannot be read: {0}")]
pub struct Unreadable(String);
