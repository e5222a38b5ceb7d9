//! A file whose lines are counted once. In: a source. Out: where a place of it is, for people.

use super::Source;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
    /// Where its lines begin.
    lines: Vec<usize>,
}

impl From<Source> for File {
    fn from(source: Source) -> Self {
        let Source { name, text } = source;
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { name, text, lines }
    }
}

impl File {
    /// The line that a byte is in, from 1, and where it begins.
    pub(super) fn line(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|begin| *begin <= at);
        (line, self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default())
    }
}
