"""Knows how one account is filled through AWS's own API, and keeps what is true of each item beside it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

import documents
from documents import ACCOUNT, NOT_APPLICABLE, ORGANIZATION, PASS, Row

HOME, FRANKFURT, SYDNEY = REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2"]

MANAGED_CHECKS = ("iam-managed-policy-kms-decrypt-all-keys", "iam-policy-kms-full-access", "iam-policy-admin-star")
INLINE_CHECKS = ("iam-inline-policy-kms-decrypt-all-keys", "iam-policy-kms-full-access")
KEY_CHECKS = ("kms-key-rotation-enabled", "kms-key-pending-deletion", "kms-key-policy-public")
GRANT_CHECK = "kms-grant-external-account"


class Truth:
    """What the seeding knows to be true."""

    def __init__(self) -> None:
        self.findings: list[dict[str, str]] = []
        self.principals: list[str] = []

    def without_inline_policies(self) -> None:
        """Users, groups and roles that were given no inline policy: nothing of theirs can be judged."""
        judged = {finding["resource_arn"] for finding in self.findings if finding["check_id"] == INLINE_CHECKS[0]}
        for arn in self.principals:
            if arn not in judged:
                for check in INLINE_CHECKS:
                    self.says(check, arn, NOT_APPLICABLE)

    def says(self, check: str, arn: str, status: str, name: str | None = None) -> None:
        finding = {"check_id": check, "resource_arn": arn, "status": status}
        self.findings.append(finding | ({"resource_name": name} if name else {}))


class Account:
    """One account while it is seeded: its clients, and where the truth about it goes."""

    def __init__(self, endpoint: str, account: str, truth: Truth, organization: str = "") -> None:
        self.endpoint, self.id, self.truth, self.organization = endpoint, account, truth, organization
        self.iam = self.client("iam", HOME)
        self.kms = {region: self.client("kms", region) for region in REGIONS}

    def client(self, service: str, region: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=f"AKIA{self.id}SEED",
            aws_secret_access_key="seed",
            config=Config(retries={"max_attempts": 1}),
        )

    def sets(self, **change: Any) -> Any:
        """Sets what no API sets."""
        body = json.dumps([change | {"account": self.id}]).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_test/state", body) as answer:
            return json.load(answer)[0]

    def document(self, statements: Any) -> str:
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        return text.replace(ACCOUNT, self.id).replace(ORGANIZATION, self.organization)

    # Managed policies

    def policy(self, name: str, statements: Any, decrypt: str, full: str, admin: str, path: str = "/") -> str:
        arn = self.iam.create_policy(PolicyName=name, Path=path, PolicyDocument=self.document(statements))["Policy"][
            "Arn"
        ]
        for check, status in zip(MANAGED_CHECKS, (decrypt, full, admin), strict=True):
            self.truth.says(check, arn, status)
        return arn

    def policies(self, rows: list[Row], held: bool = False) -> None:
        """Creates policies, each of them held by a role of its own where `held`."""
        for row in rows:
            arn = self.policy(*row)
            if held:
                role = f"holds-{row[0]}"
                self.role(role, {"AWS": f"arn:aws:iam::{self.id}:root"})
                self.iam.attach_role_policy(RoleName=role, PolicyArn=arn)

    def version(self, arn: str, statements: Any, default: bool) -> None:
        self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=self.document(statements), SetAsDefault=default)

    # Users, groups, roles

    def user(self, name: str, mfa: str, keys: str, boundary: str | None = None, path: str = "/") -> str:
        """Creates a user; `mfa` and `keys` are the verdicts on its console MFA and on its access keys."""
        more = {"PermissionsBoundary": boundary} if boundary else {}
        arn = self.iam.create_user(UserName=name, Path=path, **more)["User"]["Arn"]
        self.truth.principals.append(arn)
        self.truth.says("iam-user-console-mfa", arn, mfa)
        self.truth.says("iam-access-key-age", arn, keys)
        return arn

    def password(self, user: str) -> None:
        self.iam.create_login_profile(UserName=user, Password="correct-Horse-battery-9")

    def virtual_mfa(self, user: str) -> None:
        serial = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]["SerialNumber"]
        self.iam.enable_mfa_device(
            UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )

    def access_key(self, user: str, days: float, active: bool = True, used_days: float | None = None) -> None:
        key = self.iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        self.sets(set="access_key", key=key, days=days, used_days=used_days)
        if not active:
            self.iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")

    def group(self, name: str) -> str:
        arn = self.iam.create_group(GroupName=name)["Group"]["Arn"]
        self.truth.principals.append(arn)
        return arn

    def role(self, name: str, principal: Any, boundary: str | None = None, **condition: Any) -> str:
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} | condition
        more = {"PermissionsBoundary": boundary} if boundary else {}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.document([trust]), **more)["Role"][
            "Arn"
        ]
        self.truth.principals.append(arn)
        return arn

    def inline(self, kind: str, owner: str, arn: str, policies: dict[str, Any], decrypt: str, full: str) -> None:
        """Gives a user, group or role inline policies: one finding for the owner, whatever their number."""
        put = getattr(self.iam, f"put_{kind}_policy")
        for name, statements in policies.items():
            put(**{f"{kind.title()}Name": owner}, PolicyName=name, PolicyDocument=self.document(statements))
        for check, status in zip(INLINE_CHECKS, (decrypt, full), strict=True):
            self.truth.says(check, arn, status)

    # Keys

    def key(
        self,
        region: str,
        name: str,
        rotation: str,
        deletion: str = PASS,
        public: str = PASS,
        rotate: bool = True,
        policy: list[Any] | None = None,
        days: float = 500,
        **create: Any,
    ) -> str:
        """Creates a key and its alias; the three verdicts are those of KEY_CHECKS."""
        statements = [documents.OWN, *(policy or [])]
        created = self.kms[region].create_key(
            Description=name, Policy=self.document(statements), Tags=[{"TagKey": "Name", "TagValue": name}], **create
        )["KeyMetadata"]
        key = created["KeyId"]
        self.kms[region].create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
        self.sets(set="key", region=region, key=key, days=days)
        if rotate:
            self.kms[region].enable_key_rotation(KeyId=key)
        self.key_truth(created["Arn"], rotation, deletion, public)
        return key

    def key_truth(self, arn: str, rotation: str, deletion: str, public: str) -> None:
        for check, status in zip(KEY_CHECKS, (rotation, deletion, public), strict=True):
            self.truth.says(check, arn, status)

    def grant(self, region: str, key: str, grantee: str, status: str, **more: Any) -> None:
        given = self.kms[region].create_grant(
            KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt", "DescribeKey"], **more
        )
        arn = f"arn:aws:kms:{region}:{self.id}:key/{key}"
        self.truth.says(GRANT_CHECK, arn, status, given["GrantId"])
