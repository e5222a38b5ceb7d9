//! Text of a file whose encoding nobody told. In: bytes. Out: text, and how it was read.

use serde::Serialize;

/// How a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Encoding {
    /// As most write today.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// As spreadsheets write what they call Unicode text: with a mark of its order.
    #[serde(rename = "UTF-16")]
    Utf16,
    /// As spreadsheets of Western Europe write CSV.
    #[serde(rename = "Windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// What stands there. Every sequence of bytes is something in Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> (String, Encoding) {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks(2).map(|pair| match pair {
            [one, two] => unit([*one, *two]),
            _ => u16::from(u8::MAX),
        });
        char::decode_utf16(pairs).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => (units(rest, u16::from_le_bytes), Encoding::Utf16),
        [0xfe, 0xff, rest @ ..] => (units(rest, u16::from_be_bytes), Encoding::Utf16),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (text.trim_start_matches('\u{feff}').to_owned(), Encoding::Utf8),
            Err(_) => (bytes.iter().map(|byte| western(*byte)).collect(), Encoding::Windows1252),
        },
    }
}

fn western(byte: u8) -> char {
    match byte.checked_sub(0x80).and_then(|at| HIGH.chars().nth(usize::from(at))) {
        Some(high) => high,
        None => char::from(byte),
    }
}

/// From 0x80 to 0x9f; what is not assigned is the control character of that number.
const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_write_is_read_whatever_they_call_it() {
        let umlauts = "Nummer;Büro;5 €";
        assert_eq!(decode(umlauts.as_bytes()), (umlauts.to_owned(), Encoding::Utf8));
        assert_eq!(decode(format!("\u{feff}{umlauts}").as_bytes()), (umlauts.to_owned(), Encoding::Utf8));
        assert_eq!(decode(b"Nummer;B\xfcro;5 \x80"), (umlauts.to_owned(), Encoding::Windows1252));
        let little: Vec<u8> = "\u{feff}ü;1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}ü;1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!([decode(&little), decode(&big)], [(); 2].map(|()| (String::from("ü;1"), Encoding::Utf16)));
        assert_eq!((western(0x9f), western(0xa0), western(0x7f)), ('Ÿ', '\u{a0}', '\u{7f}'));
        assert_eq!(HIGH.chars().count(), 32);
    }
}
