//! A call that we answered is handed on: by the trunk that it came from, if that leads there and can do it (REFER, RFC 5589 section
//! 6); else we connect the two ourselves.

use super::Gateway;
use super::routing::{Beginning, Errand};
use crate::call::hunt::Way;
use crate::dialplan::{Ring, Transfer};
use crate::words::{CallId, LegId};

impl Gateway {
    /// Asks the caller's trunk to call somebody else in our place.
    pub(super) fn transfer(&mut self, leg: LegId, transfer: &Transfer) {
        let caller = self.callers.get(&leg).and_then(|caller| caller.brief.as_ref());
        let is_its_own = caller.is_some_and(|brief| brief.facts.trunk.as_ref() == Some(&transfer.to.trunk));
        if is_its_own && self.door.refer(CallId(leg.0), &transfer.to.trunk, &transfer.to.user) {
            tracing::info!(%leg, trunk = %transfer.to.trunk, "handed on");
        } else {
            self.referred(leg, false);
        }
    }

    /// The trunk has done it, or will not.
    pub(super) fn referred(&mut self, leg: LegId, taken: bool) {
        if taken {
            tracing::info!(%leg, "the trunk has taken the call over: hung up here");
            return self.hang_up(leg);
        }
        let Some(caller) = self.callers.get(&leg) else { return };
        let Beginning::Transfer(Transfer { to, otherwise }) = caller.beginning.clone() else { return };
        tracing::info!(%leg, "the trunk does not hand the call on: both are connected here");
        let ring = Ring { to: vec![to], way: Way::InOrder, patience: Ring::PATIENCE, otherwise };
        self.seek(leg, Errand::plain(ring, String::new()));
    }
}
