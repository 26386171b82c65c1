"use strict";
// Adds search, filters, sorting and windows to long tables. Without it every page can be read: the first rows stand in the page, and a
// sentence says where the others are. It reads the page and its own data, writes texts only, and asks for nothing.
(() => {
  const WINDOW = 100;
  const FEW = 12;
  const PRINTED = 2000;
  const CHOICES = 60;
  const STATUSES = { FAIL: "fail", ERROR: "error", UNDECIDED: "undecided", WAIVED: "waived", PASS: "pass", NOT_APPLICABLE: "na", MANUAL: "manual" };
  const RANKS = [...Object.keys(STATUSES), "critical", "high", "medium", "low", "informational"];
  // What rows may be filtered by, and where a row of the page says it.
  const FACETS = {
    status: ["Status", ".s"],
    severity: ["Severity", ".sev"],
    check: ["Check", ".checkname"],
    account: ["Account", ".account .id"],
    region: ["Region", ".region"],
  };
  const drawings = document.querySelector(".sprite").namespaceURI;
  const tables = new Map();
  const words = (element) => (element ? element.textContent.trim() : "");
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

  function make(name, attributes, ...children) {
    const it = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
    it.append(...children);
    return it;
  }

  function icon(name) {
    const drawing = document.createElementNS(drawings, "svg");
    drawing.setAttribute("class", "i");
    drawing.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(drawings, "use");
    use.setAttribute("href", "#i-" + name);
    drawing.append(use);
    return drawing;
  }

  const badge = (word) => make("span", { class: "s s-" + STATUSES[word] }, icon(STATUSES[word]), word);

  // A row that stands in the page.
  function written(row) {
    let text = null;
    return {
      element: () => row,
      anchor: row.id,
      has: (terms) => {
        text ??= row.textContent.toLowerCase();
        return terms.every((term) => text.includes(term));
      },
      facet: (name) => words(row.querySelector(FACETS[name][1])),
      key: (column) => {
        const cell = row.cells[column];
        if (!cell) return "";
        if (cell.classList.contains("n") || cell.classList.contains("cell")) return amount(cell);
        const mark = cell.querySelector(".s, .sev");
        if (mark && RANKS.includes(words(mark))) return rank(words(mark), words(cell.querySelector(".sev")));
        return words(cell).toLowerCase();
      },
    };
  }

  // A count, the worse status first: a cell of the map is worse than every number of a better status.
  function amount(cell) {
    const number = Number(words(cell).replace(/[^0-9]/g, "") || -1);
    const mark = cell.querySelector("[class*='h-']");
    const status = mark ? Object.values(STATUSES).findIndex((it) => mark.classList.contains("h-" + it)) : -1;
    return status < 0 ? number : (Object.keys(STATUSES).length - status) * 1e9 + number;
  }

  const rank = (status, severity) => RANKS.indexOf(status) * 100 + RANKS.indexOf(severity);

  // A row of the page's data: it becomes an element when it is shown.
  function stored(data, lower, start) {
    const value = (name) => {
      const at = data.columns.indexOf(name);
      return at < 0 ? "" : data.words[data.rows[start + at]];
    };
    let row = null;
    const it = {
      element: () => (row ??= data.columns.includes("cells") ? mapRow(value) : findingRow(value)),
      anchor: value("anchor"),
      has: (terms) =>
        terms.every((term) => data.columns.some((_, at) => lower[data.rows[start + at]].includes(term))),
      facet: (name) => value(name),
      key: (column) => {
        if (data.columns.includes("cells")) return column ? amount(it.element().cells[column]) : value("name").toLowerCase();
        const second = data.columns.includes("check") ? "check" : "name";
        const name = ["status", second, "region", "resource"][column] ?? "";
        return name === "status" ? rank(value("status"), value("severity")) : value(name).toLowerCase();
      },
    };
    return it;
  }

  function findingRow(value) {
    const anchor = value("anchor");
    const first = make("td", {}, badge(value("status")), " ");
    if (value("severity")) first.append(make("span", { class: "sev sev-" + value("severity") }, value("severity")));
    const second = value("check")
      ? make("td", { class: "checkname" }, make("a", { href: "../checks/" + value("check") + ".html" }, value("check")))
      : make("td", { class: "account" }, ...account(value("name"), value("account"), "../accounts/"));
    const name = make("a", { class: "name", href: "#" + anchor }, make("bdi", {}, value("resource")));
    const line = "grep '\"fingerprint\":\"" + anchor.slice(2) + "' data/json/findings.ndjson | jq .";
    const more = make("details", { class: "more" }, make("summary", {}, "Evidence and statements"),
      make("pre", { class: "cmd", tabindex: "0" }, line));
    const last = make("th", { scope: "row", class: "wide" }, name, make("span", { class: "reason" }, value("reason")), more);
    return make("tr", { id: anchor }, first, second, make("td", { class: "region" }, value("region")), last);
  }

  function account(name, id, folder) {
    const href = folder + id + ".html";
    if (!name) return [make("a", { class: "id", href }, id)];
    return [make("a", { href }, make("bdi", {}, name)), " ", make("span", { class: "id" }, id)];
  }

  // `cells` holds, for each column, a status and a number, or nothing: `FAIL 12,,PASS 3`.
  function mapRow(value) {
    const id = value("account");
    const row = make("tr", {}, make("th", { scope: "row", class: "stick" }, ...account(value("name"), id, "")));
    for (const cell of value("cells").split(",")) {
      const [status, number] = cell.split(" ");
      const inside = status
        ? make("a", { class: "h h-" + STATUSES[status], href: id + ".html" }, icon(STATUSES[status]), make("span", {}, grouped(number)), make("span", { class: "vh" }, " " + status))
        : make("span", { class: "mute" }, "·", make("span", { class: "vh" }, "nothing to test"));
      row.append(make("td", { class: "cell" }, inside));
    }
    return row;
  }

  function rowsOf(box, body) {
    const rows = [...body.rows].map(written);
    const block = box.querySelector("script");
    if (!block) return rows;
    const data = JSON.parse(block.textContent);
    const lower = data.words.map((word) => word.toLowerCase());
    for (let start = 0; start < data.rows.length; start += data.columns.length) rows.push(stored(data, lower, start));
    return rows;
  }

  // A table that can be searched, filtered, sorted and paged. Its state is `{q, sort, from, …facets}`.
  function live(box) {
    const body = box.querySelector("tbody");
    const id = box.dataset.live;
    const rows = rowsOf(box, body);
    const table = { box, rows, state: {}, id };
    tables.set(id, table);
    let found = rows;
    const told = make("p", { role: "status", class: "told" });
    const [back, forth] = ["Previous", "Next"].map((name) => make("button", { type: "button" }, name));

    const draw = (from, to) => {
      const shown = found.slice(from, to).map((row) => row.element());
      shown.forEach(withReference);
      body.replaceChildren(...shown);
    };

    table.show = () => {
      const { state } = table;
      const terms = (state.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const facets = Object.keys(FACETS).filter((name) => state[name]);
      found = rows.filter((row) => facets.every((name) => row.facet(name) === state[name]) && row.has(terms));
      const [column, order] = (state.sort ?? "").split(".");
      if (column) found = sorted(found, Number(column) - 1, order === "down");
      const from = Math.min(Number(state.from ?? 1) - 1, Math.max(found.length - 1, 0)) || 0;
      draw(from, from + WINDOW);
      const all = found.length === rows.length ? "" : " of " + grouped(rows.length);
      const part = found.length > WINDOW ? ", shown are " + grouped(from + 1) + " to " + grouped(Math.min(from + WINDOW, found.length)) : "";
      told.textContent = grouped(found.length) + all + " " + box.dataset.noun + part;
      back.disabled = from === 0;
      forth.disabled = from + WINDOW >= found.length;
      back.hidden = forth.hidden = found.length <= WINDOW;
      table.mirror?.();
    };
    table.set = (change) => {
      table.state = Object.fromEntries(Object.entries({ ...table.state, from: undefined, ...change }).filter(([, value]) => value));
      table.show();
      const state = new URLSearchParams(table.state).toString();
      history.replaceState(null, "", location.href.split("#")[0] + (state ? "#" + id + "?" + state : ""));
    };
    table.reveal = (anchor) => {
      const place = () => found.findIndex((row) => row.anchor === anchor);
      if (!rows.some((row) => row.anchor === anchor)) return null;
      if (place() < 0) table.state = {};
      table.show();
      table.state.from = String(Math.floor(place() / WINDOW) * WINDOW + 1);
      table.show();
      return document.getElementById(anchor);
    };
    if (rows.length > FEW) {
      const move = (by) => table.set({ from: String(Math.max(Number(table.state.from ?? 1) + by, 1)) });
      back.addEventListener("click", () => move(-WINDOW));
      forth.addEventListener("click", () => move(WINDOW));
      box.prepend(tools(table, told, back, forth));
      heads(table);
      addEventListener("beforeprint", () => draw(0, PRINTED));
      addEventListener("afterprint", () => table.show());
    }
    table.show();
  }

  function sorted(rows, column, down) {
    const keys = rows.map((row, at) => [row.key(column), at, row]);
    const compare = (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
    keys.sort((a, b) => (down ? compare(b, a) : compare(a, b)) || a[1] - b[1]);
    return keys.map((it) => it[2]);
  }

  // The line above a table: search, filters, how many rows there are.
  function tools(table, told, back, forth) {
    const name = table.box.dataset.noun;
    const search = make("input", { type: "search", "aria-label": "Search " + name, placeholder: "Search", autocomplete: "off", spellcheck: "false" });
    let waiting = 0;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => table.set({ q: search.value }), 120);
    });
    const choices = (table.box.dataset.facets ?? "").split(" ").filter(Boolean).map((facet) => choice(table, facet)).filter(Boolean);
    const reset = make("button", { type: "button" }, "Reset");
    reset.addEventListener("click", () => table.set(Object.fromEntries(["q", "sort", ...Object.keys(FACETS)].map((key) => [key, ""]))));
    table.mirror = () => {
      if (search.value !== (table.state.q ?? "")) search.value = table.state.q ?? "";
      choices.forEach((it) => (it.value = table.state[it.name] ?? ""));
      reset.hidden = !Object.keys(table.state).some((key) => key !== "from");
      mark(table);
    };
    return make("div", { class: "tools" }, search, ...choices, reset, told, back, forth);
  }

  function choice(table, facet) {
    const values = [...new Set(table.rows.map((row) => row.facet(facet)))].filter(Boolean);
    if (values.length < 2 || values.length > CHOICES) return null;
    values.sort((a, b) => RANKS.indexOf(a) - RANKS.indexOf(b) || (a < b ? -1 : 1));
    const title = FACETS[facet][0];
    const select = make("select", { name: facet, "aria-label": title }, make("option", { value: "" }, title + ": all"),
      ...values.map((value) => make("option", { value }, value)));
    select.addEventListener("change", () => table.set({ [facet]: select.value }));
    return select;
  }

  // The heads of columns become buttons that sort. The last row of heads has one for each column.
  function heads(table) {
    const last = [...table.box.querySelectorAll("thead tr")].pop().cells;
    [...table.box.querySelectorAll("thead th[rowspan]"), ...last].forEach((head, at) => {
      if (head.querySelector(".vh") || !words(head)) return;
      const button = make("button", { type: "button", class: "by" }, ...head.childNodes);
      head.replaceChildren(button);
      head.dataset.column = String(at + 1);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const isNumber = head.classList.contains("n") || head.classList.contains("of-cell");
        const order = now === "none" ? (isNumber ? "down" : "up") : now === "ascending" ? "down" : "up";
        table.set({ sort: (at + 1) + "." + order });
      });
    });
    mark(table);
  }

  function mark(table) {
    const [column, order] = (table.state.sort ?? "").split(".");
    for (const head of table.box.querySelectorAll("th[data-column]")) {
      const is = head.dataset.column === column;
      head.setAttribute("aria-sort", is ? (order === "down" ? "descending" : "ascending") : "none");
    }
  }

  // A button that copies what cites a finding: its page and place, and the pack it is in.
  function withReference(row) {
    if (!row.id.startsWith("f-") || row.querySelector(".ref")) return;
    const name = row.querySelector(".name");
    const button = make("button", { type: "button", class: "ref" }, "Copy reference", make("span", { class: "vh" }, " of " + words(name)));
    button.addEventListener("click", async () => {
      const page = location.pathname.split("/report/").pop();
      const root = document.querySelector("main").dataset.root;
      const text = words(name) + ": report/" + page + "#" + row.id + (root ? ", input root " + root : "");
      const isCopied = await copied(text);
      const label = button.firstChild;
      label.data = isCopied ? "Copied" : "Not copied: " + text;
      setTimeout(() => (label.data = "Copy reference"), 4000);
    });
    name.after(" ", button);
  }

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }

  // Opens what the address names: a finding wherever it is, a view of a table, a place in something folded.
  function follow() {
    document.querySelectorAll(".here").forEach((row) => row.classList.remove("here"));
    const named = decodeURIComponent(location.hash.slice(1));
    if (!named) return;
    const [id, state] = named.split(/\?(.*)/s);
    const table = state ? tables.get(id) : undefined;
    if (table) {
      const known = ["q", "sort", "from", ...Object.keys(FACETS)];
      table.state = Object.fromEntries([...new URLSearchParams(location.hash.split("?")[1])].filter(([key]) => known.includes(key)));
      table.show();
    }
    let place = table ? table.box : document.getElementById(id);
    if (!place) for (const one of tables.values()) place ??= one.reveal(id);
    if (!place) return;
    for (let around = place.parentElement; around; around = around.parentElement) if (around.localName === "details") around.open = true;
    if (id.startsWith("f-")) {
      place.classList.add("here");
      const details = place.querySelector("details");
      if (details) details.open = true;
    }
    place.scrollIntoView({ block: table ? "start" : "center" });
  }

  document.querySelectorAll("[data-live]").forEach(live);
  addEventListener("hashchange", follow);
  follow();
})();
