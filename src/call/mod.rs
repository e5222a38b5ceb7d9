//! One phone leg: what it says in SDP and what is answered, why a call is refused, and how that
//! looks on the wire; and of several telephones, which is to be rung next.

pub mod hunt;
mod info;
pub mod ladder;
mod refusal;
pub mod sdp;

pub use info::key_in;
pub use refusal::{OnTheWire, Refusal, WarnCode};
