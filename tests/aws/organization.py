"""Seeds an organization of seven accounts, used in three Regions, and writes down what is true of it.

    python organization.py --endpoint http://127.0.0.1:PORT --out truth.json

The truth is a list of findings, `check_id`, `resource_arn`, `resource_name` (grants only) and `status`. Each status is
written beside the item that it is about; no rule is evaluated here. Names begin with `good-` or `bad-` where that is
all that matters about an item.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

import documents
from documents import ACCOUNT, FAIL, FOREIGN, NOT_APPLICABLE, PASS, allow
from members import (
    ACTIVE,
    CLOSED,
    DATA,
    DEVELOPMENT,
    LEGACY,
    LOGS,
    MANAGEMENT,
    MEMBERS,
    OU_PATHS,
    PAYMENTS,
    SANDBOX,
    organization,
)
from seeding import FRANKFURT, HOME, REGIONS, SYDNEY, Account, Truth

AUDIT_ROLE = "OrgAuditRole"
EXTERNAL_ID = "quarterly-evidence"


def audit_role(account: Account) -> None:
    """The role that the collection enters, and one like it that asks for an external id."""
    trusted = {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}
    account.role(AUDIT_ROLE, trusted)
    account.role(AUDIT_ROLE + "External", trusted, Condition={"StringEquals": {"sts:ExternalId": EXTERNAL_ID}})
    arn = account.policy("good-audit", documents.AUDIT_ROLE_POLICY, PASS, PASS, PASS, path="/audit/")
    for role in (AUDIT_ROLE, AUDIT_ROLE + "External"):
        account.iam.attach_role_policy(RoleName=role, PolicyArn=arn)


def root_users(accounts: dict[str, Account]) -> None:
    for account in ACTIVE:
        mfa, password, status = {
            DEVELOPMENT: (False, True, FAIL),
            # Central root access took its credentials away: nothing is left to protect.
            LOGS: (False, False, PASS),
        }.get(account, (True, True, PASS))
        accounts[account].sets(set="root", mfa=mfa, password=password)
        accounts[account].truth.says("iam-root-mfa", f"arn:aws:iam::{account}:root", status)


def management_account(account: Account) -> None:
    runner = account.user("audit-runner", mfa=NOT_APPLICABLE, keys=NOT_APPLICABLE)
    account.inline(
        "user",
        "audit-runner",
        runner,
        {"enter": [allow("sts:AssumeRole", f"arn:aws:iam::*:role/{AUDIT_ROLE}"), allow("organizations:List*")]},
        PASS,
        PASS,
    )
    account.key(HOME, "good-management", rotation=PASS)
    account.key(SYDNEY, "bad-management", rotation=FAIL, rotate=False)
    # Held, so that effective access meets conditions and Deny statements.
    account.policies(documents.DOCUMENTS, held=True)


def log_archive(account: Account) -> None:
    account.key(HOME, "good-logs", rotation=PASS)
    account.policy("bad-log-reader", [allow(["s3:GetObject", "kms:Decrypt"])], FAIL, PASS, PASS)
    account.policy("good-log-writer", [allow(["s3:PutObject", "kms:GenerateDataKey"])], PASS, PASS, PASS)
    account.user("good-console", mfa=PASS, keys=NOT_APPLICABLE)
    account.password("good-console")
    account.virtual_mfa("good-console")


def payments_account(account: Account) -> None:
    """Keys of every kind and state, and grants."""
    account.key(HOME, "good-rotated", rotation=PASS)
    account.key(HOME, "bad-not-rotated", rotation=FAIL, rotate=False)
    account.key(
        HOME, "asymmetric-rsa", rotation=NOT_APPLICABLE, rotate=False, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT"
    )
    account.key(
        FRANKFURT,
        "asymmetric-ecc",
        rotation=NOT_APPLICABLE,
        rotate=False,
        KeySpec="ECC_NIST_P256",
        KeyUsage="SIGN_VERIFY",
    )
    account.key(
        SYDNEY, "hmac", rotation=NOT_APPLICABLE, rotate=False, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"
    )
    kms = account.kms[HOME]

    disabled = account.key(HOME, "disabled-not-rotated", rotation=NOT_APPLICABLE, rotate=False)
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(
        KeyId=account.key(HOME, "bad-pending-deletion", NOT_APPLICABLE, deletion=FAIL), PendingWindowInDays=7
    )
    imported = account.key(HOME, "imported", rotation=NOT_APPLICABLE, rotate=False, Origin="EXTERNAL")
    kms.import_key_material(
        KeyId=imported, ImportToken=b"x", EncryptedKeyMaterial=b"x", ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE"
    )
    account.key(HOME, "pending-import", rotation=NOT_APPLICABLE, rotate=False, Origin="EXTERNAL")
    account.sets(
        set="custom_key_store",
        region=HOME,
        store={
            "CustomKeyStoreId": "cks-1234567890abcdef0",
            "CustomKeyStoreName": "hsm",
            "CustomKeyStoreType": "AWS_CLOUDHSM",
            "CloudHsmClusterId": "cluster-1a23b4cdefg",
            "ConnectionState": "CONNECTED",
        },
    )
    account.key(
        HOME,
        "custom-key-store",
        rotation=NOT_APPLICABLE,
        rotate=False,
        Origin="AWS_CLOUDHSM",
        CustomKeyStoreId="cks-1234567890abcdef0",
    )
    period = account.key(FRANKFURT, "good-rotated-every-180-days", rotation=PASS, rotate=False)
    account.kms[FRANKFURT].enable_key_rotation(KeyId=period, RotationPeriodInDays=180)
    account.sets(set="key", region=FRANKFURT, key=period, used_days=3, rotated_days=[380, 200, 20, 10])
    managed = account.sets(
        set="aws_managed_key",
        region=HOME,
        alias="alias/aws/s3",
        policy={
            "Version": "2012-10-17",
            "Statement": [
                documents.anyone(
                    Condition={
                        "StringEquals": {
                            "kms:CallerAccount": account.id,
                            "kms:ViaService": "s3.us-east-1.amazonaws.com",
                        }
                    }
                )
            ],
        },
    )
    account.key_truth(managed["Arn"], NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE)
    shared = account.key(SYDNEY, "good-shared-by-resource-access-manager", rotation=PASS)
    account.sets(
        set="key",
        region=SYDNEY,
        key=shared,
        named_policies={
            "AWS_RAM": account.document([documents.anyone(principal={"AWS": f"arn:aws:iam::{LOGS}:root"})])
        },
    )
    multi_region_keys(account)
    grants(account)


def multi_region_keys(account: Account) -> None:
    """A replica answers with its primary's rotation; the primary is judged."""
    for name, rotation, rotate, deleted in [
        ("good-primary", PASS, True, False),
        ("bad-primary", FAIL, False, False),
        ("bad-primary-pending", NOT_APPLICABLE, True, True),
    ]:
        key = account.key(HOME, name, rotation, deletion=FAIL if deleted else PASS, rotate=rotate, MultiRegion=True)
        replica = account.kms[HOME].replicate_key(KeyId=key, ReplicaRegion=FRANKFURT)["ReplicaKeyMetadata"]
        account.key_truth(replica["Arn"], NOT_APPLICABLE, PASS, PASS)
        if deleted:
            account.kms[HOME].schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def grants(account: Account) -> None:
    key = account.key(FRANKFURT, "granted", rotation=PASS)
    own = f"arn:aws:iam::{account.id}"
    account.grant(FRANKFURT, key, f"{own}:role/{AUDIT_ROLE}", PASS, Name="good-own-role")
    account.grant(FRANKFURT, key, f"{own}:root", PASS, Name="good-own-account")
    account.grant(
        FRANKFURT,
        key,
        f"arn:aws:sts::{account.id}:assumed-role/{AUDIT_ROLE}/nightly",
        PASS,
        Name="good-own-session",
        Constraints={"EncryptionContextEquals": {"purpose": "night"}},
    )
    account.grant(
        FRANKFURT,
        key,
        f"arn:aws:iam::{FOREIGN}:role/{AUDIT_ROLE}",
        FAIL,
        Name="bad-foreign-role",
        RetiringPrincipal=f"{own}:root",
    )
    account.grant(FRANKFURT, key, f"arn:aws:iam::{FOREIGN}:root", FAIL, Name="bad-foreign-account")
    account.grant(FRANKFURT, key, f"arn:aws:iam::{DATA}:role/reader", FAIL, Name="bad-another-account-of-ours")
    account.grant(FRANKFURT, key, "dynamodb.eu-central-1.amazonaws.com", NOT_APPLICABLE, Name="service")


def data_account(account: Account) -> None:
    """Key policies of every kind, and the policies whose actions deceive."""
    for nth, (name, statements, public) in enumerate(documents.KEY_POLICIES):
        account.key(REGIONS[nth % 3], name, rotation=PASS, public=public, policy=statements)
    account.policies(documents.ACTIONS)
    account.iam.create_saml_provider(Name="corporate", SAMLMetadataDocument="<EntityDescriptor/>" * 60)
    account.iam.create_open_id_connect_provider(Url="https://token.example.com", ClientIDList=["sts.amazonaws.com"])


def development_account(account: Account) -> None:
    """Versions, boundaries, service-linked roles, and the policies whose resources deceive."""
    account.policies(documents.RESOURCES)
    bad, good = [allow("kms:Decrypt")], [allow("kms:Encrypt")]
    account.version(account.policy("good-now-bad-before", bad, PASS, PASS, PASS), good, default=True)
    account.version(account.policy("bad-now-good-before", good, FAIL, PASS, PASS), bad, default=True)
    account.version(account.policy("bad-now-good-proposed", bad, FAIL, PASS, PASS), good, default=False)
    account.policy("bad-in-a-path", bad, FAIL, PASS, PASS, path="/team/payments/")

    only = account.policy("boundary-only", [allow("*")], NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE)
    both = account.policy("bad-boundary-and-attached", [allow("kms:*")], FAIL, FAIL, PASS)
    account.user("bounded", mfa=NOT_APPLICABLE, keys=NOT_APPLICABLE, boundary=only)
    account.role("bounded-role", {"Service": "ec2.amazonaws.com"}, boundary=both)
    account.iam.attach_role_policy(RoleName="bounded-role", PolicyArn=both)
    account.role("administrator", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    account.iam.attach_role_policy(RoleName="administrator", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    linked = account.iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")["Role"]
    account.inline(
        "role", linked["RoleName"], linked["Arn"], {"service": [allow("kms:*")]}, NOT_APPLICABLE, NOT_APPLICABLE
    )
    account.key(HOME, "bad-development", rotation=FAIL, rotate=False)
    account.key(FRANKFURT, "good-development", rotation=PASS)


def sandbox_account(account: Account) -> None:
    """Inline policies of users, groups and roles."""
    bad, full, good = [allow("kms:decrypt")], [allow("KMS:*")], [allow("kms:Decrypt", documents.ONE_KEY)]
    trust = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    for kind, create in [
        ("user", lambda name: account.user(name, NOT_APPLICABLE, NOT_APPLICABLE)),
        ("group", account.group),
        ("role", lambda name: account.role(name, trust)),
    ]:
        for name, policies, decrypt, fully in [
            (f"bad-{kind}", {"inline": bad}, FAIL, PASS),
            (f"bad-full-{kind}", {"inline": full}, FAIL, FAIL),
            (f"good-{kind}", {"inline": good}, PASS, PASS),
            (f"bad-second-{kind}", {"first": good, "second": documents.harmless(3), "third": bad}, FAIL, PASS),
            # Each document is judged by itself: a Deny in another one does not mend it.
            (f"bad-denied-elsewhere-{kind}", {"first": bad, "second": [documents.deny("kms:*")]}, FAIL, PASS),
        ]:
            account.inline(kind, name, create(name), policies, decrypt, fully)
    account.group("without-inline-policies")
    account.role("without-inline-policies", trust)
    account.iam.add_user_to_group(GroupName="bad-group", UserName="good-user")
    account.key(HOME, "good-sandbox", rotation=PASS)


def legacy_account(account: Account) -> None:
    """Users with and without MFA, with access keys of every age."""
    for name, mfa in [
        ("good-console-virtual-mfa", PASS),
        ("good-console-hardware-mfa", PASS),
        ("bad-console-without-mfa", FAIL),
        ("=bad+cmd@console", FAIL),
    ]:
        account.user(name, mfa=mfa, keys=NOT_APPLICABLE)
        account.password(name)
    account.virtual_mfa("good-console-virtual-mfa")
    account.iam.enable_mfa_device(
        UserName="good-console-hardware-mfa",
        SerialNumber="GAHT12345678",
        AuthenticationCode1="123456",
        AuthenticationCode2="654321",
    )
    account.user("no-console-with-mfa", mfa=NOT_APPLICABLE, keys=NOT_APPLICABLE, path="/machines/")
    account.virtual_mfa("no-console-with-mfa")
    for name, status, keys in [
        ("good-key-89-days", PASS, [(89, True)]),
        ("bad-key-92-days", FAIL, [(92, True)]),
        ("bad-second-key", FAIL, [(3, True), (400, True)]),
        ("bad-old-key-in-use", FAIL, [(800, True), (10, False)]),
        ("good-old-key-inactive", PASS, [(800, False), (10, True)]),
        ("only-inactive-keys", NOT_APPLICABLE, [(800, False), (10, False)]),
    ]:
        account.user(name, mfa=NOT_APPLICABLE, keys=status)
        for days, active in keys:
            account.access_key(name, days, active, used_days=days - 1)
    account.sets(set="service_specific_credential", user="bad-second-key", service="codecommit.amazonaws.com", days=700)
    account.iam.update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=24)
    account.client("account", HOME).put_alternate_contact(
        AlternateContactType="SECURITY",
        EmailAddress="security@example.com",
        Name="Security",
        PhoneNumber="+4900000",
        Title="Desk",
    )
    account.key(SYDNEY, "good-legacy", rotation=PASS, days=3000)
    account.key(SYDNEY, "bad-legacy", rotation=FAIL, rotate=False, days=3000)


def seed(endpoint: str) -> dict[str, Any]:
    truth = Truth()
    created = organization(Account(endpoint, MANAGEMENT, truth))
    accounts = {account: Account(endpoint, account, truth, created) for account in ACTIVE}
    for account in accounts.values():
        audit_role(account)
        if account.id != MANAGEMENT:
            access = "OrganizationAccountAccessRole"
            account.iam.attach_role_policy(RoleName=access, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
            truth.principals.append(f"arn:aws:iam::{account.id}:role/{access}")
    root_users(accounts)
    for account, fill in [
        (MANAGEMENT, management_account),
        (LOGS, log_archive),
        (PAYMENTS, payments_account),
        (DATA, data_account),
        (DEVELOPMENT, development_account),
        (SANDBOX, sandbox_account),
        (LEGACY, legacy_account),
    ]:
        fill(accounts[account])
    truth.without_inline_policies()
    return {
        "organization_id": created,
        "management_account": MANAGEMENT,
        "audit_role": AUDIT_ROLE,
        "external_id": EXTERNAL_ID,
        "regions": REGIONS,
        "accounts": {
            account: {"name": MEMBERS.get(account, "master"), "ou_path": OU_PATHS[account]} for account in ACTIVE
        },
        "suspended_accounts": [CLOSED],
        "findings": sorted(
            truth.findings, key=lambda one: (one["check_id"], one["resource_arn"], one.get("resource_name", ""))
        ),
        "populations": populations(truth),
    }


def populations(truth: Truth) -> dict[str, dict[str, int]]:
    """check -> status -> how many resources."""
    counts = Counter((one["check_id"], one["status"]) for one in truth.findings)
    every: dict[str, dict[str, int]] = {}
    for (check, status), count in sorted(counts.items()):
        every.setdefault(check, {})[status] = count
    return every


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--out", required=True)
    asked = parser.parse_args()
    with open(asked.out, "w", encoding="utf-8") as file:
        json.dump(seed(asked.endpoint), file, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
