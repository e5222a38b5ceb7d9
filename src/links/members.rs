//! The registry in force, as connections see it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::clock;
use crate::member::{Domain, Member, Registry, Spki, Standing};

/// Shared by all connections; another registry counts at once.
#[derive(Clone, Debug)]
pub(super) struct Members {
    us: Domain,
    registry: watch::Sender<Option<Arc<Registry>>>,
}

impl Members {
    pub fn new(us: Domain, registry: Option<Arc<Registry>>) -> Self {
        Self { us, registry: watch::Sender::new(registry) }
    }

    pub fn us(&self) -> &Domain {
        &self.us
    }

    /// Another registry counts from now on.
    pub fn replace(&self, registry: Arc<Registry>) {
        self.registry.send_replace(Some(registry));
    }

    pub fn changes(&self) -> watch::Receiver<Option<Arc<Registry>>> {
        self.registry.subscribe()
    }

    /// The others.
    pub fn others(&self) -> BTreeMap<Domain, Arc<Member>> {
        self.with(|registry| {
            let others = registry.members(clock::moment()).filter(|member| member.domain != self.us);
            others.map(|member| (member.domain.clone(), Arc::new(member.clone()))).collect()
        })
        .unwrap_or_default()
    }

    /// Whose key this is: also ours.
    pub fn whose(&self, key: Spki) -> Option<Member> {
        self.with(|registry| registry.whose(key, clock::moment()).cloned()).flatten()
    }

    pub fn is_key_of(&self, domain: &Domain, key: Spki) -> bool {
        let now = clock::moment();
        let is = |registry: &Registry| registry.member(domain, now).is_some_and(|member| member.has_key(key, now));
        self.with(is).unwrap_or(false)
    }

    /// Whether this is the address of one of the others.
    pub fn is_listed(&self, address: IpAddr) -> bool {
        let is = |registry: &Registry| {
            let mut others = registry.members(clock::moment()).filter(|member| member.domain != self.us);
            others.any(|member| member.is_at(address))
        };
        self.with(is).unwrap_or(false)
    }

    pub fn has_expired(&self) -> bool {
        self.with(|registry| matches!(registry.standing(clock::moment()), Standing::Expired { .. })).unwrap_or(false)
    }

    /// When something begins or ends by itself: the registry, or a pin.
    pub fn next_change(&self) -> Option<Timestamp> {
        let now = clock::moment();
        self.with(|registry| {
            let pins = registry.members(now).flat_map(|member| &member.pins).flat_map(|pin| [pin.from, pin.until]);
            pins.flatten().chain([registry.document().expires]).filter(|at| *at > now).min()
        })
        .flatten()
    }

    fn with<T>(&self, ask: impl FnOnce(&Registry) -> T) -> Option<T> {
        self.registry.borrow().as_deref().map(ask)
    }
}
