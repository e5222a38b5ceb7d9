//! The media thread's clock.

use std::time::{Duration, Instant, SystemTime};

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock of the media thread")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Now by the clock with which the kernel stamps datagrams.
#[allow(clippy::disallowed_methods, reason = "only for the difference to the kernel's stamps")]
pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
