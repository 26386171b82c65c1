//! Who can decrypt with which key in a whole organization: the matrix of classes, and one decision explained.
//!
//! usage: access SNAPSHOT

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring program, not the product"
)]

use std::path::Path;
use std::time::Instant;

use keyproof::access::{Classes, Directory, Estate};
use keyproof::policy::Action;
use keyproof::snapshot::Snapshot;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // `cargo bench` adds `--bench` to the arguments.
    let Some(folder) = std::env::args().skip(1).find(|argument| argument != "--bench") else { return };
    let start = Instant::now();
    let directory = read(Path::new(&folder));
    println!("read {:.2}", start.elapsed().as_secs_f64());
    let actions = [Action::new("kms:Decrypt")];
    let start = Instant::now();
    let classes = Classes::new(&directory, &actions);
    let matrix = classes.matrix().unwrap();
    println!("matrix {:.2}", start.elapsed().as_secs_f64());
    let size = matrix.size();
    println!("rows {}", size.rows);
    println!("columns {}", size.columns);
    println!("decisions {}", size.decisions);
    println!("cells {}", size.cells);
    println!("triples {}", size.triples);
    // As `access explain` does after loading: one principal, one key.
    let key = directory.keys().nth(directory.keys().count() / 2).unwrap();
    let principal = directory.principals().find(|principal| principal.account_id == key.account_id).unwrap();
    let start = Instant::now();
    let decided = directory.decided(std::borrow::Cow::Borrowed(principal), key, &actions[0]).unwrap();
    let row = directory.explained_row(&decided);
    println!("explain {:.6}", start.elapsed().as_secs_f64());
    assert_eq!(row.key_arn, key.arn);
}

fn read(folder: &Path) -> Directory {
    let snapshot = Snapshot::open(folder).unwrap();
    let organization = snapshot.organization().unwrap();
    let manifest = snapshot.manifest();
    let estate = Estate::new(organization.clone());
    let read = |account: &_| snapshot.account(account, &organization);
    Directory::read(&manifest.partition, estate, &manifest.accounts, read).unwrap()
}
