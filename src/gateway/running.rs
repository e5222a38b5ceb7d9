//! The plan that decides now. In: a plan that was found whole. Out: the same to every call until another takes its place, at once
//! for all calls that begin later. A call that has begun keeps the one it began with.

use std::sync::Arc;

use crate::dialplan::Plan;
use crate::publish::{About, Files};

/// A plan, and where it comes from. Never changed: another takes its place.
#[derive(Clone, Debug)]
pub struct Running {
    /// What calls are for.
    pub plan: Plan,
    /// The number of its version; 0 is the plan that is shipped.
    pub version: u64,
    /// What is said of it.
    pub about: About,
    /// Its files.
    pub files: Files,
}

/// The plan that runs, shared with every call that began under it.
pub(super) type Shared = Arc<Running>;
