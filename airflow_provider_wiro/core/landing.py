"""A generation's files, where they were saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Landed:
    """One saved file.

    :param uri: where it is, as Airflow's ObjectStoragePath writes it.
    :param name: its name below ``<taskid>/``.
    :param size: bytes.
    :param sha256: of its content, lower-case hex.
    :param content_type: what Wiro, or else its server, says that it is; None where nobody does.
    :param url: the address of the output at Wiro, without its query, which may be a signature; None for a text that
        Wiro gave without a file.
    """

    uri: str
    name: str
    size: int
    sha256: str
    content_type: str | None = None
    url: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return it as the record keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: object) -> Landed:
        """Read it back.

        :raises TypeError: if it is none.
        """
        if not isinstance(kept, Mapping):
            raise TypeError("a saved file that is none")
        told = {name: kept.get(name) for name in cls.__slots__}
        for name, value in told.items():
            optional = name in ("content_type", "url") and value is None
            if not optional and type(value) is not (int if name == "size" else str):
                raise TypeError(f"{name} of a saved file")
        return cls(**told)  # type: ignore[arg-type]
