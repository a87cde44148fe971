"""Values of other tasks, as Airflow hands them over, made plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def plain(value: object) -> object:
    """Return *value* with lists in the place of sequences that fetch their items late.

    The output of a mapped task is such a sequence: ``LazyXComSequence`` on Airflow 3, another one on Airflow 2.
    """
    if isinstance(value, str | bytes | bytearray):
        return value
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, Sequence) else value


def taken(name: str, value: object) -> object:
    """Return *value* as the input *name* takes it: plain, and where one URL is wanted, the only item of a list.

    :param name: Wiro's name of the input. One that ends in ``Url`` takes one URL.
    """
    given = plain(value)
    return given[0] if name.endswith("Url") and isinstance(given, list) and len(given) == 1 else given
