"""What this package needs of a logger."""

from __future__ import annotations

from typing import Protocol


class Log(Protocol):
    """The standard library's logger, or Airflow's."""

    def info(self, message: str, /, *args: object) -> object: ...

    def warning(self, message: str, /, *args: object) -> object: ...

    def error(self, message: str, /, *args: object) -> object: ...
