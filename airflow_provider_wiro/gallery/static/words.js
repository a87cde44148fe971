// What the page says. Text goes into the page as text alone: nothing here makes markup of it.

export const OUTCOMES = {
  success: "Success",
  under_way: "Under way",
  any_failure: "Any failure",
  flagged: "Flagged by moderation",
  failed: "Failed",
  cancelled: "Cancelled",
  stuck: "Stuck",
  timeout: "Out of time",
  gave_up: "Gave up",
  not_found: "Not found",
  elsewhere: "Another service",
  not_stopped: "Not stopped",
  no_output: "No output",
  outputs_gone: "Outputs gone",
  not_saved: "Not saved",
  error: "Error",
  not_told: "Not told",
};
const GOOD = new Set(["success"]);
const QUIET = new Set(["not_told", "cancelled"]);

export function outcome(word) {
  return Object.hasOwn(OUTCOMES, word) ? OUTCOMES[word] : word.replaceAll("_", " ");
}

export function tone(word) {
  if (GOOD.has(word)) return "good";
  if (word === "under_way") return "busy";
  return QUIET.has(word) ? "" : "bad";
}

export function money(usd) {
  const digits = usd > 0 && usd < 0.1 ? 4 : 2;
  return `$${usd.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: digits })}`;
}

export function age(seconds, now = Date.now() / 1000) {
  const past = Math.max(0, now - seconds);
  const [unit, size] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, each]) => past >= each) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(-Math.floor(past / size), unit);
}

export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString();
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds * 10) / 10} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function waiting(generation) {
  const states = {
    deferred: "Waiting in the triggerer",
    running: "Waiting in a worker",
    queued: "Queued in Airflow",
    scheduled: "Scheduled in Airflow",
    up_for_reschedule: "Looked at again later",
    up_for_retry: "Airflow tries again",
    restarting: "Restarting",
  };
  return states[generation.state] ?? "Under way";
}

export function withoutMedia(generation) {
  if (generation.kept_elsewhere) return "Kept by the XCom backend, which the gallery does not ask.";
  if (generation.outcome === "under_way") return waiting(generation);
  if (generation.outcome === "not_told") {
    return generation.state === "success"
      ? "Submitted; this task did not wait for its end."
      : `Airflow ended this task (${generation.state ?? "no state"}); nothing tells how the generation ended.`;
  }
  if (generation.outcome !== "success") {
    const charged = generation.cost_usd > 0 ? ", and charged" : "";
    return `${outcome(generation.outcome)}${charged}. The task's log says why, and what to do.`;
  }
  return "The task has left no output in XCom.";
}
