"""Knows how KMS answers where moto does not: pages, key states, replicas, grants, rotation, custom key stores."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from moto.core.utils import unix_time, utcnow
from moto.kms import models
from moto.kms.responses import KmsResponse
from moto.moto_api._internal import mock_random

from faults import Refused
from paging import WrongToken, page

LIST_PAGE = 3
# Predefined aliases that no key stands behind yet: AWS lists them without a TargetKeyId.
EMPTY_ALIASES = ["alias/aws/ebs", "alias/aws/ssm"]

custom_key_stores: dict[tuple[str, str], list[dict[str, Any]]] = {}


def _key_id(multi_region: bool = False) -> str:
    plain = str(mock_random.uuid4())
    return "mrk-" + plain.replace("-", "") if multi_region else plain


# moto's own ids of multi-Region keys keep their dashes, and it makes an RSA key for every KMS key, used or not.
models.generate_key_id = _key_id
models.generate_private_key = lambda _spec: None


def _now() -> float:
    return unix_time(utcnow())


def _extra(key: models.Key) -> dict[str, Any]:
    """Fields of KeyMetadata that moto's keys do not have; the seeding may set any of them."""
    return key.__dict__.setdefault("extra", {})


class Kms(KmsResponse):
    """moto's KMS with AWS's pages, states and fields."""

    def _validate_cmk_id(self, key_id: str) -> None:
        if self.kms_backend.get_key_id(key_id) not in self.kms_backend.keys:
            raise Refused("NotFoundException", f"Key '{self._display_arn(key_id)}' does not exist")

    def _key(self) -> models.Key:
        key_id = self._get_param("KeyId")
        self._validate_key_id(key_id)
        return self.kms_backend.keys[self.kms_backend.any_id_to_key_id(key_id)]

    def _pages(self, field: str, items: list[Any], of: str = "") -> str:
        name = f"{self.current_account}:{self.region}:{field}:{of}"
        try:
            items, marker = page(items, self._get_param("Marker"), self._get_param("Limit"), LIST_PAGE, name)
        except WrongToken:
            raise Refused("InvalidMarkerException", "The marker is invalid.") from None
        answer: dict[str, Any] = {field: items, "Truncated": marker is not None}
        if marker:
            answer["NextMarker"] = marker
        return json.dumps(answer)

    # Keys

    def create_key(self) -> str:
        description = json.loads(super().create_key())["KeyMetadata"]
        key = self.kms_backend.keys[description["KeyId"]]
        if key.origin == "EXTERNAL":
            key.key_state, key.enabled = "PendingImport", False
        store = self._get_param("CustomKeyStoreId")
        if store:
            _extra(key)["CustomKeyStoreId"] = store
        return json.dumps({"KeyMetadata": self._metadata(key)})

    def import_key_material(self) -> str:
        key = self._key()
        key.key_state, key.enabled = "Enabled", True
        model = self._get_param("ExpirationModel", "KEY_MATERIAL_EXPIRES")
        _extra(key)["ExpirationModel"] = model
        if model == "KEY_MATERIAL_EXPIRES":
            _extra(key)["ValidTo"] = self._get_param("ValidTo")
        return "{}"

    def get_parameters_for_import(self) -> str:
        return json.dumps(
            {"KeyId": self._key().arn, "ImportToken": "AAAA", "PublicKey": "AAAA", "ParametersValidTo": _now() + 86400}
        )

    def describe_key(self) -> str:
        return json.dumps({"KeyMetadata": self._metadata(self._key())})

    def _metadata(self, key: models.Key) -> dict[str, Any]:
        metadata = key.to_dict()["KeyMetadata"]
        metadata = {name: value for name, value in metadata.items() if value is not None}
        for spec, algorithms in (("HMAC", "MacAlgorithms"),):
            if key.key_spec.startswith(spec):
                metadata[algorithms] = [key.key_spec.replace("HMAC", "HMAC_SHA")]
                metadata.pop("EncryptionAlgorithms", None)
                metadata.pop("SigningAlgorithms", None)
        if key.multi_region:
            metadata["MultiRegionConfiguration"] = _multi_region(key)
        return metadata | _extra(key)

    def list_keys(self) -> str:
        return self._pages("Keys", [{"KeyId": key.id, "KeyArn": key.arn} for key in self.kms_backend.keys.values()])

    def replicate_key(self) -> str:
        primary = self._key()
        region = self._get_param("ReplicaRegion")
        replica = self.kms_backend.replicate_key(primary.id, region)
        # moto's copy shares every container with the primary.
        replica.primary_region = primary.region
        replica.grants, replica.aliases, replica.rotations = {}, {}, []
        replica.extra = {}
        replica.creation_date = _now()
        policy = self._get_param("Policy")
        replica.policy = policy or replica.generate_default_policy()
        primary.__dict__.setdefault("replica_regions", []).append(region)
        replica.replica_regions = primary.replica_regions
        return json.dumps({"ReplicaKeyMetadata": self._metadata(replica), "ReplicaPolicy": replica.policy})

    def schedule_key_deletion(self) -> str:
        key = self._key()
        days = self._get_param("PendingWindowInDays", 30)
        key.enabled = False
        if key.multi_region and not hasattr(key, "primary_region") and getattr(key, "replica_regions", []):
            key.key_state = "PendingReplicaDeletion"
            _extra(key)["PendingDeletionWindowInDays"] = days
            return json.dumps({"KeyId": key.arn, "KeyState": key.key_state, "PendingWindowInDays": days})
        key.key_state = "PendingDeletion"
        key.deletion_date = utcnow() + timedelta(days=days)
        return json.dumps(
            {
                "KeyId": key.arn,
                "KeyState": key.key_state,
                "PendingWindowInDays": days,
                "DeletionDate": unix_time(key.deletion_date),
            }
        )

    # Rotation

    def _rotating(self) -> models.Key:
        """The key, where its rotation can be asked for at all."""
        key = self._key()
        if key.key_spec != "SYMMETRIC_DEFAULT":
            raise Refused("UnsupportedOperationException", f"{key.arn} is not a symmetric encryption key.")
        if key.origin != "AWS_KMS":
            raise Refused(
                "UnsupportedOperationException",
                f"{key.arn} origin is {key.origin} which is not valid for this operation.",
            )
        if key.key_state in ("PendingDeletion", "PendingReplicaDeletion"):
            raise Refused("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return key

    def enable_key_rotation(self) -> str:
        key = self._rotating()
        key.key_rotation_status = True
        key.rotation_period = self._get_param("RotationPeriodInDays", 365)
        return "{}"

    def get_key_rotation_status(self) -> str:
        key = self._rotating()
        source = self._primary(key)
        answer: dict[str, Any] = {"KeyId": key.arn, "KeyRotationEnabled": source.key_rotation_status}
        if source.key_rotation_status and key.key_state == "Enabled":
            answer["RotationPeriodInDays"] = getattr(source, "rotation_period", 365)
            answer["NextRotationDate"] = source.creation_date + 86400 * answer["RotationPeriodInDays"]
        return json.dumps(answer)

    def _primary(self, key: models.Key) -> models.Key:
        region = getattr(key, "primary_region", None)
        return models.kms_backends[self.current_account][region].keys[key.id] if region else key

    def list_key_rotations(self) -> str:
        key = self._rotating()
        rotations = [dict(one, KeyId=key.arn) for one in self._primary(key).rotations]
        return self._pages("Rotations", rotations, key.id)

    def get_key_last_usage(self) -> str:
        key = self._key()
        answer: dict[str, Any] = {
            "KeyId": key.arn,
            "KeyCreationDate": key.creation_date,
            "TrackingStartDate": key.creation_date,
        }
        if hasattr(key, "last_usage"):
            answer["KeyLastUsage"] = key.last_usage
        return json.dumps(answer)

    # Policies, grants, aliases, tags

    def list_key_policies(self) -> str:
        key = self._key()
        return self._pages("PolicyNames", ["default", *_named_policies(key)], key.id)

    def get_key_policy(self) -> str:
        key = self._key()
        name = self._get_param("PolicyName", "default")
        policies = {"default": key.policy} | _named_policies(key)
        if name not in policies:
            raise Refused("NotFoundException", f"No such policy {name} exists")
        return json.dumps({"Policy": policies[name], "PolicyName": name})

    def create_grant(self) -> str:
        answer = json.loads(super().create_grant())
        grant = self._key().grants[answer["GrantId"]]
        grant.created = _now()
        grant.services = {
            name: self._get_param(name)
            for name in ("GranteeServicePrincipal", "RetiringServicePrincipal")
            if self._get_param(name)
        }
        return json.dumps(answer)

    def list_grants(self) -> str:
        key = self._key()
        grants = [grant for grant in key.grants.values() if self._get_param("GrantId", grant.id) == grant.id]
        return self._pages("Grants", [self._grant(key, grant) for grant in grants], key.id)

    def _grant(self, key: models.Key, grant: models.Grant) -> dict[str, Any]:
        shown = {name: value for name, value in grant.to_json().items() if value is not None}
        shown["KeyId"] = key.arn
        shown["CreationDate"] = getattr(grant, "created", key.creation_date)
        shown["IssuingAccount"] = f"arn:aws:iam::{key.account_id}:root"
        return shown | getattr(grant, "services", {})

    def list_aliases(self) -> str:
        wanted = self._get_param("KeyId")
        wanted = self.kms_backend.any_id_to_key_id(wanted) if wanted else None
        aliases = []
        for key in self.kms_backend.keys.values():
            if wanted is None or wanted == key.id:
                aliases += [
                    {
                        "AliasName": alias.alias_name,
                        "AliasArn": alias.alias_arn,
                        "TargetKeyId": key.id,
                        "CreationDate": key.creation_date,
                        "LastUpdatedDate": key.creation_date,
                    }
                    for alias in key.aliases.values()
                ]
        taken = {alias["AliasName"] for alias in aliases}
        if wanted is None:
            prefix = f"arn:aws:kms:{self.region}:{self.current_account}:"
            aliases += [{"AliasName": name, "AliasArn": prefix + name} for name in EMPTY_ALIASES if name not in taken]
        aliases.sort(key=lambda alias: alias["AliasName"])
        return self._pages("Aliases", aliases, wanted or "")

    def list_resource_tags(self) -> str:
        key = self._key()
        tags = self.kms_backend.tagger.list_tags_for_resource(key.id)["Tags"]
        return self._pages("Tags", tags, key.id)

    def describe_custom_key_stores(self) -> str:
        return self._pages("CustomKeyStores", custom_key_stores.get((self.current_account, self.region), []))


def _named_policies(key: models.Key) -> dict[str, str]:
    """Policies beside `default`: KMS keeps one when a key is shared through Resource Access Manager."""
    return getattr(key, "named_policies", {})


def _multi_region(key: models.Key) -> dict[str, Any]:
    primary = getattr(key, "primary_region", key.region)

    def arn(region: str) -> str:
        return f"arn:aws:kms:{region}:{key.account_id}:key/{key.id}"

    return {
        "MultiRegionKeyType": "REPLICA" if hasattr(key, "primary_region") else "PRIMARY",
        "PrimaryKey": {"Arn": arn(primary), "Region": primary},
        "ReplicaKeys": [{"Arn": arn(region), "Region": region} for region in getattr(key, "replica_regions", [])],
    }
