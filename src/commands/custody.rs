//! `--custody`: who runs this program, where and when. Never a part of what a pack says of its snapshot.
#![expect(clippy::disallowed_methods, reason = "when and by whom a pack was made is what custody is about")]

use std::env;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::files;
use crate::report::Custody;

/// The run of this program.
pub(super) fn of_this_run() -> anyhow::Result<Custody> {
    let program = env::current_exe().context("`--custody`: cannot find the file of this program")?;
    Ok(Custody {
        started: Timestamp::now(),
        user: whoami::username().context("`--custody`: the system does not say who runs this program")?,
        host: whoami::hostname().context("`--custody`: the system does not say what this machine is called")?,
        command_line: env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        program_sha256: files::sha256_of_file(&program)?,
    })
}
