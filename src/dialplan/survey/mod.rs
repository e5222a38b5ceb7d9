//! A plan as people look at it. In: a plan. Out: its rules as sentences, a week of its hours, and where the numbers of a block
//! lead. Nothing here decides: each question is answered by what [`super::decide`] asks, or by the same sets as the lint.

mod coverage;
mod placing;
mod runs;
mod sentence;
mod tree;
mod week;

#[cfg(test)]
mod stories;

pub use coverage::{Block, InvalidBlock, Stretch};
pub use sentence::Said;
pub use tree::{Branch, Leaf};
pub use week::{Day, Open, Row, Subject};
