//! The federation: the registry that is held, and the links to the other members. What happens to them goes into the log, the audit
//! and the figures.

mod between;
mod quiet;
mod shards;
mod shown;
mod source;
mod visits;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{Gateway, Place, clock};
use crate::cascade::Cascade;
use crate::config::Joined;
use crate::links::{self, CannotOpen, Door};
use crate::meeting::Terms;
use crate::member::{Domain, Member, Registry, Standing, Trust};
use crate::names::Names;
use crate::observe::Observed;
use crate::records::Deed;
use crate::residency::{Partner, Residency};
use crate::sip;
use crate::store::{self, Folder, Revision, Value};
use crate::tls::{Own, Unusable};
use crate::web::ShownTrouble;

use between::Between;
use quiet::Quiet;
pub(super) use shards::Shards;
pub(super) use source::Offered;
pub use source::look as look_at_registry;

/// How it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the configuration says.
    pub joined: Joined,
    /// The DNS servers that are asked where members are.
    pub dns: Vec<SocketAddr>,
}

/// Where the registry is kept.
const KEY: &str = "federation/registry";

/// What else of the gateway it stands on.
pub(super) struct Around<'a> {
    pub(super) residency: &'a Residency,
    pub(super) observed: &'a Observed,
    pub(super) place: &'a Place,
}

/// A federation that we belong to.
pub(super) struct Federation {
    us: Domain,
    own: Own,
    door: Door,
    held: Option<Arc<Registry>>,
    /// When what is held was kept.
    revision: Option<Revision>,
    /// How it stood when that was last told.
    told: Option<Standing>,
    /// What holds for single members.
    terms: Vec<Terms>,
    troubles: shown::Troubles,
    _watching: AbortOnDropHandle<()>,
}

/// Our certificate: that of the configuration, or around a key that is made once and kept.
///
/// # Errors
/// It can be neither read nor made.
pub fn own_key(joined: &Joined, place: &Place) -> Result<Own, Unusable> {
    match (&joined.certificate, place) {
        (Some((certificate, key)), _) => Own::read(certificate, key),
        (None, Place::Folder(folder)) => Own::kept(&folder.join("federation.key"), joined.us.as_str()),
        (None, Place::Memory) => Own::made(joined.us.as_str()),
    }
}

/// The registry that a gateway which does not run has kept; nothing, while one runs, for it has the folder for itself.
pub fn kept_registry(joined: &Joined, folder: &Path) -> Option<Registry> {
    // Opening a folder makes one.
    let folder = folder.join(store::FILE).exists().then(|| Folder::open(folder).ok())??;
    kept_in(&folder, joined)
}

fn kept_in(folder: &Folder, joined: &Joined) -> Option<Registry> {
    let (events, _) = mpsc::channel(1);
    let (_, entries) = store::Store::open(folder, events).ok()?;
    let entry = entries.iter().find(|entry| entry.key == KEY)?;
    Registry::kept(entry.value.as_bytes(), &joined.federation).ok()
}

impl Federation {
    pub(super) fn begin(
        config: &Config,
        around: &Around<'_>,
        kept: &[store::Entry],
        links: mpsc::Sender<links::Event>,
        offered: mpsc::Sender<Offered>,
    ) -> Result<Self, CannotOpen> {
        let joined = &config.joined;
        let own = own_key(joined, around.place)?;
        let entry = kept.iter().find(|entry| entry.key == KEY);
        let held = entry.and_then(|entry| {
            Registry::kept(entry.value.as_bytes(), &joined.federation)
                .map_err(|why| tracing::error!(%why, "the registry that was kept cannot be used"))
                .ok()
        });
        let trust =
            Trust { federation: joined.federation.clone(), operators: joined.operators.clone(), held: held.clone() };
        let held = held.map(Arc::new);
        let door = links::Config {
            us: joined.us.clone(),
            listen: joined.listen.clone(),
            dns: config.dns.clone(),
            own: own.clone(),
            limits: links::Limits::default(),
        };
        let door = Door::open(door, held.clone(), around.residency.clone(), around.observed.clone(), links)?;
        tracing::info!(us = %joined.us, pin = %own.pin(), listening = ?door.listening(), "the federation");
        let names = Names::new(&config.dns, around.residency.clone());
        let watching = tokio::spawn(source::watch(joined.registry.clone(), trust, names, offered));
        let federation = Self {
            us: joined.us.clone(),
            own,
            door,
            held,
            revision: entry.map(|entry| entry.revision),
            told: None,
            terms: joined.terms.clone(),
            troubles: shown::Troubles::default(),
            _watching: AbortOnDropHandle::new(watching),
        };
        federation.look_at_ourselves(around.observed);
        Ok(federation)
    }

    /// The meetings that we hold with other members.
    pub(super) fn shards(&self, chance: u64) -> Shards {
        let key = self.own.derived("einwahl-grant-1");
        let mut cascade = Cascade::new(self.us.clone(), &key, chance, shards::FIRST_DISTANT);
        cascade.terms(self.terms.clone());
        cascade.members(self.held.as_ref().map(|held| named(held)).unwrap_or_default());
        let (between, quiet) = (Between::default(), Quiet::default());
        Shards { cascade, between, quiet, guard: shards::guard(), paces: BTreeMap::new() }
    }

    /// How members' own systems may call.
    pub(super) fn joining(&self, listen: Vec<SocketAddr>) -> sip::Joining {
        sip::Joining { listen, own: self.own.clone(), registry: self.held.clone() }
    }

    /// What holds for a member in all meetings.
    fn terms_of(&self, member: &Domain) -> Option<&Terms> {
        self.terms.iter().find(|terms| terms.with == *member)
    }

    /// The other members, for the record of processing.
    pub(super) fn partners(&self) -> Vec<Partner> {
        let of = |held: &Arc<Registry>| Partner::all(held, &self.us, clock::moment());
        self.held.as_ref().map(of).unwrap_or_default()
    }

    /// Tells all peers that we stop.
    pub(super) async fn end(self) {
        self.door.close().await;
    }

    /// Whether the registry knows us as we are.
    fn look_at_ourselves(&self, observed: &Observed) {
        let Some(registry) = &self.held else { return };
        observed.registry_expires(registry.document().expires.as_second());
        let (now, us, pin) = (clock::moment(), &self.us, self.own.pin());
        match registry.member(us, now) {
            None => tracing::warn!(%us, "the registry does not name us as a member: nobody takes our links"),
            Some(member) if !member.has_key(pin, now) => {
                tracing::warn!(%us, %pin, "the registry does not name our key: give this pin to its operators");
            }
            Some(_) => {}
        }
    }
}

impl Federation {
    /// The other members, in their order.
    pub(super) fn others(&self) -> Vec<Domain> {
        self.other_members().map(|member| member.domain.clone()).collect()
    }

    /// Those of them that take no links, and join by their own systems alone.
    pub(super) fn others_by_sip(&self) -> Vec<Domain> {
        self.other_members().filter(|member| member.links.is_empty()).map(|member| member.domain.clone()).collect()
    }

    fn other_members(&self) -> impl Iterator<Item = &Member> {
        let members = self.held.iter().flat_map(|held| held.members(clock::moment()));
        members.filter(|member| member.domain != self.us)
    }
}

/// The members, with their names.
fn named(registry: &Registry) -> Vec<(Domain, String)> {
    registry.members(clock::moment()).map(|member| (member.domain.clone(), member.name.clone())).collect()
}

impl Gateway {
    /// A registry was offered.
    pub(super) fn on_offered(&mut self, offered: Offered) {
        let Some(federation) = &mut self.federation else { return };
        match offered {
            Offered::Refused(why) => {
                tracing::warn!(why, "a registry is refused, the one that is held goes on");
                federation.troubles.registry = Some(ShownTrouble { at: clock::moment(), why: why.clone() });
                self.note(Deed::RegistryRefused { why });
            }
            Offered::Taken(registry, bytes) => {
                let document = registry.document();
                let (serial, members) = (document.serial, registry.members(clock::moment()).count());
                let expires = document.expires.to_string();
                tracing::info!(serial, members, expires, "another registry counts");
                let names = named(&registry);
                federation.troubles.registry = None;
                let former = federation.held.take();
                federation.held = Some(Arc::clone(&registry));
                federation.door.registry(Arc::clone(&registry));
                self.door.members_are(registry);
                federation.look_at_ourselves(&self.observed);
                let (expects, ticket) = (federation.revision, self.desk.ticket());
                let wish = store::Wish { ticket, key: KEY.to_owned(), expects, value: Some(Value::new(bytes)) };
                if let Err(why) = self.store.want(wish) {
                    tracing::error!(%why, "the registry is not kept: after a restart it has to be read again");
                }
                self.note(Deed::RegistryTaken { serial, members, expires });
                self.note_left_out();
                self.members_are(names);
                self.meet_no_others(former.as_deref());
                self.look_at_visits(former.as_deref());
            }
        }
    }

    fn note_left_out(&self) {
        let held = self.federation.as_ref().and_then(|federation| federation.held.as_ref());
        for (member, faults) in held.iter().flat_map(|held| held.refused()) {
            let why = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            tracing::warn!(%member, why, "a member is left out");
            self.note(Deed::MemberLeftOut { member: member.clone(), why });
        }
    }

    /// It is in the store.
    pub(super) fn registry_is_kept(&mut self, entry: &store::Entry) {
        if let Some(federation) = self.federation.as_mut().filter(|_| entry.key == KEY) {
            federation.revision = Some(entry.revision);
        }
    }

    /// Once a second: warns in time.
    pub(super) fn look_at_registry(&mut self) {
        let Some(federation) = &mut self.federation else { return };
        let Some(standing) = federation.held.as_ref().map(|held| held.standing(clock::moment())) else { return };
        if federation.told.replace(standing) == Some(standing) {
            return;
        }
        match standing {
            Standing::Holds => {}
            Standing::EndsSoon { at } => {
                tracing::warn!(%at, "the registry ends soon: its operators have to sign a new one");
                self.note(Deed::RegistryEnds { at: at.to_string(), expired: false });
            }
            Standing::Expired { since } => {
                tracing::error!(%since, "the registry has expired: no member is spoken to until there is a new one");
                self.note(Deed::RegistryEnds { at: since.to_string(), expired: true });
            }
        }
    }

    pub(super) fn on_link(&mut self, event: links::Event) {
        if let (links::Event::TellAnew { peer, turn }, Some(federation)) = (&event, &self.federation) {
            federation.door.begin(peer, *turn);
        }
        self.on_peer(&event);
        if let Some(federation) = &mut self.federation {
            federation.troubles.happened(&event, clock::moment());
        }
        match event {
            links::Event::Up { peer } => {
                tracing::info!(%peer, "the link to a member is up");
                self.note(Deed::LinkStands { member: peer, state: String::from("up"), why: None });
            }
            links::Event::Down { peer, why } => {
                tracing::warn!(%peer, %why, "the link to a member is down");
                self.note(Deed::LinkStands { member: peer, state: String::from("down"), why: Some(why.to_string()) });
            }
            links::Event::Refused(links::Refused { address, peer, why, untold }) => {
                tracing::warn!(?address, peer = ?peer.as_ref().map(Domain::as_str), %why, untold, "a gateway is refused");
                let address = address.map(|address| address.to_string());
                self.note(Deed::LinkRefused { address, member: peer, why: why.to_string(), untold });
            }
            links::Event::TellAnew { .. }
            | links::Event::Heard { .. }
            | links::Event::Anew { .. }
            | links::Event::RoundTrip { .. } => {}
        }
    }
}
