/* Compares two models from published pair tables. Intervals and p values were computed when the
   site was built; here only Holm's correction runs, over the targets that the two share. */
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
  const MARGIN = 0.01;

  const load = (prompt, track) => {
    const name = track === "full" ? prompt : `${prompt}.${track}`;
    if (!loaded.has(name)) {
      loaded.set(name, fetch(`${form.dataset.source}${name}.json`).then((answer) => (answer.ok ? answer.json() : null)));
    }
    return loaded.get(name);
  };

  /* place of pair (i, j), i < j, in the order (0, 1), (0, 2) … (1, 2) … */
  const pairAt = (i, j, n) => i * n - (i * (i + 1)) / 2 + (j - i - 1);

  const meet = (slice, a, b, steps) => {
    const [i, j] = [slice.models.indexOf(a), slice.models.indexOf(b)];
    if (i < 0 || j < 0) return null;
    const at = pairAt(Math.min(i, j), Math.max(i, j), slice.models.length);
    const difference = slice.scores[i] - slice.scores[j];
    const half = slice.half ? slice.half[at] * steps.half : null;
    return {
      label: slices[slice.name]?.[0] ?? "", url: slices[slice.name]?.[1] ?? "", a: slice.scores[i], b: slice.scores[j], difference, half,
      p: slice.p[at] * steps.p, clusters: slice.clusters, verdict: judge(difference, half, slice.ratio),
    };
  };

  const judge = (difference, half, ratio) => {
    if (half === null) return "untested";
    if (difference - half > MARGIN) return "better";
    if (difference + half < -MARGIN) return "worse";
    const narrow = half * (ratio ?? 1);
    return difference - narrow >= -MARGIN && difference + narrow <= MARGIN ? "equivalent" : "undecided";
  };

  const holm = (rows) => {
    let most = 0;
    [...rows].sort((x, y) => x.p - y.p).forEach((row, place) => {
      most = Math.max(most, Math.min(1, (rows.length - place) * row.p));
      row.holm = most;
    });
  };

  const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const headings = [
    ["target", "target", true], ["scorea", "score_a"], ["scoreb", "score_b"], ["difference", "difference"],
    ["interval", "interval", true], ["p", "p_holm"], ["verdict", "verdict", true], ["clusters", "clusters"],
  ];

  const tableOf = (rows, names, version) => {
    const ends = rows.flatMap((row) => [row.difference - (row.half ?? 0), row.difference + (row.half ?? 0), 0]);
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
      if (row.half !== null) {
        mark.setAttribute("style", `--l:${place(row.difference - row.half)};--m:${place(row.difference)};--r:${place(row.difference + row.half)};--z:${place(0)}`);
        mark.append(element("i"));
      }
      const interval = row.half === null ? say("thin") : `${signed(row.difference - row.half)} … ${signed(row.difference + row.half)}`;
      body.append(element("tr", {},
        element("th", { scope: "row", class: "t fz" }, element("a", { href: form.dataset.root + row.url }, row.label)),
        element("td", {}, number(row.a)), element("td", {}, number(row.b)),
        element("td", { "data-v": row.difference }, signed(row.difference)),
        element("td", { class: "t" }, mark, interval),
        element("td", { "data-v": row.holm }, row.holm < 0.001 ? "< 0.001" : number(row.holm)),
        element("td", { class: `t verdict ${row.verdict}` }, say(row.verdict, names)),
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
    const steps = { half: data.half_step, p: data.p_step };
    const drawn = images === "synthetic";
    const overall = data.slices.filter((slice) => !slice.name && slice.synthetic === drawn).map((slice) => meet(slice, first, second, steps))[0];
    const rows = data.slices.filter((slice) => slice.name && slice.synthetic === drawn).map((slice) => meet(slice, first, second, steps)).filter(Boolean);
    if (!rows.length) { out.replaceChildren(element("p", { class: "cb-note" }, say("none"))); return; }
    holm(rows);
    rows.sort((x, y) => Math.abs(y.difference) - Math.abs(x.difference) || x.label.localeCompare(y.label));
    const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
    const parts = [];
    if (overall) {
      const interval = overall.half === null ? "" : ` (${signed(overall.difference - overall.half)} … ${signed(overall.difference + overall.half)})`;
      parts.push(element("p", { class: "cb-lead" },
        say("overall", { ...names, difference: signed(overall.difference) }) + interval + ": ",
        element("strong", {}, say(overall.verdict, names)), "."));
    }
    const [wins, losses] = [count("better"), count("worse")];
    parts.push(element("p", {}, say("counts", { ...names, wins, losses, ties: rows.length - wins - losses, n: rows.length }), " ",
      say("most", { targets: rows.slice(0, 3).map((row) => `${row.label} (${signed(row.difference)})`).join(", ") })));
    out.replaceChildren(...parts, tableOf(rows, names, data.data_version));
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
