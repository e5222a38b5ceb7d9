//! What people read, in every language that we speak. In: a text of each, made at one place. Out: the one that is asked for. There
//! is no way to have one in one language alone.

use super::Language;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Both {
    german: String,
    english: String,
}

impl Both {
    /// From a text of each.
    pub fn new(german: impl Into<String>, english: impl Into<String>) -> Self {
        Self { german: german.into(), english: english.into() }
    }

    /// This, what parts it, and that.
    #[must_use]
    pub fn then(&self, between: &str, next: &Self) -> Self {
        let joined = |language| format!("{}{between}{}", self.said(language), next.said(language));
        Self { german: joined(Language::De), english: joined(Language::En) }
    }

    /// In this language.
    pub fn said(&self, language: Language) -> &str {
        match language {
            Language::De => &self.german,
            Language::En => &self.english,
        }
    }
}

impl<G: Into<String>, E: Into<String>> From<(G, E)> for Both {
    fn from((german, english): (G, E)) -> Self {
        Self::new(german, english)
    }
}

/// [`Both`] by two formats, German and English, of the same values: one that leaves a value out does not compile.
macro_rules! both {
    ($german:literal, $english:literal $(, $($values:tt)*)?) => {
        $crate::words::Both::new(
            format!($german $(, $($values)*)?),
            format!($english $(, $($values)*)?),
        )
    };
}
pub(crate) use both;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_there_in_each_language_with_the_same_values() {
        let told = both!("{} Räume in {:?}", "in {1:?} are {0} rooms", 3, "amt");
        assert_eq!(told.said(Language::De), "3 Räume in \"amt\"");
        assert_eq!(told.said(Language::En), "in \"amt\" are 3 rooms");
    }
}
