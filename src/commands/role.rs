//! `keyproof role`: the least-privilege audit role, ready to deploy to all accounts.

use serde_json::json;

use super::{Exit, print};
use crate::cli::{RoleArgs, RoleFormat};
use crate::snapshot::operations::{Caller, actions_of};

/// Name of the role, as `keyproof collect` assumes it unless told otherwise.
const ROLE_NAME: &str = "KeyproofAudit";

/// For CloudFormation.
const CLOUDFORMATION: &str = include_str!("role/audit-role.yaml");

/// For Terraform.
const TERRAFORM: &str = include_str!("role/audit-role.tf");

pub(super) fn run(args: &RoleArgs) -> anyhow::Result<Exit> {
    print(template(args.format).as_bytes())
}

/// The template in the wanted form.
fn template(format: RoleFormat) -> String {
    match format {
        RoleFormat::Cloudformation => filled(CLOUDFORMATION, |action| format!("                  - {action}\n")),
        RoleFormat::Terraform => filled(TERRAFORM, |action| format!("      \"{action}\",\n")),
        RoleFormat::Json => policy(),
    }
}

/// The permissions policy alone: nothing that `keyproof collect` does not call.
fn policy() -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "KeyproofReadOnly",
            "Effect": "Allow",
            "Action": actions_of(Caller::AuditRole),
            "Resource": "*",
        }],
    });
    format!("{policy:#}\n")
}

/// A template with its lines `@ACTIONS@` and `@CALLER@` filled. The rights of whoever collects are a comment: they belong to another
/// principal than the role.
fn filled(template: &str, line: impl Fn(&str) -> String) -> String {
    let actions: String = actions_of(Caller::AuditRole).into_iter().map(line).collect();
    let caller = actions_of(Caller::Collector).into_iter().filter(|action| *action != "sts:AssumeRole");
    let caller: String = caller.map(|action| format!("#   {action}\n")).collect();
    template
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@ROLE_NAME@", ROLE_NAME)
        .replace("@ACTIONS@\n", &actions)
        .replace("@CALLER@\n", &caller)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The actions that a template grants: the words of the form `service:Name` in its policy.
    fn granted(template: &str) -> BTreeSet<&str> {
        let lines = template.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "\",[]".contains(c)));
        let services = ["account:", "iam:", "kms:", "organizations:", "s3:"];
        words.filter(|word| services.iter().any(|service| word.starts_with(service)) && !word.contains("::")).collect()
    }

    #[test]
    fn every_form_grants_what_the_collector_calls_and_nothing_else() {
        let expected: BTreeSet<&str> = actions_of(Caller::AuditRole).into_iter().collect();
        for format in [RoleFormat::Cloudformation, RoleFormat::Terraform, RoleFormat::Json] {
            let template = template(format);
            assert_eq!(granted(&template), expected, "{format:?}");
        }
    }

    #[test]
    fn the_policy_fits_into_a_role() {
        let policy = policy();
        let characters = policy.chars().filter(|c| !c.is_whitespace()).count();
        assert!(
            characters <= 10_240,
            "inline policies of a role have at most 10,240 characters, this has {characters}"
        );
    }

    #[test]
    fn the_rights_of_whoever_collects_are_named_but_not_granted() {
        for format in [RoleFormat::Cloudformation, RoleFormat::Terraform] {
            let template = template(format);
            for placeholder in ["@VERSION@", "@ROLE_NAME@", "@ACTIONS@", "@CALLER@"] {
                assert!(!template.contains(placeholder), "{placeholder} is filled");
            }
            assert!(template.contains("#   organizations:ListAccounts\n"));
            assert!(template.contains("needs sts:AssumeRole on"));
        }
    }
}
