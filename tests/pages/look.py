"""Opens pages of a pack in Chromium, in four ways, and prints what is wrong with them.

    python look.py --report DIR [--shots DIR] PAGE...

Each page is shown on a wide screen in light and in dark, on a narrow screen, and for print. Printed is a JSON array of
`{page, way, overflow, violations, messages}`: by how many pixels the page is wider than the screen, what axe-core
objects to, and what the browser complains of.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Barriers are looked for in both schemes of colours; the other two are the same content in another form.
WAYS = {
    "light": {"width": 1280, "media": "screen", "scheme": "light", "axe": True},
    "dark": {"width": 1280, "media": "screen", "scheme": "dark", "axe": True},
    "narrow": {"width": 380, "media": "screen", "scheme": "light", "axe": False},
    # The widest page that Chromium still shrinks onto a sheet of A4; what is wider is cut off.
    "print": {"width": 1392, "media": "print", "scheme": "light", "axe": False},
}
NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """Chromium, spoken to over its debugging pipe: JSON messages that end with a zero byte."""

    def __init__(self, profile: str) -> None:
        program = next((found for name in NAMES if (found := shutil.which(name))), None)
        if program is None:
            sys.exit("no Chromium was found: run `scripts/test --environment`")
        from_us, self.to_it = os.pipe()
        self.from_it, to_us = os.pipe()

        def descriptors() -> None:
            # Both may stand where the other must go.
            first, second = os.dup(from_us), os.dup(to_us)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            preexec_fn=descriptors,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        self.last = 0
        self.rest = b""
        self.events: list[dict[str, Any]] = []

    def message(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.from_it, 1 << 20)
            if not more:
                sys.exit("Chromium ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self.last += 1
        asked = {"id": self.last, "method": method, "params": parameters}
        if session:
            asked["sessionId"] = session
        os.write(self.to_it, json.dumps(asked).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.last:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait(self, method: str) -> None:
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())


def axe() -> str:
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        sys.exit("axe-core-python is missing: run `scripts/test --environment`")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


def look(browser: Browser, script: str, page: Path, way: str, shot: Path | None) -> dict[str, Any]:
    shown = WAYS[way]
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(method: str, **parameters: Any) -> dict[str, Any]:
        return browser.ask(method, session, **parameters)

    def value(expression: str) -> Any:
        found = ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            sys.exit(f"{page}: {found['exceptionDetails']}")
        return found["result"].get("value")

    ask("Page.enable")
    ask("Log.enable")
    ask("Runtime.enable")
    # The pages let no script run but their own; the one that looks at them is none of theirs.
    ask("Page.setBypassCSP", enabled=True)
    ask("Emulation.setDeviceMetricsOverride", width=shown["width"], height=900, deviceScaleFactor=1, mobile=False)
    features = [{"name": "prefers-color-scheme", "value": shown["scheme"]}]
    ask("Emulation.setEmulatedMedia", media=shown["media"], features=features)
    browser.events.clear()
    ask("Page.navigate", url=page.as_uri())
    browser.wait("Page.loadEventFired")
    overflow = value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    violations = []
    if shown["axe"]:
        value(script + "; 0")
        violations = value(
            "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(it => it.id + ': ' + "
            "it.nodes.map(node => node.html.slice(0, 200)).slice(0, 3).join(' ')))"
        )
    entries = [event["params"] for event in browser.events if event.get("method") == "Log.entryAdded"]
    thrown = [event["params"] for event in browser.events if event.get("method") == "Runtime.exceptionThrown"]
    if shot:
        height = value("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": shown["width"], "height": min(height, 2400), "scale": 1}
        data = ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        shot.write_bytes(base64.b64decode(data))
    browser.ask("Target.closeTarget", targetId=target)
    return {
        "way": way,
        "overflow": overflow,
        "violations": violations,
        "messages": [entry["entry"]["text"] for entry in entries] + [str(one) for one in thrown],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", required=True, type=Path)
    parser.add_argument("--shots", type=Path)
    parser.add_argument("pages", nargs="+")
    asked = parser.parse_args()
    script, seen = axe(), []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            for name in asked.pages:
                page = (asked.report / name).resolve(strict=True)
                for way in WAYS:
                    shot = asked.shots / f"{name.removesuffix('.html').replace('/', '-')}-{way}.png" if asked.shots else None
                    seen.append({"page": name} | look(browser, script, page, way, shot))
        finally:
            browser.process.terminate()
            browser.process.wait()
    json.dump(seen, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
