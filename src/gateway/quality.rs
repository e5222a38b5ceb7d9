//! How the sound of a call is, for the log. No personal data: figures, and the number of the leg.

use crate::media::Quality;
use crate::words::{LegId, PeerId};

/// At the end of each call: one line, from which an administrator sees on which side a bad line was.
pub(super) fn tell_of_all(leg: LegId, quality: &Quality) {
    tracing::info!(
        %leg,
        codec = %quality.codec,
        seconds = quality.lasted.as_secs(),
        loss_in = %quality.loss_in,
        loss_out = quality.loss_out(),
        jitter_in = Quality::millis(quality.jitter_in),
        jitter_out = Quality::millis_if_known(quality.out.map(|told| told.jitter)),
        round_trip = Quality::millis_if_known(quality.round_trip),
        late = quality.late,
        concealed = quality.concealed,
        "how the sound was"
    );
}

/// While it lasts.
pub(super) fn tell_of_now(leg: LegId, quality: &Quality) {
    tracing::debug!(%leg, loss_in = %quality.loss_in, loss_out = quality.loss_out(), late = quality.late, "how the sound is");
}

/// While a line to another gateway lasts.
pub(super) fn tell_of_peer(peer: PeerId, quality: &Quality) {
    tracing::debug!(
        %peer,
        loss_in = %quality.loss_in,
        loss_out = quality.loss_out(),
        jitter_in = Quality::millis(quality.jitter_in),
        jitter_out = Quality::millis_if_known(quality.out.map(|told| told.jitter)),
        round_trip = Quality::millis_if_known(quality.round_trip),
        late = quality.late,
        concealed = quality.concealed,
        "how the line to another gateway is"
    );
}
