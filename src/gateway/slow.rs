//! What is slow: hashing passwords, on purpose, and asking another system who somebody is. In: work. Out: [`Proof`]s, when it is
//! done. Few hash at once, since each takes 46 MiB; few more wait, and further ones are refused: nobody can exhaust memory or cores
//! by trying passwords. Who waits for another system takes no place of theirs.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::accounts::Pending;
use super::sign_in::Reply;
use crate::account::oidc::{Drawn, OwnPath, Stopped};
use crate::account::{CannotHash, PasswordHash};
use crate::oidc::{Led, Person};
use crate::web::Secret;
use crate::words::{AccountName, Personal};

/// So much is done at once, and so much more may wait.
const AT_ONCE: usize = 2;
const WAITING: usize = 16;

/// What came of it.
pub(super) enum Proof {
    /// Somebody wants to sign in.
    Entered { from: Personal<std::net::IpAddr>, name: Option<AccountName>, right: bool, reply: Reply },
    /// Somebody who is signed in wants another password.
    Old { from: Personal<std::net::IpAddr>, cookie: Secret, name: AccountName, new: Secret, right: bool, reply: Reply },
    /// An administrator wants somebody to have a one-time password.
    OneTime { pending: Pending, hash: Result<PasswordHash, CannotHash> },
    /// Somebody has chosen a password.
    Chosen { cookie: Secret, name: AccountName, hash: Result<PasswordHash, CannotHash>, reply: Reply },
    /// Somebody wants to sign in by the institution's own system.
    Led { from: Personal<std::net::IpAddr>, drawn: Drawn, to: OwnPath, led: Result<Led, Stopped>, reply: Reply },
    /// It has said who they are.
    Redeemed {
        from: Personal<std::net::IpAddr>,
        before: Option<Secret>,
        to: OwnPath,
        person: Result<Person, Stopped>,
        reply: Reply,
    },
}

/// Where the work is done.
pub(super) struct Slow {
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    proofs: mpsc::Sender<Proof>,
}

impl Slow {
    pub(super) fn new() -> (Self, mpsc::Receiver<Proof>) {
        let (proofs, done) = mpsc::channel(WAITING);
        (Self::with(proofs), done)
    }

    /// As many places again, for work of another kind.
    pub(super) fn beside(&self) -> Self {
        Self::with(self.proofs.clone())
    }

    fn with(proofs: mpsc::Sender<Proof>) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { waiting: semaphore(WAITING), turns: semaphore(AT_ONCE), proofs }
    }

    /// Whether more may wait. Ask before what is to be done is handed over with its reply.
    pub(super) fn has_place(&self) -> bool {
        self.waiting.available_permits() > 0
    }

    /// Does something, when it is its turn. Without a place it is dropped, and its reply with it.
    pub(super) fn run(&self, work: impl FnOnce() -> Proof + Send + 'static) {
        let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() else { return };
        let (turns, proofs) = (Arc::clone(&self.turns), self.proofs.clone());
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire_owned().await else { return };
            if let Ok(proof) = tokio::task::spawn_blocking(work).await {
                // The gateway takes proofs as long as it lives.
                drop(proofs.send(proof).await);
            }
            drop(place);
        });
    }
}
