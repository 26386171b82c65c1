//! The built program, run as a user runs it, in an environment that holds nothing by accident.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program with an empty environment: no profile, no credentials, no terminal, no proxy.
pub(crate) fn keyproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyproof"));
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-home");
    command
        .env_clear()
        .env("HOME", &nowhere)
        .env("AWS_CONFIG_FILE", nowhere.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", nowhere.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(std::process::Stdio::null());
    command
}

/// `keyproof audit` of a snapshot into a pack.
pub(crate) fn audit(snapshot: &Path, pack: &Path) -> Command {
    let mut command = keyproof();
    command.arg("audit").arg(snapshot).arg("--out").arg(pack);
    command
}

/// Runs a command and demands an exit code.
pub(crate) fn run(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("keyproof starts");
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{}", told(&output));
    output
}

/// All that a command told, for messages and for looking into.
pub(crate) fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The findings of a pack.
pub(crate) fn findings(pack: &Path) -> Vec<Value> {
    let path = pack.join("data/json/findings.ndjson");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A member of a finding as text.
pub(crate) fn text<'a>(finding: &'a Value, member: &str) -> &'a str {
    finding[member].as_str().unwrap_or_else(|| panic!("no {member} in {finding}"))
}

/// Every file under a folder, by its path with `/`.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    paths(folder).into_iter().map(|path| (relative(&path, folder), fs::read(&path).expect("a readable file"))).collect()
}

/// The paths of every file under a folder.
pub(crate) fn paths(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A path below a folder, with `/`.
pub(crate) fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).expect("a path below the folder").to_string_lossy().replace('\\', "/")
}

/// A folder that lasts as long as the build's own: for what several tests look at.
pub(crate) fn lasting_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the last run's folder can be removed");
    }
    folder
}
