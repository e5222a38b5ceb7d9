//! One phone leg: offer and answer, refresh, refusal. In: what the SIP peer did. Out: what to answer.

mod refusal;

pub use refusal::{OnTheWire, Refusal, WarnCode};
