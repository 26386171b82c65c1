"""Uses the page of an account as a reader would, and prints what went wrong.

    python use.py PAGE

Printed is a JSON array of sentences; an empty one means that search, filters, sorting, windows, addresses and references work.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from look import WAYS, Browser, Tab

# What the browser runs to read a table: its rows, what it tells, its address, how its heads are sorted.
READ = """(() => { const box = document.querySelector('[data-live=NAME]'); return {
  rows: [...box.querySelectorAll('tbody tr')].map(it => it.id),
  statuses: [...box.querySelectorAll('tbody tr td:first-child .s')].map(it => it.textContent),
  told: box.querySelector('[role=status]').textContent,
  hash: location.hash,
  sorted: [...box.querySelectorAll('th[aria-sort]')].map(it => it.getAttribute('aria-sort')),
}; })()"""


class Reader:
    def __init__(self, tab: Tab, page: Path) -> None:
        self.tab, self.address = tab, page.as_uri()
        self.faults: list[str] = []

    def open(self, fragment: str = "") -> None:
        self.tab.ask("Page.navigate", url="about:blank")
        self.tab.open(self.address + fragment, WAYS["narrow"])

    def read(self, name: str) -> Any:
        return self.tab.value(READ.replace("NAME", name))

    def do(self, script: str) -> Any:
        return self.tab.value(f"(async () => {{ {script} }})()")

    def must(self, holds: bool, sentence: str, *what: Any) -> None:
        if not holds:
            self.faults.append(f"{sentence}: {json.dumps(what)[:600]}")

    def search_and_filters(self) -> None:
        self.open()
        whole = self.read("findings")
        self.must(len(whole["rows"]) == 100, "a window has 100 rows", len(whole["rows"]))
        self.do(
            "const box = document.querySelector('[data-live=findings]'), choice = box.querySelector('select[name=status]');"
            "choice.value = 'ERROR'; choice.dispatchEvent(new Event('change'));"
        )
        errors = self.read("findings")
        self.must(set(errors["statuses"]) == {"ERROR"}, "a filter leaves its status alone", errors["statuses"])
        self.must(errors["hash"] == "#findings?status=ERROR", "a view has an address", errors["hash"])
        self.must(errors["told"] != whole["told"], "how many rows there are is told", errors["told"])
        self.open("#findings?status=ERROR")
        self.must(self.read("findings")["rows"] == errors["rows"], "an address gives the same view", errors["rows"][:3])
        self.do(
            "const input = document.querySelector('[data-live=findings] input'); input.value = 'nothing is called so';"
            "input.dispatchEvent(new Event('input')); await new Promise(done => setTimeout(done, 400));"
        )
        nothing = self.read("findings")
        self.must(nothing["rows"] == [] and nothing["told"].startswith("0 of "), "a search may find nothing", nothing)
        self.do("[...document.querySelectorAll('[data-live=findings] .tools button')].find(it => it.textContent == 'Reset').click()")
        again = self.read("findings")
        self.must(again["rows"] == whole["rows"] and again["hash"] == "", "reset shows everything", again["hash"])

    def order_and_windows(self) -> None:
        self.open()
        first = self.read("findings")
        self.do("document.querySelector('[data-live=findings] th[data-column=\"4\"] button').click()")
        up = self.read("findings")
        self.must(up["sorted"][3] == "ascending", "a sorted column says so", up["sorted"])
        self.do("document.querySelector('[data-live=findings] th[data-column=\"4\"] button').click()")
        down = self.read("findings")
        self.must(down["sorted"][3] == "descending" and up["rows"] != down["rows"], "a second click turns it", down["sorted"])
        self.open()
        self.do("[...document.querySelectorAll('[data-live=findings] .tools button')].find(it => it.textContent == 'Next').click()")
        second = self.read("findings")
        self.must(not set(second["rows"]) & set(first["rows"]) and bool(second["rows"]), "the next window has other rows", second["told"])

    def places(self) -> None:
        """A finding is found in a further window, filtered away, and in a table that is folded and whose rows are data."""
        self.open()
        last = self.do(
            "const box = document.querySelector('[data-live=passed]'), next = [...box.querySelectorAll('.tools button')]"
            ".find(it => it.textContent == 'Next'); while (!next.disabled) next.click();"
            "return [...box.querySelectorAll('tbody tr')].pop().id"
        )
        self.open(f"#{last}")
        seen = self.do(
            f"const it = document.getElementById('{last}'); return it && it.classList.contains('here')"
            " && it.closest('details').open && it.getBoundingClientRect().height > 0"
        )
        self.must(seen is True, "the address of a finding opens what it is in", last, seen)
        self.open("#findings?q=nothing+is+called+so")
        self.do(f"location.hash = '#{last}'; await new Promise(done => setTimeout(done, 200));")
        self.must(self.do(f"return !!document.getElementById('{last}')"), "a finding is found from within a view", last)

    def references(self) -> None:
        self.open()
        self.tab.browser.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        copied = self.do(
            "const row = document.querySelector('[data-live=findings] tbody tr'), button = row.querySelector('.ref');"
            "button.focus(); button.click(); await new Promise(done => setTimeout(done, 300));"
            "return [row.id, button.firstChild.data, document.querySelector('main').dataset.root]"
        )
        self.must(copied[1].startswith(("Copied", "Not copied: ")), "a reference is copied or shown", copied)
        self.must("Not copied" not in copied[1] or f"#{copied[0]}, input root {copied[2]}" in copied[1], "it names place and pack", copied)

    def without_scripts(self) -> None:
        self.tab.open(self.address, WAYS["plain"])
        # Nothing that only a script can make work is there.
        dead = self.tab.value("document.querySelectorAll('button, input, select').length")
        rows = self.tab.value("document.querySelectorAll('[data-live=findings] tbody tr').length")
        self.must(dead == 0 and rows > 100, "without scripts there are rows and no dead buttons", dead, rows)


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            reader = Reader(Tab(browser), Path(sys.argv[1]).resolve(strict=True))
            for part in (reader.search_and_filters, reader.order_and_windows, reader.places, reader.references, reader.without_scripts):
                part()
        finally:
            browser.process.terminate()
            browser.process.wait()
    json.dump(reader.faults, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
