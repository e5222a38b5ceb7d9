//! The door's one clock.

use std::time::Instant;

use jiff::Timestamp;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock of this room")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Now, as people see it.
#[allow(clippy::disallowed_methods, reason = "the same, of the wall")]
pub(super) fn moment() -> Timestamp {
    Timestamp::now()
}
