//! Sees to it that each member has a keeper, and nobody else. In: the registry in force, and the time. Out: keepers that begin, look
//! again, or end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::keeper::Keeper;
use super::socket::Connection;
use super::{SAYINGS, Shared, State, Turn, clock};
use crate::cascade::Closing;
use crate::member::{Domain, Member};

/// Connections of one peer that may wait for its keeper: one is enough, the others are its mistake.
const CONNECTIONS: usize = 2;

/// What others see of a peer's keeper.
pub(super) struct Peer {
    sayings: mpsc::Sender<Saying>,
    connections: mpsc::Sender<Connection>,
    /// The turn in which the gateway speaks.
    pub turn: AtomicU64,
    /// More was said than could wait.
    pub overrun: AtomicBool,
    state: Mutex<State>,
}

/// Something is to be said.
pub(super) struct Saying {
    pub turn: Turn,
    pub what: Box<RawValue>,
}

impl Peer {
    pub fn say(&self, what: Box<RawValue>) {
        let turn = Turn(self.turn.load(Ordering::Relaxed));
        if self.sayings.try_send(Saying { turn, what }).is_err() {
            self.overrun.store(true, Ordering::Relaxed);
        }
    }

    pub fn hand_over(&self, connection: Connection) {
        if let Err(error) = self.connections.try_send(connection) {
            error.into_inner().dismiss(Closing::TwoConnections);
        }
    }

    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A keeper at work. It ends when the member is dropped.
struct Kept {
    member: watch::Sender<Arc<Member>>,
    work: JoinHandle<()>,
}

pub(super) async fn run(shared: Arc<Shared>) {
    let mut changes = shared.members.changes();
    let mut kept: BTreeMap<Domain, Kept> = BTreeMap::new();
    loop {
        changes.mark_unchanged();
        let others = shared.members.others();
        let gone: Vec<Domain> = kept.keys().filter(|domain| !others.contains_key(*domain)).cloned().collect();
        for domain in gone {
            shared.lock_peers().remove(&domain);
            end(kept.remove(&domain)).await;
        }
        for (domain, member) in others {
            match kept.get(&domain) {
                Some(kept) => drop(kept.member.send_replace(member)),
                None => drop(kept.insert(domain.clone(), begin(&shared, domain, member))),
            }
        }
        let next = shared.members.next_change().map(clock::at);
        tokio::select! {
            () = shared.closing.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
            () = clock::until(next) => {}
        }
    }
    for one in std::mem::take(&mut kept).into_values() {
        end(Some(one)).await;
    }
}

fn begin(shared: &Arc<Shared>, domain: Domain, member: Arc<Member>) -> Kept {
    let (sayings, to_say) = mpsc::channel(SAYINGS);
    let (connections, arrivals) = mpsc::channel(CONNECTIONS);
    let state = State::Down { since: clock::moment(), why: String::from("it was not connected yet") };
    let peer = Arc::new(Peer {
        sayings,
        connections,
        turn: AtomicU64::default(),
        overrun: AtomicBool::default(),
        state: Mutex::new(state),
    });
    shared.lock_peers().insert(domain.clone(), Arc::clone(&peer));
    let (member, changes) = watch::channel(member);
    let keeper = Keeper::new(Arc::clone(shared), domain, changes, peer, to_say, arrivals);
    Kept { member, work: tokio::spawn(keeper.run()) }
}

/// It has ended when this has: the same member may begin anew.
async fn end(kept: Option<Kept>) {
    let Some(Kept { member, work }) = kept else { return };
    drop(member);
    if let Err(error) = work.await {
        tracing::error!(%error, "the keeper of a link has failed");
    }
}
