//! What an INVITE says of who calls whom. In: a request. Out: facts, with what is personal marked.

use rsipstack::sip::Request;
use rsipstack::sip::prelude::HeadersExt as _;

use crate::words::{Personal, PhoneNumber};

/// Who calls whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The user part of the Request-URI: a number, or a name.
    pub called: String,
    /// The caller's number, unless it is withheld or none.
    pub caller: Option<Personal<PhoneNumber>>,
}

impl Facts {
    /// What a test knows of a call.
    #[cfg(test)]
    pub(crate) fn of_test(called: &str, caller: Option<Personal<PhoneNumber>>) -> Self {
        Self { called: called.to_owned(), caller }
    }

    /// Reads them. The identity that the trunk asserts (RFC 3325) counts above what the phone claims; a caller who asks for
    /// privacy (RFC 3323) has no number.
    pub(super) fn read(request: &Request) -> Self {
        let called = request.uri.user().unwrap_or_default().to_owned();
        let private = request.header_value("Privacy").is_some_and(|value| !value.eq_ignore_ascii_case("none"));
        let claimed = request.from_header().ok().and_then(|from| from.uri().ok());
        let claimed = claimed.and_then(|uri| uri.user().map(ToOwned::to_owned));
        let asserted = request.header_value("P-Asserted-Identity").and_then(|value| user_in(&value));
        let caller = if private { None } else { asserted.or(claimed) };
        Self { called, caller: caller.and_then(|user| user.parse().ok()).map(Personal::new) }
    }
}

/// The user in `"Name" <sip:user@host>` or `tel:number`.
fn user_in(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let at = ["sips:", "sip:", "tel:"].iter().find_map(|scheme| Some(lower.find(scheme)? + scheme.len()))?;
    let rest = value.get(at..)?;
    let end = rest.find(['@', '>', ';', ',']).unwrap_or(rest.len());
    rest.get(..end).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_every_form_of_an_asserted_identity() {
        for (value, user) in [
            ("<sip:+4930123456@example.org;user=phone>", "+4930123456"),
            ("\"Erika\" <SIPS:42@example.org>", "42"),
            ("tel:+4930123456", "+4930123456"),
            ("<tel:+4930123456;ext=1>", "+4930123456"),
        ] {
            assert_eq!(user_in(value).as_deref(), Some(user), "{value}");
        }
        assert_eq!(user_in("anonymous"), None);
    }
}
