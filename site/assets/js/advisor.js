/* Answers for one target from the published advice; the table below it says the same of all. */
(() => {
  "use strict";

  const form = document.getElementById("advisor-form");
  if (!form) return;
  const out = document.getElementById("advisor-result");
  const objects = JSON.parse(form.dataset.objects);
  const prompts = JSON.parse(form.dataset.prompts);
  const say = (key, values = {}) => out.dataset[key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const number = (value) => value.toFixed(3).replace("-", "−");
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const percent = (share) => (share > 0 && share < 0.01 ? "< 1 %" : share < 1 && share > 0.99 ? "> 99 %" : `${Math.round(share * 100)} %`);
  const interval = ({ low, high }) => `${number(low)}–${number(high)}`;
  const span = ({ low, high }) => `${signed(low)} … ${signed(high)}`;
  const failures = ({ low, high }) => `${percent(low)}–${percent(high)}`;
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const fillObjects = (wanted) => {
    const menu = form.elements.object;
    const here = objects.filter(([modality]) => modality === form.elements.modality.value);
    menu.replaceChildren(...here.map(([, name, label]) => element("option", { value: name }, label)));
    if (here.some(([, name]) => name === wanted)) menu.value = wanted;
  };

  const tableOf = (advice, options, choice) => {
    const head = ["prompt", "effort", "model", "dice", "interval", "failure", "beside"];
    const text = new Set(["prompt", "model"]);
    const beside = (option) => {
      const other = choice.others.find((one) => advice.options[one.option] === option);
      return other ? `${signed(other.difference)} (${span(other)})` : say("chosen");
    };
    const rows = options.map((option) => element("tr", {},
      element("th", { scope: "row", class: "t" }, prompts[option.prompt]),
      element("td", {}, String(option.effort)),
      element("td", { class: "t" }, element("a", { href: form.dataset.root + option.url }, option.label)),
      element("td", {}, number(option.dice)),
      element("td", {}, interval(option)),
      element("td", {}, `${percent(option.failure.value)} (${failures(option.failure)})`),
      element("td", {}, beside(option)),
    ));
    return element("div", { class: "cb-scroll", tabindex: "0", role: "region", "aria-label": say("caption") },
      element("table", { class: "cb-table", id: "options" },
        element("thead", {}, element("tr", {}, ...head.map((key) => element("th", { scope: "col", ...(text.has(key) && { class: "t" }) }, say(key))))),
        element("tbody", {}, ...rows)));
  };

  const lessWork = (advice, choice) => {
    const effort = advice.options[choice.option].effort;
    const others = choice.others.filter((other) => advice.options[other.option].effort < effort);
    if (!others.length) return [say("nothing")];
    const keys = { "as good": "good", worse: "worse", "cannot tell": "open" };
    return others.map((other) => {
      const option = advice.options[other.option];
      return say(keys[other.verdict], {
        model: option.label, prompt: prompts[option.prompt], clusters: advice.clusters,
        difference: signed(other.difference), interval: span(other), detectable: number(other.detectable), needed: other.needed_clusters,
      });
    });
  };

  const answer = (advice, url, budget) => {
    const about = element("p", {}, element("a", { href: form.dataset.root + url }, say("target")));
    if (!advice) return [element("p", {}, say("none")), about];
    const warned = advice.synthetic ? [element("p", { class: "cb-note" }, say("synthetic"))] : [];
    const lead = (text) => element("p", { class: "cb-lead" }, element("strong", {}, text));
    if (!advice.choices.length) return [...warned, lead(say("few")), about];
    const choice = advice.choices.filter((one) => one.effort <= budget).at(-1);
    if (!choice) return [...warned, element("p", {}, say("none")), about];
    if (choice.adequacy !== "adequate") return [...warned, lead(say(choice.adequacy === "low" ? "low" : "below")), about];
    const table = tableOf(advice, advice.options.filter((option) => option.effort <= budget), choice);
    const best = advice.options[choice.option];
    const words = { model: best.label, prompt: prompts[best.prompt], dice: number(choice.expected), interval: interval(choice), failure: percent(choice.failure.value), failures: failures(choice.failure) };
    const parts = [say("expect", words), ...lessWork(advice, choice)];
    const whole = choice === advice.choices.at(-1);
    if (whole && advice.careful_px !== null) parts.push(advice.careful_px ? say("careful", { px: advice.careful_px }) : say("careless"));
    return [
      ...warned,
      element("p", { class: "cb-lead" }, element("strong", {}, say("use", words)), ` ${parts.join(" ")}`),
      table, about,
    ];
  };

  const read = () => {
    const asked = new URL(location.href).searchParams;
    for (const name of ["modality", "budget", "track"]) {
      const menu = form.elements[name];
      if ([...menu.options].some((option) => option.value === asked.get(name))) menu.value = asked.get(name);
    }
    fillObjects(asked.get("object"));
  };

  const show = (data, write = true) => {
    const [modality, object, budget, track] = ["modality", "object", "budget", "track"].map((name) => form.elements[name].value);
    const url = objects.find((one) => one[0] === modality && one[1] === object)[3];
    const targets = track === "full" ? data.targets : data.submissions[track];
    out.replaceChildren(...answer(targets[`${modality}.${object}`], url, Number(budget)));
    if (!write) return;
    const address = new URL(location.href);
    for (const [name, value] of Object.entries({ modality, object, budget, track })) address.searchParams.set(name, value);
    history.replaceState(history.state, "", address);
  };

  fetch(form.dataset.source).then((reply) => reply.json()).then((data) => {
    form.hidden = out.hidden = false;
    read();
    show(data, false);
    form.addEventListener("change", (event) => {
      if (event.target.name === "modality") fillObjects(form.elements.object.value);
      show(data);
    });
    addEventListener("popstate", () => { read(); show(data, false); });
  });
})();
