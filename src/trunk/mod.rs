//! A trunk from our side. In: what DNS, a registrar and a probe saw. Out: where to go next, how we prove who we are, and what
//! is wrong. Pure; `sip` and `doctor` do the asking.

pub mod advice;
pub mod contacts;
pub mod diagnosis;
pub mod digest;
pub mod hops;
pub mod registration;
pub mod report;
pub mod seen;
pub mod standing;

#[cfg(test)]
mod stories;

/// Whether a text can stand before the @ of a SIP URI as it is (RFC 3261 section 25.1).
pub fn is_user(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(legal)
}
