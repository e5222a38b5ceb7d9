//! Who is meant: `"Name" <uri>;parameters` or `uri;parameters` (RFC 3261 section 20.10).

use super::split::split_outside;
use super::uri;

/// One address of a From, To, Contact, Route, Record-Route or P-Asserted-Identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The name, as it was written, with its quotes.
    name: String,
    pub uri: String,
    parameters: Vec<String>,
}

impl Address {
    /// Reads one. A name may have characters that the grammar wants quoted, as old telephone systems write it.
    pub fn read(text: &str) -> Option<Self> {
        let parts = split_outside(text, ';')?;
        let (first, rest) = parts.split_first()?;
        let (name, uri) = match open_bracket(first) {
            Some(at) => (first.get(..at)?.trim(), first.get(at + 1..)?.strip_suffix('>')?.trim()),
            None => ("", *first),
        };
        // The stack looks for the first bracket, also in quotes.
        let name = name.replace(['<', '>'], " ");
        Some(Self { name, uri: uri::canonical(uri)?, parameters: uri::parameters(rest)? })
    }

    /// Reads all of a list.
    pub fn read_list(text: &str) -> Option<Vec<Self>> {
        split_outside(text, ',')?.into_iter().map(Self::read).collect()
    }

    pub fn tag(&self) -> Option<&str> {
        self.parameters.iter().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.eq_ignore_ascii_case("tag") && !value.is_empty()).then_some(value)
        })
    }

    pub fn with_tag(mut self, tag: &str) -> Self {
        self.parameters.retain(|parameter| !parameter.to_ascii_lowercase().starts_with("tag"));
        self.parameters.push(format!("tag={tag}"));
        self
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{} ", self.name)?;
        }
        write!(f, "<{}>", self.uri)?;
        self.parameters.iter().try_for_each(|parameter| write!(f, ";{parameter}"))
    }
}

/// Where the `<` stands that is in no quoted string.
fn open_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, character)| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Address::read(text).map(|address| address.to_string())
    }

    #[test]
    fn every_form_becomes_one() {
        for (text, canonical) in [
            ("sip:a@b;tag = 1", "<sip:a@b>;tag=1"),
            ("\"A \\\" B\"  < sip:a@b;x=y > ; tag=1;", "\"A \\\" B\" <sip:a@b;x=y>;tag=1"),
            ("caller<sip:a@b>", "caller <sip:a@b>"),
            ("Bell, Alexander <sip:a@b>;tag=43", "Bell, Alexander <sip:a@b>;tag=43"),
            ("\"<sip:boss@b>\" <sip:a@b>", "\" sip:boss@b \" <sip:a@b>"),
        ] {
            assert_eq!(read(text).as_deref(), Some(canonical), "{text}");
        }
        for bad in ["\"open <sip:a@b>", "<sip:a@b", "<sip:a b@c>", "<sip:a@b> x", "", "<>", "<sip:a@b>;=1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tag_is_found_and_added() {
        let address = Address::read("<sip:a@b;tag=no>;Tag=yes").expect("an address");
        assert_eq!(address.tag(), Some("yes"));
        assert_eq!(address.with_tag("new").to_string(), "<sip:a@b;tag=no>;tag=new");
    }
}
