//! Content lines of iCalendar (RFC 5545 section 3.1), their folds undone. In: text. Out: a name, parameters and a value each,
//! and where the line stands.

use std::ops::Range;

/// `NAME;PARAMETER=value:value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// In capitals.
    pub(super) name: String,
    parameters: Vec<(String, String)>,
    pub(super) value: String,
    /// The first of its lines in the file.
    pub(super) span: Range<usize>,
}

impl Line {
    /// The same with another value.
    pub(super) fn with(&self, value: &str) -> Self {
        Self { value: value.to_owned(), ..self.clone() }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// All lines; of one that cannot be read, where it stands.
pub(super) fn lines(text: &str) -> Vec<Result<Line, Range<usize>>> {
    let mut whole: Vec<(Range<usize>, String)> = Vec::new();
    let mut at = 0;
    for physical in text.split_inclusive('\n') {
        let content = physical.trim_end_matches(['\r', '\n']);
        let span = at..at + content.len();
        at += physical.len();
        match (content.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, line))) => line.push_str(rest),
            _ if content.trim().is_empty() => {}
            _ => whole.push((span, content.trim_start_matches('\u{feff}').to_owned())),
        }
    }
    whole.into_iter().map(|(span, line)| read(&line, span.clone()).ok_or(span)).collect()
}

fn read(line: &str, span: Range<usize>) -> Option<Line> {
    let (before, value) = split_outside_quotes(line, ':')?;
    let mut rest = Some(before);
    let mut parts = std::iter::from_fn(|| {
        let text = rest.take()?;
        let (part, behind) =
            split_outside_quotes(text, ';').map_or((text, None), |(part, behind)| (part, Some(behind)));
        rest = behind;
        Some(part)
    });
    let name = parts.next()?.trim().to_ascii_uppercase();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let parameters = parts
        .map(|part| part.split_once('='))
        .map(|both| both.map(|(name, value)| (name.to_ascii_uppercase(), value.trim_matches('"').to_owned())))
        .collect::<Option<Vec<_>>>()?;
    is_name.then(|| Line { name, parameters, value: value.trim().to_owned(), span })
}

fn split_outside_quotes(text: &str, at: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    let found = text.find(|c| {
        quoted ^= c == '"';
        c == at && !quoted
    })?;
    Some((text.get(..found)?, text.get(found + at.len_utf8()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_parameters_and_quotes_are_read() {
        let text =
            "BEGIN:VCALENDAR\r\nDTSTART;TZID=\"Europe/Berlin\";X-A=\"a;b:c\":20261\r\n 224T08\r\n\t0000\r\nodd\r\n\r\n";
        let lines = lines(text);
        assert_eq!(lines.len(), 3);
        let start = lines[1].as_ref().expect("a line");
        assert_eq!((start.name.as_str(), start.value.as_str()), ("DTSTART", "20261224T080000"));
        assert_eq!((start.parameter("TZID"), start.parameter("X-A")), (Some("Europe/Berlin"), Some("a;b:c")));
        assert_eq!(&text[start.span.clone()], "DTSTART;TZID=\"Europe/Berlin\";X-A=\"a;b:c\":20261");
        assert_eq!(lines[2].as_ref().map_err(|span| &text[span.clone()]), Err("odd"));
    }
}
