//! Menus: digits in, prompts out, until a caller is admitted; then the keys of the conference.

mod notice;

pub use notice::{Key, Notice};
