//! The floor of an audit: decompress and parse every file of a snapshot, on all cores, and do nothing else.
//!
//! usage: floor SNAPSHOT [--size]

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, not the product")]

use std::path::Path;

use keyproof::snapshot::Snapshot;
use rayon::prelude::*;

fn main() {
    // `cargo bench` adds `--bench` to the arguments.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first() else { return };
    let snapshot = Snapshot::open(Path::new(folder)).unwrap();
    let files = &snapshot.manifest().files;
    if arguments.iter().any(|argument| argument == "--size") {
        println!("{}", files.iter().map(|file| file.json_bytes).sum::<u64>());
        return;
    }
    // Without the digests that an audit checks.
    files.par_iter().for_each(|file| {
        let stored = std::fs::read(snapshot.folder().join(&file.path)).unwrap();
        let json = match file.path.ends_with(".zst") {
            true => zstd::bulk::decompress(&stored, usize::try_from(file.json_bytes).unwrap()).unwrap(),
            false => stored,
        };
        serde_json::from_slice::<serde_json::Value>(&json).unwrap();
    });
}
