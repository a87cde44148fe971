"""What a run costs, by the prices that ``models.json`` gives in the documented shapes."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_wiro.emulator import catalogue

OTHER_PRICE = 0.01
"""US dollars for a run that has no price."""
UNITS = 100
"""How many tokens, or seconds of sound, a run is taken to have."""


def price(model: str, inputs: Mapping[str, object]) -> float:
    """Return what a successful run costs, in US dollars."""
    known = catalogue.find(model)
    if known is None:
        return OTHER_PRICE
    given = {str(item["id"]): item.get("default", "") for item in known.items} | dict(inputs)
    for row in known.prices:
        wanted = row["inputs"]
        if isinstance(wanted, dict) and all(_matches(value, given.get(name)) for name, value in wanted.items()):
            return _times(str(row["priceMethod"]), given) * float(str(row["price"]))
    return float(str(known.row["approximatelycost"] or OTHER_PRICE))


def _matches(wanted: object, given: object) -> bool:
    word, _, quantity = str(wanted).partition(":")
    if word == "QUANTITY":
        return quantity == str(len(given) if isinstance(given, list) else 1)
    return str(wanted) == str(given)


def _times(method: str, given: Mapping[str, object]) -> float:
    match method:
        case "cpr" | "cp-pixel":
            return 1
        case "cp-promptlength":
            return len(str(given.get("prompt", "")))
        case "cp-outputVideoLength":
            return float(str(given.get("duration") or 5))
    return UNITS
