//! Keys in SIP INFO (RFC 6086). In: the body of a request. Out: the key, if there is one.

use crate::words::Digit;

/// A key as `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`).
pub fn key_in(body: &str) -> Option<Digit> {
    let signal = body.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
    });
    let key = signal.unwrap_or_else(|| body.trim());
    let mut keys = key.chars();
    match (keys.next(), keys.next(), keys.next()) {
        (Some(key), None, None) => Digit::from_char(key),
        // Some phones write the event code: 10 is the star, 11 the pound key.
        (Some(_), Some(_), None) => Digit::from_event(key.parse().ok()?),
        (None, _, _) | (Some(_), _, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_every_phone_sends_it() {
        for (body, key) in [
            ("Signal=5\r\nDuration=160\r\n", '5'),
            ("Signal= *\r\n", '*'),
            ("signal=11\r\n", '#'),
            ("7", '7'),
            ("Duration=1\r\nSignal=A", 'A'),
        ] {
            assert_eq!(key_in(body).map(Digit::as_char), Some(key), "{body}");
        }
        for bad in ["", "Signal=", "Signal=123", "hello", "Signal=99"] {
            assert!(key_in(bad).is_none(), "{bad}");
        }
    }
}
