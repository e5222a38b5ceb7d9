//! The one clock of the signalling side.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}
