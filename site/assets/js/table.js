/* Makes a complete HTML table sortable and filterable, and keeps the view in the address.

   Hooks, written by the generator: table[data-cb]; on each heading data-key, and where they hold
   data-best="low", data-type="text", data-facet, data-hidden; on a cell data-v, its full value.
   The view of table `id` is the query parameter `id`: s:key or s:-key (sorting), q:words,
   f.key:value (facet), h:key+key (hidden columns), joined by ";". */
(() => {
  "use strict";

  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const collator = new Intl.Collator(document.documentElement.lang || "en", { numeric: true });
  const chinese = document.documentElement.lang.startsWith("zh");
  const say = chinese
    ? { filter: "筛选行", columns: "列", copy: "复制链接", copied: "已复制", cite: "引用", csv: "CSV", all: "全部",
        tools: "表格控件", rows: (n, all) => `${n} / ${all} 行` }
    : { filter: "Filter rows", columns: "Columns", copy: "Copy link", copied: "Copied", cite: "Cite", csv: "CSV", all: "all",
        tools: "Table controls", rows: (n, all) => (n === all ? `${all} rows` : `${n} of ${all} rows`) };

  const textOf = (cell) => cell.textContent.trim();
  const valueOf = (cell) => {
    const text = cell.dataset.v ?? textOf(cell).replace(/[\s\u202f]/g, "").replace("−", "-");
    const value = parseFloat(text);
    return Number.isNaN(value) ? null : value;
  };

  class TableView {
    constructor(table) {
      this.table = table;
      this.heads = [...table.tHead.rows[0].cells];
      this.keys = this.heads.map((head) => head.dataset.key);
      this.rows = [...table.tBodies[0].rows].map((tr, order) => ({ tr, order, words: tr.textContent.toLowerCase() }));
      this.sheet = make("style");
      this.live = make("span", { className: "cb-live", "aria-live": "polite" });
      this.reset();
      this.read();
      this.build();
      this.apply({ write: false });
      window.addEventListener("popstate", () => { this.reset(); this.read(); this.sync(); this.apply({ write: false }); });
    }

    reset() {
      this.sort = null;
      this.down = false;
      this.query = "";
      this.facets = new Map();
      this.hidden = new Set(this.keys.filter((key, at) => "hidden" in this.heads[at].dataset));
      this.chosen = false;
    }

    read() {
      const view = new URL(location.href).searchParams.get(this.table.id);
      for (const part of (view ?? "").split(";")) {
        const cut = part.indexOf(":");
        const [name, value] = [part.slice(0, cut), part.slice(cut + 1)];
        if (name === "s" && this.keys.includes(value.replace(/^-/, ""))) {
          this.down = value.startsWith("-");
          this.sort = value.replace(/^-/, "");
        } else if (name === "q") this.query = value;
        else if (name === "h") {
          this.chosen = true;
          this.hidden = new Set(value.split("+").filter((key) => this.keys.includes(key)));
        } else if (name.startsWith("f.") && this.keys.includes(name.slice(2))) this.facets.set(name.slice(2), value);
      }
    }

    write() {
      const parts = [];
      if (this.sort) parts.push(`s:${this.down ? "-" : ""}${this.sort}`);
      if (this.query) parts.push(`q:${this.query.replaceAll(";", " ")}`);
      for (const [key, value] of this.facets) if (value) parts.push(`f.${key}:${value}`);
      if (this.chosen) parts.push(`h:${[...this.hidden].join("+")}`);
      const url = new URL(location.href);
      if (parts.length) url.searchParams.set(this.table.id, parts.join(";"));
      else url.searchParams.delete(this.table.id);
      history.replaceState(history.state, "", url);
    }

    build() {
      this.heads.forEach((head, at) => {
        const label = head.querySelector(".cb-label");
        const button = make("button", { type: "button", className: "cb-label" }, ...label.childNodes);
        button.addEventListener("click", () => this.sortBy(this.keys[at], head));
        label.replaceWith(button);
      });
      this.bar = make("div", { className: "cb-bar", role: "group", "aria-label": say.tools });
      this.input = make("input", { type: "search", placeholder: say.filter, "aria-label": say.filter });
      this.input.addEventListener("input", () => { this.query = this.input.value; this.apply(); });
      const many = this.rows.length > 6;
      if (many) this.bar.append(this.input, ...this.facetMenus());
      const columns = this.columnMenu();
      if (this.hidden.size || this.keys.length > 8) this.bar.append(columns);
      if (many) this.bar.append(this.csvButton());
      if (many || this.table.id.startsWith("board")) this.bar.append(this.linkButton(), this.citeButton());
      if (many) this.bar.append(this.live);
      this.bar.hidden = !this.bar.childElementCount;
      this.table.closest(".cb-scroll").before(this.bar, this.sheet);
      this.sync();
    }

    facetMenus() {
      this.menus = new Map();
      this.heads.forEach((head, at) => {
        if (!("facet" in head.dataset)) return;
        const values = [...new Set(this.rows.map((row) => textOf(row.tr.cells[at])))].sort(collator.compare);
        if (values.length < 2) return;
        const name = textOf(head.querySelector(".cb-label"));
        const menu = make("select", { "aria-label": name }, make("option", { value: "" }, `${name}: ${say.all}`));
        menu.append(...values.map((value) => make("option", { value }, value)));
        menu.addEventListener("change", () => { this.facets.set(this.keys[at], menu.value); this.apply(); });
        this.menus.set(this.keys[at], menu);
      });
      return this.menus.values();
    }

    columnMenu() {
      this.boxes = new Map();
      const list = make("div");
      this.heads.forEach((head, at) => {
        if (head.classList.contains("fz")) return;
        const box = make("input", { type: "checkbox" });
        box.addEventListener("change", () => {
          if (box.checked) this.hidden.delete(this.keys[at]);
          else this.hidden.add(this.keys[at]);
          this.chosen = true;
          this.apply();
        });
        this.boxes.set(this.keys[at], box);
        list.append(make("label", {}, box, ` ${textOf(head.querySelector(".cb-label"))}`));
      });
      const menu = make("details", {}, make("summary", {}, say.columns), list);
      menu.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { menu.open = false; menu.firstChild.focus(); }
      });
      document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
      return menu;
    }

    csvButton() {
      const button = make("button", { type: "button" }, say.csv);
      const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      /* a leading =, +, - or @ would be run by a spreadsheet, unless it starts a number */
      const safe = (text) => (/^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
      button.addEventListener("click", () => {
        const shown = this.keys.map((key, at) => at).filter((at) => !this.hidden.has(this.keys[at]));
        const lines = [shown.map((at) => this.keys[at])];
        for (const tr of this.table.tBodies[0].rows) {
          if (!tr.hidden) lines.push(shown.map((at) => tr.cells[at].dataset.v ?? textOf(tr.cells[at])));
        }
        const csv = lines.map((line) => line.map((text) => quote(safe(text))).join(",")).join("\r\n") + "\r\n";
        const url = URL.createObjectURL(new Blob([csv], { type: "text/csv;charset=utf-8" }));
        make("a", { href: url, download: `${this.table.id}-view.csv` }).click();
        URL.revokeObjectURL(url);
      });
      return button;
    }

    linkButton() {
      const button = make("button", { type: "button" }, say.copy);
      button.addEventListener("click", async () => {
        this.write();
        try { await navigator.clipboard.writeText(location.href); } catch { return; }
        button.textContent = say.copied;
        setTimeout(() => { button.textContent = say.copy; }, 1500);
      });
      return button;
    }

    citeButton() {
      const button = make("button", { type: "button", "aria-expanded": "false" }, say.cite);
      const text = make("pre", { className: "cb-code", tabIndex: 0, hidden: true });
      button.addEventListener("click", () => {
        text.hidden = !text.hidden;
        button.setAttribute("aria-expanded", String(!text.hidden));
        text.textContent = this.citation();
        if (!text.isConnected) this.bar.after(text);
      });
      return button;
    }

    /* What is on the screen, with the version of the data that it shows. */
    citation() {
      this.write();
      const { version, protocol } = document.querySelector("[data-version]")?.dataset ?? {};
      const title = textOf(document.getElementById("page-title") ?? document.querySelector("h1")).replace(/¶$/, "");
      const plain = (words) => words.replace(/[{}\\]/g, "");
      return [
        `@misc{cosmosboard-${version}-${this.table.id},`,
        `  title  = {{COSMOS board: ${plain(title)}}},`,
        "  author = {{The cosmos-board authors}},",
        `  note   = {Data version ${version}, protocol ${protocol}},`,
        `  url    = {${location.href}},`,
        `  urldate = {${new Date().toISOString().slice(0, 10)}}`,
        "}",
      ].join("\n");
    }

    sortBy(key, head) {
      const first = head.dataset.best !== "low" && head.dataset.type !== "text" && key !== "rank";
      if (this.sort !== key) [this.sort, this.down] = [key, first];
      else if (this.down === first) this.down = !first;
      else this.sort = null;
      this.apply();
    }

    sync() {
      this.input.value = this.query;
      for (const [key, menu] of this.menus ?? []) menu.value = this.facets.get(key) ?? "";
      for (const [key, box] of this.boxes) box.checked = !this.hidden.has(key);
    }

    compare(at, text) {
      const sign = this.down ? -1 : 1;
      return (one, two) => {
        const [a, b] = [one.tr.cells[at], two.tr.cells[at]];
        if (text) return sign * collator.compare(textOf(a), textOf(b)) || one.order - two.order;
        const [x, y] = [valueOf(a), valueOf(b)];
        if (x === null || y === null) return (x === null) - (y === null) || one.order - two.order;
        return sign * (x - y) || one.order - two.order;
      };
    }

    apply({ write = true } = {}) {
      const at = this.keys.indexOf(this.sort);
      const sorted = [...this.rows];
      if (at >= 0) sorted.sort(this.compare(at, this.heads[at].dataset.type === "text"));
      const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of sorted) {
        const kept = words.every((word) => row.words.includes(word))
          && [...this.facets].every(([key, value]) => !value || textOf(row.tr.cells[this.keys.indexOf(key)]) === value);
        row.tr.hidden = !kept;
        shown += kept;
      }
      const body = this.table.tBodies[0];
      if (sorted.some((row, n) => body.rows[n] !== row.tr)) body.append(...sorted.map((row) => row.tr));
      this.heads.forEach((head, n) => {
        if (n === at) head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      const id = CSS.escape(this.table.id);
      this.sheet.textContent = this.keys
        .map((key, n) => (this.hidden.has(key) ? `#${id} tr > :nth-child(${n + 1}) { display: none }` : ""))
        .join("\n");
      this.live.textContent = say.rows(shown, this.rows.length);
      if (write) this.write();
    }
  }

  /* The first table at once; the others each in a moment of its own, so that none holds up the page. */
  const tables = [...document.querySelectorAll("table[data-cb]")];
  const later = window.requestIdleCallback ?? setTimeout;
  const next = () => {
    if (tables.length) new TableView(tables.shift());
    if (tables.length) later(next);
  };
  next();
  window.cosmosTables = (table) => new TableView(table);
})();
