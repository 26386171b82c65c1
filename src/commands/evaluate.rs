//! `keyproof evaluate`: decides concrete requests, one JSON object a line in, one decision a line out.

use super::Exit;
use super::console::Console;
use super::ndjson::{self, Input};
use crate::cli::EvaluateArgs;
use crate::policy::evaluate_line;

pub(super) fn run(args: &EvaluateArgs, console: &Console) -> anyhow::Result<Exit> {
    match Input::open(args.file.as_deref())?.lone_policy()? {
        Ok(_) => anyhow::bail!(
            "a decision needs a request: one line with `policies` and `request`; what a policy opens by itself is said by \
             `keyproof policy coverage`"
        ),
        Err(input) => ndjson::stream(input, console, evaluate_line),
    }
}
