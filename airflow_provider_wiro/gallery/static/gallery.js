// The page: asks for generations, shows them, and asks again while some are under way.

import { below, followTheme, link, parameters, query } from "./airflow.js";
import { element } from "./element.js";
import { growOlder, tile } from "./tile.js";
import * as words from "./words.js";

const AGAIN = 8000;
const OLDER = 10000;
const ABOUT = ["dag_id", "run_id", "task_id", "map_index"];
const $ = (id) => document.getElementById(id);

const given = parameters();
const scope = Object.fromEntries(ABOUT.filter((name) => name in given).map((name) => [name, given[name]]));
const chosen = { model: given.model, outcome: given.outcome, day: isDay(given.day) ? given.day : "", page: Number(given.page) || 0 };
let picked = ""; // the DAG that is chosen on the page that is about all of them
const shown = new Map();
let timer;
let asked = 0;

function isDay(text) {
  return !Number.isNaN(new Date(`${text}T00:00:00`).getTime());
}

function wanted() {
  const day = chosen.day ? new Date(`${chosen.day}T00:00:00`) : null;
  const until = day ? new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1) : null;
  return {
    ...scope,
    dag_id: scope.dag_id ?? picked,
    model: chosen.model,
    outcome: chosen.outcome,
    since: day?.toISOString(),
    until: until?.toISOString(),
    page: chosen.page,
  };
}

async function load() {
  clearTimeout(timer);
  const mine = ++asked;
  $("tiles").setAttribute("aria-busy", "true");
  let found;
  try {
    const answer = await fetch(`generations?${query(wanted())}`, { headers: { Accept: "application/json" } });
    if (mine !== asked) return;
    if (!answer.ok) return refuse(answer.status);
    found = await answer.json();
  } catch {
    if (mine === asked) refuse(0);
    return;
  }
  if (mine !== asked) return;
  show(found);
  if (found.under_way > 0) timer = setTimeout(load, AGAIN);
}

function refuse(status) {
  const said = {
    401: "You are not logged in to Airflow, or no longer. Log in, and load this page again.",
    403: "You may not read the XComs of these DAGs, which is what the gallery shows.",
    422: "This address asks for something that cannot be.",
  };
  say(said[status] ?? "Airflow did not answer. The gallery tries again.");
  shown.clear();
  $("tiles").replaceChildren();
  $("totals").textContent = "";
  $("pager").hidden = true;
  $("tiles").setAttribute("aria-busy", "false");
  if (!(status in said)) timer = setTimeout(load, AGAIN);
}

function say(text) {
  $("message").hidden = !text;
  $("message").textContent = text;
}

function show(found) {
  options($("dag"), found.dags.map((id) => [id, id]), "All DAGs", picked);
  options($("model"), found.models.map((name) => [name, name]), "All models", chosen.model);
  const outcomes = found.outcomes.filter((word) => word !== "success" && word !== "under_way");
  const offered = ["success", "under_way", "any_failure", ...outcomes];
  options($("outcome"), offered.map((word) => [word, words.outcome(word)]), "All outcomes", chosen.outcome);
  const costs = found.costs_known ? ` · ${found.costs_known === found.total ? "" : `${found.costs_known} with a cost, `}together ` : "";
  const elsewhere = found.kept_elsewhere ? ` · ${found.kept_elsewhere} in the XCom backend, not counted` : "";
  const under = found.under_way ? ` · ${found.under_way} under way` : "";
  $("totals").replaceChildren(
    `${found.total.toLocaleString()} ${found.total === 1 ? "generation" : "generations"}${under}${elsewhere}${costs}`,
    found.costs_known ? element("strong", {}, words.money(found.cost_usd)) : "",
  );
  say(found.more ? "The newest 5,000 are looked through. Choose a day or a DAG to see older ones." : "");
  if (found.total === 0) say(empty());
  tiles(found.generations);
  pages(found);
}

function empty() {
  const filtered = picked || chosen.model || chosen.outcome || chosen.day;
  if (filtered) return "Nothing fits these filters.";
  return "Nothing was generated here yet. A tile appears as soon as a Wiro operator has submitted something.";
}

// A tile that says the same stays as it is: something may be playing in it.
function tiles(generations) {
  const list = generations.map((generation) => {
    const key = JSON.stringify(generation);
    const made = shown.get(key) ?? tileOf(generation);
    return [key, made];
  });
  shown.clear();
  for (const [key, made] of list) shown.set(key, made);
  const there = $("tiles");
  const kept = new Set(list.map(([, made]) => made));
  for (const old of [...there.children]) if (!kept.has(old)) old.remove();
  list.forEach(([, made], at) => {
    if (there.children[at] !== made) there.insertBefore(made, there.children[at] ?? null);
  });
  there.setAttribute("aria-busy", "false");
}

// Anybody may have written the XCom: what cannot be shown takes no other tile with it.
function tileOf(generation) {
  try {
    return tile(generation);
  } catch (error) {
    console.error(error);
    const name = `${generation.dag_id} › ${generation.task_id}`;
    return element("li", {}, element("article", { className: "tile" }, element("p", {}, `${name}: its XCom cannot be shown.`)));
  }
}

function pages(found) {
  $("pager").hidden = found.pages < 2 && found.page === 0;
  $("previous").disabled = found.page === 0;
  $("next").disabled = found.page + 1 >= found.pages;
  const last = found.first + found.generations.length - 1;
  $("position").textContent = found.first ? `${found.first.toLocaleString()}–${last.toLocaleString()} of ${found.total.toLocaleString()}` : "";
}

function options(select, values, all, value) {
  const told = value && !values.some(([each]) => each === value) ? [[value, words.outcome(value)], ...values] : values;
  const offered = JSON.stringify(told);
  if (select.dataset.offered !== offered) {
    select.dataset.offered = offered; // else an open list would close whenever the page asks again
    select.replaceChildren(...[["", all], ...told].map(([each, text]) => element("option", { value: each }, text)));
  }
  select.value = value ?? "";
}

function turn(by) {
  chosen.page = Math.max(0, chosen.page + by);
  load();
  $("tiles").focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

// What the page is about, as ways back into Airflow.
function about() {
  const dag = scope.dag_id && `dags/${encodeURIComponent(scope.dag_id)}`;
  const run = scope.run_id && `${dag}/runs/${encodeURIComponent(scope.run_id)}`;
  const mapped = scope.map_index >= 0;
  const task = scope.task_id && `${run ?? dag}/tasks/${encodeURIComponent(scope.task_id)}${run && mapped ? `/mapped/${scope.map_index}` : ""}`;
  const told = [[scope.dag_id, dag], [scope.run_id, run], [scope.task_id && `${scope.task_id}${mapped ? ` [${scope.map_index}]` : ""}`, task]];
  const ways = told.filter(([text]) => text).map(([text, path]) => link(text, below(path), true));
  return ways.flatMap((way, at) => (at ? [" › ", way] : [way]));
}

function start() {
  followTheme();
  $("scope").hidden = !("dag_id" in scope);
  $("scope").replaceChildren(...about());
  $("dag-label").hidden = "dag_id" in scope;
  $("day").value = chosen.day ?? "";
  $("filters").addEventListener("change", () => {
    picked = $("dag").value;
    Object.assign(chosen, { model: $("model").value, outcome: $("outcome").value, day: $("day").value, page: 0 });
    load();
  });
  $("filters").addEventListener("reset", () => {
    picked = "";
    Object.assign(chosen, { model: "", outcome: "", day: "", page: 0 });
    load();
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  setInterval(growOlder, OLDER);
  load();
}

start();
