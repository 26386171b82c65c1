"""Knows how Organizations, STS and account management answer where moto does not: pages, trust, Regions, denials."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto.account.exceptions import UnspecifiedContactType
from moto.account.responses import AccountResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.organizations import models, utils
from moto.organizations.responses import OrganizationsResponse
from moto.sts.responses import TokenResponse

from faults import Refused
from paging import WrongToken, page

LIST_PAGE = 2
ENABLED_REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2"]
DISABLED_REGIONS = ["af-south-1", "me-south-1"]
# Documentation accounts, in the order in which they are created. The first id goes to a placeholder that moto makes for
# the management account before it knows its id.
MEMBER_IDS = iter(
    [
        "000000000000",
        "222233334444",
        "444455556666",
        "123456789012",
        "555566667777",
        "777788889999",
        "012345678901",
        "888899990000",
    ]
)

resource_policies: dict[str, str] = {}
_make_random_account_id = utils.make_random_account_id
utils.make_random_account_id = lambda: next(MEMBER_IDS, None) or _make_random_account_id()


@dataclass
class Session:
    """Who holds an access key. `scope` goes down from the caller's key to every session that comes from it."""

    account: str
    scope: str
    arn: str
    user_id: str
    role: Any = None
    expired: bool = False


sessions: dict[str, Session] = {}


def session_of(access_key: str) -> Session | None:
    """The holder of an access key. `AKIA`, an account id and four characters are a user of that account who may do
    everything; the four characters are the scope of a test."""
    if access_key.startswith("AKIA") and access_key[4:16].isdigit() and len(access_key) == 20:
        account, scope = access_key[4:16], access_key[16:]
        return Session(account, scope, f"arn:aws:iam::{account}:user/audit-runner", "AIDAEXAMPLEAUDITRUNNER")
    return sessions.get(access_key)


# Which list each operation of Organizations returns.
LISTS = {
    "list_accounts": "Accounts",
    "list_accounts_for_parent": "Accounts",
    "list_aws_service_access_for_organization": "EnabledServicePrincipals",
    "list_children": "Children",
    "list_delegated_administrators": "DelegatedAdministrators",
    "list_delegated_services_for_account": "DelegatedServices",
    "list_organizational_units_for_parent": "OrganizationalUnits",
    "list_parents": "Parents",
    "list_policies": "Policies",
    "list_policies_for_target": "Policies",
    "list_roots": "Roots",
    "list_tags_for_resource": "Tags",
    "list_targets_for_policy": "Targets",
}
# AWS may give an empty page before a full one; these do, always.
EMPTY_FIRST = {"list_accounts", "list_targets_for_policy"}


class Organizations(OrganizationsResponse):
    """moto's Organizations with pages, and closed to member accounts that administer nothing."""

    def call_action(self) -> Any:
        if self._get_action() != "DescribeOrganization" and not self._may_look():
            raise Refused("AccessDeniedException", "You don't have permissions to access this resource.")
        return super().call_action()

    def _may_look(self) -> bool:
        master = models.organizations_backends.master_accounts.get(self.current_account)
        if master is None:
            return True
        admins = models.organizations_backends[master[0]][master[1]].admins
        return any(admin.account.id == self.current_account for admin in admins)

    @property
    def organizations_backend(self) -> Any:
        """The backend of the organization, for a delegated administrator that of the management account."""
        master = models.organizations_backends.master_accounts.get(self.current_account)
        account, partition = master or (self.current_account, self.partition)
        return models.organizations_backends[account][partition]

    def describe_resource_policy(self) -> str:
        content = resource_policies.get(self.organizations_backend.account_id)
        if content is None:
            raise Refused("ResourcePolicyNotFoundException", "We can't find a resource policy request.")
        org = self.organizations_backend.org
        summary = {
            "Id": "rp-abcd1234",
            "Arn": f"arn:aws:organizations::{org.master_account_id}:resourcepolicy/{org.id}/rp-abcd1234",
        }
        return json.dumps({"ResourcePolicy": {"ResourcePolicySummary": summary, "Content": content}})

    def list_delegated_services_for_account(self) -> str:
        wanted = self._get_param("AccountId")
        if not any(admin.account.id == wanted for admin in self.organizations_backend.admins):
            raise Refused(
                "AccountNotRegisteredException",
                "The provided account is not a registered delegated administrator for your organization.",
            )
        return super().list_delegated_services_for_account()


def _paged(name: str, field: str) -> Any:
    whole = getattr(Organizations, name)

    def method(self: Organizations) -> str:
        asked = self.request_params
        token, limit = asked.pop("NextToken", None), asked.pop("MaxResults", None)
        self.body = json.dumps(asked)
        answer = json.loads(whole(self))
        items = answer[field]
        if name in EMPTY_FIRST and items:
            # The first token leads from the empty page to the beginning.
            items = [None] * LIST_PAGE + items
        list_name = f"{self.current_account}:{name}:{json.dumps(asked, sort_keys=True)}"
        try:
            items, following = page(items, token, limit, LIST_PAGE, list_name)
        except WrongToken:
            raise Refused("InvalidInputException", "You provided an invalid NextToken.") from None
        answer[field] = [item for item in items if item is not None]
        answer.pop("NextToken", None)
        return json.dumps(answer | ({"NextToken": following} if following else {}))

    method.__name__ = name
    return method


for _name, _field in LISTS.items():
    setattr(Organizations, _name, _paged(_name, _field))


class Sts(TokenResponse):
    """STS that looks whether the role exists and whom it trusts."""

    def get_caller_identity(self) -> ActionResult:
        session = session_of(self.get_access_key())
        assert session is not None
        return ActionResult({"UserId": session.user_id, "Account": session.account, "Arn": session.arn})

    def assume_role(self) -> ActionResult:
        caller = session_of(self.get_access_key())
        assert caller is not None
        arn = self._get_param("RoleArn")
        name = self._get_param("RoleSessionName")
        account = arn.split(":")[4]
        role = next((role for role in iam_backends[account]["aws"].roles.values() if role.arn == arn), None)
        if role is None or not trusts(role.assume_role_policy_document, caller, self._get_param("ExternalId")):
            raise Refused(
                "AccessDenied",
                f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                403,
            )
        access_key = "ASIA" + secrets.token_hex(8).upper()
        session = Session(
            account, caller.scope, f"arn:aws:sts::{account}:assumed-role/{role.name}/{name}", f"{role.id}:{name}", role
        )
        sessions[access_key] = session
        seconds = self._get_int_param("DurationSeconds", 3600)
        return ActionResult(
            {
                "Credentials": {
                    "AccessKeyId": access_key,
                    "SecretAccessKey": secrets.token_hex(20),
                    "SessionToken": secrets.token_hex(30),
                    "Expiration": utcnow() + timedelta(seconds=seconds),
                },
                "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
                "PackedPolicySize": 6,
            }
        )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def trusts(document: str, caller: Session, external_id: str | None) -> bool:
    """Whether a trust policy lets this caller in: AWS principals, and `sts:ExternalId` as the one condition."""
    for statement in _as_list(json.loads(document)["Statement"]):
        principals = _as_list(statement.get("Principal", {}).get("AWS", []))
        known = {caller.arn, caller.account, f"arn:aws:iam::{caller.account}:root", "*"}
        asked = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
        if (
            statement["Effect"] == "Allow"
            and "sts:AssumeRole" in _as_list(statement["Action"])
            and known.intersection(principals)
            and (asked is None or external_id in _as_list(asked))
        ):
            return True
    return False


class Account(AccountResponse):
    """moto's account management with the list of Regions."""

    def get_alternate_contact(self) -> ActionResult:
        try:
            return super().get_alternate_contact()
        except UnspecifiedContactType:
            raise Refused(
                "ResourceNotFoundException", "No contact of the inputted alternate contact type found.", 404
            ) from None

    def list_regions(self) -> ActionResult:
        wanted = self._get_param("RegionOptStatusContains") or []
        every = [(name, "ENABLED_BY_DEFAULT") for name in ENABLED_REGIONS] + [
            (name, "DISABLED") for name in DISABLED_REGIONS
        ]
        regions = [
            {"RegionName": name, "RegionOptStatus": status} for name, status in every if not wanted or status in wanted
        ]
        try:
            items, token = page(
                regions,
                self._get_param("NextToken"),
                self._get_param("MaxResults"),
                LIST_PAGE,
                f"{self.current_account}:regions:{wanted}",
            )
        except WrongToken:
            raise Refused("ValidationException", "The token is not valid.") from None
        return ActionResult({"Regions": items} | ({"NextToken": token} if token else {}))
