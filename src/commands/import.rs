//! `keyproof import`: a snapshot out of files that the AWS CLI printed.

use jiff::Timestamp;

use super::console::Console;
use super::{Exit, print};
use crate::checks;
use crate::cli::ImportArgs;
use crate::import::{self, Hints};

pub(super) fn run(args: &ImportArgs, console: &Console) -> anyhow::Result<Exit> {
    if let Some(account_id) = &args.account {
        anyhow::ensure!(!args.files.is_empty() || args.finish, "name at least one file to import");
        let hints = Hints {
            account_id: account_id.clone(),
            region: args.region.clone(),
            key_id: args.key.clone(),
            policy_name: args.policy_name.clone(),
            user_name: args.user.clone(),
        };
        #[expect(clippy::disallowed_methods, reason = "an import is recorded with the time at which it was made")]
        let now = Timestamp::now();
        if !args.files.is_empty() {
            let files = import::add(&args.out, &args.files, &hints, now)?;
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            console.note(&format!("Imported {files} of account {account_id} into {}.", args.out.display()));
        }
    } else {
        anyhow::ensure!(args.files.is_empty(), "pass `--account ID`: whose files are these?");
    }
    if !args.finish {
        console.note("The snapshot is unfinished; end with `keyproof import --finish`.");
        return Ok(Exit::Done);
    }
    let manifest = import::finish(&args.out)?;
    let required = checks::required_apis();
    let gaps: Vec<_> =
        manifest.coverage.iter().filter(|row| row.is_gap() && required.contains(row.api.as_str())).collect();
    for gap in &gaps {
        console.warn(&format!("account {}: {} is {:?}", gap.account_id, gap.api, gap.outcome));
    }
    print(format!("Snapshot   {}\nAccounts   {}\n", args.out.display(), manifest.accounts.len()).as_bytes())?;
    Ok(if gaps.is_empty() || args.allow_incomplete { Exit::Done } else { Exit::Incomplete })
}
