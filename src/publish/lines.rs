//! Texts, line by line: what differs, and what two changes of the same text come to together.

use std::ops::Range;

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, Hunk, InternedInput, UnifiedDiffConfig};

/// What differs, in the unified form that every tool reads; empty if nothing does.
pub fn unified(before: &str, after: &str) -> String {
    let input = InternedInput::new(before, after);
    let diff = compare(&input);
    diff.unified_diff(&BasicLineDiffPrinter(&input.interner), UnifiedDiffConfig::default(), &input).to_string()
}

/// Lines that were added, and lines that were taken away.
pub(super) fn count(before: &str, after: &str) -> (u32, u32) {
    let diff = compare(&InternedInput::new(before, after));
    (diff.count_additions(), diff.count_removals())
}

fn compare(input: &InternedInput<&str>) -> Diff {
    let mut diff = Diff::compute(Algorithm::Histogram, input);
    diff.postprocess_lines(input);
    diff
}

/// Both changes of a text in one; `None` where they touch the same lines, or lines side by side.
pub fn merge(base: &str, theirs: &str, yours: &str) -> Option<String> {
    let (their, your) = (Changes::of(base, theirs), Changes::of(base, yours));
    let lines: Vec<&str> = base.split_inclusive('\n').collect();
    let mut merged = String::new();
    let mut done = 0;
    let (mut their_hunks, mut your_hunks) = (their.hunks.iter().peekable(), your.hunks.iter().peekable());
    loop {
        let next = match (their_hunks.peek(), your_hunks.peek()) {
            (None, None) => break,
            (Some(_), None) => (their_hunks.next(), &their),
            (None, Some(_)) => (your_hunks.next(), &your),
            (Some(one), Some(other)) if meet(&one.before, &other.before) => {
                // The same change twice is one change.
                if one.before != other.before || their.text(one) != your.text(other) {
                    return None;
                }
                your_hunks.next();
                (their_hunks.next(), &their)
            }
            (Some(one), Some(other)) if one.before.start < other.before.start => (their_hunks.next(), &their),
            (Some(_), Some(_)) => (your_hunks.next(), &your),
        };
        let (Some(hunk), side) = next else { break };
        let (start, end) = (position(hunk.before.start), position(hunk.before.end));
        merged.extend(lines.get(done..start)?.iter().copied());
        merged.push_str(&side.text(hunk));
        done = end;
    }
    merged.extend(lines.get(done..)?.iter().copied());
    Some(merged)
}

/// What one side makes of the base.
struct Changes<'a> {
    hunks: Vec<Hunk>,
    after: Vec<&'a str>,
}

impl<'a> Changes<'a> {
    fn of(base: &str, after: &'a str) -> Self {
        let hunks = compare(&InternedInput::new(base, after)).hunks().collect();
        Self { hunks, after: after.split_inclusive('\n').collect() }
    }

    /// What stands in the place of a hunk.
    fn text(&self, hunk: &Hunk) -> String {
        let range = position(hunk.after.start)..position(hunk.after.end);
        self.after.get(range).map(|lines| lines.concat()).unwrap_or_default()
    }
}

fn meet(one: &Range<u32>, other: &Range<u32>) -> bool {
    one.start <= other.end && other.start <= one.end
}

fn position(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "a\nb\nc\nd\ne\nf\n";

    #[test]
    fn changes_that_do_not_touch_are_both_made() {
        let theirs = BASE.replace("b\n", "B\n");
        let yours = BASE.replace("e\n", "e\nneu\n");
        assert_eq!(merge(BASE, &theirs, &yours).as_deref(), Some("a\nB\nc\nd\ne\nneu\nf\n"));
        assert_eq!(merge(BASE, BASE, &yours), Some(yours.clone()));
        assert_eq!(merge(BASE, &yours, &yours), Some(yours), "the same change is made once");
    }

    #[test]
    fn changes_that_touch_are_nobodys_to_decide_but_the_admins() {
        let theirs = BASE.replace("c\n", "C\n");
        assert_eq!(merge(BASE, &theirs, &BASE.replace("c\n", "K\n")), None);
        assert_eq!(merge(BASE, &theirs, &BASE.replace("d\n", "D\n")), None, "side by side");
        assert_eq!(merge(BASE, &theirs, &BASE.replace("c\n", "")), None);
        assert_eq!(merge("", "x\n", "y\n"), None);
    }

    #[test]
    fn a_diff_says_what_went_and_what_came() {
        let told = unified(BASE, &BASE.replace("c\n", "C\n"));
        assert!(told.contains("-c\n+C\n"), "{told}");
        assert_eq!(unified(BASE, BASE), "");
        assert_eq!(count(BASE, &BASE.replace("c\n", "C\nD\n")), (2, 1));
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec("[abc]", 0..12)
            .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
    }

    proptest! {
        /// Whose side is called which makes no difference, and one side alone is that side.
        #[test]
        fn merging_favours_nobody(base in text(), theirs in text(), yours in text()) {
            prop_assert_eq!(merge(&base, &theirs, &yours), merge(&base, &yours, &theirs));
            let alone = merge(&base, &base, &yours);
            prop_assert_eq!(alone.as_deref(), Some(yours.as_str()));
        }
    }
}
