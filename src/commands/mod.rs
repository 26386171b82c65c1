//! The commands: one file each. They read the environment, print, and turn results into exit codes.

mod access;
mod attach_timestamp;
mod audit;
mod check;
#[cfg(feature = "collect")]
mod collect;
mod console;
mod custody;
mod demo;
mod diff;
mod evaluate;
mod framework;
mod import;
mod misuse;
mod ndjson;
mod nearest;
mod policy;
mod policy_lint;
mod redact;
mod role;
mod rows;
mod selection;
mod timings;
mod verify;
mod version;
mod waiver;

use std::io::{self, Write};

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::config;
use console::Console;
pub(crate) use nearest::nearest;

/// How a command ends. Scripts rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The tool could not do it.
    Failed = 1,
    /// The command line is wrong: its grammar, as clap says, or a name or value in it.
    Usage = 2,
    /// Findings at or above `--fail-on`.
    Findings = 3,
    /// The result is complete on disk, but something could not be read.
    Incomplete = 4,
    /// Ctrl-C; a collection can be resumed.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Parses the command line, runs the command, prints what went wrong.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(failed) => {
            // Help and version are no errors, and clap knows which stream they belong to.
            let _ = failed.print();
            return if failed.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let console = Console::new(&cli.global);
    match run(cli, &console) {
        Ok(exit) => exit,
        Err(failed) if is_broken_pipe(&failed) => Exit::Done,
        Err(failed) if misuse::is_misuse(&failed) => {
            console.error(&failed);
            Exit::Usage
        }
        Err(failed) => {
            // Whatever else is read or written names itself.
            let is_output = failed.is::<io::Error>();
            console.error(&if is_output { failed.context("cannot write to standard output") } else { failed });
            Exit::Failed
        }
    }
}

fn run(cli: Cli, console: &Console) -> anyhow::Result<Exit> {
    let config = config::load(cli.global.config.as_deref())?;
    match cli.command {
        #[cfg(feature = "collect")]
        Command::Collect(args) => collect::run(&args, &config, *console),
        Command::Import(args) => import::run(&args, console),
        Command::Access(command) => access::run(&command, console),
        Command::Audit(args) => audit::run(&args, &config, console),
        Command::Diff(args) => diff::run(&args, &config, console),
        Command::Verify(args) => verify::run(&args, console),
        Command::AttachTimestamp(args) => attach_timestamp::run(&args, console),
        Command::Policy(command) => policy::run(&command, console),
        Command::Check(command) => check::run(command, &config),
        Command::Framework(command) => framework::run(command, &config),
        Command::Role(args) => role::run(&args),
        Command::Evaluate(args) => evaluate::run(&args, console),
        Command::Demo(args) => demo::run(&args, console),
        Command::Waiver(command) => waiver::run(&command, &config, console),
        Command::Version(args) => version::run(&args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "keyproof", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&page)
        }
    }
}

/// Writes a result to standard output.
fn print(bytes: &[u8]) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// A reader that went away (`| head`) is not an error.
fn is_broken_pipe(failed: &anyhow::Error) -> bool {
    failed
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
