//! Where the registry comes from: a file, or another server. In: its bytes, whenever there may be others. Out: a registry that comes
//! after the one that is held, or why it does not count, once. Works beside the gateway: signatures take their time.

mod asked;
mod file;

use std::sync::Arc;

use tokio::sync::mpsc;

use super::super::clock;
use crate::config::Source;
use crate::member::{Registry, Trust};
use crate::names::Names;

/// What the source brought.
pub(in crate::gateway) enum Offered {
    /// Another registry counts; with its bytes, to be kept.
    Taken(Arc<Registry>, Vec<u8>),
    /// It does not count, or cannot be read.
    Refused(String),
}

/// Looks until nobody wants to know any more.
pub(super) async fn watch(source: Source, trust: Trust, names: Names, offered: mpsc::Sender<Offered>) {
    match source {
        Source::File(file) => file::watch(file, trust, offered).await,
        Source::Https { address, ca, every } => {
            let asked = asked::Asked::new(address, ca.as_deref(), names);
            asked::watch(asked, trust, every, offered).await;
        }
    }
}

/// Looks once, and says what would be taken by who holds none yet.
///
/// # Errors
/// It cannot be read, or does not count.
pub async fn look(source: Source, trust: Trust, names: Names) -> Result<Registry, String> {
    let read = move || match source {
        Source::File(file) => std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display())),
        Source::Https { address, ca, .. } => {
            let told = address.to_string();
            let news = asked::Asked::new(address, ca.as_deref(), names).news();
            news.map(Option::unwrap_or_default).map_err(|why| format!("{told}: {why}"))
        }
    };
    // It is made where names are looked up, and asks where nobody waits.
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
    trust.accept(&read?, clock::moment()).map_err(|refusal| refusal.to_string())
}

/// Says what counts, and why something does not.
struct Judge {
    trust: Trust,
    /// Whence it comes.
    whence: String,
    /// What was last told to be wrong.
    told: Option<String>,
}

impl Judge {
    fn new(trust: Trust, whence: String) -> Self {
        Self { trust, whence, told: None }
    }

    /// Whether it counts, and what is to be told of that.
    fn judge(&mut self, bytes: Vec<u8>) -> (bool, Option<Offered>) {
        match self.trust.accept(&bytes, clock::moment()) {
            Ok(registry) => {
                self.told = None;
                let is_held = self.trust.held.as_ref() == Some(&registry);
                self.trust.held = Some(registry.clone());
                (true, (!is_held).then(|| Offered::Taken(Arc::new(registry), bytes)))
            }
            Err(refusal) => (false, self.tell(&refusal.to_string())),
        }
    }

    /// Once, until something else is wrong.
    fn tell(&mut self, why: &str) -> Option<Offered> {
        let why = format!("{}: {why}", self.whence);
        let is_news = self.told.as_ref() != Some(&why);
        self.told = Some(why.clone());
        is_news.then_some(Offered::Refused(why))
    }
}

#[cfg(test)]
mod tests_only {
    use jiff::SignedDuration;
    use zeroize::Zeroizing;

    use super::*;
    use crate::member::{Document, Envelope, Operators, SigningKey};

    pub(super) fn key(seed: u8) -> SigningKey {
        SigningKey::new(Zeroizing::new([seed; 32])).expect("a key")
    }

    pub(super) fn trust() -> Trust {
        let operators = Operators { threshold: 1, keys: vec![key(1).public()] };
        Trust { federation: "kommunal.example".parse().expect("a domain"), operators, held: None }
    }

    pub(super) fn registry(serial: u64, by: u8) -> String {
        let now = clock::moment();
        let document = Document {
            format: String::from("einwahl-registry-1"),
            federation: "kommunal.example".parse().expect("a domain"),
            serial,
            issued: now,
            expires: now + SignedDuration::from_hours(24),
            operators: Operators { threshold: 1, keys: vec![key(1).public()] },
            members: Vec::new(),
        };
        let mut envelope = Envelope::read(&serde_json::to_vec(&document).expect("JSON")).expect("a document");
        envelope.sign(&key(by)).expect("signed");
        envelope.to_json()
    }
}
