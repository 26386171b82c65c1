"""Serves an emulated AWS on loopback: moto's storage, answers corrected to AWS's own, faults on demand.

    python server.py [--port N] [--stay]

Prints one line of JSON, `{"endpoint": "http://127.0.0.1:PORT"}`, and ends when its standard input is closed (so that it
never outlives the test run that started it) unless `--stay` is given. What tests ask it, in JSON:

    POST /_test/rules            a list of rules, see `faults.Rules`
    POST /_test/clear?scope=S    forgets the rules of a scope
    GET  /_test/calls?scope=S    the calls of a scope, in the order in which they came
    GET  /_test/held?scope=S&count=N   waits until N calls are held, answers how many
    POST /_test/release?scope=S  lets the held calls go on
    POST /_test/role?scope=S     sessions of this scope may do what this policy says, not what their role's policies say
    POST /_test/state            sets what no AWS API sets, see `state`
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import threading
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit

os.environ.setdefault("AWS_ACCESS_KEY_ID", "unused")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "unused")
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

import moto.core.responses as moto_responses
from moto.core.request import Request
from moto.moto_api._internal import mock_random

import state
from corrected_iam import Iam
from corrected_kms import Kms
from corrected_organizations import ENABLED_REGIONS, Account, Organizations, Sts, session_of
from faults import HTML_500, WORDING, Answer, Call, Refused, Rules, error, spoil, worded

SERVICES: dict[str, Any] = {"iam": Iam, "kms": Kms, "organizations": Organizations, "sts": Sts, "account": Account}
CREDENTIAL = re.compile(r"Credential=([^/]+)/[0-9]+/([^/]+)/([^/]+)/aws4_request")

# moto looks its method names up anew for every request.
moto_responses.method_names_from_class = cache(moto_responses.method_names_from_class)


class Gone(Exception):
    """The connection closes without an answer."""


class Wire:
    """What stands between HTTP and moto: reads a call, applies the rules, authorizes, hands it to moto, counts it."""

    def __init__(self) -> None:
        self.rules = Rules()
        self.calls: list[dict[str, Any]] = []
        self.roles: dict[str, Any] = {}
        self.lock = threading.Lock()
        # moto's backends are plain dictionaries; one request at a time keeps them whole.
        self.moto_lock = threading.Lock()

    def serve(self, request: Handler) -> Answer:
        url = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if url.path.startswith("/_test/"):
            return self.control(url, body)
        call = read_call(request.headers, url.path, body)
        try:
            answer = self.answer(call, request, body)
        except Gone:
            self.count(call, Answer(0, {}, b""))
            raise
        self.count(call, answer)
        return answer

    def answer(self, call: Call, request: Handler, body: bytes) -> Answer:
        session = session_of(call.access_key)
        if session is None:
            return error(call, "invalid_token")
        if session.expired:
            return error(call, "expired_token")
        if call.region not in ENABLED_REGIONS:
            # So does AWS where a Region is not enabled for the account.
            return error(call, "invalid_token")
        rule = self.rules.applying(call) or {"kind": None}
        kind = rule["kind"]
        if kind in WORDING:
            if kind == "expired_token":
                session.expired = True
            return error(call, kind, rule.get("code"), rule.get("message"))
        if kind == "html500":
            return Answer(500, {"Content-Type": "text/html; charset=utf-8"}, HTML_500)
        if kind == "drop":
            raise Gone("ordered")
        if kind == "hold":
            self.rules.hold(call)
        elif kind == "same_marker":
            body = _without_marker(call, body)
        elif kind == "lifetime":
            body = _with_parameter(body, "DurationSeconds", str(rule["seconds"]))
        if session.role is not None and not self.permits(call, session):
            return error(call, "deny")
        return spoil(rule, self.moto(call, request, body))

    def moto(self, call: Call, request: Handler, body: bytes) -> Answer:
        environ = {
            "REQUEST_METHOD": request.command,
            "PATH_INFO": request.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": f"{call.service}.{call.region}.amazonaws.com",
            "HTTP_AUTHORIZATION": request.headers.get("Authorization", ""),
            "HTTP_X_AMZ_TARGET": request.headers.get("X-Amz-Target", ""),
            "HTTP_X_MOTO_ACCOUNT_ID": call.account,
        }
        moto_request = Request(environ)
        moto_request.from_wsgi_server = True
        try:
            with self.moto_lock:
                status, headers, content = SERVICES[call.service]()._dispatch(moto_request)
        except NotImplementedError:
            return error(call, "unsupported")
        except Refused as refused:
            return worded(call, refused.status, refused.code, refused.message)
        content = content if isinstance(content, bytes) else (content or "").encode()
        dropped = ("status", "server", "x-amzn-requestid")
        headers = {name: str(value) for name, value in headers.items() if name.lower() not in dropped}
        headers["x-amzn-RequestId"] = call.request_id
        if call.service in ("kms", "organizations"):
            headers["Content-Type"] = "application/x-amz-json-1.1"
        return Answer(int(status), headers, content)

    def permits(self, call: Call, session: Any) -> bool:
        """Whether the role's identity policies allow the action; resources and conditions are not looked at."""
        if call.operation == "GetCallerIdentity":
            return True
        ordered = self.roles.get(call.scope)
        documents = [json.dumps(ordered)] if ordered else _documents(session.role)
        action = f"{call.service}:{call.operation}".lower()
        allowed = denied = False
        for document in documents:
            for effect, pattern in _patterns(document):
                if pattern.fullmatch(action):
                    allowed |= effect == "Allow"
                    denied |= effect == "Deny"
        return allowed and not denied

    def count(self, call: Call, answer: Answer) -> None:
        text = answer.body[:400].decode(errors="replace")
        code = re.search(r"<Code>([^<]+)|\"__type\": \"([^\"]+)", text) if answer.status >= 400 else None
        with self.lock:
            self.calls.append(
                {
                    "scope": call.scope,
                    "account": call.account,
                    "region": call.region,
                    "service": call.service,
                    "operation": call.operation,
                    "request_id": call.request_id,
                    "status": answer.status,
                    "later_page": call.is_later_page,
                    "code": next((group for group in code.groups() if group), None) if code else None,
                    "parameters": {
                        name: value for name, value in call.parameters.items() if name not in ("Action", "Version")
                    },
                }
            )

    def control(self, url: SplitResult, body: bytes) -> Answer:
        asked = parse_qs(url.query)
        scope = asked.get("scope", [""])[0]
        given = json.loads(body) if body else None
        result: Any = {}
        match url.path.removeprefix("/_test/"):
            case "rules":
                self.rules.add(given)
            case "clear":
                self.rules.clear(scope)
            case "calls":
                with self.lock:
                    result = [call for call in self.calls if call["scope"] == scope]
            case "held":
                result = {"held": self.rules.wait_until_held(scope, int(asked.get("count", ["1"])[0]))}
            case "release":
                self.rules.release(scope)
            case "role":
                self.roles[scope] = given
            case "state":
                with self.moto_lock:
                    result = state.apply(given)
            case _:
                return Answer(404, {"Content-Type": "application/json"}, b"{}")
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(result).encode())


def read_call(headers: Message, path: str, body: bytes) -> Call:
    """What a request asks, of whom and as whom."""
    found = CREDENTIAL.search(headers.get("Authorization", ""))
    access_key, region, service = found.groups() if found else ("", "us-east-1", "sts")
    session = session_of(access_key)
    target = headers.get("X-Amz-Target")
    if target:
        operation, parameters = target.split(".")[-1], json.loads(body or b"{}")
    elif service == "account":
        name = path.lstrip("/")
        operation, parameters = name[:1].upper() + name[1:], json.loads(body or b"{}")
    else:
        parameters = dict(parse_qsl(body.decode(), keep_blank_values=True))
        operation = parameters.get("Action", "")
    return Call(
        scope=session.scope if session else access_key[-4:],
        account=session.account if session else "",
        region=region,
        service=service,
        operation=operation,
        parameters=parameters,
        principal=session.arn if session else "",
        access_key=access_key,
    )


def _without_marker(call: Call, body: bytes) -> bytes:
    kept = {name: value for name, value in call.parameters.items() if name not in ("Marker", "NextToken")}
    return urlencode(kept).encode() if "Action" in kept else json.dumps(kept).encode()


def _with_parameter(body: bytes, name: str, value: str) -> bytes:
    return urlencode(dict(parse_qsl(body.decode()), **{name: value})).encode()


def _documents(role: Any) -> list[str]:
    managed = [
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default
    ]
    return [*role.policies.values(), *managed]


@cache
def _patterns(document: str) -> list[tuple[str, re.Pattern[str]]]:
    statements = json.loads(document)["Statement"]
    found = []
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            pattern = re.escape(action.lower()).replace(r"\*", ".*").replace(r"\?", ".")
            found.append((statement["Effect"], re.compile(pattern)))
    return found


class Handler(BaseHTTPRequestHandler):
    """Keeps connections alive, logs nothing, closes a connection before or amid an answer where that is ordered."""

    protocol_version = "HTTP/1.1"
    wire: Wire

    def do_POST(self) -> None:
        try:
            answer = self.wire.serve(self)
        except Gone:
            self.close_connection = True
            return
        head = [f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Error'}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items() if name.lower() != "content-length"]
        head += [f"Content-Length: {len(answer.body)}", "", ""]
        # In one piece: two small writes would wait for each other's acknowledgement.
        self.wfile.write("\r\n".join(head).encode() + answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    do_GET = do_POST

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # All tests collect at once, each with many connections. A longer queue than Python's five keeps a busy machine from losing
    # connections, which would take a second to be tried again.
    request_queue_size = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stay", action="store_true", help="do not end when standard input is closed")
    asked = parser.parse_args()
    # The same seeding makes the same ids.
    mock_random.seed(20261001)
    Handler.wire = Wire()
    server = Server(("127.0.0.1", asked.port), Handler)
    print(json.dumps({"endpoint": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        if asked.stay:
            threading.Event().wait()
        else:
            sys.stdin.buffer.read()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
