"""Checking arguments before anything is spent: what a model's inputs may be, and how they go over the wire."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from airflow_provider_wiro.core.reading import read_taskid
from airflow_provider_wiro.core.templated import Path, is_templated
from airflow_provider_wiro.core.text import as_text, one_line, without_secrets
from airflow_provider_wiro.exceptions import WiroInputError

ABSENT = ("", "None")

OnUnknown = Literal["fail", "submit"]


@dataclass(frozen=True, slots=True)
class Field:
    """One typed argument of a model's operator.

    :param name: the operator's argument.
    :param input: the model's input.
    :param read: turns a rendered value into what Wiro expects; raises ValueError for one that is not allowed.
    :param allowed: what is allowed, for the error.
    :param required: whether it may not be absent. Absent are None, ``""`` and ``"None"``, which a template
        makes of None; an optional field that is absent is left out.
    """

    name: str
    input: str
    read: Callable[[object], object]
    allowed: str
    required: bool = False

    def value(self, given: object) -> object | None:
        """Return *given* as Wiro expects it; None if it is absent.

        :raises WiroInputError: naming the field, the value and what is allowed.
        """
        if is_absent(given):
            if self.required:
                hint = " (a template makes 'None' of None)" if given == "None" else ""
                raise refused(self.name, given, f"{self.allowed}{hint}")
            return None
        try:
            return self.read(given)
        except (ValueError, OverflowError):
            raise refused(self.name, given, self.allowed) from None


def refused(name: str, given: object, allowed: str) -> WiroInputError:
    """Return the error for a value that is not allowed."""
    given = without_secrets(given) if isinstance(given, str) else given
    shown = without_secrets(one_line(as_text(given, repr), 200))
    return WiroInputError(f"{name} is {shown}; allowed: {allowed}")


def found_nothing(name: str, path: Path) -> WiroInputError:
    """Return the error for a template that was rendered to the text ``None``.

    :param name: the operator's argument.
    :param path: where in it.
    """
    where = name + "".join(f"[{step!r}]" for step in path)
    return refused(
        where,
        "None",
        "any other text: a template makes 'None' of what it does not find. Give it a default, as in "
        "{{ params.x or 'a kite' }}, or set render_template_as_native_obj=True, which leaves out what is None",
    )


def text(value: object) -> str:
    """Read text; a number that native rendering made of text is taken back."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    if not isinstance(value, str) and not math.isfinite(value):
        raise ValueError
    return str(value).encode().decode()


def url(value: object) -> str:
    """Read an http(s) URL."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/]\S*", value.strip()):
        raise ValueError
    return value.strip()


def file_url(value: object) -> str:
    """Read the address of a file: an http(s) URL, or the bare name of one that Wiro has."""
    address = text(value)
    if re.search(r"[:/\\]", address) and not re.match(r"\s*https?://[^\s/]", address, re.IGNORECASE):
        raise ValueError
    return address


FILE_URL = (
    "an http(s) URL that Wiro can read, such as a presigned one, or the bare name of a file that Wiro has. A path goes "
    "into input_image, which uploads the file; for any model, into files"
)


def check_one_of(given: Mapping[str, object]) -> None:
    """Refuse where not exactly one of these arguments is given. Absent are None, ``""`` and ``"None"``.

    While one of them holds a template, only what is wrong whatever it is rendered to is refused.

    :raises WiroInputError: naming them.
    """
    templated = {name for name, value in given.items() if is_templated(value)}
    present = [name for name, value in given.items() if name not in templated and not is_absent(value)]
    if len(present) > 1 or not (present or templated):
        shown = {name: without_secrets(one_line(as_text(value, repr), 100)) for name, value in given.items()}
        said = " and ".join(f"{name} is {value}" for name, value in shown.items())
        raise WiroInputError(f"{said}; allowed: exactly one of them")


def is_absent(value: object) -> bool:
    """Whether it counts as not given: None, ``""``, and ``"None"``, which a template makes of None."""
    return value is None or (isinstance(value, str) and value.strip() in ABSENT)


def whole(value: object) -> int:
    """Read a whole number, also from text."""
    if isinstance(value, str):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError
    return int(value)


def one_of(*options: str) -> Callable[[object], str]:
    """Return a reader of one of *options*, which go over the wire as text."""

    def read(value: object) -> str:
        option = value.strip() if isinstance(value, str) else str(whole(value))
        if option not in options:
            raise ValueError
        return option

    return read


def seconds(name: str, value: object) -> float:
    """Return *value*, a number of seconds or a ``timedelta``, as seconds.

    :raises WiroInputError: if it is none.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 10**9:
        raise refused(name, value, "seconds above 0 and below 1,000,000,000, as a number or a timedelta")
    return float(number)


def unix_time(name: str, value: object) -> float:
    """Return *value* as a unix time.

    :raises WiroInputError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise refused(name, value, "a unix time in seconds, as a number")
    return float(value)


def seconds_or_0(name: str, value: object) -> float:
    """Return *value* as a duration that may also be 0.

    :raises WiroInputError: if it is none.
    """
    return 0.0 if not isinstance(value, bool) and value in (0, timedelta(0)) else seconds(name, value)


def true_or_false(name: str, value: object) -> bool:
    """Return *value* if it is a bool: text such as ``"false"`` would count as true.

    :raises WiroInputError: if it is none.
    """
    if isinstance(value, bool):
        return value
    raise refused(name, value, f"True or False, a bool{'; this argument is not templated' * is_templated(value)}")


def the_taskid(value: object) -> str:
    """Return *value* as the taskid of a Wiro task that is there already.

    :raises WiroInputError: if it is none, as the text ``None`` is, which a template makes of what it does not find.
    """
    taskid = read_taskid(value)
    if taskid is None or taskid == "None":
        raise refused("taskid", value, "the taskid of a Wiro task, such as 2221")
    return taskid


def model_inputs(value: object) -> dict[str, object]:
    """Return *value*, a dict or the JSON text of one, as the inputs of any model, without those that are None.

    :raises WiroInputError: naming the input that is not JSON.
    """
    given = value
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if not isinstance(value, Mapping):
        raise refused("inputs", given, "a dict, or a template that makes JSON of one: {{ … | tojson }}")
    for name, item in value.items():
        try:
            json.dumps({name: item}, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError):
            raise refused(
                f"inputs[{name!r}]", item, "JSON values: text, finite numbers, booleans, lists, dicts"
            ) from None
        if not isinstance(name, str):
            raise refused("a name in inputs", name, "text")
    return {name: item for name, item in value.items() if item is not None}


def on_unknown_submission(value: object) -> OnUnknown:
    """Return *value* if it says what to do about a submission whose outcome cannot be determined.

    :raises WiroInputError: if it does not.
    """
    if value == "fail" or value == "submit":
        return value
    raise refused("on_unknown_submission", value, '"fail" or "submit"')


def idempotency_key(value: object) -> str | None:
    """Return *value* as an idempotency key, None for none.

    :raises WiroInputError: if it is rendered to nothing: then all work would be the same.
    """
    if value is None:
        return None
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise refused("idempotency_key", value, "text that is not empty (a template makes 'None' of None), or None")
    return value
