//! Builds anew when the pages were built anew: they are embedded.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
