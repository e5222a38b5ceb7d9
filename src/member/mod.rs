//! Who is a member of the federation. In: a signed document (docs/federation.md), what was held before, and the time. Out: a
//! [`Registry`], or a sentence that says why it is refused.
//!
//! Trust is explicit: a document counts if enough of the operators' keys signed its canonical form (RFC 8785, Ed25519 by
//! RFC 8032). As in The Update Framework an older serial is refused (roll-back), every document expires (freeze), and new
//! operators' keys need the signatures of the old ones. A member outside the European Economic Area is none.

mod check;
mod diff;
mod document;
mod envelope;
mod key;
mod shown;
mod trust;

#[cfg(test)]
mod stories;

pub use crate::words::{Domain, InvalidDomain};
pub use check::{Fault, LONGEST_VALID};
pub use diff::{Change, changes};
pub use document::{Document, Link, Member, Operators, Pin, Processor, Spki};
pub use envelope::{Envelope, LONGEST, NotReadable, Signature};
pub use key::{InvalidKey, PublicKey, SigningKey};
pub use shown::{NoCertificate, Shown, Unfit};
pub use trust::{Refusal, Registry, Standing, Trust};
