//! The one clock of the signalling side.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub(super) fn unix() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What people's clocks show.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub fn local(zone: &jiff::tz::TimeZone) -> jiff::ZonedDateTime {
    jiff::Timestamp::now().to_zoned_datetime(zone.clone())
}
