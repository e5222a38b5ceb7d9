//! Personal data, marked: it cannot be printed by accident.

use std::fmt;

/// Why a plain value is needed. Every use is found by searching for `Purpose::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To find out what a call is for.
    Routing,
    /// To show a name to the people in the same meeting.
    Roster,
    /// To write a SIP header that the peer needs.
    Signalling,
    /// To write a call record, under its retention period.
    Record,
    /// To slow down someone who guesses.
    AbuseDefence,
    /// To call somebody back who has asked for it.
    Callback,
    /// To invite somebody by mail.
    Invitation,
    /// To show what somebody types to the people in the same meeting.
    Conversation,
}

/// How a kind of personal data looks when most of it is hidden.
pub trait Mask {
    /// Writes the masked form.
    fn mask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// A name, an address: only the first letter remains.
impl Mask for String {
    fn mask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chars().next() {
            Some(first) => write!(f, "{first}···"),
            None => f.write_str("···"),
        }
    }
}

/// An IP address: only which of the two kinds it is.
impl Mask for std::net::IpAddr {
    fn mask(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_ipv4() { "an IPv4 address" } else { "an IPv6 address" })
    }
}

/// A value that belongs to a person. `Debug` and `Display` show its masked form;
/// the plain value needs [`reveal`](Self::reveal) and a purpose. There is no `Deref`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Marks a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The plain value, for a purpose that the record of processing names.
    pub const fn reveal(&self, _purpose: Purpose) -> &T {
        &self.0
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Mask> fmt::Display for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.mask(f)
    }
}

impl<T: Mask> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.mask(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::PhoneNumber;

    #[test]
    fn a_number_is_masked_in_every_way_of_printing() {
        let number = Personal::new("+49301234542".parse::<PhoneNumber>().expect("a number"));
        assert_eq!(format!("{number}"), "+49 30 ···42");
        assert_eq!(format!("{number:?}"), "+49 30 ···42");
        assert_eq!(format!("{:?}", Personal::new(String::from("Erika Muster"))), "E···");
    }
}
