"""Knows the policy documents of the seeded organization, each with the verdicts that are true of it.

The verdicts are written down by hand, next to the document: nothing here decides anything. In a row of a managed policy
stand the name, the statements, and what is true for `iam-managed-policy-kms-decrypt-all-keys`,
`iam-policy-kms-full-access` and `iam-policy-admin-star`; in a row of KEY_POLICIES the name, the statements beside the
account's own, and what is true for `kms-key-policy-public`.
"""

from __future__ import annotations

from typing import Any

PASS, FAIL, NOT_APPLICABLE = "PASS", "FAIL", "NOT_APPLICABLE"

# Replaced in every document by the account that holds it, the organization and a key of another account.
ACCOUNT = "{ACCOUNT}"
ORGANIZATION = "{ORGANIZATION}"
FOREIGN = "999988887777"
ONE_KEY = "arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource} | more


def harmless(count: int) -> list[dict[str, Any]]:
    """Statements as real policies have them, none of which touches a key."""
    return [
        {
            "Sid": f"Harmless{nth}",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"],
            "Resource": [f"arn:aws:s3:::bucket-{nth}/*", f"arn:aws:sqs:*:{ACCOUNT}:queue-{nth}"],
        }
        for nth in range(count)
    ]


VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
WITHOUT_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}

Row = tuple[str, Any, str, str, str]

# Actions: letter case, `*`, `?`, NotAction, the two actions that reveal plaintext.
ACTIONS: list[Row] = [
    ("bad-decrypt", [allow("kms:Decrypt")], FAIL, PASS, PASS),
    ("bad-decrypt-letter-case", [allow("KMS:decrypt")], FAIL, PASS, PASS),
    ("bad-decrypt-star", [allow("kms:D*")], FAIL, PASS, PASS),
    ("bad-decrypt-question-mark", [allow("kms:De?rypt")], FAIL, PASS, PASS),
    ("bad-decrypt-in-a-list", [allow(["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"])], FAIL, PASS, PASS),
    ("bad-reencrypt-from", [allow("kms:ReEncryptFrom")], FAIL, PASS, PASS),
    ("bad-reencrypt-star", [allow("kms:ReEncrypt*")], FAIL, PASS, PASS),
    ("good-reencrypt-to", [allow("kms:ReEncryptTo")], PASS, PASS, PASS),
    ("good-encrypt", [allow(["kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"])], PASS, PASS, PASS),
    # `?` is exactly one character: this is a name of seven letters and one more.
    ("good-question-mark-too-many", [allow("kms:Decryp?t")], PASS, PASS, PASS),
    ("good-decrypt-of-another-service", [allow("payment-cryptography:Decrypt*")], PASS, PASS, PASS),
    ("bad-not-action-iam", [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], FAIL, FAIL, PASS),
    # Decrypt is left out, ReEncryptFrom is not.
    ("bad-not-action-decrypt", [{"Effect": "Allow", "NotAction": "kms:Decrypt", "Resource": "*"}], FAIL, PASS, PASS),
    (
        "bad-not-action-one-kms-action",
        [{"Effect": "Allow", "NotAction": ["kms:ScheduleKeyDeletion"], "Resource": "*"}],
        FAIL,
        PASS,
        PASS,
    ),
    (
        "good-not-action-kms",
        [{"Effect": "Allow", "NotAction": ["KMS:*"], "Resource": "arn:aws:kms:*:*:key/*"}],
        PASS,
        PASS,
        PASS,
    ),
    ("bad-everything", [allow("*")], FAIL, FAIL, FAIL),
    ("bad-everything-in-lists", [allow(["s3:GetObject", "*"], ["arn:aws:s3:::logs/*", "*"])], FAIL, FAIL, FAIL),
    ("bad-everything-with-colon", [allow("*:*")], FAIL, FAIL, FAIL),
    ("bad-everything-on-keys", [allow("*", "arn:aws:kms:*:*:*")], FAIL, FAIL, PASS),
    ("good-everything-on-buckets", [allow("*", "arn:aws:s3:::*")], PASS, PASS, PASS),
    ("bad-kms-star", [allow("kms:*")], FAIL, FAIL, PASS),
    ("bad-kms-star-letter-case", [allow("Kms:*")], FAIL, FAIL, PASS),
    ("good-kms-star-on-one-key", [allow("kms:*", ONE_KEY)], PASS, PASS, PASS),
    ("good-kms-star-in-one-region", [allow("kms:*", "arn:aws:kms:eu-central-1:*:key/*")], PASS, PASS, PASS),
]

# Resources: what covers every key, and what only looks as if it did.
RESOURCES: list[Row] = [
    ("bad-all-keys-by-arn", [allow("kms:Decrypt", "arn:aws:kms:*:*:key/*")], FAIL, PASS, PASS),
    ("bad-all-keys-by-short-arn", [allow("kms:Decrypt", "arn:aws:kms:*")], FAIL, PASS, PASS),
    ("bad-all-arns", [allow("kms:Decrypt", "arn:*")], FAIL, PASS, PASS),
    ("bad-all-keys-question-mark", [allow("kms:Decrypt", "arn:aws:kms:*:*:key/?*")], FAIL, PASS, PASS),
    ("bad-all-keys-in-a-list", [allow("kms:Decrypt", [ONE_KEY, "arn:aws:kms:*:*:key/*"])], FAIL, PASS, PASS),
    ("good-one-region", [allow("kms:Decrypt", "arn:aws:kms:us-east-1:*:key/*")], PASS, PASS, PASS),
    ("good-own-account", [allow("kms:Decrypt", f"arn:aws:kms:*:{ACCOUNT}:key/*")], PASS, PASS, PASS),
    ("good-one-key", [allow("kms:Decrypt", ONE_KEY)], PASS, PASS, PASS),
    # An alias ARN grants nothing on the key behind it.
    ("good-alias-arns", [allow("kms:Decrypt", "arn:aws:kms:*:*:alias/*")], PASS, PASS, PASS),
    ("good-another-partition", [allow("kms:Decrypt", "arn:aws-cn:kms:*:*:key/*")], PASS, PASS, PASS),
    ("good-another-service", [allow("kms:Decrypt", "arn:aws:s3:*:*:key/*")], PASS, PASS, PASS),
    ("good-variable", [allow("kms:Decrypt", "arn:aws:kms:*:${aws:PrincipalAccount}:key/*")], PASS, PASS, PASS),
    (
        "bad-not-resource-buckets",
        [{"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": "arn:aws:s3:::*"}],
        FAIL,
        PASS,
        PASS,
    ),
    (
        "bad-not-resource-one-key",
        [{"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": ONE_KEY}],
        FAIL,
        PASS,
        PASS,
    ),
    (
        "good-not-resource-keys",
        [{"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": "arn:aws:kms:*:*:key/*"}],
        PASS,
        PASS,
        PASS,
    ),
]

# Documents: Deny beside Allow, conditions, the one bad statement among many.
DOCUMENTS: list[Row] = [
    ("good-deny-beside", [allow("kms:Decrypt"), deny("kms:Decrypt")], PASS, PASS, PASS),
    ("mixed-everything-but-kms", [allow("*"), deny("kms:*")], PASS, PASS, FAIL),
    (
        "bad-deny-under-a-condition",
        [allow("kms:Decrypt"), deny("kms:Decrypt", Condition=WITHOUT_MFA)],
        FAIL,
        PASS,
        PASS,
    ),
    ("bad-deny-one-key", [allow("kms:Decrypt"), deny("kms:Decrypt", ONE_KEY)], FAIL, PASS, PASS),
    ("bad-deny-another-action", [allow("kms:Decrypt"), deny("kms:Encrypt")], FAIL, PASS, PASS),
    ("bad-deny-only-decrypt", [allow(["kms:Decrypt", "kms:ReEncryptFrom"]), deny("kms:Decrypt")], FAIL, PASS, PASS),
    ("good-only-deny", [deny("kms:Decrypt")], PASS, PASS, PASS),
    ("bad-under-a-condition", [allow("kms:Decrypt", Condition=VIA_S3)], FAIL, PASS, PASS),
    ("bad-full-under-a-condition", [allow("kms:*", Condition=WITH_MFA)], FAIL, FAIL, PASS),
    ("bad-one-of-twenty", [*harmless(10), allow("kms:Decrypt"), *harmless(9)], FAIL, PASS, PASS),
    ("good-twenty", harmless(20), PASS, PASS, PASS),
    ("bad-lone-statement", allow("kms:Decrypt"), FAIL, PASS, PASS),
    ("good-lone-statement", allow("kms:Encrypt"), PASS, PASS, PASS),
]

OWN = {
    "Sid": "Own",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def anyone(action: Any = "kms:Decrypt", principal: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"} | more


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


KEY_POLICIES: list[tuple[str, list[dict[str, Any]], str]] = [
    ("bad-public", [anyone()], FAIL),
    ("bad-public-aws-star", [anyone(principal={"AWS": "*"})], FAIL),
    ("bad-public-in-a-list", [anyone(principal={"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "*"]})], FAIL),
    ("bad-public-one-harmless-action", [anyone("kms:DescribeKey")], FAIL),
    (
        "bad-public-not-principal",
        [
            {
                "Effect": "Allow",
                "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:Decrypt",
                "Resource": "*",
            }
        ],
        FAIL,
    ),
    # Whose S3? Anyone's.
    ("bad-public-via-service", [anyone(**when("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"))], FAIL),
    (
        "bad-public-role-name-anywhere",
        [anyone(**when("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:role/deploy"))],
        FAIL,
    ),
    ("bad-public-any-account", [anyone(**when("StringLike", "kms:CallerAccount", "*"))], FAIL),
    ("bad-public-all-but-us", [anyone(**when("StringNotEquals", "kms:CallerAccount", ACCOUNT))], FAIL),
    (
        "bad-public-among-others",
        [
            anyone(**when("StringEquals", "kms:CallerAccount", ACCOUNT)),
            anyone("kms:Encrypt"),
            anyone("kms:GenerateDataKey*", **when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)),
        ],
        FAIL,
    ),
    ("good-narrowed-to-account", [anyone(**when("StringEquals", "kms:CallerAccount", ACCOUNT))], PASS),
    ("good-narrowed-letter-case", [anyone(**when("StringEquals", "KMS:calleraccount", ACCOUNT))], PASS),
    ("good-narrowed-to-organization", [anyone(**when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION))], PASS),
    (
        "good-narrowed-to-service-and-account",
        [
            anyone(
                Condition={
                    "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT}
                }
            )
        ],
        PASS,
    ),
    ("good-narrowed-to-a-foreign-account", [anyone(**when("StringEquals", "aws:PrincipalAccount", FOREIGN))], PASS),
    ("good-a-foreign-account", [anyone(principal={"AWS": f"arn:aws:iam::{FOREIGN}:root"})], PASS),
    ("good-a-service", [anyone(principal={"Service": "logs.us-east-1.amazonaws.com"})], PASS),
    (
        "good-public-deny",
        [{"Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}],
        PASS,
    ),
]

AUDIT_ROLE_POLICY = [
    allow(
        [
            "iam:GenerateCredentialReport",
            "iam:GetAccountAuthorizationDetails",
            "iam:GetAccountPasswordPolicy",
            "iam:GetAccountSummary",
            "iam:GetCredentialReport",
            "iam:GetAccessKeyLastUsed",
            "iam:GetLoginProfile",
            "iam:Get*",
            "iam:List*",
        ]
    ),
    allow(["kms:DescribeCustomKeyStores", "kms:DescribeKey", "kms:Get*", "kms:List*"]),
    allow(["account:ListRegions", "account:GetAlternateContact", "organizations:Describe*", "organizations:List*"]),
]
