"""Upload: the files that a model is given are sent to Wiro, right before the submission.

They are uploaded after there was room: what waits for room would hold URLs that may expire, and pays an upload for a
turn that may not come. What is uploaded is written down at once, so that a retry uses it again while Wiro has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.files import FileInput, Source, Upload
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.placing import placed, types_of
from airflow_provider_wiro.core.uploading import upload
from airflow_provider_wiro.core.work import digests
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError, WiroRefused
from airflow_provider_wiro.stages.contents import opened

if TYPE_CHECKING:
    from airflow_provider_wiro.stages.this_try import Order, Try

# How Wiro refuses a file's URL that it does not take in this place.
FILE_REQUIRED = re.compile(r"request files? \[", re.IGNORECASE)
# How many uploads a record remembers.
MOST_UPLOADS = 50


@dataclass(frozen=True, slots=True)
class Ready:
    """What is submitted.

    :param intent: the record of it; its inputs are those that are sent.
    :param over: what the journal holds now.
    :param otherwise: the same inputs in another shape, for a model that refuses the first one; None: there is none.
    """

    inputs: Mapping[str, object] = field(repr=False)
    intent: Record
    over: Record | None
    otherwise: Mapping[str, object] | None = field(default=None, repr=False)

    def takes_another_shape(self, error: WiroError, log: Log) -> bool:
        """Whether the model has refused just this shape, and there is another one; nothing was accepted then."""
        refused = isinstance(error, WiroRefused) and FILE_REQUIRED.search(str(error)) is not None
        if not refused or self.otherwise is None:
            return False
        log.warning("%s Submitting once more, with the URL as the file itself", str(error).partition("\n")[0])
        return True

    def reshaped(self) -> Ready:
        """Return it with the other shape, where there is one."""
        if self.otherwise is None:
            return self
        return replace(self, inputs=self.otherwise, otherwise=None, intent=_as_sent(self.intent, self.otherwise))


def ready(
    this: Try,
    order: Order,
    wanted: Record,
    found: Record | None,
    until: float,
    *,
    reshaped: bool = False,
) -> Ready:
    """Upload what Wiro does not have yet, and return what to submit. Costs nothing.

    :param wanted: the intent, without the URLs of files.
    :param found: what the journal holds.
    :param until: unix time until which to wait at most where Wiro throttles.
    :param reshaped: whether the model has refused the first shape.
    :raises WiroError: if that cannot be done; nothing is submitted.
    """
    if not order.files:
        return Ready(order.inputs, wanted, found)
    types = this.caller.drive(types_of(order.model, deadline=until), service=wanted.base_url)
    if types is None:
        this.log.warning("Wiro does not say which inputs %s has; its files are given by the inputs' names", order.model)
    for file in order.files:
        placed(file, [source.address for source in file.sources], types)
    urls, over = _uploaded(this, order.files, wanted, found, until)
    given = [placed(file, [urls[source] for source in file.sources], types) for file in order.files]
    inputs = _together(order, [one.inputs for one in given])
    otherwise = _together(order, [one.otherwise or one.inputs for one in given])
    uploads = {source.sha256: url for source, url in urls.items() if not source.is_url}
    intent = replace(_as_sent(wanted, inputs), uploads=uploads)
    made = Ready(inputs, intent, over, otherwise if any(one.otherwise for one in given) else None)
    return made.reshaped() if reshaped else made


def _together(order: Order, parts: Sequence[Mapping[str, object]]) -> dict[str, object]:
    inputs = dict(order.inputs)
    for part in parts:
        inputs |= part
    return inputs


def _as_sent(intent: Record, inputs: Mapping[str, object]) -> Record:
    """Return the intent with the digests of what is sent. What Wiro shows of a file proves no task to be another's."""
    return replace(intent, inputs=digests(inputs))


def _uploaded(
    this: Try, files: Sequence[FileInput], wanted: Record, found: Record | None, until: float
) -> tuple[dict[Source, str], Record | None]:
    """Return the URL of each file, and what the journal holds once they are written down."""
    sources = list(dict.fromkeys(source for file in files for source in file.sources))
    known = _still_there(this, {source.sha256 for source in sources if not source.is_url}, wanted, found)
    over = found
    for source in sources:
        if source.is_url or source.sha256 in known:
            continue
        with opened(source) as file:
            flow = upload(Upload(source, file), timeout=this.caller.timeout, deadline=until)
            known[source.sha256] = this.caller.drive(flow, service=wanted.base_url)
        this.log.info("uploaded %s to Wiro (%s bytes)", source.shown, source.size)
        over = _note(this, wanted, over, known)
    return {source: source.address if source.is_url else known[source.sha256] for source in sources}, over


def _still_there(this: Try, contents: set[str], wanted: Record, found: Record | None) -> dict[str, str]:
    """Return what earlier tries have uploaded, and Wiro still has."""
    if found is None or not found.base_url or not same_service(found.base_url, wanted.base_url or ""):
        return {}
    before = {sha256: url for sha256, url in found.uploads.items() if sha256 in contents}
    there = this.caller.those_there(before.values()) if before else frozenset()
    if there:
        this.log.info("%s file(s) that an earlier try has uploaded are used again", len(there))
    return {sha256: url for sha256, url in before.items() if url in there}


def _note(this: Try, wanted: Record, over: Record | None, uploads: Mapping[str, str]) -> Record | None:
    """Write down what is uploaded: beside what an earlier try has submitted, or as a record of its own."""
    if this.journal is None:
        return over
    if over is None or not over.sent:
        kept = replace(wanted.instead_of(over), sent=False, uploads=dict(uploads))
    else:
        kept = replace(over, uploads=dict(list((dict(over.uploads) | dict(uploads)).items())[-MOST_UPLOADS:]))
    try:
        this.journal.replace(over, kept)
    except WiroJournalError as error:
        error.args = (f"{error}; nothing was submitted",)
        raise
    return kept
