"""The AWS managed policies that moto ships, one JSON object a line: `{"id": NAME, "policy": DOCUMENT}`, sorted by name."""

import json

from moto.iam.aws_managed_policies import aws_managed_policies_data


def main() -> None:
    data = aws_managed_policies_data
    policies = json.loads(data) if isinstance(data, str) else data
    for name, policy in sorted(policies.items()):
        print(json.dumps({"id": name, "policy": policy["Document"]}))


if __name__ == "__main__":
    main()
