//! Splits a message into its first line, header fields and body. In: bytes. Out: text; nothing is judged but its end.

use std::borrow::Cow;

use super::Fault;

/// More header fields than this are an attack.
const MOST_FIELDS: usize = 256;

/// A message in its parts.
#[derive(Debug)]
pub(super) struct Split<'a> {
    pub start: Cow<'a, str>,
    pub fields: Vec<Field<'a>>,
    pub body: &'a [u8],
}

/// One header field: folded lines are one (RFC 3261 section 7.3.1), bytes that are not UTF-8 are taken for Latin-1.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub name: Name,
    /// As it was written.
    pub label: Cow<'a, str>,
    pub value: Cow<'a, str>,
}

/// The header fields that matter here; their compact forms (RFC 3261 section 7.3.3) are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    MaxForwards,
    Contact,
    Route,
    RecordRoute,
    AssertedIdentity,
    PreferredIdentity,
    Require,
    Accept,
    ContentType,
    ContentEncoding,
    ContentLength,
    ContentDisposition,
    /// Any other, with its long name if it was compact.
    Other(Option<&'static str>),
}

impl Name {
    /// The name under which it is written again, if that is not the one it came with.
    pub const fn long(self) -> Option<&'static str> {
        Some(match self {
            Self::Via => "Via",
            Self::From => "From",
            Self::To => "To",
            Self::CallId => "Call-ID",
            Self::CSeq => "CSeq",
            Self::MaxForwards => "Max-Forwards",
            Self::Contact => "Contact",
            Self::Route => "Route",
            Self::RecordRoute => "Record-Route",
            Self::AssertedIdentity => "P-Asserted-Identity",
            Self::PreferredIdentity => "P-Preferred-Identity",
            Self::Require => "Require",
            Self::Accept => "Accept",
            Self::ContentType => "Content-Type",
            Self::ContentEncoding => "Content-Encoding",
            Self::ContentLength => "Content-Length",
            Self::ContentDisposition => "Content-Disposition",
            Self::Other(long) => return long,
        })
    }

    fn of(label: &str) -> Self {
        match label.to_ascii_lowercase().as_str() {
            "via" | "v" => Self::Via,
            "from" | "f" => Self::From,
            "to" | "t" => Self::To,
            "call-id" | "i" => Self::CallId,
            "cseq" => Self::CSeq,
            "max-forwards" => Self::MaxForwards,
            "contact" | "m" => Self::Contact,
            "route" => Self::Route,
            "record-route" => Self::RecordRoute,
            "p-asserted-identity" => Self::AssertedIdentity,
            "p-preferred-identity" => Self::PreferredIdentity,
            "require" => Self::Require,
            "accept" => Self::Accept,
            "content-type" | "c" => Self::ContentType,
            "content-encoding" | "e" => Self::ContentEncoding,
            "content-length" | "l" => Self::ContentLength,
            "content-disposition" => Self::ContentDisposition,
            "a" => Self::Other(Some("Accept-Contact")),
            "b" => Self::Other(Some("Referred-By")),
            "d" => Self::Other(Some("Request-Disposition")),
            "j" => Self::Other(Some("Reject-Contact")),
            "k" => Self::Other(Some("Supported")),
            "o" => Self::Other(Some("Event")),
            "r" => Self::Other(Some("Refer-To")),
            "s" => Self::Other(Some("Subject")),
            "u" => Self::Other(Some("Allow-Events")),
            "x" => Self::Other(Some("Session-Expires")),
            "y" => Self::Other(Some("Identity")),
            _ => Self::Other(None),
        }
    }
}

impl<'a> Split<'a> {
    /// Splits; lines that are no header field are left out.
    pub fn of(message: &'a [u8]) -> Result<Self, Fault> {
        let (head, body) = head_and_body(message).ok_or(Fault::NoEnd)?;
        let mut lines = lines(head);
        let start = text(lines.next().unwrap_or_default());
        let mut fields: Vec<Field<'a>> = Vec::new();
        let mut last_counts = false;
        for line in lines {
            if line.first().is_some_and(|first| matches!(first, b' ' | b'\t')) {
                if let Some(field) = fields.last_mut().filter(|_| last_counts) {
                    field.append(&text(line));
                }
                continue;
            }
            let field = Field::of(line);
            last_counts = field.is_some();
            fields.extend(field);
            if fields.len() > MOST_FIELDS {
                return Err(Fault::TooLong);
            }
        }
        Ok(Self { start, fields, body })
    }

    /// The values of all fields of that name.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_ref())
    }

    /// The only value of that name, if there is one.
    pub fn only(&self, name: Name) -> Result<Option<&str>, Fault> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Fault::Twice(name.long().unwrap_or("Unknown"))),
            None => Ok(first),
        }
    }
}

impl<'a> Field<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (label, value) = (line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?.trim_ascii());
        if label.is_empty() || !label.iter().copied().all(is_token) {
            return None;
        }
        let label = text(label);
        Some(Self { name: Name::of(&label), label, value: text(value) })
    }

    fn append(&mut self, folded: &str) {
        let folded = folded.trim();
        if !folded.is_empty() {
            let value = self.value.to_mut();
            if !value.is_empty() {
                value.push(' ');
            }
            value.push_str(folded);
        }
    }
}

/// Everything up to the empty line, and everything after it.
pub(super) fn head_and_body(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = message.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in ends {
        let after = message.get(at + 1..)?;
        let body = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"));
        if let Some(body) = body {
            return Some((message.get(..=at)?, body));
        }
    }
    None
}

/// The lines of a header, whatever ends them.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.strip_suffix(b"\n").unwrap_or(head).split(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// RFC 3261 section 25.1, `token`.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Bytes as text: what is not UTF-8 is Latin-1, and a control character is a space (at an end, nothing).
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let plain = |bytes: &[u8]| !bytes.iter().any(u8::is_ascii_control);
    match std::str::from_utf8(bytes) {
        Ok(text) if plain(bytes) => Cow::Borrowed(text),
        Ok(text) => Cow::Owned(text.chars().map(printable).collect::<String>().trim().to_owned()),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len() + 8);
            for chunk in bytes.utf8_chunks() {
                text.extend(chunk.valid().chars().map(printable));
                text.extend(chunk.invalid().iter().map(|byte| printable(char::from(*byte))));
            }
            Cow::Owned(text.trim().to_owned())
        }
    }
}

fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

/// Splits at a separator that stands neither in a quoted string nor in `<>`; nothing if one of these does not end.
pub(super) fn split_outside(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            character if character == separator && !quoted && !bracketed => {
                parts.push(text.get(begin..at)?.trim());
                begin = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(begin..)?.trim());
    (!quoted && !bracketed).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_compact_names_and_latin_1_are_read() {
        let split =
            Split::of(b"A b SIP/2.0\r\nf: \"M\xfcller\"\r\n  <sip:a@b>\r\nSubject :x\r\n\r\nbody").expect("split");
        assert_eq!(split.fields[0].name, Name::From);
        assert_eq!(split.fields[0].value, "\"Müller\" <sip:a@b>");
        assert_eq!((&*split.fields[1].label, &*split.fields[1].value, split.body), ("Subject", "x", &b"body"[..]));
    }

    #[test]
    fn a_separator_in_quotes_or_brackets_separates_nothing() {
        assert_eq!(split_outside("\"a,\\\",b\" <x,y>, c", ','), Some(vec!["\"a,\\\",b\" <x,y>", "c"]));
        assert_eq!(split_outside("\"open", ','), None);
        assert_eq!(split_outside("", ','), Some(vec![""]));
    }
}
