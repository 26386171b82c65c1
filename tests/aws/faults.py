"""Knows which faults a test has ordered, and how each AWS protocol words an error."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

# What each service calls the same trouble: kind -> service -> (HTTP status, code, message).
WORDING: dict[str, dict[str, tuple[int, str, str]]] = {
    "deny": {
        "kms": (400, "AccessDeniedException", ""),
        "organizations": (400, "AccessDeniedException", ""),
        "account": (403, "AccessDeniedException", ""),
        "iam": (403, "AccessDenied", ""),
        "sts": (403, "AccessDenied", ""),
    },
    "throttle": {
        "kms": (400, "ThrottlingException", "Rate exceeded"),
        "organizations": (400, "TooManyRequestsException", "Too many requests"),
        "account": (429, "TooManyRequestsException", "Too many requests"),
        "iam": (400, "Throttling", "Rate exceeded"),
        "sts": (400, "Throttling", "Rate exceeded"),
    },
    "expired_token": {
        "kms": (400, "ExpiredTokenException", "The security token included in the request is expired"),
        "organizations": (400, "ExpiredTokenException", "The security token included in the request is expired"),
        "account": (403, "ExpiredTokenException", "The security token included in the request is expired"),
        "iam": (403, "ExpiredToken", "The security token included in the request is expired"),
        "sts": (403, "ExpiredToken", "The security token included in the request is expired"),
    },
    "invalid_token": {
        "kms": (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
        "organizations": (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
        "account": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        "iam": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
        "sts": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
    },
    "error500": {
        "kms": (500, "KMSInternalException", "An internal error occurred."),
        "organizations": (500, "ServiceException", "An internal error occurred."),
        "account": (500, "InternalServerException", "An internal error occurred."),
        "iam": (500, "ServiceFailure", "An internal error occurred."),
        "sts": (500, "InternalFailure", "An internal error occurred."),
    },
    "unsupported": {
        "kms": (400, "UnknownOperationException", ""),
        "organizations": (400, "UnknownOperationException", ""),
        "account": (404, "UnknownOperationException", ""),
        "iam": (400, "InvalidAction", "Could not find operation for version 2010-05-08"),
        "sts": (400, "InvalidAction", "Could not find operation for version 2011-06-15"),
    },
}

HTML_500 = b"""<!doctype html>
<html lang=en>
<title>500 Internal Server Error</title>
<h1>Internal Server Error</h1>
<p>The server encountered an internal error and was unable to complete your request.</p>
"""


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


@dataclass
class Call:
    """One request, as far as rules, authorization and counting look at it."""

    scope: str
    account: str
    region: str
    service: str
    operation: str
    parameters: dict[str, Any]
    principal: str = ""
    access_key: str = ""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def is_later_page(self) -> bool:
        return bool(self.parameters.get("Marker") or self.parameters.get("NextToken"))


@dataclass
class Answer:
    """A whole HTTP answer. `cut` is how many bytes of the body are really sent before the connection breaks."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None


def error(call: Call, kind: str, code: str | None = None, message: str | None = None) -> Answer:
    """The answer that the service of `call` gives for this kind of trouble."""
    status, default_code, default_message = WORDING[kind][call.service]
    code = code or default_code
    message = default_message if message is None else message
    if kind == "deny" and not message:
        message = (
            f"User: {call.principal} is not authorized to perform: {call.service}:{call.operation} "
            f"because no identity-based policy allows the {call.service}:{call.operation} action"
        )
    return worded(call, status, code, message)


def worded(call: Call, status: int, code: str, message: str) -> Answer:
    """An error in the wire form of the call's service."""
    headers = {"x-amzn-RequestId": call.request_id}
    if call.service in NAMESPACES:
        sender = "Receiver" if status >= 500 else "Sender"
        headers["Content-Type"] = "text/xml"
        body = (
            f'<ErrorResponse xmlns="{NAMESPACES[call.service]}"><Error><Type>{sender}</Type>'
            f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{call.request_id}</RequestId></ErrorResponse>"
        ).encode()
    elif call.service == "account":
        headers |= {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        body = json.dumps({"message": message}).encode()
    else:
        headers["Content-Type"] = "application/x-amz-json-1.1"
        body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, headers, body)


class Rules:
    """The faults that tests ordered; the first rule that applies to a call decides over it.

    A rule is a JSON object. Which calls it is for: `scope` (the last four characters of the caller's access key),
    `account`, `region`, `service`, `operation` (each a string or a list of strings), `match` (a text that occurs in
    the parameters), `page` (`first` or `later`), `after` (let so many matching calls pass), `times` (then apply so
    often). What happens: `kind`, one of the kinds of WORDING, `html500`, `drop` (the connection closes without an
    answer), `cut` (the body ends half-way), `garble` (half the body as if it were whole), `lost_marker` (says that
    there is more, gives no marker), `same_marker` (the same page for ever), `rewrite` (`find` and `with`), `lifetime`
    (AssumeRole gives credentials that end in `seconds`), `hold` (the call waits until it is released). `code` and
    `message` change the words.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._rules: list[dict[str, Any]] = []
        self._held: dict[str, int] = {}
        self._released: set[str] = set()

    def add(self, rules: list[dict[str, Any]]) -> None:
        with self._lock:
            self._rules.extend(dict(rule, seen=0) for rule in rules)

    def clear(self, scope: str) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.get("scope") != scope]

    def applying(self, call: Call) -> dict[str, Any] | None:
        """The first rule that applies to this call."""
        with self._lock:
            for rule in self._rules:
                if not _concerns(rule, call):
                    continue
                rule["seen"] += 1
                nth = rule["seen"] - rule.get("after", 0)
                if nth > 0 and nth <= rule.get("times", nth):
                    return dict(rule)
            return None

    def hold(self, call: Call) -> None:
        """Blocks the call until its scope is released."""
        with self._lock:
            self._held[call.scope] = self._held.get(call.scope, 0) + 1
            self._lock.notify_all()
            self._lock.wait_for(lambda: call.scope in self._released, timeout=120)
            self._held[call.scope] -= 1

    def wait_until_held(self, scope: str, count: int) -> int:
        """Returns how many calls of the scope wait, as soon as `count` of them do."""
        with self._lock:
            self._lock.wait_for(lambda: self._held.get(scope, 0) >= count, timeout=60)
            return self._held.get(scope, 0)

    def release(self, scope: str) -> None:
        with self._lock:
            self._released.add(scope)
            self._lock.notify_all()


def _concerns(rule: dict[str, Any], call: Call) -> bool:
    for name in ("scope", "account", "region", "service", "operation"):
        wanted = rule.get(name)
        value = getattr(call, name)
        if wanted is not None and value != wanted and not (isinstance(wanted, list) and value in wanted):
            return False
    if "match" in rule and rule["match"] not in json.dumps(call.parameters):
        return False
    if "page" in rule and (rule["page"] == "later") != call.is_later_page:
        return False
    return True


def spoil(rule: dict[str, Any], answer: Answer) -> Answer:
    """Applies a rule that changes an answer the service has already given."""
    kind = rule["kind"]
    body = answer.body
    if kind == "cut":
        answer.cut = len(body) // 2
    elif kind == "garble":
        answer.body = body[: len(body) // 2]
    elif kind == "lost_marker":
        answer.body = _without_marker(body)
    elif kind == "rewrite":
        answer.body = body.replace(rule["find"].encode(), rule["with"].encode())
    return answer


def _without_marker(body: bytes) -> bytes:
    if body.lstrip().startswith(b"{"):
        page = json.loads(body)
        page.pop("NextMarker", None)
        if "Truncated" in page:
            page["Truncated"] = True
        return json.dumps(page).encode()
    text = body.decode()
    start, end = text.find("<Marker>"), text.find("</Marker>")
    if start >= 0:
        text = text[:start] + text[end + len("</Marker>") :]
    return text.replace("<IsTruncated>false</IsTruncated>", "<IsTruncated>true</IsTruncated>").encode()
