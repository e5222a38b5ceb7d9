//! Regular expressions, for the rare number that no pattern describes: `/^…$/`. In: what an admin wrote. Out: whether a number
//! fits; and the pattern that says the same, where there is one, for only patterns can be compared exactly.
//!
//! An expression is tried with the digits as they were dialled (or the name), and with the international form, which begins
//! with a plus. Like `*` it never takes 110 or 112.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::foreign::of_expression;
use super::number::Dialled;
use super::pattern::{ANY, EMERGENCY, InvalidPattern};
use crate::words::{Both, both};

/// Longer ones are refused.
const LONGEST: usize = 200;
/// Bytes that a compiled one may take.
const LARGEST: usize = 64 * 1024;
/// A pattern is not suggested in more pieces.
const MOST: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    regex: Regex,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Expression {
    /// Reads `/…/`; none if the text is not written so.
    pub(super) fn read(text: &str) -> Option<Result<Self, InvalidPattern>> {
        let inside = text.strip_prefix('/')?.strip_suffix('/')?;
        Some(Self::new(inside).map_err(|what| InvalidPattern { what, at: 0 }))
    }

    fn new(text: &str) -> Result<Self, Both> {
        if text.len() > LONGEST {
            return Err(both!(
                "Dieser reguläre Ausdruck ist länger als {} Zeichen",
                "this regular expression is longer than {} characters",
                LONGEST
            ));
        }
        let regex = RegexBuilder::new(text).size_limit(LARGEST).dfa_size_limit(LARGEST).nest_limit(20).build();
        let why = |error: regex::Error| {
            let told = error.to_string();
            of_expression(told.lines().last().unwrap_or_default().trim_start_matches("error: "))
        };
        Ok(Self { text: text.to_owned(), regex: regex.map_err(why)? })
    }

    pub(super) fn fits(&self, dialled: &Dialled) -> bool {
        let international = || dialled.international.as_ref().map(|digits| format!("+{digits}"));
        !EMERGENCY.contains(&dialled.as_dialled.as_str())
            && (self.regex.is_match(&dialled.as_dialled)
                || international().is_some_and(|number| self.regex.is_match(&number)))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The patterns that are for the same numbers, if there are any.
    pub(super) fn as_patterns(&self) -> Option<Vec<String>> {
        let hir = regex_syntax::parse(&self.text).ok()?;
        let parts = match hir.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            HirKind::Empty
            | HirKind::Literal(_)
            | HirKind::Class(_)
            | HirKind::Look(_)
            | HirKind::Repetition(_)
            | HirKind::Capture(_)
            | HirKind::Alternation(_) => return None,
        };
        let (first, parts) = parts.split_first()?;
        let is = |part: &Hir, look: Look| matches!(part.kind(), HirKind::Look(found) if *found == look);
        if !is(first, Look::Start) {
            return None;
        }
        let (parts, tail) = match parts.split_last() {
            Some((last, parts)) if is(last, Look::End) => (parts, Tail::End),
            Some(_) | None => (parts, Tail::Any),
        };
        let mut drafts = vec![Draft { tail: Tail::End, ..Draft::default() }];
        for part in parts {
            drafts = drafts.into_iter().map(|draft| draft.with(part)).collect::<Option<Vec<_>>>()?.concat();
            if drafts.len() > MOST {
                return None;
            }
        }
        let ended = |mut draft: Draft| {
            if tail == Tail::Any {
                (draft.tail == Tail::End).then(|| draft.tail = Tail::Any)?;
            }
            draft.written()
        };
        drafts.into_iter().map(ended).collect()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tail {
    #[default]
    End,
    Some,
    Any,
}

/// A pattern that is being written.
#[derive(Clone, Debug, Default)]
struct Draft {
    international: bool,
    sets: Vec<u16>,
    tail: Tail,
}

impl Draft {
    /// The draft with what this part may be: several, where it may be one or the other.
    fn with(self, part: &Hir) -> Option<Vec<Self>> {
        match part.kind() {
            HirKind::Empty => Some(vec![self]),
            HirKind::Literal(literal) => {
                literal.0.iter().try_fold(self, |draft, byte| draft.and_byte(*byte)).map(|draft| vec![draft])
            }
            HirKind::Class(class) => self.and_set(digits_of(class)?).map(|draft| vec![draft]),
            HirKind::Capture(capture) => self.with(&capture.sub),
            HirKind::Alternation(parts) => {
                let each = parts.iter().map(|part| self.clone().with(part)).collect::<Option<Vec<_>>>()?;
                Some(each.concat())
            }
            HirKind::Concat(parts) => parts.iter().try_fold(vec![self], |drafts, part| {
                let each = drafts.into_iter().map(|draft| draft.with(part)).collect::<Option<Vec<_>>>()?.concat();
                (each.len() <= MOST).then_some(each)
            }),
            HirKind::Repetition(repetition) => {
                let HirKind::Class(class) = repetition.sub.kind() else { return None };
                let set = digits_of(class)?;
                let least = usize::try_from(repetition.min).ok().filter(|least| *least <= 20)?;
                let mut draft = (0..least).try_fold(self, |draft, _| draft.and_set(set))?;
                match repetition.max {
                    Some(most) => (most == repetition.min).then_some(vec![draft]),
                    None if set == ANY => {
                        draft.tail = if least > 0 && draft.sets.pop().is_some() { Tail::Some } else { Tail::Any };
                        Some(vec![draft])
                    }
                    None => None,
                }
            }
            HirKind::Look(_) => None,
        }
    }

    fn and_byte(mut self, byte: u8) -> Option<Self> {
        match byte {
            b'+' if self.sets.is_empty() && !self.international => {
                self.international = true;
                Some(self)
            }
            b'0'..=b'9' => self.and_set(1 << (byte - b'0')),
            _ => None,
        }
    }

    fn and_set(mut self, set: u16) -> Option<Self> {
        (self.tail == Tail::End).then(|| self.sets.push(set))?;
        Some(self)
    }

    fn written(&self) -> Option<String> {
        if self.sets.is_empty() && self.tail != Tail::Some {
            return None;
        }
        let digits =
            |set: &u16| (0..10).filter(|digit| set & (1 << digit) != 0).map(|digit| digit.to_string()).collect();
        let place = |set: &u16| match *set {
            ANY => String::from("X"),
            set if set == ANY & !1 => String::from("Z"),
            set if set == ANY & !3 => String::from("N"),
            set => {
                let digits: String = digits(&set);
                if digits.len() == 1 { digits } else { format!("[{digits}]") }
            }
        };
        let tail = match self.tail {
            Tail::End => "",
            Tail::Some => ".",
            Tail::Any => "!",
        };
        let plus = if self.international { "+" } else { "" };
        Some(format!("{plus}{}{tail}", self.sets.iter().map(place).collect::<String>()))
    }
}

/// The digits of a class: of one that has only digits, or any character, or any digit of the world.
fn digits_of(class: &Class) -> Option<u16> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect(),
        Class::Bytes(class) => class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect(),
    };
    let has = |letter: u32| ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter));
    let zero = u32::from('0');
    let set = (0..10).filter(|digit| has(zero + digit)).map(|digit| 1_u16 << digit).sum::<u16>();
    let only_digits = ranges.iter().all(|(from, to)| *from >= zero && *to <= zero + 9);
    (set != 0 && (only_digits || set == ANY)).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::*;

    fn expression(text: &str) -> Expression {
        Expression::read(text).expect("an expression").expect("one that can be used")
    }

    #[test]
    fn an_expression_that_could_be_a_pattern_is_told_as_one() {
        for (text, pattern) in [
            (r"/^2\d{3}$/", Some("2XXX")),
            (r"/^\+49309018[0-9]{4}$/", Some("+49309018XXXX")),
            (r"/^0.*$/", Some("0!")),
            (r"/^0\d+$/", Some("0.")),
            (r"/^[1-9][2-9][135]$/", Some("ZN[135]")),
            (r"/^11/", Some("11!")),
            (r"/^(11|12)\d$/", Some("11X, 12X")),
            (r"/^1[12]\d$/", Some("1[12]X")),
            (r"/^2\d{2,3}$/", None),
            (r"/2\d{3}$/", None),
            (r"/^rat-.*$/", None),
            (r"/^1*$/", None),
        ] {
            let expression = expression(text);
            let told = expression.as_patterns().map(|patterns| patterns.join(", "));
            assert_eq!(told.as_deref(), pattern, "{text}");
            let Some(patterns) = told else { continue };
            let patterns: Vec<Pattern> =
                patterns.split(", ").map(|pattern| pattern.parse().expect("a pattern")).collect();
            for number in
                (0..10_000).map(|number| number.to_string()).filter(|number| !EMERGENCY.contains(&number.as_str()))
            {
                let dialled = Dialled { international: Some(format!("49309018{number}")), as_dialled: number };
                let fits = patterns.iter().any(|pattern| pattern.fits(&dialled));
                assert_eq!(expression.fits(&dialled), fits, "{text} {}", dialled.as_dialled);
            }
        }
    }

    #[test]
    fn what_is_no_expression_or_too_large_says_why() {
        for (text, why) in [
            ("/^2(3$/", "unclosed group"),
            (&format!("/{}/", "1".repeat(201)), "longer than 200"),
            (r"/^\d{1000}{100}$/", "cannot be used"),
        ] {
            let told = Expression::read(text).expect("an expression").expect_err(text).to_string();
            assert!(told.contains(why), "{told}");
        }
        assert!(Expression::read("030/9018").is_none());
    }

    #[test]
    fn an_emergency_call_is_no_expressions() {
        let dialled = |text: &str| Dialled { as_dialled: text.to_owned(), international: None };
        assert!(expression("/^11.$/").fits(&dialled("115")) && !expression("/^11.$/").fits(&dialled("112")));
    }
}
