//! Languages that the gateway speaks, and countries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language in which prompts and pages exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    #[default]
    De,
    /// English.
    En,
}

/// A language that has no prompts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no prompts exist in language {0:?}: choose \"de\" or \"en\"")]
pub struct InvalidLanguage(String);

impl Language {
    /// Every language, in the order in which menus offer them.
    pub const ALL: [Self; 2] = [Self::De, Self::En];

    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = InvalidLanguage;

    /// Reads a code or a tag such as `de-AT` (BCP 47: the first part counts, letter case does not).
    fn from_str(tag: &str) -> Result<Self, InvalidLanguage> {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| first.eq_ignore_ascii_case(language.code()))
            .ok_or_else(|| InvalidLanguage(tag.chars().take(20).collect()))
    }
}

/// Any language by its code (RFC 5646: the first part of a tag), in small letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageTag(String);

impl FromStr for LanguageTag {
    type Err = InvalidLanguage;

    fn from_str(tag: &str) -> Result<Self, InvalidLanguage> {
        let first = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let sound = (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase());
        if sound { Ok(Self(first)) } else { Err(InvalidLanguage(tag.chars().take(20).collect())) }
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `Accept-Language` likes best of those that can be read: of the highest weight, and of several the first (RFC 3261 section
/// 20.3, RFC 9110 section 12.5.4).
pub fn preferred<T: FromStr>(languages: &str) -> Option<T> {
    let weighed = languages.split(',').filter_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let tag: T = parts.next()?.parse().ok()?;
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        Some((tag, weight.filter(|weight| *weight > 0.0)?))
    });
    weighed.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(tag, _)| tag)
}

/// A country by its two-letter code (ISO 3166-1 alpha-2), in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// Not a two-letter country code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a country code: write two letters, such as \"DE\"")]
pub struct InvalidCountry(String);

/// The members of the European Union, then the three further states of the European Economic Area.
const EEA: [&[u8; 2]; 30] = [
    b"AT", b"BE", b"BG", b"HR", b"CY", b"CZ", b"DK", b"EE", b"FI", b"FR", b"DE", b"GR", b"HU", b"IE", b"IT", b"LV",
    b"LT", b"LU", b"MT", b"NL", b"PL", b"PT", b"RO", b"SK", b"SI", b"ES", b"SE", b"IS", b"LI", b"NO",
];

impl Country {
    /// Germany.
    pub const DE: Self = Self(*b"DE");

    /// The two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether the GDPR applies there as it stands: the European Economic Area.
    pub fn is_in_eea(self) -> bool {
        EEA.contains(&&self.0)
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;
    fn from_str(code: &str) -> Result<Self, InvalidCountry> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(InvalidCountry(code.chars().take(20).collect())),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = InvalidCountry;
    fn try_from(code: String) -> Result<Self, InvalidCountry> {
        code.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_with_a_region_is_its_language() {
        assert_eq!("de-AT".parse(), Ok(Language::De));
        assert_eq!("EN_gb".parse(), Ok(Language::En));
        assert!("fr".parse::<Language>().is_err());
        assert!("".parse::<Language>().is_err());
    }

    #[test]
    fn the_language_with_the_highest_weight_is_liked_best() {
        for (languages, tag, ours) in [
            ("de-AT", Some("de"), Some(Language::De)),
            ("fr;q=0.5, en-GB;q=0.9, de;q=0.9", Some("en"), Some(Language::En)),
            ("fr, de;q=0.5", Some("fr"), Some(Language::De)),
            ("*, de;q=0", None, None),
            ("en;q=x", None, None),
            ("", None, None),
        ] {
            assert_eq!(preferred::<LanguageTag>(languages).map(|tag| tag.to_string()).as_deref(), tag, "{languages}");
            assert_eq!(preferred::<Language>(languages), ours, "{languages}");
        }
    }

    #[test]
    fn norway_is_inside_and_switzerland_is_not() {
        assert!("no".parse::<Country>().is_ok_and(Country::is_in_eea));
        assert!("CH".parse::<Country>().is_ok_and(|country| !country.is_in_eea()));
        assert!("DEU".parse::<Country>().is_err());
    }
}
