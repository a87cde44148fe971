// One generation.

import { below, link } from "./airflow.js";
import { element } from "./element.js";
import { played } from "./media.js";
import * as words from "./words.js";

let made = 0;

export function tile(generation) {
  const id = `tile-${++made}`;
  const title = element("h2", { id }, generation.prompt || generation.model || generation.task_id);
  const article = element(
    "article",
    { className: "tile" },
    stage(generation),
    element(
      "div",
      { className: "about" },
      element("div", { className: "top" }, badge(generation), since(generation)),
      title,
      facts(generation),
      ...notes(generation),
      foot(generation, title),
    ),
  );
  article.setAttribute("aria-labelledby", id);
  return element("li", {}, article);
}

function stage(generation) {
  const label = generation.prompt ? `${generation.prompt.slice(0, 120)}` : `Output of ${generation.task_id}`;
  const outputs = [...generation.outputs];
  if (generation.text && !outputs.some((each) => each.text)) outputs.unshift({ text: generation.text, sources: [], name: "Text" });
  const place = element("div", { className: "stage" });
  if (outputs.length === 0) {
    place.append(element("p", {}, words.withoutMedia(generation)));
    if (generation.outcome === "under_way") place.append(element("div", { className: "bar" }));
    return place;
  }
  place.append(played(outputs[0], label));
  if (outputs.length === 1) return place;
  const buttons = outputs.map((output, at) => {
    const button = element("button", { type: "button", title: output.name }, `${at + 1}`);
    button.setAttribute("aria-label", `Output ${at + 1}: ${output.name}`);
    button.setAttribute("aria-pressed", at === 0);
    button.addEventListener("click", () => {
      place.replaceChildren(played(output, label));
      for (const each of buttons) each.setAttribute("aria-pressed", each === button);
    });
    return button;
  });
  const more = generation.more_outputs ? element("span", { className: "age" }, `and ${generation.more_outputs} more`) : null;
  return element("div", {}, place, element("div", { className: "more-outputs" }, ...buttons, more));
}

function badge(generation) {
  const word = generation.outcome;
  return element("span", { className: `badge ${words.tone(word)}` }, words.outcome(word));
}

function since(generation) {
  const seconds = generation.submitted_at ?? generation.changed_at;
  return element("time", { className: "age", dateTime: new Date(seconds * 1000).toISOString(), title: words.moment(seconds) }, words.age(seconds));
}

export function growOlder() {
  for (const time of document.querySelectorAll("time.age")) time.textContent = words.age(Date.parse(time.dateTime) / 1000);
}

function facts(generation) {
  const told = [
    ["Model", generation.prompt ? modelOf(generation) : null],
    ["Ratio", generation.ratio],
    ["Duration", /^\d+(\.\d+)?$/.test(generation.duration ?? "") ? `${generation.duration} s` : generation.duration],
    ["Took", generation.elapsed_seconds === null ? null : words.duration(generation.elapsed_seconds)],
    ["Cost", generation.cost_usd === null ? null : words.money(generation.cost_usd)],
    ["State", generation.state && generation.state !== "success" ? generation.state : null],
  ];
  const given = told.filter(([, value]) => value);
  return element("dl", { className: "facts" }, ...given.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function modelOf(generation) {
  if (!generation.model_page) return generation.model;
  return link(generation.model, generation.model_page, false);
}

function notes(generation) {
  const saved = generation.outputs.find((output) => output.saved && !output.streamed);
  if (!saved) return [];
  const isLocal = /^(file:|\/)/i.test(saved.saved);
  const told = isLocal ? `Saved in a local folder, which the gallery never reads: ${saved.saved}` : `Saved, but not played from there, for it is not below [wiro] gallery_roots: ${saved.saved}`;
  return [element("p", { className: "note", title: told }, told)];
}

function foot(generation, title) {
  const mapped = generation.map_index >= 0 ? ` [${generation.map_index}]` : "";
  const name = `${generation.dag_id} › ${generation.task_id}${mapped}`;
  const way = link(name, below(generation.link), true);
  way.title = generation.run_id;
  const details = element("button", { type: "button" }, "Details");
  details.setAttribute("aria-expanded", "false");
  details.addEventListener("click", () => {
    const article = title.closest(".tile");
    const isOpen = article.classList.toggle("open");
    details.setAttribute("aria-expanded", isOpen);
    details.textContent = isOpen ? "Hide details" : "Details";
    if (isOpen) details.parentElement.before(inputs(generation));
    else article.querySelector(".inputs").remove();
  });
  return element("div", { className: "foot" }, way, details);
}

function inputs(generation) {
  const told = [...generation.inputs, ["taskid", generation.taskid], ["run", generation.run_id], ["error", generation.error]].filter(([, value]) => value);
  const rows = told.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  for (const output of generation.outputs) {
    if (output.url) rows.push(element("dt", {}, "output"), element("dd", {}, link(output.name, output.url, false)));
    if (output.saved) rows.push(element("dt", {}, "saved"), element("dd", {}, output.saved));
  }
  return element("dl", { className: "inputs" }, ...rows);
}
