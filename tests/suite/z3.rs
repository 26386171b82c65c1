//! The symbolic engine against Z3, which shares neither code nor method with it.

use std::process::Stdio;

use crate::python::python;

/// Fixed seeds; `scripts/soak` asks about any others. What Z3 did not decide in time stands in the output of the run, which
/// goes where the test's own does not: a count that nobody sees is no count.
#[test]
fn z3_gives_the_same_answers_about_two_hundred_policies() {
    let mut differential = python("z3/differential.py");
    differential.arg(env!("CARGO_BIN_EXE_keyproof")).args(["--policies", "200", "--seed", "1"]);
    let status = differential.stdin(Stdio::null()).status().expect("python starts");
    assert!(status.success(), "the engine and Z3 disagree, or Z3 decided too little: see above");
}
