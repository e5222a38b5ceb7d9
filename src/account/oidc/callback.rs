//! With what a provider sends a browser back (RFC 6749 section 4.1.2, RFC 9207). In: the query of an address, from anybody. Out:
//! a [`Callback`].

use crate::words::Secret;

/// What a browser brings back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Which journey it says it was on.
    pub state: Secret,
    /// What the provider answered.
    pub answer: Answer,
    /// Who the provider says it is.
    pub issuer: Option<String>,
}

/// What the provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Who has this is told who it was.
    Code(Secret),
    /// It said no, and why: a word of RFC 6749 or OpenID Connect, or `other`.
    Declined(&'static str),
}

/// It cannot be read. Says nothing of what was in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// Longer than any provider's.
    #[error("the query is too long")]
    TooLong,
    /// A word stands there twice (RFC 6749 section 3.1).
    #[error("a word stands there twice")]
    Twice,
    /// Not text.
    #[error("a word is no text")]
    NoText,
    /// Without a state.
    #[error("there is no state")]
    NoState,
    /// Neither a code nor an error, or both.
    #[error("there is neither a code nor an error, or both")]
    NoAnswer,
}

/// The longest query, in bytes: some providers' codes are signed.
const LONGEST: usize = 8 * 1_024;

/// Why a provider says no (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6).
const REASONS: [&str; 16] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

impl Callback {
    /// Of the part of an address that stands behind the `?`.
    ///
    /// # Errors
    /// No provider would send that.
    pub fn read(query: &str) -> Result<Self, Garbled> {
        if query.len() > LONGEST {
            return Err(Garbled::TooLong);
        }
        let (mut state, mut code, mut error, mut issuer) = (None, None, None, None);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                "iss" => &mut issuer,
                _ => continue,
            };
            if place.replace(plain(value)?).is_some() {
                return Err(Garbled::Twice);
            }
        }
        let state = state.filter(|state| !state.is_empty()).map(Secret::new).ok_or(Garbled::NoState)?;
        let answer = match (code.filter(|code| !code.is_empty()), error) {
            (Some(code), None) => Answer::Code(Secret::new(code)),
            (None, Some(error)) => {
                Answer::Declined(REASONS.into_iter().find(|reason| *reason == error).unwrap_or("other"))
            }
            (None, None) | (Some(_), Some(_)) => return Err(Garbled::NoAnswer),
        };
        Ok(Self { state, answer, issuer })
    }
}

/// A value of `application/x-www-form-urlencoded`.
fn plain(value: &str) -> Result<String, Garbled> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                high.zip(low).map(|(high, low)| high << 4 | low).ok_or(Garbled::NoText)?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| Garbled::NoText)?;
    if text.contains(char::is_control) { Err(Garbled::NoText) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_code_and_a_refusal_are_read_whatever_else_stands_beside() {
        let read = Callback::read(
            "code=a%2Fb+c&state=s1&session_state=x&session_state=y&iss=https%3A%2F%2Flogin.stadt.example",
        );
        let issuer = Some(String::from("https://login.stadt.example"));
        assert_eq!(read, Ok(Callback { state: secret("s1"), answer: Answer::Code(secret("a/b c")), issuer }));
        let declined = |text: &str| Callback::read(text).map(|callback| callback.answer);
        assert_eq!(
            declined("error=access_denied&error_description=<b>&state=s"),
            Ok(Answer::Declined("access_denied"))
        );
        assert_eq!(declined("error=<script>&state=s"), Ok(Answer::Declined("other")));
    }

    #[test]
    fn what_no_provider_sends_is_refused_and_not_repeated() {
        for (query, why) in [
            ("", Garbled::NoState),
            ("code=a", Garbled::NoState),
            ("code=a&state=", Garbled::NoState),
            ("state=s", Garbled::NoAnswer),
            ("state=s&code=", Garbled::NoAnswer),
            ("state=s&code=a&error=access_denied", Garbled::NoAnswer),
            ("state=s&state=s&code=a", Garbled::Twice),
            ("state=s&code=a&code=b", Garbled::Twice),
            ("state=%&code=a", Garbled::NoText),
            ("state=%4&code=a", Garbled::NoText),
            ("state=%zz&code=a", Garbled::NoText),
            ("state=%ff&code=a", Garbled::NoText),
            ("state=%0d%0a&code=a", Garbled::NoText),
        ] {
            assert_eq!(Callback::read(query), Err(why), "{query}");
        }
        assert_eq!(Callback::read(&format!("state=s&code={}", "a".repeat(LONGEST))), Err(Garbled::TooLong));
        assert!(!format!("{:?}", Callback::read("state=geheim&code=geheim")).contains("geheim"));
    }

    proptest! {
        #[test]
        fn what_is_written_as_a_query_is_read_so_again(state in "[^\\pC]{1,40}", code in "[^\\pC]{1,40}") {
            let written = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let read = Callback::read(&format!("code={}&state={}", written(&code), written(&state))).expect("readable");
            prop_assert_eq!(read.state.expose(), &state);
            prop_assert_eq!(read.answer, Answer::Code(Secret::new(code)));
        }
    }
}
