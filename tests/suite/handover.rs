//! A pack in the hands of others: checked, opened and reproduced, with tools of others where there are any.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::demo::demo;
use crate::formats::hostile;
use crate::program::{audit, files, findings, json, keyproof, run, text, told};
use crate::python::python;

fn verify(pack: &Path) -> Command {
    let mut command = keyproof();
    command.arg("verify").arg(pack);
    command
}

fn reproduce(pack: &Path) -> Command {
    let mut command = verify(pack);
    command.arg("--reproduce");
    command
}

fn copy_of(folder: &Path, to: &Path) -> PathBuf {
    for (path, bytes) in files(folder) {
        let target = to.join(path);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::write(target, bytes).expect("a file");
    }
    to.to_owned()
}

/// A small snapshot, and its pack.
fn small() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (folder, pack) = hostile();
    let snapshot = folder.path().join("snapshot");
    (folder, snapshot, pack)
}

fn sha256sum(folder: &Path, list: &str) -> Output {
    let mut command = Command::new("sha256sum");
    command.args(["--check", "--quiet", "--strict", list]).current_dir(folder).output().expect("sha256sum")
}

/// Writes the digests of the lists anew, as somebody does who changes a file and hides it.
fn reseal(pack: &Path, path: &str) {
    let list = if path.starts_with("data/") { "manifest-sha256.txt" } else { "tagmanifest-sha256.txt" };
    for (list, path) in [(list, path), ("tagmanifest-sha256.txt", "manifest-sha256.txt")] {
        let digest = Command::new("sha256sum").arg(pack.join(path)).output().expect("sha256sum").stdout;
        let digest = String::from_utf8(digest).expect("text")[..64].to_owned();
        let text = fs::read_to_string(pack.join(list)).expect("a list");
        let line = |line: &str| if line[66..] == *path { format!("{digest}  {path}\n") } else { format!("{line}\n") };
        fs::write(pack.join(list), text.lines().map(line).collect::<String>()).expect("a list");
    }
}

#[test]
fn tools_of_others_accept_a_pack_and_a_comparison() {
    for bag in ["packs/2026-Q3", "changes/2026-Q2--2026-Q3"] {
        let bag = demo().join(bag);
        for list in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            let checked = sha256sum(&bag, list);
            assert!(checked.status.success(), "{}", told(&checked));
        }
        run(python("formats/bag.py").arg(&bag), 0);
    }
}

#[test]
fn tools_of_others_find_what_was_changed() {
    let (_folder, _, pack) = small();
    let place = pack.join("data/csv/findings.csv");
    let good = fs::read(&place).expect("a file");
    let mut bad = good.clone();
    bad[100] ^= 1;
    fs::write(&place, bad).expect("a file");
    assert!(told(&sha256sum(&pack, "manifest-sha256.txt")).contains("data/csv/findings.csv"));
    assert!(told(&run(python("formats/bag.py").arg(&pack), 1)).contains("findings.csv"));
    fs::write(&place, good).expect("a file");
    fs::write(pack.join("data/more.txt"), "more").expect("a file");
    run(python("formats/bag.py").arg(&pack), 1);
}

#[test]
fn the_instructions_in_a_pack_name_what_is_there() {
    let text = fs::read_to_string(demo().join("packs/2026-Q3/VERIFY.txt")).expect("VERIFY.txt");
    for command in ["sha256sum -c manifest-sha256.txt", "ssh-keygen -Y verify", "keyproof verify --reproduce ."] {
        assert!(text.contains(command), "{command}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_pack_is_reproduced_anywhere_by_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = small();
    let packs = [(demo().join("packs/2026-Q3"), "8"), (small.2.clone(), "1"), (small.2, "8")];
    for (index, (pack, threads)) in packs.into_iter().enumerate() {
        let copy = copy_of(&pack, &folder.path().join(format!("pack {index}")));
        let mut command = reproduce(Path::new("."));
        command.env("RAYON_NUM_THREADS", threads).env("TZ", "Asia/Kathmandu").env("LC_ALL", "tr_TR.UTF-8");
        let told = told(&run(command.current_dir(&copy), 0));
        assert!(told.contains("reproduced") && told.contains("pack root"), "{told}");
    }
}

#[test]
fn options_of_an_audit_are_reproduced() {
    let (folder, snapshot, _) = small();
    let config = folder.path().join("keyproof.toml");
    fs::write(&config, "[checks.iam-access-key-age]\nmax_age_days = 60\n").expect("a file");
    let pack = folder.path().join("another");
    let mut command = audit(&snapshot, &pack);
    command.args([
        "--as-of",
        "2027-03-01T00:00:00Z",
        "--verdicts",
        "security-hub",
        "--no-access",
        "--allow-incomplete",
    ]);
    run(command.arg("--config").arg(&config), 0);
    run(&mut reproduce(&pack), 0);
}

#[test]
fn what_was_changed_and_hidden_is_named_when_it_is_reproduced() {
    let (folder, _, pack) = small();
    let paths: BTreeSet<String> = files(&pack).into_keys().collect();
    let own = ["manifest-sha256.txt", "tagmanifest-sha256.txt"];
    let rendered = paths.iter().filter(|path| !path.starts_with("data/snapshot/") && !own.contains(&path.as_str()));
    // One of each kind of file: the others differ in nothing but their names.
    let mut kinds = BTreeSet::new();
    let one_each = rendered.filter(|path| {
        let kind =
            (path.rsplit_once('/').map(|(folder, _)| folder.to_owned()), path.rsplit('.').next().map(str::to_owned));
        path.ends_with(".json") || kinds.insert(kind)
    });
    let mut changed = 0;
    for path in one_each.filter(|path| path.as_str() != "data/pack.json") {
        let copy = copy_of(&pack, &folder.path().join("copy"));
        let mut bytes = fs::read(copy.join(path)).expect("a file");
        let middle = bytes.len() / 2;
        match bytes.get_mut(middle) {
            Some(byte) => *byte ^= 1,
            None => bytes.push(b'x'),
        }
        fs::write(copy.join(path), bytes).expect("a file");
        assert!(told(&run(&mut reproduce(&copy), 1)).contains(path.as_str()), "{path} as it is");
        reseal(&copy, path);
        let told = told(&run(&mut reproduce(&copy), 1));
        assert!(told.contains(path.as_str()) && told.contains("is not what its snapshot gives"), "{path}: {told}");
        fs::remove_dir_all(&copy).expect("a folder");
        changed += 1;
    }
    assert!(changed >= 15, "{changed}");
}

#[test]
fn what_cannot_be_reproduced_says_why() {
    let (folder, snapshot, pack) = small();
    let bare = folder.path().join("bare");
    run(audit(&snapshot, &bare).args(["--no-snapshot", "--allow-incomplete"]), 0);
    let changed = |name: &str, from: &str, to: &str| {
        let copy = copy_of(&pack, &folder.path().join(name));
        let file = copy.join("data/pack.json");
        let text = fs::read_to_string(&file).expect("a file");
        // The last is that of the pack: before it stands the snapshot's.
        let at = text.rfind(from).expect("what is to be changed");
        fs::write(&file, format!("{}{to}{}", &text[..at], &text[at + from.len()..])).expect("a file");
        reseal(&copy, "data/pack.json");
        copy
    };
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let other = changed("other", &version, "\"version\": \"9.9.9\"");
    let broken = changed("broken", "\"as_of\": \"2", "\"as_of\": \"x");
    for (place, words) in [
        (&bare, "without its snapshot"),
        (&other, "9.9.9"),
        (&broken, "data/pack.json"),
        (&snapshot, "is no evidence pack"),
        (&demo().join("changes/2026-Q2--2026-Q3"), "is no evidence pack"),
    ] {
        let told = told(&run(&mut reproduce(place), 1));
        assert!(told.contains(words), "{}: {told}", place.display());
    }
}

/// Makes a key of a kind without a passphrase, or with one.
fn key(folder: &Path, kind: &str, passphrase: &str) -> PathBuf {
    let path = folder.join(format!("key-{kind}-{}", passphrase.len()));
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", passphrase, "-C", "auditor", "-f"]).arg(&path);
    run(&mut command, 0);
    path
}

/// What stock OpenSSH says of the signature of a pack, with a list of one signer.
fn ssh_keygen(pack: &Path, folder: &Path, key: &Path) -> Output {
    let public = fs::read_to_string(key.with_extension("pub")).expect("a public key");
    let signers = folder.join("allowed_signers");
    fs::write(&signers, format!("auditor {public}")).expect("a file");
    let manifest = fs::File::open(pack.join("manifest-sha256.txt")).expect("a manifest");
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-I", "auditor", "-n", "evidence-pack", "-f"]).arg(signers);
    command.arg("-s").arg(pack.join("manifest-sha256.txt.sig")).stdin(manifest).output().expect("ssh-keygen")
}

#[test]
fn stock_openssh_verifies_a_signature_and_refuses_it_for_anything_else() {
    let (folder, snapshot, unsigned) = small();
    for kind in ["ed25519", "rsa"] {
        let (mine, other) =
            (key(folder.path(), kind, ""), key(&fs::canonicalize(folder.path()).expect("a folder"), kind, "other"));
        let pack = folder.path().join(kind);
        let output = run(audit(&snapshot, &pack).arg("--allow-incomplete").arg("--sign").arg(&mine), 0);
        assert!(told(&output).contains("manifest-sha256.txt.sig by ssh-"), "{}", told(&output));
        let checked = ssh_keygen(&pack, folder.path(), &mine);
        assert!(checked.status.success(), "{}", told(&checked));
        assert!(!ssh_keygen(&pack, folder.path(), &other).status.success());
        // Everything else is as without a signature.
        let mut signed = files(&pack);
        let signature = signed.remove("manifest-sha256.txt.sig").expect("a signature");
        assert!(signed == files(&unsigned));
        let fingerprint = run(Command::new("ssh-keygen").arg("-lf").arg(mine.with_extension("pub")), 0);
        let fingerprint = told(&fingerprint).split(' ').nth(1).expect("a fingerprint").to_owned();
        assert!(told(&run(&mut verify(&pack), 0)).contains(&fingerprint));
        run(python("formats/bag.py").arg(&pack), 0);
        run(&mut reproduce(&pack), 0);
        // A flipped byte anywhere in the signature is named, and so is a manifest that it is not of.
        let place = pack.join("manifest-sha256.txt.sig");
        for at in (0..signature.len()).step_by(7).chain([signature.len() - 1]) {
            let mut bad = signature.clone();
            bad[at] ^= 1;
            fs::write(&place, bad).expect("a file");
            let told = told(&run(&mut verify(&pack), 1));
            assert!(told.contains("manifest-sha256.txt.sig"), "byte {at}: {told}");
        }
        fs::write(&place, &signature).expect("a file");
        let manifest = pack.join("manifest-sha256.txt");
        fs::write(&manifest, fs::read_to_string(&manifest).expect("a manifest") + "\n").expect("a file");
        assert!(!ssh_keygen(&pack, folder.path(), &mine).status.success());
        assert!(told(&run(&mut verify(&pack), 1)).contains("no signature of `manifest-sha256.txt`"));
    }
}

#[test]
fn a_passphrase_is_asked_on_a_terminal_and_nowhere_else() {
    let (folder, snapshot, _) = small();
    let locked = key(folder.path(), "ed25519", "open sesame");
    let typed = |line: &str, pack: &Path, code: i32| {
        let mut command = python("formats/terminal.py");
        command.arg(line).arg(env!("CARGO_BIN_EXE_keyproof")).arg("audit").arg(&snapshot).arg("--out").arg(pack);
        told(&run(command.arg("--allow-incomplete").arg("--sign").arg(&locked), code))
    };
    let pack = folder.path().join("signed");
    let said = typed("open sesame", &pack, 0);
    assert!(said.contains("Passphrase of") && !said.contains("sesame"), "{said}");
    assert!(ssh_keygen(&pack, folder.path(), &locked).status.success());
    // Without a terminal nothing can be asked.
    let mut detached = Command::new("setsid");
    detached.arg("--wait").arg(env!("CARGO_BIN_EXE_keyproof")).arg("audit").arg(&snapshot).arg("--sign").arg(&locked);
    let nowhere = folder.path().join("nowhere");
    let output = run(detached.arg("--out").arg(&nowhere).stdin(std::process::Stdio::null()), 1);
    assert!(told(&output).contains("asked on a terminal, and there is none"), "{}", told(&output));
    assert!(!nowhere.exists());
    let wrong = folder.path().join("wrong");
    assert!(typed("sesame", &wrong, 1).contains("the passphrase is wrong"));
    assert!(!wrong.exists());
}

#[test]
fn what_cannot_sign_says_why_before_anything_is_written() {
    let (folder, snapshot, _) = small();
    let (mine, curve) = (key(folder.path(), "ed25519", ""), key(folder.path(), "ecdsa", ""));
    let gone = folder.path().join("gone");
    for (key, words) in [
        (&mine.with_extension("pub"), "no OpenSSH private key of the kind Ed25519 or RSA"),
        (&curve, "of the kind Ed25519 or RSA"),
        (&gone, "failed to read"),
    ] {
        let pack = folder.path().join("unsigned");
        let told = told(&run(audit(&snapshot, &pack).arg("--allow-incomplete").arg("--sign").arg(key), 1));
        assert!(told.contains(words) && told.contains(&key.display().to_string()), "{told}");
        assert!(!pack.exists());
    }
}

#[test]
fn the_archive_holds_the_pack_and_its_bytes_do_not_depend_on_when_and_where() {
    let (folder, snapshot, plain) = small();
    let mut archives = Vec::new();
    for (place, zone) in [("here", "Asia/Tokyo"), ("there", "America/Lima")] {
        let pack = folder.path().join(place).join("pack");
        let mut command = audit(&snapshot, &pack);
        let output = run(command.args(["--allow-incomplete", "--zip"]).env("TZ", zone), 0);
        let mut found: Vec<PathBuf> =
            fs::read_dir(folder.path().join(place)).expect("a folder").map(|it| it.expect("a file").path()).collect();
        found.retain(|path| path.extension().is_some_and(|it| it == "zip"));
        assert_eq!(found.len(), 1);
        let name = found[0].file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(told(&output).contains(&name) && name.starts_with("pack-111122223333-20"), "{name}");
        archives.push((name, found.remove(0)));
    }
    let [(name, first), (again, second)] = archives.as_slice() else { panic!("{archives:?}") };
    assert_eq!(name, again);
    assert!(fs::read(first).expect("a file") == fs::read(second).expect("a file"));
    let opened = folder.path().join("opened");
    run(python("formats/archive.py").arg(first).arg(&opened), 0);
    assert!(files(&opened.join(name)) == files(&plain));
    run(&mut verify(&opened.join(name)), 0);
    // One that is there is not replaced.
    let pack = folder.path().join("here/again");
    let refused = run(audit(&snapshot, &pack).args(["--allow-incomplete", "--zip"]), 1);
    assert!(told(&refused).contains("move it away first"), "{}", told(&refused));
}

#[test]
fn findings_keep_the_time_that_an_earlier_pack_saw_them_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let [old, new] = ["snapshots/2026-Q2", "snapshots/2026-Q3"].map(|it| demo().join(it));
    let (earlier, pack) = (demo().join("packs/2026-Q2"), folder.path().join("pack"));
    let root = String::from_utf8(run(&mut verify(&earlier), 0).stdout).expect("text");
    let root = root.trim().trim_start_matches("pack root ");
    let mut command = audit(&new, &pack);
    run(command.args(["--allow-incomplete", "--no-access"]).arg("--prior").arg(&earlier), 0);
    assert_eq!(json(&pack.join("data/pack.json"))["prior_pack_root"], root);
    assert!(fs::read_to_string(pack.join("bag-info.txt")).expect("a file").contains(root));
    let known: BTreeSet<String> = findings(&earlier).iter().map(|it| text(it, "fingerprint").to_owned()).collect();
    let ends = [&old, &new].map(|it| json(&it.join("manifest.json"))["window"]["end"].clone());
    let events = fs::read_to_string(pack.join("data/interop/ocsf.ndjson")).expect("a file");
    let mut seen = [0, 0];
    for (finding, event) in findings(&pack).iter().zip(events.lines()) {
        let is_new = usize::from(!known.contains(text(finding, "fingerprint")));
        assert_eq!(finding["first_seen"], ends[is_new], "{finding}");
        let event: Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(event["activity_id"], 2 - is_new, "{event}");
        seen[is_new] += 1;
    }
    assert!(seen[0] > 100 && seen[1] > 100, "{seen:?}");
    run(&mut reproduce(&pack), 0);
    let table = fs::read_to_string(pack.join("data/csv/poam.csv")).expect("a file");
    assert!(table.contains(ends[0].as_str().expect("a time")));
}

#[test]
fn a_prior_pack_that_cannot_be_one_is_refused() {
    let (folder, snapshot, pack) = small();
    let damaged = copy_of(&pack, &folder.path().join("damaged"));
    fs::write(damaged.join("data/csv/findings.csv"), "changed").expect("a file");
    let [q2, q3] = ["2026-Q2", "2026-Q3"];
    let demo = |part: &str, quarter: &str| demo().join(part).join(quarter);
    for (snapshot, prior, words) in [
        (&snapshot, &damaged, "is damaged: `data/csv/findings.csv`"),
        (&snapshot, &snapshot, "is not an evidence pack"),
        (&snapshot, &demo("packs", q3), "cannot be the prior pack: it is of o-"),
        (&demo("snapshots", q2), &demo("packs", q3), "cannot be the prior pack: it is of 2026-09-30"),
    ] {
        let out = folder.path().join("out");
        let told = told(&run(audit(snapshot, &out).arg("--allow-incomplete").arg("--prior").arg(prior), 1));
        assert!(told.contains(words), "{told}");
        assert!(!out.exists());
    }
}
