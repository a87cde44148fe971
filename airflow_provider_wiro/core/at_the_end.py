"""The end of a successful task, the same in a worker and in the triggerer: its XComs, and a line for the log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from airflow_provider_wiro.core.generation import GenerationDict
from airflow_provider_wiro.core.result import ResultDict, text_files, uris_of, urls_of
from airflow_provider_wiro.core.rules.worker import Known, Need, need_of
from airflow_provider_wiro.core.verdict import EVENT_LIMIT, Verdict

RETURNED, GENERATION = "return_value", "wiro_generation"
OUTPUT_URLS, OUTPUT_URL, TEXT = "output_urls", "output_url", "text"
OUTPUT_URIS, OUTPUT_URI = "output_uris", "output_uri"


@dataclass(frozen=True, slots=True)
class EndHere:
    """What a trigger has to know to end its task. It carries what XCom shows already, and no secret.

    :param requires_output: whether a success without a file is an error.
    :param pushes: whether XComs are pushed at the end.
    :param generation: what XCom ``wiro_generation`` says; None where it says nothing.
    """

    requires_output: bool
    pushes: bool
    generation: GenerationDict | None

    def to_text(self) -> str:
        """Return it as a trigger's argument: text, which takes the least memory while it waits."""
        told = {name: getattr(self, name) for name in ("requires_output", "pushes", "generation")}
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> EndHere | None:
        """Read it back; None where another release has written it, in a way that this one cannot read."""
        try:
            told = json.loads(text)
            return cls(told["requires_output"], told["pushes"], told["generation"])
        except (ValueError, KeyError, TypeError):
            return None

    def xcoms(self, verdict: Verdict) -> dict[str, Any] | Need:
        """Return the XComs of a success, by their keys; or why a worker is needed."""
        result = verdict.result
        if verdict.kind != "success" or result is None:
            found = Known(unsuccessful=verdict.kind != "success", too_large=result is None)
            return cast(Need, need_of(found))
        xcoms = self._of(result)
        known = Known(
            no_output=self.requires_output and not urls_of(result),
            text_in_files=not self.requires_output and bool(text_files(result)),
            too_large=len(json.dumps(xcoms)) > EVENT_LIMIT,
        )
        return need_of(known) or xcoms

    def _of(self, result: ResultDict) -> dict[str, Any]:
        if not self.pushes:
            return {}
        xcoms: dict[str, Any] = {RETURNED: result, **outputs_told(result)}
        if self.generation is not None and self.generation["taskid"] == result["taskid"]:
            xcoms[GENERATION] = concluded(self.generation, "success", None, result["cost_usd"])
        return xcoms


def outputs_told(result: ResultDict) -> dict[str, object]:
    """Return the XComs with the outputs' addresses, places and text, by their keys."""
    urls, uris = urls_of(result), uris_of(result)
    told = {OUTPUT_URLS: urls, OUTPUT_URL: urls[0] if urls else None, TEXT: result["text"]}
    told |= {OUTPUT_URIS: uris, OUTPUT_URI: uris[0]} if uris else {}
    return {key: value for key, value in told.items() if value is not None}  # Airflow 3.0 refuses None


def concluded(told: GenerationDict, outcome: str, error: str | None, cost_usd: float | None) -> GenerationDict:
    """Return what XCom says of a generation, with how it went."""
    return {**told, "outcome": outcome, "error": error, "cost_usd": cost_usd}


def done(result: ResultDict) -> str:
    """Return the line for the log."""
    places = uris_of(result) or urls_of(result)
    cost = "" if result["cost_usd"] is None else f", {result['cost_usd']} USD"
    first = f": {places[0]}" if places else ""
    return f"taskid {result['taskid']}: done, {len(result['outputs'])} output(s){cost}{first}"
