//! A trunk from our side. In: what DNS, a registrar and a probe saw. Out: where to go next, how we prove who we are, and what
//! is wrong. Pure; `sip` and `doctor` do the asking.

pub mod advice;
pub mod contacts;
pub mod diagnosis;
pub mod digest;
pub mod hops;
pub mod registration;
pub mod seen;
pub mod standing;

#[cfg(test)]
mod stories;
