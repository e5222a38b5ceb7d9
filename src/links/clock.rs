//! The door's one clock, and its one source of chance.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Now.
#[allow(clippy::disallowed_methods, reason = "the one clock of this room")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The time by which pins and registries count.
#[allow(clippy::disallowed_methods, reason = "the one clock of this room")]
pub(super) fn moment() -> Timestamp {
    Timestamp::now()
}

/// When a time will have come; a clock that is set meanwhile is looked at again within a minute.
pub(super) fn at(time: Timestamp) -> Instant {
    let left = Duration::try_from(time.duration_since(moment())).unwrap_or(Duration::ZERO);
    now() + left.min(Duration::from_secs(60))
}

/// Waits for a deadline; for ever, if there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Random bytes. Without randomness there is no TLS, and so no connection for which they would count.
pub(super) fn chance<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no randomness");
    }
    bytes
}
