//! How the shards of one room stay one room. In: frames of a peer (a node of ours, or a member's gateway), what is to be told
//! them, and the time. Out: frames to send, what they told, and when to look again.
//!
//! So far the link itself (docs/federation.md): everything that is said arrives once, in order, although the connection under it
//! breaks; whoever was away for too long is told everything anew ([`Output::Anew`]).

mod backoff;
mod frame;
mod link;
mod message;
mod shards;

#[cfg(test)]
mod stories;

pub use backoff::Backoff;
pub use frame::{Closing, Frame, Got, LONGEST, NotAFrame, Session, VERSION};
pub use link::{Link, Output, Timer};
pub use message::{Line, Media, Message, Shared, State, Verdict, Who, Why};
pub use shards::{Cascade, Effect, Erasure, Full, Noted, Offence};
