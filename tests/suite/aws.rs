//! The emulated AWS: starts it, seeds it, orders faults, and tells what was asked of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::keyproof;
use crate::python::python;

/// An emulator in a process of its own. It ends when its standard input is closed: with this value, or with the process
/// that holds it, however that ends.
pub(crate) struct Emulator {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) ready: Value,
}

impl Emulator {
    /// Runs a script of `tests/aws` and waits until it is ready.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = python(&format!("aws/{script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("the emulator speaks");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script} did not start; it said {line:?}"));
        Self { child, ready }
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.ready["endpoint"].as_str().expect("an endpoint")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the emulator ends");
    }
}

/// The seeded organization, and what is true of it.
pub(crate) struct Organization {
    emulator: Emulator,
    pub(crate) truth: Truth,
}

/// What the seeding wrote down.
#[derive(Debug, Deserialize)]
pub(crate) struct Truth {
    pub(crate) organization_id: String,
    pub(crate) management_account: String,
    pub(crate) audit_role: String,
    pub(crate) external_id: String,
    pub(crate) regions: Vec<String>,
    pub(crate) accounts: std::collections::BTreeMap<String, Value>,
    pub(crate) suspended_accounts: Vec<String>,
    pub(crate) findings: Vec<Expected>,
}

/// One finding as it must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Expected {
    pub(crate) check_id: String,
    pub(crate) resource_arn: String,
    /// Grants only.
    #[serde(default)]
    pub(crate) resource_name: String,
    pub(crate) status: String,
}

/// One organization for all tests: they only read it, and each has its own scope for faults and counts.
pub(crate) fn organization() -> &'static Organization {
    static ORGANIZATION: LazyLock<Organization> = LazyLock::new(|| {
        let emulator = Emulator::start("server.py", &[]);
        let folder = tempfile::tempdir().expect("a folder");
        let truth = folder.path().join("truth.json");
        let seeded =
            python("aws/organization.py").args(["--endpoint", emulator.endpoint(), "--out"]).arg(&truth).status();
        assert!(seeded.expect("python starts").success(), "the seeding failed");
        let truth = std::fs::read(&truth).expect("the truth");
        let truth = serde_json::from_slice(&truth).expect("the truth is JSON of this form");
        Organization { emulator, truth }
    });
    &ORGANIZATION
}

impl Organization {
    /// A scope of its own for one collection: its faults strike nobody else, its calls are counted apart.
    pub(crate) fn scope(&self) -> Scope {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("T{:03}", NEXT.fetch_add(1, Ordering::Relaxed));
        Scope { endpoint: self.emulator.endpoint().to_owned(), account: self.truth.management_account.clone(), name }
    }
}

/// Whom a test is to the emulator.
pub(crate) struct Scope {
    pub(crate) endpoint: String,
    account: String,
    name: String,
}

/// A call as the emulator saw it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) later_page: bool,
    pub(crate) code: Option<String>,
}

impl Scope {
    /// The same scope in the hands of a user of another account.
    pub(crate) fn of_account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// The id of an access key whose holder may do everything in its account.
    pub(crate) fn access_key(&self) -> String {
        format!("AKIA{}{}", self.account, self.name)
    }

    /// Orders a fault: see `tests/aws/faults.py`.
    pub(crate) fn order(&self, mut rule: Value) {
        rule["scope"] = json!(self.name);
        self.ask("rules", "", Some(&json!([rule])));
    }

    /// Takes back every fault.
    pub(crate) fn forgive(&self) {
        self.ask("clear", "", None);
    }

    /// What the role sessions of this scope may do, whatever their role says.
    pub(crate) fn permit(&self, policy: &Value) {
        self.ask("role", "", Some(policy));
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        serde_json::from_value(self.ask("calls", "", None)).expect("calls of this form")
    }

    /// Waits until so many calls are held.
    pub(crate) fn wait_until_held(&self, count: usize) {
        let held = self.ask("held", &format!("&count={count}"), None);
        assert!(held["held"].as_u64().is_some_and(|held| held >= count as u64), "calls that are held: {held}");
    }

    /// Lets the held calls go on.
    pub(crate) fn release(&self) {
        self.ask("release", "", None);
    }

    fn ask(&self, what: &str, more: &str, body: Option<&Value>) -> Value {
        let address = self.endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the emulator listens");
        let body = body.map(Value::to_string).unwrap_or_default();
        write!(
            stream,
            "POST /_test/{what}?scope={}{more} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.name,
            body.len()
        )
        .expect("the emulator hears");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the emulator answers");
        let (_, json) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {what}: {answer:?}"));
        serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON in the answer to {what}: {json:?}"))
    }
}

/// `keyproof collect` of the seeded organization into a folder.
pub(crate) fn collect(scope: &Scope, truth: &Truth, out: &Path) -> Command {
    let mut command = keyproof();
    command
        .env("AWS_ENDPOINT_URL", &scope.endpoint)
        .env("AWS_ACCESS_KEY_ID", scope.access_key())
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .args(["collect", "--role-name", &truth.audit_role, "--region", &truth.regions.join(","), "--out"])
        .arg(out);
    command
}
