//! Where data may go. In: the processors of the configuration (GDPR article 4 no. 8), and each wish to open a connection, with
//! its purpose. Out: a permit, or a refusal that says why.
//!
//! Whoever opens a connection asks here first (`clippy.toml` forbids to open one without a reason). It is
//! permitted if a declared processor has that purpose, lies in the European Economic Area, and has the *address* in its
//! networks: a name is looked up first and the address that was found is the one that is used, so that a changed answer of
//! the name service leads nowhere else. This machine itself (loopback) needs no declaration: nothing leaves it.
//!
//! A file of countries ([`Countries`]) may be asked, too: what it finds outside is refused, whatever is declared.
//!
//! Each decision is counted; the last of them are remembered, and what was refused is news for the audit ([`Residency::news`]).

mod clock;
mod countries;
mod firewall;
mod permit;
mod processor;
mod report;
mod seen;

pub use countries::{Countries, Unusable};
pub use firewall::nftables;
pub use permit::{Permit, Refused};
pub use processor::{Processor, Purpose};
pub use report::{Basis, Caller, Destination, Partner, Permitted, Report, Verdict};
pub use seen::{Decision, News};

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::member::Member;
use crate::observe::Observed;
use crate::words::Network;
use seen::Seen;

/// What is declared, and what was decided by it. Cheap to clone; all clones remember the same.
#[derive(Clone, Debug, Default)]
pub struct Residency {
    processors: Arc<[Processor]>,
    countries: Option<Countries>,
    seen: Arc<Mutex<Seen>>,
    observed: Option<Observed>,
}

/// What a decision is counted as.
const PERMITTED: &str = "permitted";
const REFUSED: &str = "refused";

impl Residency {
    /// Of these processors.
    pub fn new(processors: impl Into<Arc<[Processor]>>) -> Self {
        Self { processors: processors.into(), ..Self::default() }
    }

    /// The same, with a second opinion on where addresses are, if there is one.
    #[must_use]
    pub fn seconded(self, countries: Option<Countries>) -> Self {
        Self { countries, ..self }
    }

    /// The second opinion on where addresses are.
    pub const fn countries(&self) -> Option<&Countries> {
        self.countries.as_ref()
    }

    /// The same, with its decisions counted here.
    #[must_use]
    pub fn counted(self, observed: Observed) -> Self {
        for purpose in Purpose::ALL {
            observed.begin_outbound(purpose.name(), [PERMITTED, REFUSED]);
        }
        Self { observed: Some(observed), ..self }
    }

    /// Who is declared.
    pub fn processors(&self) -> &[Processor] {
        &self.processors
    }

    /// Whether data may go to this address for this purpose; `host` is the name that led to it, if one did.
    ///
    /// # Errors
    /// No declared processor allows it.
    pub fn permit(&self, purpose: Purpose, host: Option<&str>, address: IpAddr) -> Result<Permit, Refused> {
        self.told(purpose, host, address, permit::permit(&self.processors, purpose, host, address))
    }

    /// Whether data may go to a gateway of a member at this address: a link to which `host`, a name of it, has led, or sound. What the
    /// signed registry says of a member declares it: its country and its networks, and the names of its gateways. Also this machine has to be
    /// among these.
    ///
    /// # Errors
    /// It is none of them.
    pub fn permit_member(&self, member: &Member, host: Option<&str>, address: IpAddr) -> Result<Permit, Refused> {
        self.told(Purpose::Member, host, address, permit::to_member(member, host, address))
    }

    /// Where the sound of a trunk's calls may go, and the requests inside them: to the trunk's own networks, to addresses that nobody outside
    /// of an institution has, and to who is declared for trunks.
    pub fn networks_of_calls(&self, trunk: &[IpNet]) -> Vec<Network> {
        permit::call_networks(&self.processors, trunk)
    }

    /// Whether something of a trunk's call may go to this address, with what [`Self::networks_of_calls`] gave. Whoever is outside of these
    /// networks is asked for like any other place.
    pub fn permits_call(&self, networks: &[Network], address: IpAddr) -> bool {
        networks.iter().any(|network| network.0.contains(&address))
            || self.permit(Purpose::Trunk, None, address).is_ok()
    }

    /// What was decided last, the newest first.
    pub fn decisions(&self) -> Vec<Decision> {
        self.lock().all()
    }

    /// How many different connections were refused so far, the same again after an hour included.
    pub fn refusals(&self) -> u64 {
        self.lock().refusals()
    }

    /// What was refused and is to be noted now. Each is told once, and the same again after an hour at the earliest.
    pub fn news(&self) -> Vec<News> {
        self.lock().news(clock::moment())
    }

    fn told(
        &self,
        purpose: Purpose,
        host: Option<&str>,
        address: IpAddr,
        verdict: Result<Permit, Refused>,
    ) -> Result<Permit, Refused> {
        let verdict = verdict.and_then(|permit| self.second(permit));
        let is_news = self.lock().note((purpose, host, address.to_canonical()), &verdict, clock::moment());
        if let Some(observed) = &self.observed {
            observed.outbound(purpose.name(), if verdict.is_ok() { PERMITTED } else { REFUSED });
        }
        if let Err(refused) = &verdict
            && is_news
        {
            tracing::warn!(%purpose, why = %refused, "an outbound connection is refused");
        }
        verdict
    }

    /// What is declared to be inside may be found outside.
    fn second(&self, permit: Permit) -> Result<Permit, Refused> {
        let (address, countries) = (permit.address, self.countries.as_ref());
        match (&permit.processor, countries.and_then(|countries| countries.abroad(address))) {
            (Some(processor), Some(country)) => Err(Refused::Found { address, processor: processor.clone(), country }),
            (None, _) | (_, None) => Ok(permit),
        }
    }

    /// A list is whole even if somebody panicked beside it.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
