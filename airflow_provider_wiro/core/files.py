"""The files that a model is given: where they are, which Wiro takes, and what makes them the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from airflow_provider_wiro.core.fields import ABSENT, is_absent, refused
from airflow_provider_wiro.core.sequences import plain
from airflow_provider_wiro.core.text import NO_PASSWORD, without_password, without_secrets
from airflow_provider_wiro.exceptions import WiroInputError

MAX_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class FileType:
    """What Wiro takes.

    :param extension: by which a file is known to be of this type, in any case of letters.
    :param content_type: as which it is sent.
    :param sent_as: the extension under which it is sent.
    """

    extension: str
    content_type: str
    sent_as: str


_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "txt": "text/plain",
    "md": "text/markdown",
    "epub": "application/epub+zip",
}
FILE_TYPES: dict[str, FileType] = {
    **{name: FileType(name, kind, name) for name, kind in _TYPES.items()},
    "jpeg": FileType("jpeg", "image/jpeg", "jpg"),
}
ONE_FILE = "one path (local, file://, s3://connection@bucket/key, gs://…), or an http(s) URL"
ALLOWED = f"{ONE_FILE}; a list of them where the input takes several"
_URL = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_PATH = re.compile(r"[./~]|[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NO_FILE = re.compile(r"(data|https?):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file.

    :param address: a path as Airflow's ObjectStoragePath takes it, or an http(s) URL, which is passed on as it is.
    :param sha256: of the content, lower-case hex; empty while it was not read, and of a URL.
    :param size: bytes.
    """

    address: str = field(repr=False)
    sha256: str = ""
    size: int = 0

    @property
    def is_url(self) -> bool:
        """Whether there is nothing to upload."""
        return _URL.fullmatch(self.address) is not None

    @property
    def shown(self) -> str:
        """The address for people: without user, connection or signature."""
        return without_secrets(self.address)

    @property
    def content(self) -> str:
        """What makes it the same file: its content, or the URL."""
        return self.address if self.is_url else f"sha256:{self.sha256}"

    @property
    def type(self) -> FileType | None:
        """Its type by its extension; None for one that Wiro does not take."""
        return FILE_TYPES.get(self.address.rpartition("/")[2].rpartition(".")[2].lower())

    @property
    def sent_name(self) -> str:
        """The name under which it is sent: plain letters, and an extension that Wiro knows."""
        stem, _, extension = self.address.rpartition("/")[2].rpartition(".")
        plain_stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:80] or "file"
        return f"{plain_stem}.{self.type.sent_as if self.type else extension}"


@dataclass(frozen=True, slots=True)
class FileInput:
    """The files of one input of a model.

    :param name: Wiro's name of the input.
    :param listed: whether the author has written a list.
    """

    name: str
    sources: tuple[Source, ...]
    listed: bool = False

    @property
    def is_plain_url(self) -> bool:
        """Whether it is one URL, for an input that takes one URL: an input like any other."""
        return self.name.endswith("Url") and len(self.sources) == 1 and self.sources[0].is_url

    @property
    def names(self) -> frozenset[str]:
        """The inputs under which its URLs may be sent."""
        return places_of(self.name)


@dataclass(slots=True)
class Upload:
    """A file that is sent to Wiro.

    :param file: open for reading; read from its beginning at each attempt.
    :param problem: why it could not be read, once it could not be.
    """

    source: Source
    file: IO[bytes] = field(repr=False)
    problem: str | None = None


def places_of(name: str) -> frozenset[str]:
    """Return the names under which Wiro may take the files of the input *name*."""
    return frozenset({name, f"{name}Url", name.removesuffix("Url")})


def file_inputs(given: object) -> tuple[FileInput, ...]:
    """Return what ``files`` says: a dict, or the JSON text of one. What is absent is left out.

    :raises WiroInputError: naming the file that Wiro does not take.
    """
    value = plain(given)
    if isinstance(value, str):
        if value.strip() in ABSENT:
            return ()
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise refused("files", given, "a dict, or a template that makes JSON of one: {{ … | tojson }}")
    for name in value:
        if not isinstance(name, str) or not name.strip():
            raise refused("a name in files", name, "text that is not empty: the name of an input of the model")
    found = (file_input(name, item, f"files[{name!r}]") for name, item in value.items())
    return tuple(one for one in found if one is not None)


def file_input(name: str, given: object, argument: str) -> FileInput | None:
    """Return the files of one input; None if there are none.

    :param argument: what the author knows it by.
    :raises WiroInputError: if it is neither a path nor a URL, or of a type that Wiro does not take.
    """
    value = plain(given)
    listed = isinstance(value, list | tuple)
    items = [item for item in (value if isinstance(value, list | tuple) else [value]) if not is_absent(item)]
    sources = tuple(_source(item, argument) for item in items)
    return FileInput(name, sources, listed) if sources else None


def refuse_both(files: Iterable[FileInput], inputs: Mapping[str, object]) -> None:
    """Refuse an input that is given twice.

    :raises WiroInputError: naming it.
    """
    taken: set[str] = set(inputs)
    for one in files:
        if both := sorted(one.names & taken):
            raise WiroInputError(
                f"the input {both[0]} is given twice: as a file ({one.name}), and among the other inputs or files. "
                "Give it once"
            )
        taken |= {one.name, f"{one.name.removesuffix('Url')}Url"}


def refuse_paths(inputs: Mapping[str, object]) -> None:
    """Refuse a path where a model takes a URL: Wiro could not read it.

    :raises WiroInputError: naming the input, and the argument that uploads files.
    """
    for name, value in inputs.items():
        if name.endswith("Url") and isinstance(value, str) and _PATH.match(value) and not _URL.match(value):
            raise refused(f"inputs[{name!r}]", value, f"an http(s) URL. A path goes into files={{{name!r}: …}}")


def _source(value: object, argument: str) -> Source:
    address = str(value) if hasattr(value, "joinpath") else value
    if not isinstance(address, str) or "\0" in address:
        raise refused(argument, value, ALLOWED)
    if (source := Source(address.strip() if _URL.match(address.strip()) else address)).is_url:
        return source
    if shown := without_password(address):
        raise refused(argument, shown, f"{ONE_FILE}; {NO_PASSWORD}")
    if _NO_FILE.match(address):
        raise refused(argument, address, ALLOWED)
    if "://" in address and "::" in address:
        raise refused(argument, address, f"{ONE_FILE}; without '::', at which fsspec cuts a path off")
    if source.type is None:
        zipped = " A zip is unpacked by Wiro: give its files" if address.lower().endswith(".zip") else ""
        known = ", ".join(sorted(FILE_TYPES))
        raise refused(argument, address, f"files of the types that Wiro takes, by their extension: {known}.{zipped}")
    return source
