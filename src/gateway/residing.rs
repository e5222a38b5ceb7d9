//! Where data goes: what was refused gets into the audit, and whoever may is shown the rest.

use super::Gateway;
use crate::records::Deed;
use crate::residency::{News, Report};
use crate::web::residency::{Done, Wish};

impl Gateway {
    /// Where data goes, for who asks.
    pub(super) fn residing(&self, wish: Wish) -> Done {
        let residency = &self.config.residency;
        let partners = self.federation.as_ref().map(super::Federation::partners).unwrap_or_default();
        let report = Report::new(residency.processors(), partners, self.config.sends.clone());
        Done { wish, report, decisions: residency.decisions() }
    }

    /// Once a second: what was refused, and is worth an entry.
    pub(super) fn note_refused_connections(&self) {
        for News { decision, times, untold } in self.config.residency.news() {
            let Err(why) = decision.verdict else { continue };
            let (purpose, address) = (decision.purpose.to_string(), decision.address.to_string());
            self.note(Deed::ConnectionRefused { purpose, host: decision.host, address, why, times, untold });
        }
    }
}
