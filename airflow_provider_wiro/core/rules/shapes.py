"""Where the URL of a file goes: exactly one row holds for each type of input and each way to give files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the model takes there, as Tool/Detail shows it."""

    FILE = "fileinput"
    SEVERAL = "multifileinput"
    COMBINED = "combinefileinput"
    TEXT = "text, or another type"
    NO_INPUT = "no input of the model"
    URL_NAME = "not known, but its name ends in Url"
    NAME = "not known"


class Given(Enum):
    """What the author gives."""

    ONE = "one file"
    LIST_OF_ONE = "a list of one file"
    LIST = "a list of several"


class Shape(Enum):
    """How the URLs of the input X are sent."""

    ITSELF = "X is the URL"
    LINK = 'XUrl is the URL, X is ""'
    LINKS = 'XUrl is the URLs, separated by commas, X is ""'
    COMMAS = "X is the URLs, separated by commas"
    ARRAY = "X is a JSON array of the URLs"
    REFUSED = "refused before anything is uploaded"


@dataclass(frozen=True, slots=True)
class Row:
    """One rule.

    :param given: None: all of them.
    """

    name: str
    kinds: frozenset[Kind]
    given: frozenset[Given] | None
    shape: Shape

    def holds(self, kind: Kind, given: Given) -> bool:
        """Whether this row decides."""
        return kind in self.kinds and (self.given is None or given in self.given)


_FEW, _ONE = frozenset({Given.ONE, Given.LIST_OF_ONE}), frozenset({Given.ONE})
_LISTS, _LIST = frozenset({Given.LIST_OF_ONE, Given.LIST}), frozenset({Given.LIST})


def _of(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


SHAPES: tuple[Row, ...] = (
    Row("a fileinput, one file", _of(Kind.FILE), _FEW, Shape.LINK),
    Row("a multifileinput", _of(Kind.SEVERAL), None, Shape.LINKS),
    Row("a combinefileinput", _of(Kind.COMBINED), None, Shape.ARRAY),
    Row("a text such as inputImageUrl, one file", _of(Kind.TEXT), _FEW, Shape.ITSELF),
    Row("a fileinput or a text, several files", _of(Kind.FILE, Kind.TEXT), _LIST, Shape.REFUSED),
    Row("the model has no such input", _of(Kind.NO_INPUT), None, Shape.REFUSED),
    Row("the type is not known, the name ends in Url, one file", _of(Kind.URL_NAME), _FEW, Shape.ITSELF),
    Row("the type is not known, the name ends in Url, several files", _of(Kind.URL_NAME), _LIST, Shape.COMMAS),
    Row("the type is not known, one file", _of(Kind.NAME), _ONE, Shape.LINK),
    Row("the type is not known, a list", _of(Kind.NAME), _LISTS, Shape.ARRAY),
)


def shape_for(kind: Kind, given: Given) -> Row:
    """Return the row that decides."""
    return next(row for row in SHAPES if row.holds(kind, given))
