"""Opens pages of a pack in Chromium, in five ways, and prints what is wrong with them.

    python look.py --report DIR [--shots DIR] PAGE...

Each page is shown on a wide screen in light and in dark, on a narrow screen, without scripts, and for print, where it becomes a PDF.
Printed is a JSON array of `{page, way, overflow, violations, messages, tables, loaded, printed}`: by how many pixels the page is wider
than the screen, what axe-core objects to, what the browser complains of, how many tables the page's script has taken up, after how many
milliseconds the page could be used, and how many bytes the PDF has.
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

# Barriers are looked for in both schemes of colours; in dark only those that colours make, for nothing else differs. There the policy of
# the page is off, so that axe-core may run: a name that became a script would run as well, and be told. The other ways keep the policy.
COLOURS = ["color-contrast", "link-in-text-block"]
WAYS: dict[str, dict[str, Any]] = {
    "light": {"width": 1280, "scheme": "light", "axe": {}},
    "dark": {"width": 1280, "scheme": "dark", "axe": {"runOnly": {"type": "rule", "values": COLOURS}}},
    "narrow": {"width": 375, "scheme": "light"},
    "plain": {"width": 1280, "scheme": "light", "scripts": False},
    # The widest page that Chromium still shrinks onto a sheet of A4; what is wider is cut off.
    "print": {"width": 1392, "scheme": "dark", "media": "print"},
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

    def wait_for(self, loader: str) -> None:
        """Waits until what a navigation loads is there."""

        def is_it(event: dict[str, Any]) -> bool:
            told = event.get("params", {})
            return event.get("method") == "Page.lifecycleEvent" and (told["name"], told["loaderId"]) == ("load", loader)

        while not any(is_it(event) for event in self.events):
            self.events.append(self.message())


def axe() -> str:
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        sys.exit("axe-core-python is missing: run `scripts/test --environment`")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


class Tab:
    """A tab in which pages are looked at one after another."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.ask(method, self.session, **parameters)

    def value(self, expression: str) -> Any:
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            sys.exit(f"{expression[:200]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def open(self, address: str, shown: dict[str, Any]) -> None:
        self.ask("Page.setBypassCSP", enabled="axe" in shown)
        self.ask("Emulation.setScriptExecutionDisabled", value=not shown.get("scripts", True))
        self.ask("Emulation.setDeviceMetricsOverride", width=shown["width"], height=900, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": shown["scheme"]}]
        self.ask("Emulation.setEmulatedMedia", media=shown.get("media", "screen"), features=features)
        self.browser.events.clear()
        self.browser.wait_for(self.ask("Page.navigate", url=address)["loaderId"])

    def messages(self, address: str) -> list[str]:
        """What the browser complained of, what the page asked for beside itself, and what opened a dialog."""
        told = []
        for event in self.browser.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                told.append(parameters["entry"]["text"])
            elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening"):
                told.append(f"{method}: {json.dumps(parameters)[:400]}")
            elif method == "Network.requestWillBeSent" and parameters["request"]["url"] != address.split("#")[0]:
                told.append(f"a request: {parameters['request']['url'][:200]}")
        return told


def look(tab: Tab, script: str, page: Path, way: str, shot: Path | None) -> dict[str, Any]:
    shown, address = WAYS[way], page.as_uri()
    tab.open(address, shown)
    overflow = tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    tables = tab.value("document.querySelectorAll('.tools').length")
    loaded = tab.value("Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)")
    violations = []
    if "axe" in shown:
        tab.value(script + "; 0")
        options = json.dumps(shown["axe"] | {"resultTypes": ["violations"]})
        violations = tab.value(
            f"axe.run(document, {options}).then(found => found.violations.map(it => it.id + ': ' + "
            "it.nodes.map(node => node.html.slice(0, 200)).slice(0, 3).join(' ')))"
        )
    if shot:
        height = tab.value("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": shown["width"], "height": min(height, 2400), "scale": 1}
        data = tab.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        shot.write_bytes(base64.b64decode(data))
    messages = tab.messages(address)
    printed = 0
    if shown.get("media") == "print":
        document = base64.b64decode(tab.ask("Page.printToPDF", preferCSSPageSize=True)["data"])
        printed = len(document) if document.startswith(b"%PDF-") else 0
        if shot:
            shot.with_suffix(".pdf").write_bytes(document)
    return {
        "way": way,
        "overflow": overflow,
        "violations": violations,
        "messages": messages,
        "tables": tables,
        "loaded": loaded,
        "printed": printed,
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
            tab = Tab(browser)
            for name in asked.pages:
                page = (asked.report / name).resolve(strict=True)
                for way in WAYS:
                    shot = asked.shots / f"{name.removesuffix('.html').replace('/', '-')}-{way}.png" if asked.shots else None
                    seen.append({"page": name} | look(tab, script, page, way, shot))
        finally:
            browser.process.terminate()
            browser.process.wait()
    json.dump(seen, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
