"""Asks Z3 the questions that `keyproof policy coverage` and `keyproof policy compare` answer, over random policies.

    python tests/z3/differential.py target/release/keyproof [--policies 200] [--seed 1] [--timeout 2000]

Every policy comes from a seed that is printed, so that any disagreement can be asked again with `--policies 1 --seed N`. A
query that Z3 does not decide in time is counted and printed, never taken as agreement. Exit 1 on a disagreement, or when Z3
decided less than half.

The encoding is the naive one, and shares nothing with the engine: a resource is one string in one regular language, a
pattern is a regular expression over the whole of it, a condition key is a value and whether it is present.
"""

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import time
from pathlib import Path

import z3

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"]

# --- random policies -------------------------------------------------------------------------------------------------

ACTIONS = ["kms:*", "*", "kms:Decrypt", "kms:De*", "kms:*crypt*", "kms:ReEncrypt*", "kms:?ncrypt", "s3:*"]
FIELDS = (
    ["*", "*", "us-east-1", "eu-west-1", "us-*", "*-1", "??-east-?", "eu*"],
    ["*", "*", "111122223333", "444455556666", "1*", "????22223333", "*3*"],
    ["*", "*", *KEYS, "mrk-*", "*a", "????????-*", "1*b"],
)
WHOLE = ["*", "arn:aws:kms:*", "arn:aws:kms:*:key/*", "arn:aws:s3:::*", "arn:aws:kms:*:*:alias/*", "arn:*1*", "*key/1*"]


def conditions(pick):
    """One condition block, or none."""
    via = ["a", "ab", "abc", "b"]
    globs = ["a*", "*b", "?", "a?*", "*"]
    ages = ["10", "50", "100", "50.5"]
    ranges = ["10.0.0.0/8", "10.128.0.0/9", "10.0.0.0/9", "192.0.2.7"]
    operations = ["Decrypt", "Encrypt", "CreateGrant"]

    def some(values):
        return pick.sample(values, pick.randint(1, 2))

    suffix = pick.choice(["", "", "IfExists"])
    test = pick.choice(
        [
            lambda: ("StringEquals" + suffix, "kms:ViaService", some(via)),
            lambda: ("StringNotEquals" + suffix, "kms:ViaService", some(via)),
            lambda: ("StringLike" + suffix, "kms:ViaService", some(globs)),
            lambda: ("StringNotLike" + suffix, "kms:ViaService", some(globs)),
            lambda: ("StringEquals" + suffix, "aws:PrincipalTag/t", some(via)),
            lambda: ("Null", "kms:ViaService", [pick.choice(["true", "false"])]),
            lambda: ("Bool" + suffix, "aws:MultiFactorAuthPresent", [pick.choice(["true", "false"])]),
            lambda: (pick.choice(list(ORDERS)) + suffix, "aws:MultiFactorAuthAge", some(ages)),
            lambda: ("IpAddress" + suffix, "aws:SourceIp", some(ranges)),
            lambda: ("ForAnyValue:StringEquals", "kms:GrantOperations", some(operations)),
            lambda: ("ForAllValues:StringEquals", "kms:GrantOperations", some(operations)),
            lambda: ("ForAllValues:StringLike", "kms:GrantOperations", some(["D*", "*Grant", "*crypt"])),
            lambda: ("ForAnyValue:StringNotEquals", "kms:GrantOperations", some(operations)),
        ]
    )
    block = {}
    for _ in range(pick.choice([0, 0, 1, 1, 2])):
        operator, key, values = test()
        block.setdefault(operator, {})[key] = values
    return block


def statement(pick, with_conditions):
    def resource():
        if pick.random() < 0.3:
            return pick.choice(WHOLE)
        region, account, key = (pick.choice(field) for field in FIELDS)
        return f"arn:aws:kms:{region}:{account}:key/{key}"

    made = {
        "Effect": pick.choice(["Allow", "Allow", "Deny"]),
        pick.choice(["Action"] * 5 + ["NotAction"]): pick.sample(ACTIONS, pick.randint(1, 2)),
        pick.choice(["Resource"] * 5 + ["NotResource"]): [resource() for _ in range(pick.randint(1, 2))],
    }
    block = conditions(pick) if with_conditions else {}
    if block:
        made["Condition"] = block
    return made


def policy(pick, with_conditions):
    statements = [statement(pick, with_conditions) for _ in range(pick.randint(1, 4))]
    return {"Version": "2012-10-17", "Statement": statements}


# --- the encoding ----------------------------------------------------------------------------------------------------

ORDERS = {
    "NumericLessThan": lambda a, b: a < b,
    "NumericLessThanEquals": lambda a, b: a <= b,
    "NumericGreaterThan": lambda a, b: a > b,
    "NumericGreaterThanEquals": lambda a, b: a >= b,
    "NumericEquals": lambda a, b: a == b,
}
ANY = z3.Star(z3.AllChar(z3.ReSort(z3.StringSort())))


def regular(pattern):
    """The strings that a pattern matches."""
    parts = []
    for character in pattern:
        if character == "*":
            parts.append(ANY)
        elif character == "?":
            parts.append(z3.AllChar(z3.ReSort(z3.StringSort())))
        else:
            parts.append(z3.Re(character))
    if not parts:
        return z3.Re("")
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def glob(pattern, text):
    """The same in Python, for the finite set of actions."""
    import re

    translated = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(translated, text, re.IGNORECASE) is not None


LETTER, DIGIT = z3.Range("a", "z"), z3.Range("0", "9")
HEX = z3.Union(DIGIT, z3.Range("a", "f"))
REGION = z3.Concat(z3.Loop(LETTER, 2, 4), z3.Plus(z3.Concat(z3.Re("-"), z3.Plus(LETTER))), z3.Re("-"), z3.Plus(DIGIT))


def hexes(count):
    return z3.Loop(HEX, count, count)


UUID = z3.Concat(hexes(8), z3.Re("-"), hexes(4), z3.Re("-"), hexes(4), z3.Re("-"), hexes(4), z3.Re("-"), hexes(12))
KEY_ID = z3.Union(UUID, z3.Concat(z3.Re("mrk-"), hexes(32)))
ACCOUNT = z3.Loop(DIGIT, 12, 12)
HEAD = z3.Concat(z3.Re("arn:aws:kms:"), REGION, z3.Re(":"), ACCOUNT)
KEY_ARNS = z3.Concat(HEAD, z3.Re(":key/"), KEY_ID)
ALIAS = z3.Plus(z3.Union(LETTER, z3.Range("A", "Z"), DIGIT, z3.Re("/"), z3.Re("_"), z3.Re("-")))
RESERVED = z3.Concat(z3.Re("aws/"), ANY)
ALIAS_ARNS = z3.Concat(HEAD, z3.Re(":alias/"), z3.Intersect(ALIAS, z3.Complement(RESERVED)))


class Request:
    """One request with everything left open but the action."""

    def __init__(self):
        self.resource = z3.String("resource")
        self.held = {}

    def key(self, name, sort):
        if name not in self.held:
            self.held[name] = (z3.Bool(f"{name} present"), z3.Const(name, sort))
        return self.held[name]

    def set_of(self, name):
        """Three elements suffice: no policy here tells more of them apart at once."""
        if name not in self.held:
            self.held[name] = [(z3.Bool(f"{name} {n} present"), z3.String(f"{name} {n}")) for n in range(4)]
        return self.held[name]


def one_test(request, operator, key, values):
    if operator.startswith("For"):
        quantifier, base = operator.split(":")
        elements = request.set_of(key)
        negated = "Not" in base
        like = "Like" in base

        def passes(element):
            equal = z3.Or([z3.InRe(element, regular(v)) if like else element == z3.StringVal(v) for v in values])
            return z3.Not(equal) if negated else equal

        if quantifier == "ForAnyValue":
            return z3.Or([z3.And(present, passes(element)) for present, element in elements])
        all_pass = z3.And([z3.Implies(present, passes(element)) for present, element in elements])
        all_empty = z3.And([z3.Implies(present, element == z3.StringVal("")) for present, element in elements])
        return z3.Or(all_pass, all_empty)
    if operator == "Null":
        present, _ = request.key(key, z3.StringSort())
        return z3.Not(present) if values == ["true"] else present
    base = operator.removesuffix("IfExists")
    if base in ORDERS:
        present, value = request.key(key, z3.RealSort())
        holds = z3.Or([ORDERS[base](value, z3.RealVal(bound)) for bound in values])
    elif base == "IpAddress":
        present, value = request.key(key, z3.BitVecSort(33))
        holds = z3.Or([in_range(value, text) for text in values])
    elif base.endswith("Like"):
        present, value = request.key(key, z3.StringSort())
        holds = z3.Or([z3.InRe(value, regular(pattern)) for pattern in values])
    else:
        present, value = request.key(key, z3.StringSort())
        holds = z3.Or([value == z3.StringVal(text) for text in values])
    if "Not" in base:
        return z3.Or(z3.Not(present), z3.Not(holds))
    holds = z3.And(present, holds)
    return z3.Or(z3.Not(present), holds) if operator != base else holds


def in_range(value, text):
    """The top bit says that the value is no IPv4 address."""
    base, _, prefix = text.partition("/")
    number = 0
    for part in base.split("."):
        number = number << 8 | int(part)
    width = int(prefix or 32)
    return z3.LShR(value, 32 - width) == (number >> (32 - width))


def condition(request, block):
    tests = [
        one_test(request, operator, key, values) for operator, keys in block.items() for key, values in keys.items()
    ]
    return z3.And(tests) if tests else z3.BoolVal(True)


def rules(request):
    """Semantics 3.5: a request with an age of MFA was made with MFA."""
    age, mfa = request.held.get("aws:MultiFactorAuthAge"), request.held.get("aws:MultiFactorAuthPresent")
    return z3.Implies(age[0], z3.And(mfa[0], mfa[1] == z3.StringVal("true"))) if age and mfa else z3.BoolVal(True)


def speaks(made, action):
    listed = made.get("Action") or made.get("NotAction")
    if action == "kms:<other>":
        matches = any(pattern.lower() in ("*", "kms:*") for pattern in listed)
    else:
        matches = any(glob(pattern, action) for pattern in listed)
    return matches != ("NotAction" in made)


def covers(made, request, kind):
    listed = made.get("Resource") or made.get("NotResource")
    if kind == "none":
        matches = z3.BoolVal("*" in listed)
    else:
        matches = z3.Or([z3.InRe(request.resource, regular(pattern)) for pattern in listed])
    return z3.Not(matches) if "NotResource" in made else matches


def effective(document, request, action, kind, use=lambda made: made.get("Condition", {})):
    """What the document allows; `use` chooses the condition block, or `None` to drop the statement."""
    sides = {"Allow": [], "Deny": []}
    for made in document["Statement"]:
        block = use(made)
        if block is not None and speaks(made, action):
            sides[made["Effect"]].append(z3.And(covers(made, request, kind), condition(request, block)))
    return z3.And(z3.Or(sides["Allow"]), z3.Not(z3.Or(sides["Deny"])))


class Oracle:
    def __init__(self, timeout):
        self.timeout, self.queries, self.unknown, self.seconds = timeout, 0, 0, []

    def satisfiable(self, *formulas):
        solver = z3.Solver()
        solver.set("timeout", self.timeout)
        solver.add(*formulas)
        start = time.perf_counter()
        answer = solver.check()
        self.seconds.append(time.perf_counter() - start)
        self.queries += 1
        if answer == z3.unknown:
            self.unknown += 1
            return None
        return answer == z3.sat


def universe(request, kind):
    return {"key": z3.InRe(request.resource, KEY_ARNS), "alias": z3.InRe(request.resource, ALIAS_ARNS)}.get(
        kind, z3.BoolVal(True)
    )


def requests_of(documents):
    """Actions by resource kind, one for each way in which the documents speak about them."""
    seen = set()
    lines = (ROOT / "src/policy/data/kms_actions.tsv").read_text().splitlines()
    known = [line.split("\t")[:3] for line in lines if line.startswith("kms:")]
    kinds = {"key": ["key"], "alias+key": ["key", "alias"], "none": ["none"]}
    listed = [(name, kind) for name, _, resources in known for kind in kinds[resources]]
    for action, kind in listed + [("kms:<other>", "key"), ("kms:<other>", "none")]:
        vector = (kind, *(speaks(made, action) for document in documents for made in document["Statement"]))
        if vector not in seen:
            seen.add(vector)
            yield action, kind


def more(oracle, a, b):
    """Whether B allows something that A does not; `None` when Z3 cannot tell."""
    answer = False
    for action, kind in requests_of([a, b]):
        request = Request()
        formulas = [effective(b, request, action, kind), z3.Not(effective(a, request, action, kind))]
        found = oracle.satisfiable(universe(request, kind), rules(request), *formulas)
        if found:
            return True
        answer = None if found is None else answer
    return answer


RELATIONS = {(False, False): "EQUIVALENT", (True, False): "B_MORE", (False, True): "B_LESS", (True, True): "INCOMPARABLE"}


def unconditional(made):
    """Semantics 5.1: conditions of Allow statements are ignored, conditional Deny statements dropped."""
    return None if made["Effect"] == "Deny" and made.get("Condition") else {}


def class_of(oracle, document, action):
    request = Request()
    open_to = effective(document, request, action, "key", unconditional)
    some = oracle.satisfiable(universe(request, "key"), open_to)
    rest = oracle.satisfiable(universe(request, "key"), z3.Not(open_to))
    if some is None or rest is None:
        return None
    return "NONE" if not some else "SOME" if rest else "ALL"


def answers(program, command, lines):
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    done = subprocess.run([program, "policy", command], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def needs_account_arn(documents):
    """Semantics U-19: whether an account-wide ARN matches a request without resource is not documented."""
    patterns = [p for d in documents for s in d["Statement"] for p in s.get("Resource") or s.get("NotResource")]
    return any(pattern != "*" and glob(pattern, "arn:aws:kms::111122223333:") for pattern in patterns)


def asked(seed):
    """What one seed asks: a pair to compare, and a policy of which the coverage is wanted."""
    pick = random.Random(seed)
    a, b = policy(pick, True), policy(pick, True)
    if pick.random() < 0.4:
        # A pair that differs in one statement only is far more often comparable.
        b = {**a, "Statement": a["Statement"] + [statement(pick, True)]}
    return a, b, policy(pick, True)


def judge(seed, compared, covered, timeout):
    """Asks Z3 what one seed asks, and says where the answers of keyproof differ."""
    a, b, single = asked(seed)
    oracle, wrong, undecided, undocumented = Oracle(timeout), [], 0, 0
    if compared["effective"] == "UNKNOWN" and needs_account_arn([a, b]):
        undocumented += 1
    else:
        expected = (more(oracle, a, b), more(oracle, b, a))
        if None in expected:
            undecided += 1
        elif RELATIONS[expected] != compared["effective"]:
            wrong.append((seed, "compare", RELATIONS[expected], compared, a, b))
    for action, level in covered["levels"].items():
        expected = class_of(oracle, single, action)
        if expected is None:
            undecided += 1
        elif expected != (level if level in ("ALL", "NONE") else "SOME"):
            wrong.append((seed, action, expected, covered, single))
    return wrong, undecided, undocumented, oracle.seconds, oracle.unknown


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--policies", type=int, default=200, help="how many seeds: each is a pair and a policy")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--timeout", type=int, default=2000, help="milliseconds for each query")
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.policies)
    questions = {seed: asked(seed) for seed in seeds}
    compared = answers(arguments.program, "compare", [{"id": s, "a": a, "b": b} for s, (a, b, _) in questions.items()])
    covered = answers(arguments.program, "coverage", [{"id": s, "policy": p} for s, (_, _, p) in questions.items()])
    with multiprocessing.Pool() as pool:
        timeouts = [arguments.timeout] * len(seeds)
        verdicts = pool.starmap(judge, zip(seeds, compared, covered, timeouts), chunksize=1)
    seconds = sorted(second for verdict in verdicts for second in verdict[3])
    wrong = [disagreement for verdict in verdicts for disagreement in verdict[0]]
    undecided, undocumented, unknown = (sum(verdict[n] for verdict in verdicts) for n in (1, 2, 4))
    asked_of_z3 = sum(1 + len(answer["levels"]) for answer in covered) - undocumented
    print(
        f"Z3, seeds {seeds.start} to {seeds.stop - 1}: {len(compared)} pairs and {len(covered)} policies; "
        f"{len(seconds)} queries, median {seconds[len(seconds) // 2] * 1000:.1f} ms, "
        f"{unknown} unknown after {arguments.timeout} ms; of {asked_of_z3} questions {undecided} undecided, "
        f"{undocumented} more not documented by AWS; {len(wrong)} disagreements"
    )
    for disagreement in wrong:
        print("DISAGREEMENT", json.dumps(disagreement))
    if undecided * 2 > asked_of_z3:
        print("Z3 decided so little that nothing was shown")
    return 1 if wrong or undecided * 2 > asked_of_z3 else 0


if __name__ == "__main__":
    sys.exit(main())
