/* Compares two models from published pair tables. Everything was computed when the site was built:
   intervals and verdicts hold for all pairs of a board together. */
(() => {
  "use strict";

  const form = document.getElementById("compare-form");
  if (!form) return;
  form.hidden = false; // it does nothing without this script
  const out = document.getElementById("compare-result");
  const say = (key, values = {}) => out.dataset[key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const loaded = new Map();
  const slices = JSON.parse(form.dataset.slices);
  const labelOf = (model) => [...form.elements.a.options].find((option) => option.value === model)?.text ?? model;

  const load = (prompt, track) => {
    const name = track === "full" ? prompt : `${prompt}.${track}`;
    if (!loaded.has(name)) {
      loaded.set(name, fetch(`${form.dataset.source}${name}.json`).then((answer) => (answer.ok ? answer.json() : null)));
    }
    return loaded.get(name);
  };

  /* place of pair (i, j), i < j, in the order (0, 1), (0, 2) … (1, 2) … */
  const pairAt = (i, j, n) => i * n - (i * (i + 1)) / 2 + (j - i - 1);

  const OPPOSITE = { better: "worse", worse: "better" };

  const meet = (data, slice, a, b) => {
    const [i, j] = [slice.models.indexOf(a), slice.models.indexOf(b)];
    if (i < 0 || j < 0) return null;
    const row = {
      label: slices[slice.name]?.[0] ?? "", url: slices[slice.name]?.[1] ?? "", a: slice.scores[i], b: slice.scores[j],
      difference: slice.scores[i] - slice.scores[j], low: null, high: null, least: null, clusters: slice.clusters, verdict: "untested",
    };
    if (slice.failures) row.failures = [slice.failures[i], slice.failures[j]];
    if (!slice.below) return row;
    const at = pairAt(Math.min(i, j), Math.max(i, j), slice.models.length);
    const [below, above] = i < j ? [slice.below[at], slice.above[at]] : [slice.above[at], slice.below[at]];
    const verdict = data.verdicts[Number(slice.judged[at])];
    row.low = row.difference - below * data.step;
    row.high = row.difference + above * data.step;
    row.least = slice.detectable[at] * data.detectable_step;
    row.verdict = { "not separated": "apart", "held back": "held" }[verdict] ?? (i < j ? verdict : OPPOSITE[verdict] ?? verdict);
    row.further = {
      better: row.low <= data.margin, worse: row.high >= -data.margin, equivalent: Math.max(-row.low, row.high) > data.margin,
    }[row.verdict];
    return row;
  };

  const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const range = (row) => `${signed(row.low)} … ${signed(row.high)}`;
  const told = (row, names) => {
    const verdict = row.verdict === "apart" ? say("least", { least: number(row.least) }) : say(row.verdict, names);
    return row.further ? `${verdict} (${say("further")})` : verdict;
  };

  /* a share with its exact interval, as the tables of the site write it */
  const percent = (share) => {
    if (!share) return "–";
    const digits = share[2] >= 0.1 ? 0 : 1;
    const size = 100 * 10 ** digits;
    const [least, most] = share.slice(1).map((end) => Number((end * size).toFixed(6)));
    const ends = [Math.floor(least) / size, Math.ceil(most) / size];
    const [low, high] = ends.map((end) => (end * 100).toFixed(digits));
    return `${share[0] ? (share[0] * 100).toFixed(digits) : "0"} % (${low}–${high} %)`;
  };

  const headings = [
    ["target", "target", true], ["scorea", "score_a"], ["scoreb", "score_b"], ["difference", "difference"],
    ["interval", "interval", true], ["verdict", "verdict", true], ["detectable", "detectable"], ["clusters", "clusters"],
  ];

  const tableOf = (rows, names, version) => {
    const ends = rows.flatMap((row) => [row.low ?? row.difference, row.high ?? row.difference, 0]);
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const place = (value) => ((value - low) / (high - low || 1)).toFixed(4);
    const head = element("tr");
    for (const [key, name, text] of headings) {
      const cell = element("th", { scope: "col", class: `${text ? "t" : ""}${key === "target" ? " fz" : ""}`.trim(), "data-key": name });
      if (text) cell.dataset.type = "text";
      if (key === "verdict") cell.dataset.facet = "";
      cell.append(element("span", { class: "cb-label" }, out.dataset[key]));
      head.append(cell);
    }
    const body = element("tbody");
    for (const row of rows) {
      const mark = element("span", { class: "iv zero", style: `--m:${place(row.difference)};--z:${place(0)}` });
      if (row.low !== null) {
        mark.setAttribute("style", `--l:${place(row.low)};--m:${place(row.difference)};--r:${place(row.high)};--z:${place(0)}`);
        mark.append(element("i"));
      }
      const interval = row.low === null ? say("thin") : range(row);
      const open = row.verdict === "apart" || row.verdict === "held";
      body.append(element("tr", {},
        element("th", { scope: "row", class: "t fz" }, element("a", { href: form.dataset.root + row.url }, row.label)),
        element("td", {}, number(row.a)), element("td", {}, number(row.b)),
        element("td", { "data-v": row.difference }, signed(row.difference)),
        element("td", { class: "t" }, mark, interval),
        element("td", { class: `t verdict ${row.verdict}`, ...(row.further && { title: say("further") }) }, say(row.verdict, names), row.further ? " *" : ""),
        element("td", { class: open ? "" : "off" }, open ? number(row.least) : "–"),
        element("td", {}, String(row.clusters))));
    }
    const table = element("table", { class: "cb-table", id: "pairs", "aria-labelledby": "pairs-caption" }, element("thead", {}, head), body);
    return element("figure", { class: "cb-block" },
      element("figcaption", { id: "pairs-caption" }, say("caption", { version })),
      element("div", { class: "cb-scroll", tabindex: "0", role: "region", "aria-labelledby": "pairs-caption" }, table));
  };

  const show = async () => {
    const [a, b, prompt, track, images] = ["a", "b", "prompt", "track", "images"].map((name) => form.elements[name].value);
    const url = new URL(location.href);
    for (const [name, value] of Object.entries({ a, b, prompt, track, images })) url.searchParams.set(name, value);
    history.replaceState(history.state, "", url);
    if (a === b) { out.replaceChildren(element("p", { class: "cb-note" }, say("same"))); return; }
    const data = await load(prompt, track);
    if (!data) { out.replaceChildren(element("p", { class: "cb-note" }, say("none"))); return; }
    const [first, second] = [a, b].map((name) => data.models.indexOf(name));
    const names = { a: labelOf(a), b: labelOf(b) };
    const drawn = images === "synthetic";
    const overall = data.slices.filter((slice) => !slice.name && slice.synthetic === drawn).map((slice) => meet(data, slice, first, second))[0];
    const rows = data.slices.filter((slice) => slice.name && slice.synthetic === drawn).map((slice) => meet(data, slice, first, second)).filter(Boolean);
    if (!rows.length) { out.replaceChildren(element("p", { class: "cb-note" }, say("none"))); return; }
    rows.sort((x, y) => Math.abs(y.difference) - Math.abs(x.difference) || x.label.localeCompare(y.label));
    const parts = [];
    if (overall?.low != null) {
      const difference = `${signed(overall.difference)} (${range(overall)})`;
      parts.push(element("p", { class: "cb-lead" }, say("overall", { ...names, difference, verdict: told(overall, names) })),
        element("p", {}, say("failures", { models: overall.failures.map((share, n) => `${[names.a, names.b][n]} ${percent(share)}`).join(out.dataset.separator) })));
    }
    const counts = out.dataset.oneach.split("|").map((text, n) => {
      const kinds = [["better"], ["worse"], ["equivalent"], ["apart", "held"], ["untested"]][n];
      const found = rows.filter((row) => kinds.includes(row.verdict)).length;
      return found ? text.replace("{n}", found) : "";
    });
    parts.push(element("p", {}, say("counts", { ...names, counts: counts.filter(Boolean).join(out.dataset.separator) })));
    const starred = rows.some((row) => row.further) ? [element("p", { class: "cb-note" }, `* ${say("further")}`)] : [];
    out.replaceChildren(...parts, tableOf(rows, names, data.data_version), ...starred);
    window.cosmosTables?.(document.getElementById("pairs"));
  };

  const given = new URL(location.href).searchParams;
  for (const name of ["a", "b", "prompt", "track", "images"]) {
    const menu = form.elements[name];
    if ([...menu.options].some((option) => option.value === given.get(name))) menu.value = given.get(name);
  }
  form.addEventListener("change", show);
  form.elements.swap.addEventListener("click", () => {
    [form.elements.a.value, form.elements.b.value] = [form.elements.b.value, form.elements.a.value];
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
