/* Replaces a drawing by a live plot when it comes into view and somebody is there to use it: the
   first scroll, key or movement starts it, so that a first page need not wait for the library.
   The library comes from this site. */
(() => {
  "use strict";

  /* The library lies once, at the root; other languages live one folder below. */
  const site = new URL(document.documentElement.lang.startsWith("zh") ? "../../../" : "../../", document.currentScript.src);
  const plots = new Set();
  let library;

  const loadLibrary = () => {
    library ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL("assets/vendor/plotly.min.js", site).href;
      script.onload = () => done(window.Plotly);
      script.onerror = failed;
      document.head.append(script);
    });
    return library;
  };

  const theme = () => {
    const style = getComputedStyle(document.body);
    const get = (name) => style.getPropertyValue(name).trim();
    return {
      ink: get("--md-default-fg-color"), soft: get("--md-default-fg-color--light"), line: get("--cb-line"),
      page: get("--md-default-bg-color"), font: style.fontFamily,
      series: (at) => get(at < 0 ? "--cb-sx" : `--cb-s${at % 8}`),
    };
  };

  const layoutOf = (layout, look) => {
    const axis = (given) => ({
      ...given, ...(given.title && { title: { ...given.title, font: { size: 13, color: look.soft } } }), gridcolor: look.line, linecolor: look.line, zerolinecolor: look.line, color: look.soft,
      fixedrange: matchMedia("(max-width: 44em)").matches,
    });
    return {
      ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis), autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: look.ink, family: look.font, size: 13 },
      hoverlabel: { bgcolor: look.page, bordercolor: look.line, font: { color: look.ink } },
    };
  };

  const traceOf = (trace, look) => {
    const colour = look.series(trace.meta?.colour ?? 0);
    const painted = { ...trace, line: { ...trace.line, color: colour }, marker: { ...trace.marker, color: colour, line: { color: look.page, width: 1 } } };
    for (const side of ["error_x", "error_y"]) if (trace[side]) painted[side] = { ...trace[side], color: colour };
    if (trace.meta?.band) Object.assign(painted, { fillcolor: `color-mix(in srgb, ${colour} 16%, transparent)`, line: { width: 0 } });
    if (trace.fill && colour.startsWith("#")) painted.fillcolor = colour + "29";
    return painted;
  };

  const draw = (plot) => {
    const look = theme();
    return window.Plotly.react(
      plot.box, plot.spec.data.map((trace) => traceOf(trace, look)), layoutOf(plot.spec.layout, look),
      { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] },
    );
  };

  const start = async (figure) => {
    const [spec] = await Promise.all([
      fetch(new URL(figure.dataset.plot, location.href)).then((answer) => answer.json()), loadLibrary(),
    ]);
    const still = figure.querySelector(".cb-still");
    const box = document.createElement("div");
    box.className = "cb-live-plot";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", figure.querySelector("svg").getAttribute("aria-label"));
    box.style.height = `${spec.layout.height}px`;
    still.before(box);
    still.hidden = true;
    plots.add({ box, spec });
    await draw({ box, spec });
    figure.classList.add("is-live");
  };

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      start(entry.target).catch((error) => console.warn("The drawing stays: the live plot did not load.", error));
    }
  }, { rootMargin: "100px" });

  /* Those who save data keep the drawing, which says the same. */
  const figures = document.querySelectorAll("figure[data-plot]");
  if (figures.length && location.protocol !== "file:" && !navigator.connection?.saveData) {
    const signs = ["scroll", "pointermove", "pointerdown", "keydown", "touchstart"];
    const begin = () => {
      signs.forEach((sign) => removeEventListener(sign, begin));
      figures.forEach((figure) => seen.observe(figure));
    };
    signs.forEach((sign) => addEventListener(sign, begin, { passive: true }));
  }
  new MutationObserver(() => plots.forEach(draw))
    .observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
})();
