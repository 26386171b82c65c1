"""Knows how to set what no AWS API sets: dates in the past, the root user, keys that AWS made, documents of old."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import unix_time, utcnow
from moto.iam.models import AccessKeyLastUsed, VirtualMfaDevice, iam_backends
from moto.kms.models import kms_backends

import corrected_iam
import corrected_kms
import corrected_organizations


def apply(changes: list[dict[str, Any]]) -> list[Any]:
    """Each change names what it `set`s, the account (and Region), and the values; the answers are in the same order."""
    return [SETTERS[change.pop("set")](**change) for change in changes]


def _ago(days: float) -> datetime:
    return utcnow() - timedelta(days=days)


def _root(account: str, mfa: bool, password: bool = True, access_key_days: float | None = None) -> None:
    root = corrected_iam.root_user(account)
    root.mfa, root.password = mfa, password
    root.access_key_created = None if access_key_days is None else _ago(access_key_days)
    if mfa:
        backend = iam_backends[account]["aws"]
        device = VirtualMfaDevice(account, "us-east-1", "/root-account-mfa-device")
        device.enable_date = root.created
        device.user_attribute = {
            "Path": "/",
            "UserName": "",
            "UserId": account,
            "Arn": f"arn:aws:iam::{account}:root",
            "CreateDate": root.created,
        }
        backend.virtual_mfa_devices[device.serial_number] = device


def _access_key(account: str, key: str, days: float, used_days: float | None = None) -> None:
    """How old an access key is, and when it was last used."""
    backend = iam_backends[account]["aws"]
    found = next(one for user in backend.users.values() for one in user.access_keys if one.access_key_id == key)
    found.create_date = _ago(days)
    if used_days is not None:
        found.last_used = AccessKeyLastUsed(_ago(used_days), "kms", "us-east-1")


def _user(account: str, user: str, days: float, password_used_days: float | None = None) -> None:
    found = iam_backends[account]["aws"].users[user]
    found.create_date = _ago(days)
    if password_used_days is not None:
        found.password_last_used = _ago(password_used_days)


def _aws_managed_key(account: str, region: str, alias: str, policy: Any) -> dict[str, str]:
    """A key that AWS made for one of its services."""
    backend = kms_backends[account][region]
    key = backend.create_key(json.dumps(policy), "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", f"Default key for {alias}", [])
    key.key_manager = "AWS"
    key.key_rotation_status = True
    backend.create_alias(key.id, alias)
    return {"KeyId": key.id, "Arn": key.arn}


def _key(
    account: str,
    region: str,
    key: str,
    days: float | None = None,
    used_days: float | None = None,
    rotated_days: list[float] | None = None,
    metadata: dict[str, Any] | None = None,
    named_policies: dict[str, str] | None = None,
) -> None:
    """A key's age, last use, rotations, further metadata, and policies beside `default`."""
    found = kms_backends[account][region].keys[key]
    if days is not None:
        found.creation_date = unix_time(_ago(days))
    if used_days is not None:
        found.last_usage = {
            "Operation": "Decrypt",
            "Timestamp": unix_time(_ago(used_days)),
            "CloudTrailEventId": "11111111-2222-3333-4444-555555555555",
            "KmsRequestId": "66666666-7777-8888-9999-000000000000",
        }
    for days_ago in rotated_days or []:
        found.rotations.append({"RotationDate": unix_time(_ago(days_ago)), "RotationType": "AUTOMATIC"})
    if metadata:
        found.key_state = metadata.pop("KeyState", found.key_state)
        found.enabled = metadata.pop("Enabled", found.enabled)
        corrected_kms._extra(found).update(metadata)
    if named_policies:
        found.named_policies = named_policies


def _custom_key_store(account: str, region: str, store: dict[str, Any]) -> None:
    store.setdefault("CreationDate", unix_time(_ago(400)))
    corrected_kms.custom_key_stores.setdefault((account, region), []).append(store)


def _organizations_features(account: str, features: list[str]) -> None:
    corrected_iam.organizations_features[account] = features


def _resource_policy(account: str, policy: Any) -> None:
    corrected_organizations.resource_policies[account] = json.dumps(policy)


def _service_specific_credential(account: str, user: str, service: str, days: float) -> None:
    corrected_iam.service_specific_credentials.setdefault(account, []).append(
        {
            "UserName": user,
            "Status": "Active",
            "ServiceUserName": f"{user}-at-{account}",
            "ServiceName": service,
            "ServiceSpecificCredentialId": f"ACCA{account}EXAM",
            "CreateDate": _ago(days),
        }
    )


def _policy_document(account: str, arn: str, document: str) -> None:
    """Replaces the default version of a managed policy by any text at all."""
    policy = iam_backends[account]["aws"].managed_policies[arn]
    for version in policy.versions:
        if version.is_default:
            version.document = document


SETTERS = {
    "root": _root,
    "access_key": _access_key,
    "user": _user,
    "aws_managed_key": _aws_managed_key,
    "key": _key,
    "custom_key_store": _custom_key_store,
    "organizations_features": _organizations_features,
    "resource_policy": _resource_policy,
    "service_specific_credential": _service_specific_credential,
    "policy_document": _policy_document,
}
