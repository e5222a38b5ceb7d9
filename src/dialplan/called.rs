//! The number that was called, in the telephone that is rung for it: `{called}`, `{called:1}` without its first digit,
//! `{called:-4}` its last four. One rule then stands for a block of extensions. In: what an admin wrote, and a number. Out: whom
//! to ring; and, of a pattern, what that could be.

use super::Pattern;
use super::number::plain;
use super::pattern::{ANY, Tail, is_emergency};

/// See the module. Digits may stand before it: `9{called}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Called<'a> {
    before: &'a str,
    part: Part,
}

/// How much of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Without so many digits at its beginning.
    Without(usize),
    /// So many at its end.
    Last(usize),
}

/// What a telephone that is rung for a pattern could be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) emergency: bool,
    pub(super) outside: bool,
}

/// The longest user part.
const LONGEST: usize = 64;

impl<'a> Called<'a> {
    /// Whether it speaks of the number that was called; none if it does not.
    pub(super) fn read(user: &'a str) -> Option<Self> {
        let (before, inside) = user.strip_suffix('}')?.split_once("{called")?;
        let is_sound = before.chars().all(may_be_called);
        let count = |text: &str| text.parse::<usize>().ok().filter(|count| (1..LONGEST).contains(count));
        let part = match inside.strip_prefix(':') {
            None if inside.is_empty() => Part::Without(0),
            None => return None,
            Some(rest) => match rest.strip_prefix('-') {
                Some(last) => Part::Last(count(last)?),
                None => Part::Without(count(rest)?),
            },
        };
        is_sound.then_some(Self { before, part })
    }

    /// Whom a call to this number is for; nobody, if nothing is left of it or it cannot be called.
    pub(super) fn filled(self, called: &str) -> Option<String> {
        let called = plain(called);
        let rest = match self.part {
            Part::Without(first) => called.chars().skip(first).collect::<String>(),
            Part::Last(last) => called.chars().skip(called.chars().count().saturating_sub(last)).collect(),
        };
        let user = format!("{}{rest}", self.before);
        (!rest.is_empty() && is_user(&user) && !is_emergency(&user)).then_some(user)
    }

    /// What it could be for the numbers of a pattern. Of those that may be dialled in several forms, anything.
    pub(super) fn reach(self, pattern: &Pattern) -> Reach {
        let (sets, tail) = match (pattern, self.part) {
            // What is rung is what was dialled, and that is no emergency number but by a rule for it.
            (_, Part::Without(0)) if self.before.is_empty() => {
                return Reach { emergency: false, outside: may_lead_out(pattern) };
            }
            (Pattern::Digits { sets, tail: Tail::End, .. }, Part::Last(last)) => {
                (sets.iter().skip(sets.len().saturating_sub(last)).copied().collect(), Tail::End)
            }
            (Pattern::Digits { international: false, sets, tail }, Part::Without(first)) => {
                (sets.iter().skip(first).copied().collect(), *tail)
            }
            (_, Part::Last(last)) => (vec![ANY; last], Tail::End),
            (_, Part::Without(_)) => (Vec::new(), Tail::Some),
        };
        let Some(before) =
            self.before.chars().map(|c| c.to_digit(10).map(|digit| 1 << digit)).collect::<Option<Vec<u16>>>()
        else {
            return Reach { emergency: false, outside: self.before.starts_with('+') };
        };
        let result = Pattern::Digits { international: false, sets: [before, sets].concat(), tail };
        let emergency = super::pattern::EMERGENCY.iter().any(|number| result.fits_digits(number));
        Reach { emergency, outside: may_lead_out(&result) }
    }
}

/// Whether a number of this pattern may begin with a zero or a plus.
fn may_lead_out(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Digits { international: false, sets, tail } => {
            sets.first().map_or(*tail != Tail::End, |first| first & 1 != 0)
        }
        Pattern::Name(_) => false,
        Pattern::Digits { .. } | Pattern::Everything | Pattern::Expression(_) => true,
    }
}

/// Whether a plan may ring it: a name, a number, or what is made of the number that was called.
pub fn is_callee(user: &str) -> bool {
    Called::read(user).is_some() || is_user(user)
}

/// Whether somebody can have this name or number.
pub(super) fn is_user(user: &str) -> bool {
    !user.is_empty() && user.len() <= LONGEST && user.chars().all(may_be_called)
}

fn may_be_called(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(user: &str) -> Called<'_> {
        Called::read(user).unwrap_or_else(|| panic!("{user}"))
    }

    #[test]
    fn a_telephone_is_found_in_the_number_that_was_called() {
        for (user, number, rung) in [
            ("{called}", "2001", Some("2001")),
            ("{called}", "+49 30 9018-2001", Some("+493090182001")),
            ("{called:-4}", "+49 30 9018-2001", Some("2001")),
            ("{called:-4}", "01", Some("01")),
            ("{called:1}", "02001", Some("2001")),
            ("9{called:1}", "02001", Some("92001")),
            ("{called:4}", "2001", None),
            ("{called:1}", "0112", None),
            ("{called}", "rat;x", None),
        ] {
            assert_eq!(called(user).filled(number).as_deref(), rung, "{user} for {number}");
        }
        for odd in
            ["2001", "{caller}", "{called:}", "{called:0}", "{called:-x}", "a b{called}", "{called}0", "{called:64}"]
        {
            assert_eq!(Called::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_a_rule_could_ring_is_told_before_anybody_does() {
        let (emergency, outside) =
            (Reach { emergency: true, outside: false }, Reach { emergency: false, outside: true });
        let (neither, both) = (Reach::default(), Reach { emergency: true, outside: true });
        for (user, pattern, reach) in [
            ("{called}", "2XXX", neither),
            ("{called}", "0.", outside),
            ("{called}", "*", outside),
            ("{called}", "rat", neither),
            ("{called:-4}", "+49 30 9018 ZXXX", neither),
            ("{called:-4}", "+49 30 9018 XXXX", outside),
            ("{called:-3}", "+49 30 9018 1XX", emergency),
            ("{called:1}", "0ZXX", emergency),
            ("{called:1}", "0!", both),
            ("{called:2}", "+49 1", both),
            ("{called:1}", "9NXXX", neither),
            ("1{called:1}", "9XX", emergency),
            ("*8{called}", "XXX", neither),
        ] {
            let pattern: Pattern = pattern.parse().expect("a pattern");
            assert_eq!(called(user).reach(&pattern), reach, "{user} for {pattern:?}");
        }
    }
}
