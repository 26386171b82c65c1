"""Knows the accounts of the seeded organization, and creates its tree, its policies and its administrators."""

from __future__ import annotations

import json
from typing import Any

from seeding import HOME, REGIONS, Account

MANAGEMENT = "111122223333"
LOGS, PAYMENTS, DATA = "222233334444", "444455556666", "123456789012"
DEVELOPMENT, SANDBOX, LEGACY, CLOSED = "555566667777", "777788889999", "012345678901", "888899990000"
ACTIVE = [MANAGEMENT, LOGS, PAYMENTS, DATA, DEVELOPMENT, SANDBOX, LEGACY]
# In the order in which the emulator gives out its documentation accounts.
MEMBERS = {
    LOGS: "Log archive",
    PAYMENTS: "Payments production",
    DATA: "Data production",
    DEVELOPMENT: "Development",
    SANDBOX: 'Sandbox "><script>alert(1)</script>',
    LEGACY: "=Legacy & Sons",
    CLOSED: "Closed",
}
OU_PATHS = {
    MANAGEMENT: [],
    LOGS: ["Security"],
    PAYMENTS: ["Workloads", "Production", "Payments"],
    DATA: ["Workloads", "Production"],
    DEVELOPMENT: ["Workloads"],
    SANDBOX: ["Sandbox"],
    LEGACY: [],
    CLOSED: ["Sandbox"],
}


def organization(management: Account) -> str:
    """Creates the organization, its tree and its policies; answers its id."""
    orgs = management.client("organizations", HOME)
    created = orgs.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = orgs.list_roots()["Roots"][0]["Id"]
    for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        orgs.enable_policy_type(RootId=root, PolicyType=kind)
    units: dict[tuple[str, ...], str] = {(): root}
    for path in [
        ("Security",),
        ("Workloads",),
        ("Workloads", "Production"),
        ("Workloads", "Production", "Payments"),
        ("Sandbox",),
    ]:
        made = orgs.create_organizational_unit(ParentId=units[path[:-1]], Name=path[-1])
        units[path] = made["OrganizationalUnit"]["Id"]
    for account, name in MEMBERS.items():
        given = orgs.create_account(AccountName=name, Email=f"{account}@example.com")["CreateAccountStatus"][
            "AccountId"
        ]
        assert given == account, f"the emulator gave {given} where {account} was expected"
        if OU_PATHS[account]:
            orgs.move_account(
                AccountId=account, SourceParentId=root, DestinationParentId=units[tuple(OU_PATHS[account])]
            )
    orgs.close_account(AccountId=CLOSED)

    def policy(name: str, kind: str, statement: dict[str, Any], *targets: str) -> None:
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = orgs.create_policy(Name=name, Description=name, Type=kind, Content=content)["Policy"]["PolicySummary"][
            "Id"
        ]
        for target in targets:
            orgs.attach_policy(PolicyId=made, TargetId=target)

    guarded = {"Effect": "Deny", "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey"], "Resource": "*"}
    policy("protect-keys", "SERVICE_CONTROL_POLICY", guarded, units[("Workloads",)], LOGS)
    policy(
        "only-our-regions",
        "SERVICE_CONTROL_POLICY",
        {
            "Effect": "Deny",
            "NotAction": ["iam:*", "organizations:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGIONS}},
        },
        root,
    )
    policy("never-attached", "SERVICE_CONTROL_POLICY", guarded)
    policy(
        "keys-inside-the-organization",
        "RESOURCE_CONTROL_POLICY",
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": created},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        root,
    )
    orgs.register_delegated_administrator(AccountId=LOGS, ServicePrincipal="access-analyzer.amazonaws.com")
    orgs.register_delegated_administrator(AccountId=LOGS, ServicePrincipal="guardduty.amazonaws.com")
    orgs.register_delegated_administrator(AccountId=DATA, ServicePrincipal="macie.amazonaws.com")
    management.sets(set="organizations_features", features=["RootCredentialsManagement"])
    management.sets(
        set="resource_policy",
        policy={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{LOGS}:root"},
                    "Action": "organizations:List*",
                    "Resource": "*",
                }
            ],
        },
    )
    return created
