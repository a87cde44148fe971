"""Files' URLs become inputs of a model, in the shape that the model's own description wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_wiro.core.files import FileInput
from airflow_provider_wiro.core.protocol import Flow, Reply, complaint, send
from airflow_provider_wiro.core.rules.shapes import Given, Kind, Shape, shape_for
from airflow_provider_wiro.core.slugs import clean_slug
from airflow_provider_wiro.exceptions import WiroInputError

MOST_PARAMETERS = 1_000
_KINDS = {"fileinput": Kind.FILE, "multifileinput": Kind.SEVERAL, "combinefileinput": Kind.COMBINED}

Types = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """Inputs that hold the URLs.

    :param otherwise: the same in another shape, for a model that refuses the first one; None: there is none.
    """

    inputs: Mapping[str, object] = field(repr=False)
    otherwise: Mapping[str, object] | None = field(default=None, repr=False)


def types_of(model: str, *, deadline: float | None = None) -> Flow[Types | None]:
    """Ask Wiro which inputs *model* has, free of charge.

    :returns: the type of each input by its name; None where there is no good answer.
    """
    owner, _, project = clean_slug(model).partition("/")
    body = {"slugowner": owner, "slugproject": project}
    outcome = yield from send("/Tool/Detail", body, deadline=deadline)
    if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or complaint(outcome) is not None:
        return None
    tools = outcome.body.get("tool") if isinstance(outcome.body, Mapping) else None
    tool = tools[0] if isinstance(tools, list) and tools else tools
    groups = tool.get("parameters") if isinstance(tool, Mapping) else None
    return _types_in(groups) or None


def _types_in(groups: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in groups if isinstance(groups, list) else []:
        items = group.get("items") if isinstance(group, Mapping) else None
        for item in (items if isinstance(items, list) else [])[:MOST_PARAMETERS]:
            name = item.get("id") if isinstance(item, Mapping) else None
            if isinstance(name, str):
                found[name] = str(item.get("type"))
    return found


def placed(file: FileInput, urls: Sequence[str], types: Types | None) -> Placed:
    """Return the inputs that give *file*.

    :param urls: of its files, in their order.
    :param types: as ``types_of`` returns them.
    :raises WiroInputError: if the model takes no such files there.
    """
    name, kind = _kind_of(file, types)
    several = Given.LIST if len(urls) > 1 else Given.LIST_OF_ONE if file.listed else Given.ONE
    row = shape_for(kind, several)
    commas = ",".join(url.replace(",", "%2C") for url in urls)
    link = name if name.endswith("Url") else f"{name}Url"
    match row.shape:
        case Shape.ITSELF:
            return Placed({name: urls[0]})
        case Shape.LINK:
            return Placed({name: "", link: urls[0]}, {name: urls[0]})
        case Shape.LINKS:
            return Placed({name: "", link: commas})
        case Shape.COMMAS:
            return Placed({name: commas})
        case Shape.ARRAY:
            return Placed({name: list(urls)})
    raise WiroInputError(_refusal(file, name, kind, types or {}))


def _kind_of(file: FileInput, types: Types | None) -> tuple[str, Kind]:
    """Return the input that takes the files, and what it is: schemas drift from ``XUrl`` to ``X``, and back."""
    if types is None:
        return file.name, Kind.URL_NAME if file.name.endswith("Url") else Kind.NAME
    names = (file.name, f"{file.name}Url", file.name.removesuffix("Url"))
    name = next((name for name in names if name in types), None)
    return (file.name, Kind.NO_INPUT) if name is None else (name, _KINDS.get(types[name], Kind.TEXT))


def _refusal(file: FileInput, name: str, kind: Kind, types: Types) -> str:
    if kind is Kind.NO_INPUT:
        takes = ", ".join(name for name, type in types.items() if type in _KINDS or name.endswith("Url")) or "none"
        return f"files names {file.name!r}, which the model does not have; its inputs that take files: {takes}"
    return f"files gives {len(file.sources)} files as {file.name!r}, but the model takes one there ({name})"
