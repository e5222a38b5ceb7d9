//! Numbers of one length, as runs without a gap. In: sets of digits. Out: what is common, what is left, and how many there are.

use super::super::pattern::ANY;
use super::super::sets::Numbers;

/// Runs from a number to another, in order; no two touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(Vec<(u64, u64)>);

impl Runs {
    /// All numbers that these sets of digits allow; nothing may follow them.
    pub(super) fn of(sets: &[u16]) -> Self {
        let mut runs = vec![(0_u64, 0_u64)];
        for set in sets {
            let digits = |(first, last): (u64, u64)| -> Vec<(u64, u64)> {
                if *set == ANY {
                    return vec![(first * 10, last * 10 + 9)];
                }
                let one = |number: u64| singles(*set).map(move |digit| (number * 10 + digit, number * 10 + digit));
                (first..=last).flat_map(one).collect()
            };
            runs = joined(runs.into_iter().flat_map(digits));
        }
        Self(runs)
    }

    /// These numbers.
    pub(super) fn single(numbers: impl Iterator<Item = u64>) -> Self {
        Self(joined(numbers.map(|number| (number, number))))
    }

    /// Those of every one of several sets.
    pub(super) fn all(numbers: &[Numbers]) -> Self {
        let mut runs: Vec<(u64, u64)> = numbers.iter().flat_map(|numbers| Self::of(numbers.sets()).0).collect();
        runs.sort_unstable();
        Self(joined(runs.into_iter()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().copied()
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let (mut found, mut theirs) = (Vec::new(), other.0.as_slice());
        for (first, last) in &self.0 {
            while let Some(((from, to), rest)) = theirs.split_first() {
                let (low, high) = (*first.max(from), *last.min(to));
                if low <= high {
                    found.push((low, high));
                }
                if to > last {
                    break;
                }
                theirs = rest;
            }
        }
        Self(found)
    }

    /// What is here and not there.
    pub(super) fn less(&self, other: &Self) -> Self {
        let (mut found, mut theirs) = (Vec::new(), other.0.as_slice());
        for (first, last) in &self.0 {
            let mut next = Some(*first);
            while let (Some(from), Some(((low, high), rest))) = (next, theirs.split_first()) {
                if low > last {
                    break;
                }
                if *low > from {
                    found.push((from, low - 1));
                }
                next = from.max(high + 1).le(last).then(|| from.max(high + 1));
                if high > last {
                    break;
                }
                theirs = rest;
            }
            found.extend(next.map(|from| (from, *last)));
        }
        Self(found)
    }
}

/// The digits of a set, in order.
fn singles(set: u16) -> impl Iterator<Item = u64> {
    (0..10_u64).filter(move |digit| set & (1 << digit) != 0)
}

/// Runs in order, those that touch or overlap made one.
fn joined(runs: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for (first, last) in runs {
        match found.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => found.push((first, last)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_sets() -> impl Strategy<Value = Vec<u16>> {
        prop::collection::vec(prop_oneof![Just(0x3ff_u16), 1..=0x3ff_u16], 3)
    }

    fn numbers(runs: &Runs) -> Vec<u64> {
        runs.iter().flat_map(|(first, last)| first..=last).collect()
    }

    fn fits(sets: &[u16], number: u64) -> bool {
        [number / 100, number / 10 % 10, number % 10].iter().zip(sets).all(|(digit, set)| set & (1 << digit) != 0)
    }

    proptest! {
        /// Against every number of three digits.
        #[test]
        fn runs_are_the_numbers_that_fit(one in any_sets(), other in any_sets()) {
            let (ours, theirs) = (Runs::of(&one), Runs::of(&other));
            let all = |holds: &dyn Fn(u64) -> bool| (0..1_000).filter(|number| holds(*number)).collect::<Vec<_>>();
            prop_assert_eq!(numbers(&ours), all(&|number| fits(&one, number)));
            prop_assert_eq!(numbers(&ours.and(&theirs)), all(&|number| fits(&one, number) && fits(&other, number)));
            prop_assert_eq!(numbers(&ours.less(&theirs)), all(&|number| fits(&one, number) && !fits(&other, number)));
            prop_assert!(ours.0.windows(2).all(|two| two[0].1 + 1 < two[1].0), "{:?} touch", ours);
        }
    }
}
