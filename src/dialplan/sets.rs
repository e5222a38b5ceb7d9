//! Sets of calls, exactly: what of one rule is left once others have taken theirs. In: rules. Out: sets of calls, each a
//! product of what a rule can ask for. What cannot be told exactly (a name, less a number) is left whole: a rule is called
//! unreachable only if it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pattern::{ANY, EMERGENCY, Pattern, Tail};
use crate::words::LanguageTag;

/// Numbers: a set of digits at each place, and perhaps more digits behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    sets: Vec<u16>,
    open: bool,
}

impl From<&str> for Numbers {
    fn from(digits: &str) -> Self {
        let sets = digits.bytes().map(|digit| 1 << (digit.wrapping_sub(b'0') % 10)).collect();
        Self { sets, open: false }
    }
}

impl Numbers {
    pub(super) fn new(sets: &[u16], tail: Tail) -> Self {
        let mut sets = sets.to_vec();
        if tail == Tail::Some {
            sets.push(ANY);
        }
        Self { sets, open: tail != Tail::End }
    }

    /// The set at each place.
    pub(super) fn sets(&self) -> &[u16] {
        &self.sets
    }

    /// Whether more digits may follow.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// The least of them.
    pub(super) fn first(&self) -> String {
        self.sets.iter().map(|set| set.trailing_zeros().to_string()).collect()
    }

    /// What is left once others have taken theirs.
    pub(super) fn less_all(&self, others: &[Self]) -> Vec<Self> {
        let less = |left: Vec<Self>, other: &Self| left.iter().flat_map(|left| left.less(other)).collect();
        others.iter().fold(vec![self.clone()], less)
    }

    fn at(&self, place: usize) -> u16 {
        self.sets.get(place).copied().unwrap_or(ANY)
    }

    /// The same numbers, those shorter than `length` left out.
    fn of_length(&self, length: usize, open: bool) -> Self {
        Self { sets: (0..length).map(|place| self.at(place)).collect(), open }
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        let length = self.sets.len().max(other.sets.len());
        (self.open || self.sets.len() == length)
            && (other.open || other.sets.len() == length)
            && self.sets.iter().zip(&other.sets).all(|(one, two)| one & two != 0)
    }

    /// Numbers that are in both.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        if !self.meets(other) {
            return None;
        }
        let length = self.sets.len().max(other.sets.len());
        let sets = (0..length).map(|place| self.at(place) & other.at(place)).collect();
        Some(Self { sets, open: self.open && other.open })
    }

    /// Numbers that are here and not there.
    pub(super) fn less(&self, other: &Self) -> Vec<Self> {
        let Some(both) = self.and(other) else { return vec![self.clone()] };
        let mut left = Vec::new();
        if self.open {
            left.extend((self.sets.len()..other.sets.len()).map(|length| self.of_length(length, false)));
            if !other.open {
                left.push(self.of_length(other.sets.len() + 1, true));
            }
        }
        let here = self.of_length(both.sets.len(), both.open);
        for place in 0..other.sets.len() {
            let rest = here.at(place) & !other.at(place);
            if rest != 0 {
                let mut piece = here.clone();
                piece.sets.iter_mut().zip(&both.sets).take(place).for_each(|(set, narrowed)| *set = *narrowed);
                if let Some(set) = piece.sets.get_mut(place) {
                    *set = rest;
                }
                left.push(piece);
            }
        }
        left
    }
}

/// Whom a call is for, or from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// Anybody; a caller may also be unknown.
    Anybody,
    /// Every number but 110 and 112.
    Everything,
    Name(String),
    /// Who fits a regular expression: of it nothing is known but that it is the same as itself.
    Expression(String),
    Dialled(Numbers),
    International(Numbers),
}

impl From<&Pattern> for Party {
    fn from(pattern: &Pattern) -> Self {
        match pattern {
            Pattern::Everything => Self::Everything,
            Pattern::Name(name) => Self::Name(name.clone()),
            Pattern::Expression(expression) => Self::Expression(expression.text().to_owned()),
            Pattern::Digits { international: true, sets, tail } => Self::International(Numbers::new(sets, *tail)),
            Pattern::Digits { international: false, sets, tail } => Self::Dialled(Numbers::new(sets, *tail)),
        }
    }
}

impl Party {
    /// Whether both may be the same, as far as can be told.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anybody | Self::Everything, _) | (_, Self::Anybody | Self::Everything) => true,
            (Self::Expression(_), _) | (_, Self::Expression(_)) => true,
            (Self::Name(one), Self::Name(two)) => one == two,
            (Self::Dialled(one), Self::Dialled(two)) | (Self::International(one), Self::International(two)) => {
                one.meets(two)
            }
            // A number in one form may be any in the other, but no rule is met by what it says of the other form.
            (Self::Dialled(_) | Self::International(_) | Self::Name(_), _) => false,
        }
    }

    fn and(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Anybody | Self::Everything, one) | (one, Self::Anybody | Self::Everything) => Some(one.clone()),
            (Self::Expression(_), one) | (one, Self::Expression(_)) => Some(one.clone()),
            (Self::Name(one), Self::Name(two)) => (one == two).then(|| self.clone()),
            (Self::Dialled(one), Self::Dialled(two)) => one.and(two).map(Self::Dialled),
            (Self::International(one), Self::International(two)) => one.and(two).map(Self::International),
            // A number in one form may be any in the other.
            (Self::Dialled(_) | Self::International(_), _) | (Self::Name(_), _) => None,
        }
    }

    /// The least number that is in both.
    pub(super) fn shared(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Dialled(one), Self::Dialled(two)) => one.and(two).map(|both| both.first()),
            (Self::International(one), Self::International(two)) => {
                one.and(two).map(|both| format!("+{}", both.first()))
            }
            _ => None,
        }
    }

    /// What is left, if that can be told.
    fn less(&self, other: &Self) -> Option<Vec<Self>> {
        match (self, other) {
            (_, Self::Anybody)
            | (Self::Everything | Self::Name(_) | Self::Expression(_) | Self::International(_), Self::Everything) => {
                Some(Vec::new())
            }
            (Self::Expression(one), Self::Expression(two)) if one == two => Some(Vec::new()),
            (Self::Dialled(numbers), Self::Everything) => {
                let spared = EMERGENCY.iter().filter_map(|number| numbers.and(&Numbers::from(*number)));
                Some(spared.map(Self::Dialled).collect())
            }
            (Self::Name(one), Self::Name(two)) if one == two => Some(Vec::new()),
            (Self::Dialled(one), Self::Dialled(two)) => Some(one.less(two).into_iter().map(Self::Dialled).collect()),
            (Self::International(one), Self::International(two)) => {
                Some(one.less(two).into_iter().map(Self::International).collect())
            }
            _ => None,
        }
    }
}

/// The minutes of a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Minutes(Vec<u64>);

impl Minutes {
    const COUNT: usize = 7 * 24 * 60;

    /// Those for which `holds` says so.
    pub(super) fn of(holds: impl Fn(usize) -> bool) -> Self {
        let mut words = vec![0; Self::COUNT.div_ceil(64)];
        for minute in (0..Self::COUNT).filter(|minute| holds(*minute)) {
            if let Some(word) = words.get_mut(minute / 64) {
                *word |= 1 << (minute % 64);
            }
        }
        Self(words)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    fn with(&self, other: &Self, both: impl Fn(u64, u64) -> u64) -> Option<Self> {
        let words: Vec<u64> = self.0.iter().zip(&other.0).map(|(one, two)| both(*one, *two)).collect();
        words.iter().any(|word| *word != 0).then_some(Self(words))
    }
}

/// A set of calls: all that fit every one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    /// Who was called, who calls, for whom the trunk vouches, and who diverted.
    pub(super) parties: [Party; 4],
    pub(super) languages: Languages,
    /// A bit for each trunk, the first for those that came by none.
    pub(super) trunks: u64,
    /// Bit 0 for calls without TLS, bit 1 for those with it; and the same for those who show a number, and those who do not.
    pub(super) secure: u8,
    pub(super) withheld: u8,
    /// None is every minute.
    pub(super) minutes: Option<Arc<Minutes>>,
    /// Clocks that are on, or not.
    pub(super) clocks: BTreeMap<Clock, bool>,
}

/// What is on at some times, and not at others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clock {
    /// Hours that are open.
    Office(usize),
    /// An event of a calendar.
    Calendar(usize),
}

/// The language that a telephone likes best: one of these, or any but these, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Languages {
    These(BTreeSet<LanguageTag>),
    AllBut(BTreeSet<LanguageTag>),
}

impl Languages {
    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::These(one), Self::These(two)) => Self::These(one & two),
            (Self::These(one), Self::AllBut(two)) | (Self::AllBut(two), Self::These(one)) => Self::These(one - two),
            (Self::AllBut(one), Self::AllBut(two)) => Self::AllBut(one | two),
        }
    }

    fn less(&self, other: &Self) -> Self {
        self.and(&match other {
            Self::These(languages) => Self::AllBut(languages.clone()),
            Self::AllBut(languages) => Self::These(languages.clone()),
        })
    }

    fn is_none(&self) -> bool {
        *self == Self::These(BTreeSet::new())
    }
}

/// Above so many pieces nothing is proven.
const MOST: usize = 2_000;

/// What is left of `calls` once `others` have taken theirs; none if that has more pieces than can be looked at.
pub(super) fn left_of<'a>(calls: Vec<Calls>, others: impl Iterator<Item = &'a Calls>) -> Option<Vec<Calls>> {
    let mut left = calls;
    for other in others {
        let less = |calls: Calls| if calls.meets(other) { calls.less(other) } else { vec![calls] };
        left = left.into_iter().flat_map(less).collect();
        if left.is_empty() {
            break;
        }
        if left.len() > MOST {
            return None;
        }
    }
    Some(left)
}

/// Whether all of these are among others, as far as can be told.
pub(super) fn are_within(parties: Vec<Party>, others: &[Party]) -> bool {
    let mut left = parties;
    for other in others {
        left = left.into_iter().flat_map(|party| party.less(other).unwrap_or_else(|| vec![party.clone()])).collect();
        if left.is_empty() || left.len() > MOST {
            break;
        }
    }
    left.is_empty()
}

impl Calls {
    /// Whether there is a call in both, as far as can be told.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.parties.iter().zip(&other.parties).all(|(one, two)| one.meets(two))
            && self.trunks & other.trunks != 0
            && self.secure & other.secure != 0
            && self.withheld & other.withheld != 0
            && !self.languages.and(&other.languages).is_none()
            && match (&self.minutes, &other.minutes) {
                (Some(one), Some(two)) => one.meets(two),
                _ => true,
            }
            && self.clocks.iter().all(|(clock, on)| other.clocks.get(clock).is_none_or(|other| other == on))
    }

    /// What is left of calls that meet others.
    fn less(&self, other: &Self) -> Vec<Self> {
        let (mut left, mut rest) = (Vec::new(), self.clone());
        for (at, theirs) in other.parties.iter().enumerate() {
            let Some(ours) = rest.parties.get(at).cloned() else { continue };
            let (Some(pieces), Some(both)) = (ours.less(theirs), ours.and(theirs)) else { return vec![self.clone()] };
            let mut with = |party| {
                let mut piece = rest.clone();
                if let Some(place) = piece.parties.get_mut(at) {
                    *place = party;
                }
                piece
            };
            left.extend(pieces.into_iter().map(&mut with));
            rest = with(both);
        }
        let mut narrow = |trunks: u64, secure: u8, withheld: u8| {
            if trunks != 0 && secure != 0 && withheld != 0 {
                left.push(Self { trunks, secure, withheld, ..rest.clone() });
            }
        };
        narrow(self.trunks & !other.trunks, self.secure, self.withheld);
        let trunks = self.trunks & other.trunks;
        narrow(trunks, self.secure & !other.secure, self.withheld);
        let secure = self.secure & other.secure;
        narrow(trunks, secure, self.withheld & !other.withheld);
        (rest.trunks, rest.secure, rest.withheld) = (trunks, secure, self.withheld & other.withheld);
        let languages = rest.languages.less(&other.languages);
        if !languages.is_none() {
            left.push(Self { languages, ..rest.clone() });
        }
        rest.languages = rest.languages.and(&other.languages);
        if let Some(theirs) = &other.minutes {
            let ours = self.minutes.clone().unwrap_or_else(|| Arc::new(Minutes::of(|_| true)));
            if let Some(before) = ours.with(theirs, |a, b| a & !b) {
                left.push(Self { minutes: Some(Arc::new(before)), ..rest.clone() });
            }
            rest.minutes = ours.with(theirs, |a, b| a & b).map(Arc::new);
        }
        for (clock, on) in &other.clocks {
            if !rest.clocks.contains_key(clock) {
                let mut otherwise = rest.clone();
                otherwise.clocks.insert(*clock, !on);
                left.push(otherwise);
                rest.clocks.insert(*clock, *on);
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_numbers() -> impl Strategy<Value = Numbers> {
        let set = prop_oneof![Just(ANY), 1..=ANY];
        (prop::collection::vec(set, 1..4), any::<bool>()).prop_map(|(sets, open)| Numbers { sets, open })
    }

    fn fits(numbers: &Numbers, text: &str) -> bool {
        let long_enough =
            if numbers.open { text.len() >= numbers.sets.len() } else { text.len() == numbers.sets.len() };
        long_enough && text.bytes().zip(&numbers.sets).all(|(byte, set)| set & (1 << (byte - b'0')) != 0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Against every number of up to four digits.
        #[test]
        fn what_is_common_and_what_is_left_are_exact(one in any_numbers(), other in any_numbers()) {
            let (both, left) = (one.and(&other), one.less(&other));
            for text in (1..=4_usize).flat_map(|length| (0..10_u32.pow(length as u32)).map(move |n| format!("{n:0length$}"))) {
                let (in_one, in_other) = (fits(&one, &text), fits(&other, &text));
                prop_assert_eq!(both.as_ref().is_some_and(|both| fits(both, &text)), in_one && in_other);
                prop_assert_eq!(left.iter().filter(|left| fits(left, &text)).count(), usize::from(in_one && !in_other), "{}", text);
            }
        }
    }
}
