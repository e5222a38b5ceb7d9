//! Where browsers find relays. A relay is told only while its name leads to declared addresses and to no other: a browser looks
//! the name up by itself.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::clock;
use crate::connection::{Relay, RelayPlace, Relays as Known};
use crate::names::Names;
use crate::residency::Purpose;
use crate::words::{Host, LegId};

/// So often their names are looked up.
const AGAIN: Duration = Duration::from_secs(30);

/// The relays of the institution, and which of them may be told now.
pub(super) struct Relays {
    known: Known,
    permitted: watch::Receiver<Vec<Host>>,
}

impl Relays {
    /// Looks their names up from now on, as long as this lives.
    pub(super) fn new(known: Known, names: Names) -> Self {
        let (told, permitted) = watch::channel(Vec::new());
        let hosts: Vec<Host> = known.servers.iter().map(Relay::host).cloned().collect();
        tokio::spawn(async move {
            loop {
                let mut found = Vec::new();
                for host in &hosts {
                    if leads_inside(&names, host).await {
                        found.push(host.clone());
                    }
                }
                told.send_replace(found);
                if timeout(AGAIN, told.closed()).await.is_ok() {
                    return;
                }
            }
        });
        Self { known, permitted }
    }

    /// A place at them for one browser.
    pub(super) fn place(&self, leg: LegId) -> Option<RelayPlace> {
        let permitted = self.permitted.borrow();
        self.known.place(leg, clock::unix().unsigned_abs(), |host| permitted.contains(host))
    }
}

async fn leads_inside(names: &Names, host: &Host) -> bool {
    let (name, addresses) = match host {
        Host::Address(address) => (None, vec![*address]),
        Host::Name(name) => match names.addresses(name).await {
            Ok(addresses) => (Some(name.as_str()), addresses),
            Err(why) => {
                tracing::warn!(relay = %host, %why, "browsers are not told of a relay");
                return false;
            }
        },
    };
    let may = |address: &std::net::IpAddr| names.residency().permit(Purpose::Turn, name, *address).is_ok();
    !addresses.is_empty() && addresses.iter().all(may)
}
