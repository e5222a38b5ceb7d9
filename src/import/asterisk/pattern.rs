//! Numbers and patterns of Asterisk. In: what stands before the first comma. Out: which is looked at first, and our patterns for the same
//! numbers without 110 and 112, which only their own rule takes.
//!
//! Asterisk tries exact numbers first, then patterns, letter by letter: fewer digits before more, `.` and `!` last.

use std::cmp::{Ordering, Reverse};

use crate::dialplan::Pattern;

/// Every digit.
const ANY: u16 = 0x3ff;

/// What an extension is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// This number or name.
    Exact(String),
    /// Digits, with a plus before them, and what may follow.
    Digits { plus: bool, sets: Vec<u16>, tail: Tail, order: Order },
    /// What has other signs in it, as a regular expression.
    Odd { expression: String, order: Order },
}

/// What may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    End,
    Some,
    Any,
}

/// Where a pattern stands among others.
type Order = Vec<(u32, Reverse<u128>)>;

/// The end of a pattern, and what stands for the rest of a number.
const DOT: u32 = 0x18000;
const BANG: u32 = 0x28000;
const END: u32 = 0x30000;

impl Number {
    /// Reads `2001`, `_2XXX`, `rat`; none if Asterisk could not, either.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.strip_prefix('_') {
            None => {
                let exact: String = text.chars().filter(|c| *c != '-').collect();
                let is_sound = !exact.is_empty() && exact.len() <= 64 && exact.chars().all(is_of_a_number);
                is_sound.then_some(Self::Exact(exact))
            }
            Some(pattern) => Self::pattern(pattern),
        }
    }

    fn pattern(text: &str) -> Option<Self> {
        let (mut sets, mut order, mut tail) = (Vec::new(), Order::new(), Tail::End);
        let mut letters = text.chars().filter(|c| !matches!(c, ' ' | '\t'));
        while let Some(letter) = letters.next() {
            let set: Vec<char> = match letter {
                '-' => continue,
                'X' | 'x' => ('0'..='9').collect(),
                'Z' | 'z' => ('1'..='9').collect(),
                'N' | 'n' => ('2'..='9').collect(),
                '.' => {
                    tail = Tail::Some;
                    order.push((DOT, Reverse(0)));
                    break;
                }
                '!' => {
                    tail = Tail::Any;
                    order.push((BANG, Reverse(0)));
                    break;
                }
                '[' => class(&letters.by_ref().take_while(|c| *c != ']').collect::<Vec<_>>())?,
                other if is_of_a_number(other) => vec![other],
                _ => return None,
            };
            let first = set.iter().map(|c| u32::from(*c)).min()?;
            // Among sets of one size and one beginning, that with the lower digits comes first.
            let bits =
                set.iter().map(|c| 1_u128 << 127_u32.saturating_sub(u32::from(*c))).fold(0, |all, bit| all | bit);
            order.push(((u32::try_from(set.len()).ok()? << 8) | first, Reverse(bits)));
            sets.push(set);
            if sets.len() > 40 {
                return None;
            }
        }
        order.push((END, Reverse(0)));
        if sets.is_empty() && tail == Tail::End {
            return None;
        }
        let (plus, digits) = match sets.split_first() {
            Some((first, rest)) if *first == ['+'] => (true, rest),
            _ => (false, sets.as_slice()),
        };
        let bits = |set: &Vec<char>| {
            set.iter().map(|c| c.to_digit(10).map(|digit| 1_u16 << digit)).try_fold(0, |all, bit| Some(all | bit?))
        };
        Some(match digits.iter().map(bits).collect::<Option<Vec<u16>>>() {
            Some(sets) => Self::Digits { plus, sets, tail, order },
            None => Self::Odd { expression: expression(&sets, tail), order },
        })
    }

    /// Which of two Asterisk tries first.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Exact(one), Self::Exact(other)) => one.cmp(other),
            (Self::Exact(_), Self::Digits { .. } | Self::Odd { .. }) => Ordering::Less,
            (Self::Digits { .. } | Self::Odd { .. }, Self::Exact(_)) => Ordering::Greater,
            (
                Self::Digits { order: one, .. } | Self::Odd { order: one, .. },
                Self::Digits { order: other, .. } | Self::Odd { order: other, .. },
            ) => one.cmp(other),
        }
    }

    /// Whether it is for this number.
    pub(super) fn fits(&self, number: &str) -> bool {
        match self {
            // A hyphen is only for the eye.
            Self::Exact(exact) => *exact == number.replace('-', ""),
            Self::Odd { .. } => false,
            Self::Digits { plus, sets, tail, .. } => {
                let digits = if *plus { number.strip_prefix('+') } else { Some(number) };
                digits.is_some_and(|digits| fits(sets, *tail, digits))
            }
        }
    }

    /// Our patterns for it, without emergency numbers. Names are in small letters with us.
    pub(super) fn ours(&self) -> Vec<String> {
        self.ours_but(&[])
    }

    /// The same without some numbers.
    pub(super) fn ours_but(&self, others: &[String]) -> Vec<String> {
        match self {
            Self::Exact(exact) if EMERGENCY.contains(&exact.as_str()) => Vec::new(),
            Self::Exact(exact) => {
                let digits = exact.strip_prefix('+').unwrap_or(exact);
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                let is_name = exact.starts_with(|c: char| c.is_ascii_alphabetic())
                    && exact.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
                if is_number {
                    vec![exact.clone()]
                } else if is_name {
                    vec![exact.to_ascii_lowercase()]
                } else {
                    let sets: Vec<Vec<char>> = exact.chars().map(|c| vec![c]).collect();
                    vec![expression(&sets, Tail::End)]
                }
            }
            Self::Odd { expression, .. } => vec![expression.clone()],
            Self::Digits { plus: true, sets, tail, .. } => vec![format!("+{}", written(sets, *tail))],
            Self::Digits { plus: false, sets, tail, .. } => {
                let mut pieces = vec![(sets.clone(), *tail)];
                for number in EMERGENCY.into_iter().chain(others.iter().map(String::as_str)) {
                    pieces = pieces.into_iter().flat_map(|(sets, tail)| without(sets, tail, number)).collect();
                }
                pieces.iter().map(|(sets, tail)| written(sets, *tail)).collect()
            }
        }
    }
}

/// Patterns of ours, read.
pub(super) fn read(ours: &[String]) -> Vec<Pattern> {
    ours.iter().filter_map(|ours| Pattern::read(ours).ok()).flatten().collect()
}

/// What of a number that was dialled counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// All but so many digits at its beginning.
    Without(usize),
    /// So many at its end.
    Last(usize),
}

impl Shift {
    /// The same, of which `${EXTEN:skip}` is taken.
    pub(super) fn skip(self, skip: i64) -> Option<Self> {
        let count = usize::try_from(skip.unsigned_abs()).ok()?;
        Some(match (self, skip < 0) {
            (Self::Without(first), false) => Self::Without(first + count),
            (Self::Last(last), false) => Self::Last(last.checked_sub(count).filter(|last| *last > 0)?),
            (Self::Without(_), true) => Self::Last(count),
            (Self::Last(last), true) => Self::Last(last.min(count)),
        })
    }

    /// As it stands in a plan of ours.
    pub(super) fn written(self) -> String {
        match self {
            Self::Without(0) => String::from("{called}"),
            Self::Without(first) => format!("{{called:{first}}}"),
            Self::Last(last) => format!("{{called:-{last}}}"),
        }
    }

    /// What a plan of ours says; none of what is another text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let inside = text.strip_prefix("{called")?.strip_suffix('}')?;
        match inside.strip_prefix(':') {
            None => inside.is_empty().then_some(Self::Without(0)),
            Some(rest) => match rest.strip_prefix('-') {
                Some(last) => last.parse().ok().map(Self::Last),
                None => rest.parse().ok().map(Self::Without),
            },
        }
    }
}

impl Number {
    /// The numbers of this pattern of which that part is one of `other`: the whole of them, in our words, and whether the part is always this
    /// one number.
    pub(super) fn of_which(&self, shift: Shift, other: &Self) -> Option<Vec<String>> {
        let Self::Digits { plus, sets, tail, .. } = self else { return None };
        let first = match (shift, tail) {
            (Shift::Without(first), _) => first.checked_sub(usize::from(*plus && first > 0))?,
            (Shift::Last(last), Tail::End) => sets.len().checked_sub(last)?,
            (Shift::Last(_), Tail::Some | Tail::Any) => return None,
        };
        let (wanted, end) = match other {
            Self::Exact(exact) => {
                let digits = exact.chars().map(|c| c.to_digit(10).map(|digit| 1_u16 << digit));
                (digits.collect::<Option<Vec<u16>>>()?, Tail::End)
            }
            Self::Digits { plus: false, sets, tail, .. } => (sets.clone(), *tail),
            Self::Digits { plus: true, .. } | Self::Odd { .. } => return None,
        };
        let normal = |mut sets: Vec<u16>, tail: Tail| {
            if tail == Tail::Some {
                sets.push(ANY);
            }
            (sets, tail != Tail::End)
        };
        let (head, rest) = sets.split_at_checked(first)?;
        let ((rest, open), (wanted, wanted_open)) = (normal(rest.to_vec(), *tail), normal(wanted, end));
        let length = rest.len().max(wanted.len());
        let fills = |sets: &[u16], open: bool| sets.len() == length || open;
        if !fills(&rest, open) || !fills(&wanted, wanted_open) {
            return None;
        }
        let at = |sets: &[u16], at: usize| sets.get(at).copied().unwrap_or(ANY);
        let both: Vec<u16> = (0..length).map(|place| at(&rest, place) & at(&wanted, place)).collect();
        let tail = if open && wanted_open { Tail::Any } else { Tail::End };
        let whole = [head.to_vec(), both].concat();
        let is_some = !whole.contains(&0) && !whole.is_empty();
        let number = Self::Digits { plus: *plus, sets: whole, tail, order: Order::new() };
        is_some.then(|| number.ours()).filter(|ours| !ours.is_empty())
    }

    /// The numbers of which that part, behind these digits, would be an emergency number.
    pub(super) fn help_behind(&self, before: &str, shift: Shift) -> Vec<String> {
        let (Self::Digits { plus: false, sets, .. }, Shift::Without(first)) = (self, shift) else { return Vec::new() };
        let mut heads = vec![String::new()];
        for set in sets.iter().copied().chain(std::iter::repeat(ANY)).take(first) {
            let digits: Vec<char> =
                ('0'..='9').zip(0..10).filter(|(_, bit)| set & (1 << bit) != 0).map(|(digit, _)| digit).collect();
            heads = heads.iter().flat_map(|head| digits.iter().map(move |digit| format!("{head}{digit}"))).collect();
            if heads.len() > 20 {
                return Vec::new();
            }
        }
        let rests = EMERGENCY.iter().filter_map(|number| number.strip_prefix(before));
        rests
            .flat_map(|rest| heads.iter().map(move |head| format!("{head}{rest}")))
            .filter(|number| self.fits(number))
            .collect()
    }
}

pub(super) const EMERGENCY: [&str; 2] = ["110", "112"];

fn is_of_a_number(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '_' | '.')
}

/// `1-5`, `15-7`, `*0-9`
fn class(inside: &[char]) -> Option<Vec<char>> {
    let mut found: Vec<char> = Vec::new();
    let mut rest = inside;
    loop {
        match rest {
            [] => break,
            [first, '-', last, behind @ ..] => {
                found.extend(*first..=*last);
                rest = behind;
            }
            [one, behind @ ..] => {
                found.push(*one);
                rest = behind;
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    (!found.is_empty() && found.iter().all(|c| is_of_a_number(*c))).then_some(found)
}

fn fits(sets: &[u16], tail: Tail, digits: &str) -> bool {
    let long_enough = match tail {
        Tail::End => digits.len() == sets.len(),
        Tail::Some => digits.len() > sets.len(),
        Tail::Any => digits.len() >= sets.len(),
    };
    let known: Option<Vec<u16>> = digits.chars().map(|c| c.to_digit(10).map(|digit| 1_u16 << digit)).collect();
    long_enough && known.is_some_and(|known| known.iter().zip(sets).all(|(digit, set)| digit & set != 0))
}

/// All numbers of a pattern but one.
fn without(mut sets: Vec<u16>, tail: Tail, number: &str) -> Vec<(Vec<u16>, Tail)> {
    if !fits(&sets, tail, number) {
        return vec![(sets, tail)];
    }
    let number: Vec<u16> = number.chars().filter_map(|c| c.to_digit(10)).map(|digit| 1_u16 << digit).collect();
    let open = tail != Tail::End;
    if tail == Tail::Some {
        sets.push(ANY);
    }
    let shortest = sets.len();
    let mut found = Vec::new();
    for (at, digit) in number.iter().enumerate() {
        let before = || number.iter().take(at).copied();
        // Shorter than the number, and all that it begins with.
        if at >= shortest && at > 0 {
            found.push((before().collect(), Tail::End));
        }
        let other = sets.get(at).copied().unwrap_or(ANY) & !digit;
        if other != 0 {
            let behind = sets.iter().skip(at + 1).copied();
            found.push((before().chain([other]).chain(behind).collect(), if open { Tail::Any } else { Tail::End }));
        }
    }
    if open {
        found.push((number.into_iter().chain([ANY]).collect(), Tail::Any));
    }
    found
}

fn written(sets: &[u16], tail: Tail) -> String {
    let mut found: String = sets.iter().map(|set| digit(*set)).collect();
    match tail {
        Tail::End => {}
        Tail::Some => found.push('.'),
        Tail::Any => found.push('!'),
    }
    found
}

fn digit(set: u16) -> String {
    const NAMED: [(u16, &str); 3] = [(ANY, "X"), (ANY & !1, "Z"), (ANY & !3, "N")];
    if let Some((_, name)) = NAMED.iter().find(|(named, _)| *named == set) {
        return (*name).to_owned();
    }
    let digits: Vec<u32> = (0..10).filter(|digit| set & (1 << digit) != 0).collect();
    if let [one] = digits.as_slice() {
        return one.to_string();
    }
    let mut inside = String::new();
    for run in digits.chunk_by(|one, next| one + 1 == *next) {
        match run {
            [first, .., last] if run.len() > 2 => inside.push_str(&format!("{first}-{last}")),
            run => run.iter().for_each(|digit| inside.push_str(&digit.to_string())),
        }
    }
    format!("[{inside}]")
}

/// `/^\*8[0-9]$/`
fn expression(sets: &[Vec<char>], tail: Tail) -> String {
    let escaped = |c: &char| if matches!(c, '*' | '+' | '.') { format!("\\{c}") } else { c.to_string() };
    let mut found = String::from("/^");
    for set in sets {
        match set.as_slice() {
            [one] => found.push_str(&escaped(one)),
            many if *many == ('0'..='9').collect::<Vec<_>>() => found.push_str("[0-9]"),
            many => {
                found.push('[');
                many.iter().for_each(|c| found.push_str(&escaped(c)));
                found.push(']');
            }
        }
    }
    found.push_str(match tail {
        Tail::End => "$/",
        Tail::Some => ".+$/",
        Tail::Any => ".*$/",
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn what_asterisk_tries_first_stands_first() {
        // The order that `dialplan show` of Asterisk tells.
        let sorted =
            ["100", "2001", "_1XX", "_1.", "_2[0-4]X", "_2NXX", "_2XXX", "_[1-3]XX", "_N.", "_XX", "_X.", "_."];
        let mut mixed: Vec<&str> = sorted.iter().rev().copied().collect();
        mixed.sort_by(|one, other| number(one).compare(&number(other)));
        assert_eq!(mixed, sorted);
    }

    #[test]
    fn our_patterns_are_for_the_same_numbers_but_110_and_112() {
        for text in
            ["_X.", "_X!", "_XXX", "_1XX", "_[01]1[02]", "_!", "_.", "_11X.", "_110!", "_NXX", "_Z!", "_1[13]X", "_112"]
        {
            let theirs = number(text);
            let ours: Vec<Pattern> = theirs.ours().iter().flat_map(|ours| Pattern::read(ours).expect(ours)).collect();
            for digits in
                (0..2_000).map(|number: u32| number.to_string()).chain((0..200).map(|number| format!("0{number}")))
            {
                let fits = ours.iter().filter(|pattern| pattern.fits_digits(&digits)).count();
                let expected = usize::from(theirs.fits(&digits) && !EMERGENCY.contains(&digits.as_str()));
                assert_eq!(fits, expected, "{text} {digits} {:?}", theirs.ours());
            }
        }
    }

    #[test]
    fn other_signs_become_an_expression_and_names_have_small_letters() {
        for (text, ours) in [
            ("*97", "/^\\*97$/"),
            ("_*8X.", "/^\\*8[0-9].+$/"),
            ("Rat", "rat"),
            ("_+4930X.", "+4930X."),
            ("20-01", "2001"),
        ] {
            assert_eq!(number(text).ours(), [ours]);
            assert!(Pattern::read(ours).is_ok());
        }
        for odd in ["", "_", "2001 Rat", "_20[", "_[]", "_2(0)"] {
            assert_eq!(Number::read(odd), None, "{odd}");
        }
    }
}
