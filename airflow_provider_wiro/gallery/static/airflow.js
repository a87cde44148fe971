// The page's place in Airflow: what it is about, its colours, and the ways out of the iframe.

import { element } from "./element.js";

const inside = window.parent !== window;

// Airflow 3.1 does not encode what it puts into the address: a "+" is a plus, so URLSearchParams is not the reader for it.
export function parameters(search = location.search) {
  const found = {};
  for (const pair of search.replace(/^\?/, "").split("&")) {
    const at = pair.indexOf("=");
    if (at < 1) continue;
    const value = decoded(pair.slice(at + 1));
    if (value && !/^\{[A-Z_]+\}$/.test(value)) found[decoded(pair.slice(0, at))] = value;
  }
  return found;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
}

// The page is at <Airflow>/wiro-ui/, wherever that is.
export function below(path) {
  return new URL(`../${path}`, location.href).href;
}

function follow(event, href, isAirflows) {
  if (!inside || event.button !== 0) return;
  event.preventDefault();
  if (!isAirflows || event.ctrlKey || event.metaKey || event.shiftKey) {
    window.parent.open(href, "_blank", "noopener");
    return;
  }
  window.parent.history.pushState({}, "", href);
  window.parent.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

export function link(text, href, isAirflows) {
  if (!/^https?:\/\//i.test(href)) return element("span", {}, text);
  const way = element("a", { href, rel: "noopener noreferrer" }, text);
  if (!isAirflows) way.target = "_blank";
  way.addEventListener("click", (event) => follow(event, href, isAirflows));
  return way;
}

export function followTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const outer = inside ? window.parent.document.documentElement : null;
  const apply = () => {
    const named = outer && ["dark", "light"].find((each) => outer.classList.contains(each));
    document.documentElement.dataset.theme = named ?? (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
  if (outer) new MutationObserver(apply).observe(outer, { attributes: true, attributeFilter: ["class"] });
}
