//! One phone leg. So far: why a call is refused, and how that looks on the wire.

mod refusal;

pub use refusal::{OnTheWire, Refusal, WarnCode};
