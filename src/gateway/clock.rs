//! The one clock of the signalling side.

use std::time::Instant;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The moment that stands in the audit, and by which meetings open and end.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub fn moment() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The moment so many days ago.
pub(super) fn days_ago(days: std::num::NonZeroU32) -> jiff::Timestamp {
    let span = jiff::SignedDuration::from_hours(24 * i64::from(days.get()));
    moment().checked_sub(span).unwrap_or(jiff::Timestamp::MIN)
}

/// Seconds since 1970.
pub(super) fn unix() -> i64 {
    moment().as_second()
}

/// What people's clocks show.
#[allow(clippy::disallowed_methods, reason = "the one clock")]
pub fn local(zone: &jiff::tz::TimeZone) -> jiff::ZonedDateTime {
    jiff::Timestamp::now().to_zoned_datetime(zone.clone())
}
