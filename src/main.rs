//! Command line of keyproof.

fn main() {}
