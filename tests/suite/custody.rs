//! Who made a pack, when it existed at the latest, and which pack came before it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::demo::demo;
use crate::formats::hostile;
use crate::program::{audit, files, json, keyproof, run, told};
use crate::python::python;

/// What `openssl` needs to answer as a time-stamp authority.
const AUTHORITY: &str = "\
[tsa]
default_tsa = authority
[authority]
serial = serial
signer_cert = authority.pem
certs = authority.pem
signer_key = authority.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
clock_precision_digits = 3
ess_cert_id_alg = sha256
";

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl starts");
    assert!(output.status.success(), "{arguments:?}\n{}", told(&output));
    output
}

/// A folder in which `openssl` is a time-stamp authority.
fn authority(folder: &Path) {
    fs::write(folder.join("tsa.cnf"), AUTHORITY).expect("a file");
    fs::write(folder.join("serial"), "01\n").expect("a file");
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=authority"];
    let files = ["-keyout", "authority.key", "-out", "authority.pem"];
    openssl(folder, &[&request[..], &files, &["-addext", "extendedKeyUsage=critical,timeStamping"]].concat());
}

/// The reply of the authority to the question of a pack.
fn reply(folder: &Path, pack: &Path, name: &str) -> PathBuf {
    let question = pack.join("root.tsq").display().to_string();
    openssl(folder, &["ts", "-reply", "-config", "tsa.cnf", "-queryfile", &question, "-out", name]);
    folder.join(name)
}

fn verify(pack: &Path) -> Command {
    let mut command = keyproof();
    command.arg("verify").arg(pack);
    command
}

fn attach(pack: &Path, reply: &Path) -> Command {
    let mut command = keyproof();
    command.arg("attach-timestamp").arg(pack).arg(reply);
    command
}

#[test]
fn a_time_stamp_is_asked_for_attached_and_checked_with_stock_openssl() {
    let (folder, pack) = hostile();
    let folder = folder.path();
    authority(folder);
    let reply = reply(folder, &pack, "reply.tsr");
    let said = told(&run(&mut attach(&pack, &reply), 0));
    assert!(said.contains("1.2.3.4.1") && said.contains("root.tsr"), "{said}");
    let arguments = ["ts", "-verify", "-queryfile", "root.tsq", "-in", "root.tsr", "-CAfile"];
    let certificate = folder.join("authority.pem").display().to_string();
    let checked = openssl(&pack, &[&arguments[..], &[&certificate]].concat());
    assert!(told(&checked).contains("Verification: OK"));
    let said = told(&run(&mut verify(&pack), 0));
    assert!(said.contains("A time-stamp authority saw it at 20"), "{said}");
    run(python("formats/bag.py").arg(&pack), 0);
    run(verify(&pack).arg("--reproduce"), 0);
    // The same again changes nothing; another one does not replace it.
    run(&mut attach(&pack, &reply), 0);
    let other = self::reply(folder, &pack, "other.tsr");
    assert!(told(&run(&mut attach(&pack, &other), 1)).contains("root.tsr"));
    // A flipped byte of the time is for the signature to find; one of the digest is found here.
    let mut bytes = fs::read(&reply).expect("a reply");
    let root = fs::read(pack.join("root.tsq")).expect("a question")[24..56].to_vec();
    let at = bytes.windows(32).position(|window| window == root).expect("the digest");
    bytes[at] ^= 1;
    fs::write(pack.join("root.tsr"), bytes).expect("a file");
    let said = told(&run(&mut verify(&pack), 1));
    assert!(said.contains("root.tsr") && said.contains("for other bytes"), "{said}");
}

#[test]
fn what_is_no_reply_for_a_pack_is_refused_and_says_why() {
    let (folder, pack) = hostile();
    let folder = folder.path();
    authority(folder);
    let foreign = reply(folder, &demo().join("packs/2026-Q3"), "foreign.tsr");
    let page = folder.join("page.html");
    fs::write(&page, "<html>404</html>").expect("a file");
    let gone = folder.join("gone.tsr");
    for (file, words) in [(&foreign, "for other bytes"), (&page, "no reply"), (&gone, "failed to read")] {
        let said = told(&run(&mut attach(&pack, file), 1));
        assert!(said.contains(words) && said.contains(&file.display().to_string()), "{said}");
        assert!(!pack.join("root.tsr").exists());
    }
    let mine = reply(folder, &pack, "mine.tsr");
    fs::write(pack.join("data/csv/findings.csv"), "changed").expect("a file");
    assert!(told(&run(&mut attach(&pack, &mine), 1)).contains("is damaged"));
    assert!(!pack.join("root.tsr").exists());
}

#[test]
fn custody_tells_who_made_a_pack_and_changes_nothing_of_its_evidence() {
    let (folder, plain) = hostile();
    let snapshot = folder.path().join("snapshot");
    let pack = folder.path().join("in custody");
    run(audit(&snapshot, &pack).args(["--allow-incomplete", "--custody"]), 0);
    assert!(!plain.join("custody").exists());
    let kept = |pack: &Path| {
        let mut files = files(pack);
        files.retain(|path, _| !path.starts_with("custody/") && path != "tagmanifest-sha256.txt");
        files
    };
    assert!(kept(&pack) == kept(&plain));
    let root = told(&run(verify(&pack).arg("--quiet"), 0)).trim().replace("pack root ", "");
    let run_log = json(&pack.join("custody/run-log.ndjson"));
    assert_eq!(run_log["pack_root"], root);
    let words: Vec<&str> =
        run_log["command_line"].as_array().expect("words").iter().filter_map(|it| it.as_str()).collect();
    assert_eq!(words.last(), Some(&"--custody"));
    let program = Command::new("sha256sum").arg(env!("CARGO_BIN_EXE_keyproof")).output().expect("sha256sum").stdout;
    assert!(String::from_utf8_lossy(&program).starts_with(run_log["program"]["sha256"].as_str().expect("a digest")));
    let user = Command::new("id").arg("-un").output().expect("id").stdout;
    assert_eq!(run_log["user"], String::from_utf8_lossy(&user).trim());
    let list = fs::read_to_string(pack.join("custody/custody.csv")).expect("a list");
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.lines().last().is_some_and(|line| line.contains(",audited,") && line.contains(&root)), "{list}");
    run(python("formats/bag.py").arg(&pack), 0);
    run(verify(&pack).arg("--reproduce"), 0);
    fs::write(pack.join("custody/custody.csv"), "forged").expect("a file");
    assert!(told(&run(&mut verify(&pack), 1)).contains("custody/custody.csv"));
}

#[test]
fn the_quarters_of_the_demo_are_a_chain() {
    let [earlier, later] = ["2026-Q2", "2026-Q3"].map(|quarter| demo().join("packs").join(quarter));
    let root = told(&run(verify(&earlier).arg("--quiet"), 0)).trim().replace("pack root ", "");
    assert_eq!(json(&later.join("data/pack.json"))["prior_pack_root"], root);
    assert!(json(&earlier.join("data/pack.json"))["prior_pack_root"].is_null());
}
