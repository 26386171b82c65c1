//! `keyproof evaluate`: decides concrete requests, one JSON object a line in, one decision a line out.

use super::Exit;
use super::console::Console;
use super::ndjson::{self, Input};
use crate::cli::EvaluateArgs;
use crate::policy::evaluate_line;

pub(super) fn run(args: &EvaluateArgs, console: &Console) -> anyhow::Result<Exit> {
    ndjson::stream(Input::open(args.file.as_deref())?, console, evaluate_line)
}
