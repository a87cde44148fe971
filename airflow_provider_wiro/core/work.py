"""What makes work the same, by the rule of each version of the record: the rule that wrote a record compares it."""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

# What says where an answer goes or who pays, and not what is made.
NOT_THE_WORK = frozenset({"callbackUrl", "projectid"})


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be made, and by which service.

    :param base_url: the service.
    :param model: ``"owner/model"`` as the author of the DAG typed it.
    :param inputs: the model's inputs as they are sent; hidden from ``repr``.
    :param idempotency_key: what makes the work the same instead of model and inputs; None: they do.
    :param files: what the model is given as files: for each input the content of each file (``sha256:…``), or its URL.
        Where they are kept, and under which URLs Wiro gets them, is not the work.
    :param before: the same work as releases before 0.2.0 would have sent it, where that differs: what they have
        recorded is of this.
    """

    base_url: str
    model: str
    inputs: Mapping[str, object] = field(repr=False)
    idempotency_key: str | None = None
    before: Work | None = None
    files: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    def recorded_as(self, recorded: Mapping[str, str]) -> Work:
        """Return it as a record with these digests of its inputs has sent it."""
        before = self.before
        return before if before is not None and digests(before.inputs) == recorded else self

    def is_of(self, fingerprint: str, version: int) -> bool:
        """Whether a record of *version* with this fingerprint is of the same work."""
        return fingerprint == self.fingerprint(version) or (
            self.before is not None and fingerprint == self.before.fingerprint(version)
        )

    def fingerprint(self, version: int) -> str:
        """Return what is the same for the same work, by the rule of records of *version*.

        Version 1 compares the service too, and takes model and inputs to the letter. Version 2 keeps the service apart,
        and takes what is the same to Wiro for the same: ``5`` and ``"5"``, ``google/veo3.1`` and ``Google/veo3-1``.
        """
        if version == 1:
            return fingerprint(self.base_url, self.model, {**self.inputs, **self.files}, self.idempotency_key)
        work: object = self.idempotency_key
        if self.idempotency_key is None:
            files = [digests(self.files)] if self.files else []
            work = [slug(self.model), digests(self.inputs), *files]
        return hashlib.sha256(_canonical(work).encode()).hexdigest()


def fingerprint(base_url: str, model: str, inputs: Mapping[str, object], idempotency_key: str | None) -> str:
    """Return the fingerprint of a record of version 1: of model, inputs and service, or of the key and the service.

    The API key, the account and the callback URL may change without the work changing.
    """
    work: object = idempotency_key
    if idempotency_key is None:
        work = [model, {name: value for name, value in inputs.items() if name not in NOT_THE_WORK}]
    return hashlib.sha256(_canonical([base_url, work]).encode()).hexdigest()


def digests(inputs: Mapping[str, object]) -> dict[str, str]:
    """Return a digest for each input that says what is made, the same for ``0`` and ``"0"``: Wiro may echo either."""
    return {name: digest(value) for name, value in inputs.items() if name not in NOT_THE_WORK}


def digest(value: object) -> str:
    """Return the digest of one input."""
    return hashlib.sha256(_plain(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def loose_digests(inputs: Mapping[str, object]) -> dict[str, str]:
    """Return a digest for each input of what is left of it without its spelling: only what differs here surely differs.

    A seed is left out: Wiro may show the one that it has drawn.
    """
    return {
        name: loose_digest(value)
        for name, value in inputs.items()
        if name not in NOT_THE_WORK and "seed" not in name.lower() and not name.lower().endswith("url")
    }


def loose_digest(value: object) -> str:
    """Return the digest of one input without its spelling: white space, letter case, the forms of numbers and yes."""
    if isinstance(value, str | int | float):
        text = " ".join(unicodedata.normalize("NFKC", html.unescape(str(value))).split()).casefold()
        value = _YES_AND_NO.get(text, text)
        with suppress(ValueError, OverflowError):
            value = float(value)
    return digest(value)


_YES_AND_NO = {"true": "1", "on": "1", "yes": "1", "false": "0", "off": "0", "no": "0"}


def slug(model: str) -> str:
    """Return the model's name as Wiro compares it: lower case, spaces and dots as ``-``."""
    return re.sub(r"[ .]", "-", model.strip().lower())


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _canonical(value)


def _canonical(value: object) -> str:
    return json.dumps(json.loads(json.dumps(value)), sort_keys=True)  # there and back: all names become text
