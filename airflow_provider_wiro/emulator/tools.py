"""The calls about models: Tool/Detail, Tool/List, Tool/Explore."""

from __future__ import annotations

from airflow_provider_wiro.emulator import catalogue
from airflow_provider_wiro.emulator.bodies import Body
from airflow_provider_wiro.emulator.catalogue import Model
from airflow_provider_wiro.emulator.refusals import NO_SUCH_MODEL, NOT_FOUND, Refused, invalid

SORTS = ("relevance", "id", "time", "ratedusercount", "commentcount", "averagepoint")
_LISTED = (
    "id",
    "title",
    "slugowner",
    "slugproject",
    "cleanslugowner",
    "cleanslugproject",
    "description",
    "image",
    "computingtime",
    "categories",
    "tags",
    "marketplace",
    "onlymembers",
    "averagepoint",
    "commentcount",
    "dynamicprice",
    "cps",
    "approximatelycost",
    "taskstat",
)
_EXPLORED = ("id", "cleanslugowner", "cleanslugproject", "image", "description", "categories", "averagepoint")
_COUNTS = {"commentcount": "1", "ratedusercount": "3", "averagepoint": "5.00"}


def detail(body: Body) -> dict[str, object]:
    """Answer Tool/Detail."""
    model = catalogue.find(f"{body.fields.get('slugowner')}/{body.fields.get('slugproject')}")
    if model is None:
        raise Refused(NOT_FOUND, NO_SUCH_MODEL)
    return {"errors": [], "tool": [_row(model)], "result": True}


def listed(body: Body) -> dict[str, object]:
    """Answer Tool/List."""
    fields = body.fields
    start, limit = (_number(fields.get(name, default), name) for name, default in (("start", "0"), ("limit", "20")))
    sort, order = fields.get("sort", "relevance"), fields.get("order", "DESC")
    if sort not in SORTS or order not in ("ASC", "DESC"):
        raise invalid(f"sort must be one of {', '.join(SORTS)}, order ASC or DESC")
    categories = fields.get("categories", [])
    if not isinstance(categories, list):
        raise invalid("categories must be a list")
    found = [model for model in catalogue.models() if _fits(model, fields, [str(wanted) for wanted in categories])]
    if sort == "id":
        found.sort(key=lambda model: int(str(model.row["id"])), reverse=order == "DESC")
    rows = [{name: row[name] for name in _LISTED} for row in map(_row, found[start : start + limit])]
    return {"total": len(found), "errors": [], "tool": rows, "result": True}


def explored(_: Body) -> dict[str, object]:
    """Answer Tool/Explore: the models by category."""
    names = sorted({name for model in catalogue.models() for name in model.categories if name != "tool"})
    explore = []
    for number, name in enumerate(names, 1):
        rows = [_row(model) for model in catalogue.models() if name in model.categories]
        tools = [{field: row[field] for field in (*_EXPLORED, "commentcount", "ratedusercount")} for row in rows]
        explore.append({"id": str(number), "title": name, "tools": tools, "url": "", "total": len(tools)})
    return {"errors": [], "explore": explore, "result": True}


def _row(model: Model) -> dict[str, object]:
    """Return a model with the fields that only people look at, too."""
    people = {"image": "", "computingtime": "10 seconds", "onlymembers": "1", "readme": "", "seotitle": ""}
    return {**people, "seodescription": model.row["description"], **_COUNTS, **model.row}


def _fits(model: Model, fields: dict[str, object], categories: list[str]) -> bool:
    search, owner = str(fields.get("search", "")).lower(), str(fields.get("slugowner", "")).lower()
    told = f"{model.row['title']} {model.slug} {model.owner}/{model.project} {' '.join(model.categories)}".lower()
    return (
        all(word in told for word in search.split())
        and owner in ("", model.owner.lower(), model.slug.partition("/")[0])
        and (not categories or bool(set(categories) & set(model.categories)))
    )


def _number(value: object, name: str) -> int:
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 9:
        raise invalid(f"{name} must be a number as text")
    return int(value)
