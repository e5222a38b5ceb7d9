//! The room's one clock.

use jiff::Timestamp;

/// Now, as people see it.
#[allow(clippy::disallowed_methods, reason = "the one clock of this room")]
pub(super) fn moment() -> Timestamp {
    Timestamp::now()
}
