//! Where data may go. In: the processors of the configuration (GDPR article 4 no. 8), and each wish to open a connection, with
//! its purpose. Out: a permit, or a refusal that says why.
//!
//! Whoever opens a connection asks here first (`clippy.toml` forbids to open one without a reason). It is
//! permitted if a declared processor has that purpose, lies in the European Economic Area, and has the *address* in its
//! networks: a name is looked up first and the address that was found is the one that is used, so that a changed answer of
//! the name service leads nowhere else. This machine itself (loopback) needs no declaration: nothing leaves it.

mod firewall;
mod permit;
mod processor;
mod report;

pub use firewall::nftables;
pub use permit::{Permit, Refused};
pub use processor::{Processor, Purpose};
pub use report::{Destination, Report, Verdict};

use std::net::IpAddr;
use std::sync::Arc;

use crate::member::Member;

/// What is declared.
#[derive(Clone, Debug, Default)]
pub struct Residency(Arc<[Processor]>);

impl Residency {
    /// Of these processors.
    pub fn new(processors: impl Into<Arc<[Processor]>>) -> Self {
        Self(processors.into())
    }

    /// Whether data may go to this address for this purpose; `host` is the name that led to it, if one did.
    ///
    /// # Errors
    /// No declared processor allows it.
    pub fn permit(&self, purpose: Purpose, host: Option<&str>, address: IpAddr) -> Result<Permit, Refused> {
        told(purpose, permit::permit(&self.0, purpose, host, address))
    }

    /// Whether data may go to a gateway of a member at this address, to which that name of it led. What the signed registry says of
    /// a member declares it: its country and its networks, and the names of its gateways. Also this machine has to be among these.
    ///
    /// # Errors
    /// It is none of them.
    pub fn permit_member(member: &Member, host: &str, address: IpAddr) -> Result<Permit, Refused> {
        told(Purpose::Member, permit::to_member(member, host, address))
    }
}

fn told(purpose: Purpose, verdict: Result<Permit, Refused>) -> Result<Permit, Refused> {
    if let Err(refused) = &verdict {
        tracing::warn!(%purpose, why = %refused, "an outbound connection is refused");
    }
    verdict
}
