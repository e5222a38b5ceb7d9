//! The media thread's clock.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock of the media thread")]
pub(super) fn now() -> Instant {
    Instant::now()
}
