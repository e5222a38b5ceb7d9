//! SIP messages as bytes, before anything parses them (RFC 3261 section 7). In: what came from the network, and from where.
//! Out: the message as the SIP stack takes it, an answer that needs no stack, or why it is dropped; and whether its sender
//! is let in at all.
//!
//! Old telephone systems write messages that the stack misreads: [`normalise`] repairs what has one meaning and refuses
//! what has none. [`homeward`] lets none lead us elsewhere, [`Frames`] cuts a stream into messages, [`Guard`] bounds what one
//! address may cause. All are total: there is no input that they do not judge.

mod address;
mod answer;
mod body;
mod fault;
mod frames;
mod guard;
mod homeward;
mod normalise;
mod split;
mod uri;
mod via;

pub use answer::{Outcome, Refused};
pub use fault::Fault;
pub use frames::{Frame, Frames};
pub use guard::{Guard, Limits, Ruling, Why};
pub use homeward::{homeward, is_of_ours};
pub use normalise::{Kind, Passed, Reading, normalise};
pub use uri::user_of;

use std::net::SocketAddr;

/// The longest message that is read. A busy proxy chain writes a tenth of it.
pub const LONGEST: usize = 32 * 1024;

/// The methods that the gateway takes, for `Allow`.
pub const METHODS: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";

/// The bodies that it takes, for `Accept`.
pub const BODIES: &str = "application/sdp, application/dtmf-relay";

/// The extensions that it knows, for `Supported`; whoever requires another gets 420.
pub const EXTENSIONS: &str = "timer";

/// Where a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The sender's address.
    pub address: SocketAddr,
    /// Over a stream (TCP, TLS) an answer goes back by itself; a datagram is answered by what its Via says.
    pub stream: bool,
}
