//! Which calls have protected media (SRTP), and fresh keys for each.

use super::Gateway;
use super::chance::random;
use super::residing::Whose;
use crate::call::Refusal;
use crate::call::sdp::{Keys, Protection};
use crate::sip;
use crate::words::Transport;

impl Gateway {
    /// Of a call that comes in. Keys are as secret as the signalling: unless that is encrypted, we name ours only to who has named some.
    ///
    /// # Errors
    /// There is no randomness for keys.
    pub(super) fn protection_for(
        &self,
        facts: &sip::Facts,
        whose: &Whose,
        is_offered: bool,
    ) -> Result<Protection, Refusal> {
        let trunk = facts.trunk.as_ref().and_then(|name| self.config.sip.trunks.named(name));
        let of_member =
            facts.visitor.is_some() && self.config.federation.as_ref().is_some_and(|of| of.joined.needs_srtp);
        // Nobody is kept from help.
        let is_emergency = facts.trunk.is_some() && *whose == Whose::Anybody;
        let needed = !is_emergency && (of_member || trunk.is_some_and(|trunk| trunk.needs_srtp));
        if !is_offered && !needed && facts.source.transport != Transport::Tls {
            return Ok(Protection::None);
        }
        let keys = Keys::fresh(random).map_err(|_| Refusal::Full)?;
        Ok(if needed { Protection::Needed(keys) } else { Protection::Possible(keys) })
    }
}
