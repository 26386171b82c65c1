"""Counts every number on every page of a pack again, and prints those that are wrong or that nobody accounts for.

    python recount.py PACK_OR_COMPARISON...

A number on a page is one of these, or it is told:

- marked: its element says what it counts (`data-count`, `data-access`, `data-tie`, …). It is counted again in findings.ndjson, in a table
  of the pack or in the snapshot that the pack holds.
- in a known sentence (PHRASES): the sentence is taken apart and each of its numbers counted again.
- how many things something folded holds, such as `12 checks`: the things are counted.
- no count (NOT_COUNTED): a name, an id, a date, a text of a check, a control or a policy, a setting, a place in a document. Only elements that
  hold nothing else are exempt.

Printed is a JSON object: how many numbers of each kind were counted, and `faults`.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

# A number that stands alone: not a part of a word, a time, a version, a path or an ARN.
NUMBER = re.compile(r"(?<![\w.,:/#@+=-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w:/@=-]|[.,]\d)")
VOID = {"meta", "br", "use", "path", "circle", "rect"}
MARKERS = ("count", "controls", "access", "tie", "row", "standing", "change", "fate", "turn", "facts")
EXCEPTIONS, OPEN = {"FAIL", "WAIVED"}, {"ERROR", "UNDECIDED"}
OUTSIDE_POPULATION = {"NOT_APPLICABLE", "MANUAL"}

# Elements that hold no counts: by name, or by class.
NOT_COUNTED = {"style", "script", "title", "code", "pre", "bdi", "q", "ol"} | {
    ".id",  # an account, a key
    ".reason",  # what a check says of one resource; it is the `reason` of the finding
    ".why",  # the texts of a check
    ".sheet",
    ".below",  # a note on a mapping, an ARN, the name of a check
    ".note",  # what a framework is
    ".controls",  # controls, by id and title
    ".jump",
    ".sources",
    ".limits",  # what holds of every pack
    ".advice",  # what a check says of mending
    ".index",  # the place of a statement in its policy
    ".subject",  # the organization, and the day
    ".notes",
    ".when",  # a condition of a policy
    ".setting",  # a parameter of a check, the days of a waiver, a period of rotation
    ".tag",
    ".place",
}
# Parts of texts that are no counts.
NO_COUNTS = re.compile(
    r"\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}\b"
    r"|\b\d{12}\b|\bstatement \d+\b|\bSHA-256\b|\b64 KiB\b|\b26 characters\b"
)


class Node:
    """An element, with its texts and elements in their order."""

    def __init__(self, name: str, attributes: dict[str, str], parent: Node | None) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Node | str] = []
        self.classes = attributes.get("class", "").split()

    def text(self) -> str:
        return "".join(it if isinstance(it, str) else it.text() for it in self.children)

    def around(self) -> Iterator[Node]:
        node: Node | None = self
        while node:
            yield node
            node = node.parent

    def inside(self) -> Iterator[Node]:
        waiting = [it for it in reversed(self.children) if isinstance(it, Node)]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(it for it in reversed(node.children) if isinstance(it, Node))

    def find(self, name: str) -> list[Node]:
        return [it for it in self.inside() if it.name == name]

    def nearest(self, name: str) -> Node:
        return next(it for it in self.around() if it.name == name)

    def marker(self) -> tuple[str, str] | None:
        return next(((it, self.attributes[f"data-{it}"]) for it in MARKERS if f"data-{it}" in self.attributes), None)

    def is_exempt(self) -> bool:
        return self.name in NOT_COUNTED or any(f".{it}" in NOT_COUNTED for it in self.classes)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.open = Node("", {}, None)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs}, self.open)
        self.open.children.append(node)
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.name == tag and self.open.parent, f"</{tag}> closes <{self.open.name}>"
        self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        self.open.children.append(data)


def number(text: str) -> int:
    return int(text.replace(",", ""))


class Pack:
    """What the numbers of a pack are counted in."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"

    @cached_property
    def pages(self) -> dict[str, Node]:
        return {
            str(path.relative_to(self.data / "report")): Page(path.read_text(encoding="utf-8")).root
            for path in sorted((self.data / "report").rglob("*.html"))
        }

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        with (self.data / "json/findings.ndjson").open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    @cached_property
    def by_anchor(self) -> dict[str, dict[str, Any]]:
        return {f"f-{it['fingerprint'][:12]}": it for it in self.findings}

    @cache
    def table(self, name: str) -> list[dict[str, str]]:
        with (self.data / "csv" / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    @cached_property
    def citations(self) -> Counter[str]:
        """How many findings rest on each item of evidence."""
        return Counter(ev_id for it in self.findings for ev_id in {one["ev_id"] for one in it["evidence"]})

    @cached_property
    def determinations(self) -> Counter[str]:
        given = (it.attributes.get("data-determination") for page in self.pages.values() for it in page.inside())
        return Counter(it for it in given if it)

    def stored(self, path: Path) -> Any:
        raw = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
        return json.loads(raw)

    @cache
    def iam(self, account: str) -> dict[str, Any]:
        return self.stored(self.data / f"snapshot/accounts/{account}/iam.json.zst")

    @cache
    def kms(self, account: str) -> dict[str, Any]:
        folder = self.data / f"snapshot/accounts/{account}/kms"
        return {path.name.split(".")[0]: self.stored(path) for path in sorted(folder.glob("*.json.zst"))}

    @cached_property
    def scope(self) -> dict[str, dict[str, str]]:
        return {row["account_id"]: row for row in self.table("scope.csv")}

    # Numbers that are marked.

    @cached_property
    def findings_by(self) -> dict[str, list[dict[str, Any]]]:
        """The findings of each check, and of each account."""
        by: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for it in self.findings:
            by[f"check={it['check_id']}"].append(it)
            by[f"account={it['account_id']}"].append(it)
        return by

    def asked(self, question: str) -> list[dict[str, Any]]:
        lists = [self.findings_by[term] for term in question.split() if term.startswith(("check=", "account="))]
        return [it for it in min(lists, key=len, default=self.findings) if answers(it, question)]

    @cache
    def count(self, question: str) -> int:
        question, _, column = question.partition(" distinct=")
        found = [it for part in question.split(" + ") for it in self.asked(part)]
        return len({it[column] for it in found}) if column else len(found)

    def controls(self, question: str) -> int:
        return sum(number for given, number in self.determinations.items() if given == question or given.split(" ")[0] == question)

    @cached_property
    def access_by(self) -> dict[str, list[dict[str, str]]]:
        """The rows of access to each key, and to the keys of each account."""
        by: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in self.table("key_access.csv") + self.table("key_admins.csv"):
            by[""].append(row)
            by[f"key={row['key_arn']}"].append(row)
            by[f"key_account={row['key_account_id']}"].append(row)
        return by

    @cache
    def access(self, question: str) -> int:
        surest = ["allowed", "allowed_if_chosen", "via_service", "conditional", "possible"]
        terms = dict(term.partition("=")[::2] for term in question.split())
        column = {"key": "key_arn", "key_account": "key_account_id", "capability": "capability"}
        found: dict[tuple[str, ...], int] = {}
        for row in self.access_by[next((it for it in question.split() if it.startswith(("key=", "key_account="))), "")]:
            if (
                all(row[column[term]] == value for term, value in terms.items() if term in column)
                and ("managed" not in terms or row["key_manager"] != "aws")
                and ("outside" not in terms or row["relation"] in ("unknown", "outside", "everyone"))
            ):
                who = (row["key_arn"], row["principal_arn"], row["principal_type"])
                found[who] = min(found.get(who, 9), surest.index(row["access"]))
        return sum("access" not in terms or surest[it] == terms["access"] for it in found.values())

    def tie(self, question: str) -> int:
        terms = dict(term.partition("=")[::2] for term in question.split())
        return sum(all(row[column] == value for column, value in terms.items()) for row in self.table("completeness.csv"))

    def standing(self, question: str) -> int:
        return sum(row["standing"] == question for row in self.table("waivers.csv"))

    def change(self, question: str) -> int:
        return sum(row["kind"] == "finding" and row["change"] == question for row in self.table("changes.csv"))

    def fate(self, question: str) -> int:
        return sum(row["kind"] == "resource" and row["change"] == question for row in self.table("changes.csv"))

    def turn(self, question: str) -> int:
        return sum(row["change"] == question for row in self.table("access_changes.csv"))

    def turned(self, question: str, capability: str) -> list[int]:
        """To how many principals of how many keys a change of access came."""
        rows = [it for it in self.table("access_changes.csv") if it["change"] == question and it["capability"] == capability]
        return [len({(it["principal_arn"], it["principal_type"]) for it in rows}), len({it["key_arn"] for it in rows})]

    @cache
    def facts(self, question: str) -> int:
        """What the snapshot holds, as AWS answered."""
        kind, *terms = question.split()
        asked = dict(term.partition("=")[::2] for term in terms)
        read = [id for id, row in self.scope.items() if row["in_scope"] == "yes" and row["how"] != "not entered"]
        accounts = [asked["account"]] if "account" in asked else read
        if kind == "accounts":
            return len(read)
        if kind == "regions":
            return len([it for id in accounts for it in self.scope[id]["regions"].split(" | ") if it])
        if kind == "grants":
            lists = [kms["ListGrants"] for id in read for region, kms in self.kms(id).items() if region == asked["region"]]
            return sum(len(it[asked["key"]]["Grants"]) for it in lists if asked["key"] in it)
        if kind == "keys":
            keys = [
                kms.get("DescribeKey", {}).get(key["KeyId"], {}).get("KeyMetadata", {}).get("KeyManager")
                for id in accounts
                for kms in self.kms(id).values()
                for key in kms["ListKeys"]["Keys"]
            ]
            # A key of which it could not be read who manages it counts with the customer's.
            return sum("manager" not in asked or (it == "AWS") == (asked["manager"] == "aws") for it in keys)
        details = [self.iam(id)["GetAccountAuthorizationDetails"] for id in accounts]
        if kind == "policies":
            return sum(":iam::aws:" not in it["Arn"] for one in details for it in one["Policies"])
        lists = ("UserDetailList", "GroupDetailList", "RoleDetailList")
        return sum(len(one[name]) for one in details for name in lists)

    def row(self, column: str, cell: Node) -> int:
        """A cell of completeness.html, by the row of completeness.csv that it is from."""
        tie, account, region, subject = (it.text() for it in cell.nearest("tr").children[:4] if isinstance(it, Node))
        said = {"tie_out": tie, "account_id": account, "region": region, "subject": subject}
        found = {row[column] for row in self.table("completeness.csv") if all(row[it] == value for it, value in said.items())}
        assert len(found) == 1, f"{said} stands {len(found)} times in completeness.csv"
        return int(found.pop())


def answers(finding: dict[str, Any], question: str) -> bool:
    """Whether a finding is one of `check=… status=…`."""
    terms = dict(term.partition("=")[::2] for term in question.split())
    status = finding["status"]
    columns = {"check": "check_id", "account": "account_id", "severity": "severity"}
    if any(finding[columns[term]] != value for term, value in terms.items() if term in columns):
        return False
    if "domain" in terms and finding["check_id"].split("-")[0] != terms["domain"]:
        return False
    if "waiver" in terms and (finding.get("waiver") or {}).get("id") != terms["waiver"]:
        return False
    aspect = terms.get("aspect") or terms.get("aspect-only")
    if aspect:
        said = [it["status"] for it in finding.get("aspects", []) if it["name"] == aspect]
        if not said and ("aspect-only" in terms or status not in ("ERROR", "NOT_APPLICABLE")):
            return False
        status = said[0] if said else status
    # A waiver may count for other frameworks only.
    frameworks = (finding.get("waiver") or {}).get("frameworks")
    if "framework" in terms and status == "WAIVED" and frameworks is not None and terms["framework"] not in frameworks:
        status = "FAIL"
    wanted = terms.get("status")
    return wanted in (None, status) or (wanted == "POPULATION" and status not in OUTSIDE_POPULATION)


# Sentences that hold numbers. Each gives, for a match, the numbers that must stand there.
Counted = Callable[[Pack, Node, re.Match[str]], list[int]]


def tested(pack: Pack, node: Node) -> Counter[str]:
    """How many findings have which status: of the control of an article, of the check or account of a page, or of all."""
    article = next((it for it in node.around() if it.name == "article"), None)
    if article is None or "data-determination" not in article.attributes:
        return Counter(it["status"] for it in pack.findings)
    rows = article.find("tfoot") or article.find("tbody")
    marked = [it.attributes["data-count"] for row in rows for it in row.inside() if "data-count" in it.attributes]
    return Counter({question.rsplit("status=", 1)[1]: pack.count(question) for question in marked})


def population(counts: Counter[str]) -> int:
    return sum(number for status, number in counts.items() if status not in OUTSIDE_POPULATION)


def of(counts: Counter[str], statuses: set[str]) -> int:
    return sum(counts[it] for it in statuses)


def exceptions(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    counts = tested(pack, node)
    return [of(counts, EXCEPTIONS), population(counts), counts["WAIVED"]]


def no_conclusion(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    counts = tested(pack, node)
    return [of(counts, OPEN), population(counts)]


def no_exceptions(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    tests = len(node.nearest("article").find("tbody")[0].find("tr"))
    return [tests, *[population(tested(pack, node))] * 2]


def held(_: Pack, node: Node, match: re.Match[str]) -> list[int]:
    """How many things something folded, or a list beside its number, holds."""
    folded = next(it for it in node.around() if it.name in ("details", "section"))
    if folded.name == "details":
        summary = folded.find("summary")[0]
        rest = [it for it in folded.children if it is not summary]
        items = Node("", {}, None)
        items.children = rest
        for name in ("tbody", "li", "a"):
            found = items.find(name)
            if found:
                return [len(found[0].find("tr")) if name == "tbody" else len(found)]
        return [items.text().count(",") + 1]
    return [len(folded.find("tbody")[0].find("tr"))]


def gaps_beyond(pack: Pack, node: Node, match: re.Match[str]) -> list[int]:
    """`(see gaps G-1, G-2 and 5 more)`: all of the pack on the cover, on other pages not more than there are."""
    named = match.group(0).count("G-")
    is_cover = not any(it.name == "article" for it in node.around())
    all_gaps = len(pack.table("gaps.csv"))
    said = number(match.group(1))
    return [all_gaps - named if is_cover or named + said > all_gaps else said]


def in_scope(pack: Pack, how: Callable[[dict[str, str]], bool]) -> int:
    return sum(how(row) for row in pack.scope.values())


def is_read(row: dict[str, str]) -> bool:
    return row["in_scope"] == "yes" and row["how"] != "not entered"


def regions(pack: Pack) -> int:
    return len({it for row in pack.scope.values() for it in row["regions"].split(" | ") if it})


def finding(pack: Pack, node: Node) -> dict[str, Any]:
    """The finding of a row."""
    anchor = next(it.attributes["id"] for it in node.around() if it.attributes.get("id", "").startswith("f-"))
    return pack.by_anchor[anchor]


def recipients(member: str) -> Counted:
    return lambda pack, node, _: [finding(pack, node)["affected_principals"][member]]


def left_out(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    """`3 further statements …`: a page shows twelve of each."""
    it = finding(pack, node)
    lists = [it["statements"], it["evidence"], (it.get("affected_principals") or {}).get("principals", [])]
    return [sum(max(len(one) - 12, 0) for one in lists)]


def rows_as_data(_: Pack, node: Node, __: re.Match[str]) -> list[int]:
    around = next(it for it in node.around() if it.name in ("details", "section"))
    data = json.loads(around.find("script")[0].text())
    return [len(data["rows"]) // len(data["columns"])]


def exceptions_beyond(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    """`4 more` below the first exceptions of a check."""
    failed = next(it for it in node.nearest("article").inside() if it.marker()).attributes["data-count"]
    return [pack.count(failed) - (len(node.nearest("ul").find("li")) - 1)]


def calls_beyond(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    row = next(it for it in pack.table("gaps.csv") if it["gap"] == node.nearest("tr").attributes["id"])
    return [int(row["calls"]) - len(node.nearest("td").find("code"))]


def requests(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    """Of frameworks in force: those of earlier versions say so."""
    main = node.nearest("main")
    sections = [it for it in main.find("section") if "earlier version" not in it.text()]
    return [sum(len(it.find("tbody")[0].find("tr")) for it in sections if it.find("tbody")), len(sections)]


def reach_question(node: Node) -> str:
    """What a number of principals on the page of a key is about: that of the figure which leads to the section, or holds the number."""
    around = next(it for it in node.around() if it.name in ("dd", "section"))
    if around.name == "dd":
        return around.find("b")[0].attributes["data-access"]
    place = f"#{around.attributes['id']}"
    key = next(it for it in node.around() if it.name in ("article", "main"))
    figures = next(it for it in key.inside() if "reach" in it.classes)
    figure = next(it for it in figures.find("a") if it.attributes.get("href") == place)
    return figure.nearest("div").find("b")[0].attributes["data-access"]


KINDS = {"allowed": "allowed", "if chosen": "allowed_if_chosen", "via service": "via_service", "conditional": "conditional", "possible": "possible"}


def by_kind(pack: Pack, node: Node, match: re.Match[str]) -> list[int]:
    return [pack.access(f"{reach_question(node)} access={KINDS[match.group(2)]}")]


def key_pages(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    keys = [pack.facts(f"keys manager={it}") for it in ("customer", "aws")]
    return [*keys, sum(bool(pack.kms(id)) for id, row in pack.scope.items() if is_read(row))]


def through_related(_: Pack, node: Node, __: re.Match[str]) -> list[int]:
    """Those who can decrypt with a related key and not with this one."""
    key = next(it for it in node.around() if it.name in ("article", "main"))
    family = next(it for it in key.find("section") if it.attributes.get("id", "").endswith("-family"))
    return [len({it.text() for cell in family.find("td") if "who" in cell.classes for it in cell.find("li")})]


def both(_: Pack, node: Node, __: re.Match[str]) -> list[int]:
    return [node.nearest("tr").text().count(", and administers")]


def balance(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    """The exceptions then, or now: the ends of the balance of a comparison."""
    list_ = next((it for it in node.around() if "balance" in it.classes), None)
    if list_ is None:
        return []
    terms = [it for it in list_.children if isinstance(it, Node)]
    column = "old_status" if node.nearest("div") is terms[0] else "new_status"
    return [sum(row["kind"] == "finding" and row[column] == "FAIL" for row in pack.table("changes.csv"))]


def compared(pack: Pack, node: Node, match: re.Match[str]) -> list[int]:
    """The accounts and findings of a snapshot, at the foot of a comparison: its own pack stands beside it in the demonstration."""
    root = node.find("code")[0].text()
    beside = (Pack(it.parents[1]) for it in pack.data.parents[2].glob("packs/*/data/pack.json"))
    of_snapshot = next(it for it in beside if json.loads((it.data / "pack.json").read_text())["snapshot"]["root"] == root)
    return [len(of_snapshot.scope), len(of_snapshot.findings)]


def turned(change: str) -> Counted:
    return lambda pack, node, m: pack.turned(change, next(it for it in m.groups() if it.isalpha()))


def cited(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    """The findings that rest on an item of evidence; what no finding can rest on, its table counts."""
    item = next(it for it in node.around() if it.attributes.get("id", "").startswith("EV-"))
    ev_id = item.attributes["id"]
    by_table = next(int(row["cited_by"]) for row in pack.table("evidence_index.csv") if row["ev_id"] == ev_id)
    is_of_findings = not ev_id.startswith("EV-APR-") and pack.citations[ev_id] > 0
    return [pack.citations[ev_id] if is_of_findings else by_table]


def items(pack: Pack, node: Node, _: re.Match[str]) -> list[int]:
    account = next((it.text() for it in node.nearest("div").inside() if "id" in it.classes), "organization")
    file = f"data/evidence/{account}.ndjson"
    return [sum(row["evidence_file"] == file for row in pack.table("evidence_index.csv"))]


def balance_or_cited(pack: Pack, node: Node, match: re.Match[str]) -> list[int]:
    is_item = any(it.attributes.get("id", "").startswith("EV-") for it in node.around())
    return (cited if is_item else balance)(pack, node, match)


PHRASES: list[tuple[str, Counted]] = [
    (r"(N) findings? rests? on it", cited),
    (r"(N) checks? lacks? what it is about", cited),
    (r"(N) exceptions? names? it", cited),
    (r"^(N) items? on which", items),
    (r"(N) principals? gained (\w+) on (N) keys?", turned("GAINED")),
    (r"(N) principals? lost (\w+) on (N) keys?", turned("LOST")),
    (r"for (N) principals? (\w+) changed, on (N) keys?", turned("CHANGED")),
    (r"(N) principals? with (\w+) replaced by another of the same ARN, on (N) keys?", turned("REPLACED")),
    (r"for (N) principals? (\w+) is not known, on (N) keys?", turned("NOT KNOWN")),
    (r"Exceptions were noted for (N) of (N) items; (N) are covered", exceptions),
    (r"No conclusion: (N) of (N) items could not be evaluated", no_conclusion),
    (r"by the (N) automated test\(s\) applied to (N) of (N) items", no_exceptions),
    (r"\(see gaps [G0-9, -]* and (N) more\)", gaps_beyond),
    (r"of (N) in scope", lambda pack, _, m: [in_scope(pack, lambda row: row["in_scope"] == "yes")]),
    (r"in (N) Regions?", lambda pack, _, m: [regions(pack)]),
    (r"(N) of (N) accounts?\b.* (?:was|were) read between", lambda pack, _, m: [in_scope(pack, is_read), len(pack.scope)]),
    (r"(N) accounts? could not be entered", lambda pack, _, m: [in_scope(pack, lambda row: row["how"] == "not entered")]),
    (r"(N) accounts? left out on purpose", lambda pack, _, m: [in_scope(pack, lambda row: row["how"] == "left out")]),
    (r"(N) accounts? not ACTIVE", lambda pack, _, m: [in_scope(pack, lambda row: row["how"] == "not ACTIVE")]),
    (r"(N) accounts? in scope and not read", held),
    (r"(N) accounts? left out$", held),
    (r"(N) accounts? read and judged", held),
    (r"^(N) more checks have exceptions", lambda pack, _, m: [len({it["check_id"] for it in pack.findings if it["status"] == "FAIL"}) - 10]),
    (r"(N) of (N) exceptions are waived", lambda pack, n, m: [pack.count("status=WAIVED"), pack.count("status=WAIVED") + pack.count("status=FAIL")]),
    (r"the file holds (N) waivers?", lambda pack, _, m: [len(pack.table("waivers.csv"))]),
    (r"(N) gaps? leaves? holes", lambda pack, _, m: [len(pack.table("gaps.csv"))]),
    (r"^(N) Regions? of (?:an account|accounts) (?:is|are)", lambda pack, _, m: [sum(row["subject"].startswith("keys: kms:ListKeys") and row["expected"] == "0" and row["region"] != "" for row in pack.table("completeness.csv"))]),
    (r"(N) gets? it", recipients("count")),
    (r"(N) perhaps", recipients("possible")),
    (r"(N) kept from it", recipients("denied")),
    (r"(N) further statements", left_out),
    (r"^(N) grants?\.", held),
    (r"and (N) more through related keys", through_related),
    (r"(N) findings? more (?:is|are) here only where", rows_as_data),
    (r"\band (N) more$", calls_beyond),
    (r"^(N) things? to ask for about (N) frameworks?", requests),
    (r"(N) from outside", lambda pack, node, m: [pack.access(f"{reach_question(node)} outside=yes")]),
    *[(rf"(N) ({kind})\b", by_kind) for kind in KINDS],
    (r"^(N) principals?:", lambda pack, node, m: [pack.access(reach_question(node))]),
    (r"(N) customer managed keys? and (N) AWS managed keys? in (N) accounts?", key_pages),
    (r"(N) accounts, (N) findings; snapshot root", compared),
    (r"^(N)$", balance_or_cited),
    (r"^\s*(N) more$", lambda pack, node, m: exceptions_beyond(pack, node, m) if node.nearest("main").find("article") else held(pack, node, m)),
    (r"^(N) keys?$", lambda pack, node, m: both(pack, node, m) if node.name == "td" else held(pack, node, m)),
    (r"^\s*(N) (?:checks?|sources?|keys)\b", held),
    (r"^\s*(N) to ask for", held),
    (r"^\((N)\)$", held),
    (r"\((N)\)$", held),
]
KNOWN = [(re.compile(pattern.replace("N)", NUMBER.pattern + ")")), counted) for pattern, counted in PHRASES]


def counted_on(pack: Pack, page: Node, faults: list[str], name: str) -> Iterator[str]:
    """Every number of a page, by kind."""
    for node in page.inside():
        marker = node.marker()
        if marker:
            kind, question = marker
            said = NUMBER.findall(node.text())
            if said or kind == "count":
                truth = pack.row(question, node) if kind == "row" else getattr(pack, kind)(question)
                if [number(it) for it in said] != [truth]:
                    faults.append(f"{name}: {kind} {question} is {truth}, and {node.text()!r} stands there")
                yield kind
            continue
        for text in node.children:
            if not isinstance(text, str) or not NUMBER.search(text):
                continue
            if any(it.is_exempt() for it in node.around()):
                continue
            rest = NO_COUNTS.sub("", text)
            for pattern, counted in KNOWN:
                while match := pattern.search(rest):
                    said = [number(it) for it in match.groups() if NUMBER.fullmatch(it)]
                    truth = counted(pack, node, match)
                    if said != truth:
                        faults.append(f"{name}: {match.group(0)!r} says {said}, and it is {truth}")
                    rest = rest[: match.start()] + rest[match.end() :]
                    yield "sentence"
            for bare in NUMBER.finditer(rest):
                place = " ".join(".".join([it.name, *it.classes]) for it in list(node.around())[:3])
                faults.append(f"{name}: nobody accounts for {bare.group(0)} in {text.strip()[:160]!r} ({place})")


def main() -> None:
    faults: list[str] = []
    kinds: Counter[str] = Counter()
    for folder in sys.argv[1:]:
        pack = Pack(Path(folder))
        for name, page in pack.pages.items():
            kinds.update(counted_on(pack, page, faults, name))
    json.dump({"counted": dict(sorted(kinds.items())), "faults": faults}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
