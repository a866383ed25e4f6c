/* A pivot over the published Parquet file, computed here. Reads only the columns it needs. */
(() => {
  "use strict";

  const form = document.getElementById("explore-form");
  if (!form) return;
  form.hidden = false; // it does nothing without this script
  const out = document.getElementById("explore-result");
  const site = new URL(form.dataset.root, location.href);
  const labels = Object.fromEntries(Object.entries(JSON.parse(form.dataset.labels)).map(([field, pairs]) => [field, new Map(pairs)]));
  const CHOICES = ["rows", "columns", "metric", "selection", "track", "images", "prompt", "modality"];
  let columns;

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const FIELDS = ["track", "kind", "slice", "prompt", "selection", "metric", "model", "score", "synthetic"];

  const read = () => {
    columns ??= (async () => {
      out.replaceChildren(element("p", {}, form.dataset.loading));
      const { asyncBufferFromUrl, parquetMetadataAsync, parquetRead } = await import(new URL("assets/vendor/hyparquet/index.js", site).href);
      const file = await asyncBufferFromUrl({ url: new URL(form.dataset.file, location.href).href, byteLength: Number(form.dataset.length) });
      const metadata = await parquetMetadataAsync(file);
      const found = Object.fromEntries(FIELDS.map((name) => [name, new Array(Number(metadata.num_rows))]));
      await parquetRead({
        file, metadata, columns: FIELDS,
        onChunk: ({ columnName, columnData, rowStart }) => {
          const column = found[columnName];
          for (let at = 0; at < columnData.length; at += 1) column[rowStart + at] = columnData[at];
        },
      });
      return found;
    })();
    return columns;
  };

  const chosen = () => Object.fromEntries(CHOICES.map((name) => [name, form.elements[name].value]));

  const pivot = (table, choice) => {
    const cells = new Map();
    const targets = new Set();
    for (let at = 0; at < table.score.length; at += 1) {
      if (table.kind[at] !== "target" || table.metric[at] !== choice.metric || table.track[at] !== choice.track) continue;
      if (table.synthetic[at] !== (choice.images === "synthetic")) continue;
      const [prompt, slice] = [table.prompt[at], table.slice[at]];
      if (table.selection[at] !== (prompt === "everything" ? "oracle" : choice.selection)) continue;
      if (choice.prompt && prompt !== choice.prompt) continue;
      const dot = slice.indexOf(".");
      const keys = { model: table.model[at], prompt, modality: slice.slice(0, dot), object: slice.slice(dot + 1) };
      if (choice.modality && keys.modality !== choice.modality) continue;
      targets.add(slice);
      const [down, across] = [keys[choice.rows], keys[choice.columns]];
      if (!cells.has(down)) cells.set(down, new Map());
      const line = cells.get(down);
      const cell = line.get(across) ?? { sum: 0, n: 0 };
      cell.sum += table.score[at];
      cell.n += 1;
      line.set(across, cell);
    }
    return { cells, targets: targets.size };
  };

  const orderOf = (field, present) => [...labels[field].keys()].filter((name) => present.has(name));

  const draw = ({ cells, targets }, choice) => {
    if (!cells.size) { out.replaceChildren(element("p", { class: "cb-note" }, form.dataset.empty)); return; }
    const across = orderOf(choice.columns, new Set([...cells.values()].flatMap((line) => [...line.keys()])));
    const down = orderOf(choice.rows, new Set(cells.keys()));
    const mean = (row, column) => { const cell = cells.get(row)?.get(column); return cell ? cell.sum / cell.n : null; };
    const all = down.flatMap((row) => across.map((column) => mean(row, column))).filter((value) => value !== null);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const most = Math.max(...[...cells.values()].flatMap((line) => [...line.values()].map((cell) => cell.n)));
    const worth = (row) => { const known = across.map((column) => mean(row, column)).filter((value) => value !== null); return known.reduce((sum, value) => sum + value, 0) / known.length; };
    if (choice.rows === "model" || choice.rows === "object") down.sort((one, two) => worth(two) - worth(one));
    const head = element("tr", {}, element("th", { scope: "col", class: "t fz", "data-key": "name", "data-type": "text" },
      element("span", { class: "cb-label" }, form.elements.rows.selectedOptions[0].text)));
    for (const column of across) {
      head.append(element("th", { scope: "col", "data-key": column, "data-best": "high" }, element("span", { class: "cb-label" }, labels[choice.columns].get(column))));
    }
    const body = element("tbody");
    for (const row of down) {
      const line = element("tr", {}, element("th", { scope: "row", class: "t fz" }, labels[choice.rows].get(row)));
      for (const column of across) {
        const value = mean(row, column);
        if (value === null) { line.append(element("td", { class: "off" }, "–")); continue; }
        const share = high > low ? (value - low) / (high - low) : 0;
        line.append(element("td", { class: "heat", "data-v": value, style: `--h:${share.toFixed(3)}` },
          value.toFixed(3), ...(cells.get(row).get(column).n < most ? [element("small", {}, ` n ${cells.get(row).get(column).n}`)] : [])));
      }
      body.append(line);
    }
    const caption = form.dataset.caption
      .replace("{metric}", form.elements.metric.selectedOptions[0].text).replace("{n}", targets)
      .replace("{prompts}", `${form.elements.prompt.selectedOptions[0].text}, ${form.elements.selection.selectedOptions[0].text}`);
    out.replaceChildren(element("figure", { class: "cb-block" },
      element("figcaption", { id: "pivot-caption" }, caption),
      element("div", { class: "cb-scroll", tabindex: "0", role: "region", "aria-labelledby": "pivot-caption" },
        element("table", { class: "cb-table", id: "pivot", "aria-labelledby": "pivot-caption" }, element("thead", {}, head), body))));
    window.cosmosTables?.(document.getElementById("pivot"));
  };

  const show = async () => {
    const choice = chosen();
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(choice)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    history.replaceState(history.state, "", url);
    draw(pivot(await read(), choice), choice);
  };

  for (const field of ["prompt", "modality"]) {
    for (const [name, label] of labels[field]) form.elements[field].append(element("option", { value: name }, label));
  }
  const given = new URL(location.href).searchParams;
  for (const name of CHOICES) {
    if ([...form.elements[name].options].some((option) => option.value === given.get(name))) form.elements[name].value = given.get(name);
  }
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
