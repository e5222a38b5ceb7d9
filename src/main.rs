//! Commands only; everything they do lives in the library.

fn main() {}
