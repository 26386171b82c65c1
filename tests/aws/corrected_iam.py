"""Knows how IAM answers where moto does not: pages, boundaries, the root user, dates, missing operations."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from moto.core.responses import ActionResult, EmptyResult
from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import (
    BaseIAMPolicyValidator,
    IAMPolicyDocumentValidator,
    IAMTrustPolicyDocumentValidator,
)
from moto.iam.responses import IamResponse
from moto.organizations.models import organizations_backends

from faults import Refused
from paging import WrongToken, page

DETAILS_PAGE = 15
LIST_PAGE = 2
# The AWS managed policies that exist here; loading all of them costs 20 MB an account.
AWS_MANAGED = ["AdministratorAccess", "AWSKeyManagementServicePowerUser", "SecurityAudit"]
REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


@cache
def _aws_managed_data() -> dict[str, Any]:
    every = json.loads(aws_managed_policies_data)
    return {name: every[name] for name in AWS_MANAGED}


def _aws_managed_policies(backend: models.IAMBackend) -> list[Any]:
    return [
        models.AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, data)
        for name, data in _aws_managed_data().items()
    ]


models.IAMBackend._init_aws_policies = _aws_managed_policies  # type: ignore[method-assign]


def _is_json(validator: Any) -> None:
    try:
        json.loads(validator._policy_document)
    except ValueError:
        raise MalformedPolicyDocument("Syntax errors in policy.") from None


# moto refuses documents that AWS stores, `arn:*` as a resource for one.
BaseIAMPolicyValidator.validate = _is_json  # type: ignore[method-assign]
IAMPolicyDocumentValidator.validate = _is_json  # type: ignore[method-assign]
IAMTrustPolicyDocumentValidator.validate = _is_json  # type: ignore[method-assign]


class RootUser:
    """What no API sets: the state of an account's root user."""

    def __init__(self) -> None:
        self.mfa = False
        self.password = True
        self.access_key_created: datetime | None = None
        self.created = datetime(2019, 3, 14, 9, 26, 53)


root_users: dict[str, RootUser] = {}
service_specific_credentials: dict[str, list[dict[str, Any]]] = {}
organizations_features: dict[str, list[str]] = {}


def root_user(account: str) -> RootUser:
    return root_users.setdefault(account, RootUser())


class Iam(IamResponse):
    """moto's IAM with AWS's pages and fields."""

    def _paged(self, items: list[Any], size: int, name: str) -> tuple[list[Any], dict[str, Any]]:
        try:
            items, marker = page(
                items,
                self._get_param("Marker"),
                self._get_int_param("MaxItems"),
                size,
                f"{self.current_account}:{name}",
            )
        except WrongToken:
            raise Refused("ValidationError", "Invalid Marker.") from None
        return items, {"IsTruncated": True, "Marker": marker} if marker else {"IsTruncated": False}

    def get_account_authorization_details(self) -> ActionResult:
        wanted = self._get_param("Filter", [])
        backend = self.backend
        attached = _uses(backend)
        rows: list[tuple[str, str, Any]] = []
        rows += [("User", "UserDetailList", user) for user in backend.users.values()]
        rows += [("Group", "GroupDetailList", group) for group in backend.groups.values()]
        rows += [("Role", "RoleDetailList", role) for role in backend.roles.values()]
        for policy in backend.managed_policies.values():
            if not policy.arn.split(":")[4] == "aws":
                rows.append(("LocalManagedPolicy", "Policies", policy))
            elif attached.get(policy.arn, (0, 0))[0]:
                rows.append(("AWSManagedPolicy", "Policies", policy))
        rows = [row for row in rows if not wanted or row[0] in wanted]
        rows, more = self._paged(rows, DETAILS_PAGE, "details:" + ",".join(sorted(wanted)))
        lists: dict[str, Any] = {
            name: [] for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
        }
        writers = {"User": _user, "Group": _group, "Role": _role}
        for kind, name, item in rows:
            lists[name].append(writers[kind](item) if kind in writers else _policy(item, attached))
        return ActionResult(lists | more)

    def create_user(self) -> ActionResult:
        result = super().create_user()
        self.backend.users[self._get_param("UserName")].boundary = self._get_param("PermissionsBoundary")
        return result

    def put_user_permissions_boundary(self) -> ActionResult:
        self.backend.get_user(self._get_param("UserName")).boundary = self._get_param("PermissionsBoundary")
        return EmptyResult()

    def get_account_summary(self) -> ActionResult:
        root = root_user(self.current_account)
        summary = self.backend.get_account_summary().summary_map
        summary["AccountMFAEnabled"] = int(root.mfa)
        summary["AccountPasswordPresent"] = int(root.password)
        summary["AccountAccessKeysPresent"] = int(root.access_key_created is not None)
        return ActionResult({"SummaryMap": summary})

    def get_credential_report(self) -> ActionResult:
        self.backend.get_credential_report()
        lines = [REPORT_COLUMNS, _root_row(self.current_account)]
        lines += [_user_row(user) for user in self.backend.users.values()]
        return ActionResult({"Content": "\n".join(lines), "ReportFormat": "text/csv", "GeneratedTime": models.utcnow()})

    def list_virtual_mfa_devices(self) -> ActionResult:
        status = self._get_param("AssignmentStatus", "Any")
        devices = []
        for device in self.backend.virtual_mfa_devices.values():
            if status == "Any" or (status == "Assigned") == bool(device.user_attribute):
                devices.append(
                    {"SerialNumber": device.serial_number, "EnableDate": device.enable_date}
                    | ({"User": device.user_attribute} if device.user_attribute else {})
                )
        devices, more = self._paged(devices, LIST_PAGE, f"virtual:{status}")
        return ActionResult({"VirtualMFADevices": devices} | more)

    def list_mfa_devices(self) -> ActionResult:
        return self._list(super().list_mfa_devices(), "MFADevices", "UserName")

    def list_access_keys(self) -> ActionResult:
        return self._list(super().list_access_keys(), "AccessKeyMetadata", "UserName")

    def list_server_certificates(self) -> ActionResult:
        return self._list(super().list_server_certificates(), "ServerCertificateMetadataList", "PathPrefix")

    def _list(self, whole: ActionResult, field: str, of: str) -> ActionResult:
        result: Any = whole.result
        items, more = self._paged(list(result[field]), LIST_PAGE, f"{field}:{self._get_param(of)}")
        return ActionResult({field: items} | more)

    def list_service_specific_credentials(self) -> ActionResult:
        user = self._get_param("UserName")
        every = service_specific_credentials.get(self.current_account, [])
        if user:
            self.backend.get_user(user)
            every = [one for one in every if one["UserName"] == user]
        items, more = self._paged(every, LIST_PAGE, f"specific:{user}")
        return ActionResult({"ServiceSpecificCredentials": items} | more)

    def list_organizations_features(self) -> ActionResult:
        backend = organizations_backends[self.current_account][self.partition]
        if backend.org is None:
            raise Refused(
                "AccountNotManagementOrDelegatedAdministratorException",
                "The account is not the management account or a delegated administrator.",
            )
        features = organizations_features.get(self.current_account)
        if features is None:
            raise Refused("ServiceAccessNotEnabledException", "Trusted access for IAM is not enabled.")
        return ActionResult({"OrganizationId": backend.org.id, "EnabledFeatures": features})


def _encoded(document: str) -> str:
    return quote(document, safe="")


def _uses(backend: models.IAMBackend) -> dict[str, tuple[int, int]]:
    """ARN of a managed policy -> (attachments, uses as a boundary)."""
    uses: dict[str, tuple[int, int]] = {}
    for holder in [*backend.users.values(), *backend.groups.values(), *backend.roles.values()]:
        for arn in holder.managed_policies:
            count = uses.get(arn, (0, 0))
            uses[arn] = (count[0] + 1, count[1])
        boundary = _boundary_of(holder)
        if boundary:
            count = uses.get(boundary, (0, 0))
            uses[boundary] = (count[0], count[1] + 1)
    return uses


def _boundary_of(holder: Any) -> str | None:
    return getattr(holder, "boundary", None) or getattr(holder, "permissions_boundary_arn", None)


def _holder(item: Any, inline: str) -> dict[str, Any]:
    return {
        "Path": item.path,
        "Arn": item.arn,
        "CreateDate": item.create_date,
        inline: [{"PolicyName": name, "PolicyDocument": _encoded(text)} for name, text in item.policies.items()],
        "AttachedManagedPolicies": item.attached_managed_policies,
    }


def _with_boundary(detail: dict[str, Any], item: Any) -> dict[str, Any]:
    boundary = _boundary_of(item)
    if boundary:
        detail["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": boundary,
        }
    return detail


def _user(user: models.User) -> dict[str, Any]:
    detail = _holder(user, "UserPolicyList") | {
        "UserName": user.name,
        "UserId": "AIDA" + user.id[:17].upper(),
        "GroupList": user.group_list,
    }
    if user.tags:
        detail["Tags"] = user.tags
    return _with_boundary(detail, user)


def _group(group: models.Group) -> dict[str, Any]:
    return _holder(group, "GroupPolicyList") | {"GroupName": group.name, "GroupId": "AGPA" + group.id[:17].upper()}


def _role(role: models.Role) -> dict[str, Any]:
    detail = _holder(role, "RolePolicyList") | {
        "RoleName": role.name,
        "RoleId": role.id,
        "AssumeRolePolicyDocument": _encoded(role.assume_role_policy_document),
        "InstanceProfileList": [],
        "RoleLastUsed": {"LastUsedDate": role.last_used, "Region": "us-east-1"} if role.last_used else {},
        "Tags": role.tags,
    }
    return _with_boundary(detail, role)


def _policy(policy: Any, uses: dict[str, tuple[int, int]]) -> dict[str, Any]:
    attached, bounding = uses.get(policy.arn, (0, 0))
    return {
        "PolicyName": policy.name,
        "PolicyId": "ANPA" + policy.id[:17],
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": [
            {
                "Document": _encoded(version.document),
                "VersionId": version.version_id,
                "IsDefaultVersion": version.is_default,
                "CreateDate": version.create_date,
            }
            for version in policy.versions
        ],
    }


def _stamp(time: datetime | None, none: str) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00") if time else none


def _root_row(account: str) -> str:
    root = root_user(account)
    key = ["true", _stamp(root.access_key_created, "N/A"), "N/A", "N/A", "N/A"]
    no_key = ["false", "N/A", "N/A", "N/A", "N/A"]
    cells = [
        "<root_account>",
        f"arn:aws:iam::{account}:root",
        _stamp(root.created, "N/A"),
        "not_supported",
        "no_information",
        "not_supported",
        "not_supported",
        str(root.mfa).lower(),
    ]
    cells += key if root.access_key_created else no_key
    return ",".join(cells + no_key + ["false", "N/A", "false", "N/A"])


def _user_row(user: models.User) -> str:
    created = _stamp(user.create_date, "N/A")
    if user.password:
        changed = _stamp(getattr(user, "password_changed", None) or user.create_date, "N/A")
        password = ["true", _stamp(user.password_last_used, "no_information"), changed, "N/A"]
    else:
        password = ["false", "N/A", "N/A", "N/A"]
    cells = [user.name, user.arn, created, *password, str(bool(user.mfa_devices)).lower()]
    for nth in range(2):
        key = user.access_keys[nth] if nth < len(user.access_keys) else None
        if key is None:
            cells += ["false", "N/A", "N/A", "N/A", "N/A"]
            continue
        used = key.last_used
        cells += [str(key.status == "Active").lower(), _stamp(key.create_date, "N/A")]
        cells += [_stamp(used.timestamp, "N/A"), used.region, used.service] if used else ["N/A", "N/A", "N/A"]
    return ",".join(cells + ["false", "N/A", "false", "N/A"])
