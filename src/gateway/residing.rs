//! Where data goes: where the sound of calls may, what was refused gets into the audit, and whoever may is shown the rest.

use super::Gateway;
use super::routing::Beginning;
use crate::call::Refusal;
use crate::media::Session;
use crate::member::Domain;
use crate::records::Deed;
use crate::residency::{News, Report};
use crate::sip;
use crate::web::residency::{Done, Wish};
use crate::words::{Network, TrunkName};

/// With whom a leg exchanges its sound and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// With a member's own system.
    Member(Domain),
    /// With a trunk: who calls by it, or is called.
    Trunk(TrunkName),
    /// With whoever calls from elsewhere, and is answered where they are; and in an emergency with whoever helps.
    Anybody,
}

impl Whose {
    /// Of a call that came in, and of what the plan begins with it.
    pub(super) fn of(facts: &sip::Facts, beginning: &Beginning) -> Self {
        let emergency = matches!(beginning, Beginning::Ring(errand) if errand.emergency);
        match (&facts.visitor, &facts.trunk) {
            (Some(visitor), _) => Self::Member(visitor.member.clone()),
            (None, Some(trunk)) if !emergency => Self::Trunk(trunk.clone()),
            (None, _) => Self::Anybody,
        }
    }
}

impl Gateway {
    /// Where data goes, for who asks.
    pub(super) fn residing(&self, wish: Wish) -> Done {
        let residency = &self.config.residency;
        let partners = self.federation.as_ref().map(super::Federation::partners).unwrap_or_default();
        let report = Report::new(residency.processors(), partners, self.config.sends.clone());
        Done { wish, report, decisions: residency.decisions() }
    }

    /// Where the sound and the text of a leg may come from and go to; anywhere, if nothing is told.
    ///
    /// # Errors
    /// What was negotiated is elsewhere.
    pub(super) fn networks_for(&self, whose: &Whose, session: &Session) -> Result<Option<Vec<Network>>, Refusal> {
        let residency = &self.config.residency;
        let text = session.text.as_ref().map(|text| text.remote);
        // Nothing is sent to who is on hold.
        let mut places = [session.remote_rtp]
            .into_iter()
            .chain(text)
            .map(|place| place.ip().to_canonical())
            .filter(|address| !address.is_unspecified());
        let (may, networks) = match whose {
            Whose::Anybody => return Ok(None),
            Whose::Member(member) => {
                let member = self.member_of(member).ok_or(Refusal::NoMember)?;
                (places.all(|address| residency.permit_member(member, None, address).is_ok()), member.media.clone())
            }
            Whose::Trunk(name) => {
                let trunk = self.config.sip.trunks.named(name);
                let networks = residency.networks_of_calls(trunk.map_or(&[], |trunk| &trunk.networks));
                (places.all(|address| residency.permits_call(&networks, address)), networks)
            }
        };
        if may { Ok(Some(networks)) } else { Err(Refusal::MediaElsewhere) }
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
