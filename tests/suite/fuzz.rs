//! Every file of the fuzzing corpus, through the same functions that `cargo fuzz` runs.

use std::fs;
use std::path::Path;

#[path = "../fuzz/targets/condition.rs"]
mod condition;
#[path = "../fuzz/targets/document.rs"]
mod document;
#[path = "../fuzz/targets/line.rs"]
mod line;
#[path = "../fuzz/targets/lint.rs"]
mod lint;
#[path = "../fuzz/targets/pattern.rs"]
mod pattern;

/// Runs a target over the committed inputs, of which there must be so many.
#[track_caller]
#[expect(clippy::print_stdout, reason = "a panic inside a target does not say which input it was")]
fn replay(target: &str, holds: fn(&[u8]), inputs: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in &files {
        println!("{}", file.display());
        holds(&fs::read(file).expect("a readable input"));
    }
    assert_eq!(files.len(), inputs, "inputs of `{target}`");
}

#[test]
fn the_corpus_of_conditions_holds() {
    replay("condition", condition::holds, 90);
}

#[test]
fn the_corpus_of_documents_holds() {
    replay("document", document::holds, 91);
}

#[test]
fn the_corpus_of_lines_holds() {
    replay("line", line::holds, 91);
}

#[test]
fn the_corpus_of_documents_to_lint_holds() {
    replay("lint", lint::holds, 91);
}

#[test]
fn the_corpus_of_patterns_holds() {
    replay("pattern", pattern::holds, 67);
}
