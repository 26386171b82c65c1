//! `keyproof import`: a snapshot out of files that the AWS CLI printed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::console::Console;
use super::misuse::misuse;
use super::{Exit, print};
use crate::checks::{self, CHECKS};
use crate::cli::ImportArgs;
use crate::import::{self, Hints};
use crate::snapshot::{Account, AccountOutcome, Coverage, Manifest};

pub(super) fn run(args: &ImportArgs, console: &Console) -> anyhow::Result<Exit> {
    if let Some(account_id) = &args.account {
        if args.files.is_empty() && !args.finish {
            return Err(misuse("name at least one file to import"));
        }
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
        if !args.files.is_empty() {
            return Err(misuse("pass `--account ID`: whose files are these?"));
        }
    }
    if !args.finish {
        console.note("The snapshot is unfinished; end with `keyproof import --finish`.");
        return Ok(Exit::Done);
    }
    let required = checks::required_apis(CHECKS);
    let manifest = import::finish(&args.out, &required)?;
    let gaps = gaps(&manifest, &required);
    for gap in &gaps {
        console.warn(gap);
    }
    print(format!("Snapshot   {}\nAccounts   {}\n", args.out.display(), manifest.accounts.len()).as_bytes())?;
    Ok(if gaps.is_empty() || args.allow_incomplete { Exit::Done } else { Exit::Incomplete })
}

/// A sentence for each hole in what the checks need.
fn gaps(manifest: &Manifest, required: &BTreeSet<&str>) -> Vec<String> {
    let rows = manifest.coverage.iter().filter(|row| row.is_gap() && required.contains(row.api.as_str()));
    let row = |row: &Coverage| {
        let place = row.region.as_ref().map(|region| format!(" in {region}")).unwrap_or_default();
        let what = match row.gaps.iter().find_map(|gap| gap.message.as_deref()) {
            Some(message) => format!("{} ({message})", row.outcome),
            None => row.outcome.to_string(),
        };
        format!("account {}{place}: {} is {what}", row.account_id, row.api)
    };
    let absent = manifest.accounts.iter().filter(|account| account.outcome == AccountOutcome::NotEntered);
    let account = |account: &Account| format!("account {}: no file of this account was imported", account.account_id);
    rows.map(row).chain(absent.map(account)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_told_in_the_words_of_the_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary.json");
        crate::files::write_atomic(&file, br#"{"SummaryMap": {"AccountMFAEnabled": 1}}"#).unwrap();
        let hints = Hints { account_id: "111122223333".to_owned(), ..Hints::default() };
        let out = folder.path().join("snapshot");
        import::add(&out, &[file], &hints, Timestamp::UNIX_EPOCH).unwrap();
        let required = checks::required_apis(CHECKS);
        let gaps = gaps(&import::finish(&out, &required).unwrap(), &required);
        let expected = "account 111122223333: account:ListRegions is failed (not imported)".to_owned();
        assert!(gaps.contains(&expected), "{gaps:?}");
        assert!(gaps.iter().all(|gap| !gap.contains("GetAccountSummary")), "{gaps:?}");
    }
}
