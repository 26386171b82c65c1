"""Starts ministack, an emulator of AWS that shares no code with the other one, on a free port, and seeds it.

    python ministack_server.py [--keys N] [--stay]

Prints one line of JSON when all is ready: the endpoint, the Region, the role and how many keys each account has. Ends
when its standard input is closed unless `--stay` is given. In ministack a twelve-digit access key id is the account.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
import threading
from typing import Any

import boto3
from botocore.config import Config as ClientConfig

MANAGEMENT = "000000000000"
REGION = "us-east-1"
AUDIT_ROLE = "OrgAuditRole"
ALLOW_DECRYPT = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}


def client(service: str, endpoint: str, account: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=account,
        aws_secret_access_key="seed",
        config=ClientConfig(retries={"max_attempts": 2}),
    )


def seed(endpoint: str, keys: int) -> dict[str, Any]:
    """One member account; in each account an audit role, a user, two policies and keys, the member's `keys`."""
    organizations = client("organizations", endpoint, MANAGEMENT)
    made = organizations.create_account(AccountName="Member", Email="member@example.com")["CreateAccountStatus"]
    member = made["AccountId"]
    for account, count in ((MANAGEMENT, 2), (member, keys)):
        iam, kms = client("iam", endpoint, account), client("kms", endpoint, account)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}, "Action": "sts:AssumeRole"}
            ],
        }
        iam.create_role(RoleName=AUDIT_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        iam.create_user(UserName="good-user")
        for name, statement in (
            ("bad-decrypt", ALLOW_DECRYPT),
            ("good-encrypt", ALLOW_DECRYPT | {"Action": "kms:Encrypt"}),
        ):
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.create_policy(PolicyName=name, PolicyDocument=document)
        for _ in range(count):
            kms.create_key()
    return {"endpoint": endpoint, "region": REGION, "audit_role": AUDIT_ROLE, "keys": {MANAGEMENT: 2, member: keys}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=3, help="how many keys the member account has")
    parser.add_argument("--stay", action="store_true", help="do not end when standard input is closed")
    asked = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    port = listener.getsockname()[1]
    # ministack reads its settings when it is imported; its files stay in a folder that goes away with the process.
    folder = tempfile.TemporaryDirectory(prefix="ministack-")
    os.environ |= {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        "TMPDIR": folder.name,
        "S3_DATA_DIR": folder.name,
        "SERVICES": "iam,sts,kms,organizations,account",
        "SFTP_ENABLED": "0",
    }
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "ERROR"
    threading.Thread(
        target=lambda: asyncio.run(serve(app, config, shutdown_trigger=asyncio.Event().wait)), daemon=True
    ).start()
    print(json.dumps(seed(f"http://127.0.0.1:{port}", asked.keys)), flush=True)
    try:
        if asked.stay:
            threading.Event().wait()
        else:
            sys.stdin.buffer.read()
    except KeyboardInterrupt:
        pass
    folder.cleanup()
    os._exit(0)


if __name__ == "__main__":
    main()
