//! SIP URIs (RFC 3261 section 19.1) and tel URIs (RFC 3966), as far as the stack would misread them.

use super::split::is_token;

/// What kind of URI it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Sip,
    Tel,
    Other,
}

/// The scheme and what follows it.
pub(super) fn scheme(uri: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let mut bytes = scheme.bytes();
    if !bytes.next()?.is_ascii_alphabetic() || !bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return None;
    }
    Some(match scheme.to_ascii_lowercase().as_str() {
        "sip" | "sips" => (Scheme::Sip, rest),
        "tel" => (Scheme::Tel, rest),
        _ => (Scheme::Other, rest),
    })
}

/// The URI as the stack reads it right: a `;` or `?` in its user part is escaped. Nothing if it cannot be read.
pub(super) fn canonical(uri: &str) -> Option<String> {
    if uri.is_empty()
        || !uri.bytes().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii())
        || uri.contains(['<', '>', '"'])
    {
        return None;
    }
    let (kind, rest) = scheme(uri)?;
    match kind {
        Scheme::Tel => rest.bytes().any(|byte| byte.is_ascii_digit() || b"*#".contains(&byte)).then(|| uri.to_owned()),
        Scheme::Other => Some(uri.to_owned()),
        Scheme::Sip => {
            let (user, rest) = match rest.rfind('@') {
                Some(at) => (rest.get(..=at)?, rest.get(at + 1..)?),
                None => ("", rest),
            };
            let host = rest.split([';', '?']).next()?;
            if user == "@" || !is_host_and_port(host) {
                return None;
            }
            let scheme = uri.get(..uri.find(':')? + 1)?;
            let user = user.replace(';', "%3B").replace('?', "%3F");
            Some(format!("{scheme}{user}{rest}"))
        }
    }
}

/// Whether a SIP URI carries header fields for a request that it would make (section 19.1.1): not in a Request-URI.
pub(super) fn has_headers(uri: &str) -> bool {
    scheme(uri).is_some_and(|(kind, rest)| {
        kind == Scheme::Sip && rest.rsplit('@').next().is_some_and(|after_user| after_user.contains('?'))
    })
}

/// The host of a SIP URI that can be read, an IPv6 address without brackets, and its port.
pub(super) fn host_and_port(uri: &str) -> Option<(&str, Option<u16>)> {
    let (Scheme::Sip, rest) = scheme(uri)? else { return None };
    let place = rest.rsplit('@').next()?.split([';', '?']).next()?;
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, after)| (host, after.strip_prefix(':')))?,
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    Some((host, port.and_then(|port| port.parse().ok())))
}

/// `host`, `host:port`, an IPv6 address in brackets.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((inside, after)) = rest.split_once(']') else { return false };
            if inside.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            return after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let named = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    named && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `name` or `name=value` pairs, each without white space around it; empty ones are left out. Nothing if one has no name.
pub(super) fn parameters(parts: &[&str]) -> Option<Vec<String>> {
    let mut read = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let (name, value) =
            part.split_once('=').map_or((*part, None), |(name, value)| (name.trim(), Some(value.trim())));
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let quoted = value.is_some_and(|value| value.starts_with('"'));
        if value.is_some_and(|value| !quoted && value.contains(char::is_whitespace)) {
            return None;
        }
        read.push(value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}")));
    }
    Some(read)
}

/// The user part of a URI as people mean it: unescaped, without what follows a `;` (RFC 3261 section 19.1.1, RFC 4694).
pub fn user_of(user: &str) -> String {
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let escaped = (byte == b'%').then(|| Some((hex(ahead.next()?)? << 4) | hex(ahead.next()?)?)).flatten();
        if escaped.is_some() {
            rest = ahead;
        }
        bytes.push(escaped.unwrap_or(byte));
    }
    let text = String::from_utf8_lossy(&bytes);
    text.split(';').next().unwrap_or_default().to_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_part_with_parameters_is_escaped_and_a_host_must_be_one() {
        let npdi = canonical("sip:+4930123;npdi;rn=+4940@pbx.example;user=phone");
        assert_eq!(npdi.as_deref(), Some("sip:+4930123%3Bnpdi%3Brn=+4940@pbx.example;user=phone"));
        assert_eq!(user_of("+4930123%3Bnpdi%3Brn=+4940"), "+4930123");
        for good in ["sip:[2001:db8::1]:5060", "sips:a:b@c.example:1", "tel:+49301", "tel:*6", "isbn:2983792873"] {
            assert_eq!(canonical(good).as_deref(), Some(good));
        }
        for bad in [
            "sip:2001:db8::10",
            "sip:",
            "sip:a@",
            "sip:@b",
            "sip:a@b:99999",
            "sip:[2001:db8:::192.0.2.1]",
            "tel:",
            "a b",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_host_is_what_stands_behind_the_user() {
        for (uri, expected) in [
            ("sip:192.0.2.9@198.51.100.1:5070;transport=tcp", Some(("198.51.100.1", Some(5070)))),
            ("sips:[2001:db8::1]", Some(("2001:db8::1", None))),
            ("sip:[2001:db8::1]:5061;lr", Some(("2001:db8::1", Some(5061)))),
            ("sip:pbx.example?subject=a@192.0.2.1", Some(("192.0.2.1", None))),
            ("tel:+4930", None),
        ] {
            assert_eq!(host_and_port(uri), expected, "{uri}");
        }
    }

    #[test]
    fn escapes_are_resolved_once_and_broken_ones_stay() {
        assert_eq!(user_of("a%41%2541%4"), "aA%41%4");
    }
}
