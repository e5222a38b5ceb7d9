//! One connection that carries sound: a browser's, or that of a pair of gateways (RFC 8829, RFC 8445, RFC 5764). In: an offer, or
//! what the other gateway told over the link; then datagrams and the time. Out: our answer, datagrams, and the RTP that is inside.
//! It holds no socket: `workers` carries the datagrams.
//!
//! The gateway has addresses of its own, so it is an ICE-lite agent (RFC 8445 section 2.5): it answers the browser's
//! checks and sends none. Of two gateways one dials: it sends checks to the one address that it was told, and speaks first in the
//! key exchange. What passes is a matter of structure:
//! - nothing but a check with the right MESSAGE-INTEGRITY is taken from an address that has not passed one;
//! - once the keys are there nothing reaches the DTLS machine any more, so no datagram can end a call;
//! - only one SSRC of a browser is decrypted, and of a gateway those that it declared, so nobody can make the table of streams
//!   grow.

mod answer;
mod dialling;
mod dtls;
mod ice;
mod offer;
mod relay;
mod srtp;
mod transport;

pub use answer::{Candidate, answer};
pub use dialling::Called;
pub use dtls::{CannotBegin, Fingerprint, Identity};
pub use ice::{Credentials, Path, Via, ufrag_of};
pub use offer::{BadOffer, Offer};
pub use relay::{NoServer as NoRelay, Place as RelayPlace, Relays, Server as Relay};
pub use transport::{Received, Transport, WornOut};

#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used, reason = "the two ends of tests: one that goes wrong may stop")]
pub(crate) mod between;
#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used, reason = "the far end of tests: one that goes wrong may stop")]
pub(crate) mod pair;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod stories_between;
#[cfg(test)]
mod traps;
