//! Whole plans side by side: what changed from one to another, and what two changes of the same plan come to together.

use std::collections::BTreeSet;

use super::{Files, lines};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its text is another.
    Changed,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Lines that were added.
    pub added: u32,
    /// Lines that were taken away.
    pub removed: u32,
    /// What differs, in the unified form.
    pub diff: String,
}

impl Files {
    /// What changed from these files to others.
    pub fn changes_to(&self, after: &Self) -> Vec<FileChange> {
        let mut changes = Vec::new();
        for name in names([self, after]) {
            let (change, old, new) = match (self.get(name), after.get(name)) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => (Change::Changed, old, new),
                (Some(old), None) => (Change::Removed, old, ""),
                (None, new) => (Change::Added, "", new.unwrap_or_default()),
            };
            let (added, removed) = lines::count(old, new);
            changes.push(FileChange { name: name.to_owned(), change, added, removed, diff: lines::unified(old, new) });
        }
        changes
    }
}

/// Who changed a file since the version that both began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Only the one who was faster.
    Theirs,
    /// Only you.
    Yours,
    /// Both, in different places, or both alike.
    Both,
    /// Both, in the same place: somebody has to decide.
    Conflict,
}

/// A file that somebody changed, as it was, as it is, and as you want it. `None` where there is no such file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Its name.
    pub name: String,
    /// Who changed it.
    pub side: Side,
    /// In the version that both began with.
    pub base: Option<String>,
    /// In the version that was published meanwhile.
    pub theirs: Option<String>,
    /// In yours.
    pub yours: Option<String>,
    /// With both changes, where they do not touch; `None` if the file is gone, or at a conflict.
    pub merged: Option<String>,
}

/// Two changes of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreeWay {
    /// The version that you began with.
    pub base: u64,
    /// The version that was published meanwhile.
    pub theirs: u64,
    /// Every file that one of you changed.
    pub files: Vec<Weighed>,
    /// Every file with both changes, if there is no conflict: what you can publish next.
    pub merged: Option<Files>,
}

/// Compares two changes of the same files. `base` is `None` if the version that you began with is no longer kept.
pub fn three_way(base: (u64, Option<&Files>), theirs: (u64, &Files), yours: &Files) -> ThreeWay {
    let nothing = Files::default();
    let known = base.1.unwrap_or(&nothing);
    let mut files = Vec::new();
    let mut merged = Some(Vec::new());
    for name in names([known, theirs.1, yours]) {
        let texts = (known.get(name), theirs.1.get(name), yours.get(name));
        let (side, text) = weigh(texts);
        match (side, text.clone(), merged.as_mut()) {
            (Some(Side::Conflict), ..) => merged = None,
            (_, Some(text), Some(all)) => all.push((name.to_owned(), text)),
            (_, _, _) => {}
        }
        if let Some(side) = side {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let (base, theirs, yours) = (owned(texts.0), owned(texts.1), owned(texts.2));
            files.push(Weighed { name: name.to_owned(), side, base, theirs, yours, merged: text });
        }
    }
    ThreeWay { base: base.0, theirs: theirs.0, files, merged: merged.and_then(|files| Files::new(files).ok()) }
}

/// Who changed a file, if somebody did, and what it is with both changes.
fn weigh((base, theirs, yours): (Option<&str>, Option<&str>, Option<&str>)) -> (Option<Side>, Option<String>) {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if theirs == yours {
        return ((theirs != base).then_some(Side::Both), owned(theirs));
    }
    if base == theirs {
        return (Some(Side::Yours), owned(yours));
    }
    if base == yours {
        return (Some(Side::Theirs), owned(theirs));
    }
    let together = match (base, theirs, yours) {
        (Some(base), Some(theirs), Some(yours)) => lines::merge(base, theirs, yours),
        (_, _, _) => None,
    };
    (Some(if together.is_some() { Side::Both } else { Side::Conflict }), together)
}

fn names<const N: usize>(all: [&Files; N]) -> BTreeSet<&str> {
    all.into_iter().flat_map(|files| files.iter().map(|(name, _)| name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str)]) -> Files {
        Files::new(all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))).expect("files")
    }

    const LONG: &str = "a\nb\nc\nd\ne\nf\n";

    #[test]
    fn who_was_slower_sees_what_both_changed_and_can_publish_it_together() {
        let base = files(&[("1.toml", LONG), ("2.toml", "x\n"), ("3.csv", "y\n")]);
        let theirs = files(&[("1.toml", &LONG.replace('a', "A")), ("2.toml", "X\n"), ("3.csv", "y\n")]);
        let yours = files(&[("1.toml", &LONG.replace('f', "F")), ("2.toml", "x\n"), ("4.csv", "z\n")]);
        let view = three_way((3, Some(&base)), (4, &theirs), &yours);
        let sides: Vec<_> = view.files.iter().map(|file| (file.name.as_str(), file.side)).collect();
        let expected =
            [("1.toml", Side::Both), ("2.toml", Side::Theirs), ("3.csv", Side::Yours), ("4.csv", Side::Yours)];
        assert_eq!(sides, expected);
        let merged = view.merged.expect("no conflict");
        assert_eq!(merged, files(&[("1.toml", "A\nb\nc\nd\ne\nF\n"), ("2.toml", "X\n"), ("4.csv", "z\n")]));
    }

    #[test]
    fn where_both_changed_the_same_nothing_is_decided_for_them() {
        let base = files(&[("1.toml", LONG), ("2.toml", "x\n")]);
        let theirs = files(&[("1.toml", &LONG.replace('a', "A")), ("2.toml", "x\n")]);
        let yours = files(&[("1.toml", &LONG.replace('a', "Ä")), ("2.toml", "x\n")]);
        let view = three_way((3, Some(&base)), (4, &theirs), &yours);
        assert_eq!((view.files.len(), view.files[0].side, &view.merged), (1, Side::Conflict, &None));
        assert_eq!(view.files[0].base.as_deref(), Some(LONG));
        let gone = three_way((3, Some(&base)), (4, &theirs), &files(&[("2.toml", "x\n")]));
        assert_eq!(gone.files[0].side, Side::Conflict, "one changed what the other took away");
        let unknown = three_way((1, None), (4, &theirs), &yours);
        assert_eq!(unknown.files[0].side, Side::Conflict, "nobody knows any more what both began with");
    }

    #[test]
    fn changes_are_told_file_by_file() {
        let old = files(&[("1.toml", LONG), ("2.toml", "x\n")]);
        let new = files(&[("1.toml", &LONG.replace('b', "B")), ("3.toml", "z\n")]);
        let told: Vec<_> = old.changes_to(&new).into_iter().map(|c| (c.name, c.change, c.added, c.removed)).collect();
        let expected = [
            (String::from("1.toml"), Change::Changed, 1, 1),
            (String::from("2.toml"), Change::Removed, 0, 1),
            (String::from("3.toml"), Change::Added, 1, 0),
        ];
        assert_eq!(told, expected);
        assert!(old.changes_to(&old).is_empty());
    }
}
