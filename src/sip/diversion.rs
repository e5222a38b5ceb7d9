//! Who diverted a call here. In: `Diversion` (RFC 5806) or `History-Info` (RFC 7044). Out: the entry.

/// The last who diverted the call: each who does writes himself above the others. Who asks for privacy is nobody's to know.
pub(super) fn last(diversion: &str) -> Option<&str> {
    let is_private = |entry: &&str| {
        parameter(entry, "privacy")
            .is_some_and(|which| !["off", "name"].iter().any(|open| which.eq_ignore_ascii_case(open)))
    };
    entries(diversion).next().filter(|entry| !is_private(entry))
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
        assert_eq!(last("<sip:+493090181000@pbx>;privacy=full;reason=unconditional"), None);
        assert_eq!(last("<sip:+4930901@pbx>;privacy=off"), Some("<sip:+4930901@pbx>;privacy=off"));
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
}
