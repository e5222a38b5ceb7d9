//! Who diverted a call here, and which language its telephone likes best. In: `Diversion` (RFC 5806), `History-Info` (RFC 7044),
//! `Accept-Language` (RFC 3261 section 20.3). Out: the entry, or the language.

use crate::words::LanguageTag;

/// The last who diverted the call: each who does writes himself above the others.
pub(super) fn last(diversion: &str) -> Option<&str> {
    entries(diversion).next()
}

/// The last who diverted the call: of the entries, the last that came of another (`mp`, or a URI with a cause, RFC 4458) names
/// it, or stands behind it. One that asks for privacy is nobody's to know.
pub(super) fn of_history(history: &str) -> Option<&str> {
    let all: Vec<&str> = entries(history).collect();
    let at = all.iter().rposition(|entry| parameter(entry, "mp").is_some() || entry.contains("cause="))?;
    let by = match parameter(all.get(at)?, "mp") {
        Some(index) => all.iter().find(|entry| parameter(entry, "index") == Some(index)),
        None => all.get(at.checked_sub(1)?),
    };
    by.copied().filter(|entry| !entry.to_ascii_lowercase().contains("privacy=history"))
}

/// The language of the highest weight; of several the first.
pub(super) fn best(languages: &str) -> Option<LanguageTag> {
    let weighed = languages.split(',').filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let tag: LanguageTag = parts.next()?.parse().ok()?;
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        Some((tag, weight.filter(|weight| *weight > 0.0)?))
    });
    weighed.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(tag, _)| tag)
}

/// What commas part, but for those in quotes and in `<…>`.
fn entries(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut inside) = (false, false);
    value
        .split(move |c| {
            match c {
                '"' => quoted = !quoted,
                '<' if !quoted => inside = true,
                '>' if !quoted => inside = false,
                _ => {}
            }
            c == ',' && !quoted && !inside
        })
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

/// A parameter behind the address.
fn parameter<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let behind = entry.rsplit_once('>').map_or(entry, |(_, behind)| behind);
    let parts = behind.split(';').filter_map(|part| part.trim().split_once('='));
    parts.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_who_diverted_is_found() {
        let twice =
            "\"Amt, innen\" <sip:+493090182000@pbx>;reason=no-answer, <sip:+493090181000@pbx>;reason=unconditional";
        assert_eq!(last(twice), Some("\"Amt, innen\" <sip:+493090182000@pbx>;reason=no-answer"));
        for (history, by) in [
            ("<sip:+4930901810@pbx>;index=1, <sip:+4930901820@pbx;cause=302>;index=1.1;mp=1", Some("4930901810")),
            ("<sip:+4930901810@pbx>;index=1, <sip:+4930901820@pbx;cause=486>;index=1.1", Some("4930901810")),
            ("<sip:+4930901810@pbx>;index=1, <sip:+4930901810@192.0.2.1>;index=1.1;rc=1", None),
            ("<sip:+4930901810@pbx?Privacy=history>;index=1, <sip:2@pbx;cause=302>;index=1.1;mp=1", None),
            ("<sip:+4930901810@pbx>;index=1", None),
            ("", None),
        ] {
            assert_eq!(of_history(history).map(|entry| &entry[6..16]), by, "{history}");
        }
    }

    #[test]
    fn the_language_with_the_highest_weight_is_liked_best() {
        for (languages, tag) in [
            ("de-AT", Some("de")),
            ("fr;q=0.5, en-GB;q=0.9, de;q=0.9", Some("en")),
            ("*, de;q=0", None),
            ("en;q=x", None),
            ("", None),
        ] {
            assert_eq!(best(languages).map(|tag| tag.to_string()).as_deref(), tag, "{languages}");
        }
    }
}
