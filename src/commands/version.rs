//! `keyproof version`.

use serde_json::json;

use super::{Exit, print};
use crate::checks::CHECKS;
use crate::cli::{VersionArgs, VersionFormat};
use crate::{frameworks, policy, snapshot};

pub(super) fn run(args: &VersionArgs) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    match args.format {
        VersionFormat::Text => print(format!("keyproof {version}\n").as_bytes()),
        VersionFormat::Json => {
            let frameworks = frameworks::all()?;
            let frameworks: serde_json::Map<String, serde_json::Value> =
                frameworks.iter().map(|it| (it.id.clone(), json!(it.version))).collect();
            let version = json!({
                "version": version,
                "collect": cfg!(feature = "collect"),
                "snapshot_schema_version": snapshot::SCHEMA_VERSION,
                "checks": CHECKS.len(),
                "frameworks": frameworks,
                "knowledge": { "kms_actions": policy::KMS_ACTIONS_DATE, "service_actions": policy::SERVICES_DATE },
            });
            print(format!("{version:#}\n").as_bytes())
        }
    }
}
