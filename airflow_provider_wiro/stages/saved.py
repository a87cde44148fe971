"""Saved: the files that an earlier try has saved are looked at before Wiro is asked."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.file_names import MANIFEST, harmless
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import files_in
from airflow_provider_wiro.core.result import ResultDict, text_files
from airflow_provider_wiro.core.saved import result_of
from airflow_provider_wiro.core.saving import folder
from airflow_provider_wiro.core.text import in_words, one_line, without_secrets
from airflow_provider_wiro.core.texts import joined, text_of
from airflow_provider_wiro.exceptions import WiroInputError, WiroSaveError
from airflow_provider_wiro.stages.this_try import Try

MOST_READ = 16 * 1024 * 1024
MOST_TEXT = 1_000_000
"""Bytes of a file that a text model has made which are read for the result."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What there is of saved files.

    :param result: the result that they are of; None where they cannot be taken.
    :param missed: why they cannot be taken, in words; None where they can, or need not be looked at.
    """

    result: ResultDict | None = None
    missed: str | None = None


NOTHING_SAVED = Saved()


def saved_by(this: Try, found: Record, wanted: Record) -> Saved:
    """Say what there is of the files that *found* names as saved. Wiro is not asked.

    Where other work is wanted, nobody looks at them.

    :raises WiroSaveError: if it cannot be determined whether they are there.
    """
    from airflow_provider_wiro.landing import missing

    if found.landed is None or found.taskid is None or not found.is_same_work(wanted):
        return NOTHING_SAVED
    if why := _not_wanted_there(this, found, found.landed, wanted):
        return Saved(missed=why)
    try:
        lost = missing(found.landed)
    except WiroSaveError as error:
        error.taskid = found.taskid
        raise
    if lost:
        return Saved(missed=f"{one_line(lost[0].uri)} is not there, or has another size")
    try:
        return Saved(_read(this, found.taskid, found.landed))
    except Exception as error:
        return Saved(missed=_no_manifest(this, found.taskid, error))


def _no_manifest(this: Try, taskid: str, error: Exception) -> str:
    """Return why the manifest says nothing, in words.

    :raises WiroSaveError: if the storage is away, so that nobody knows what it says.
    """
    said = without_secrets(in_words(error, 200))
    what = f"the manifest in {one_line(_folder_of(this, taskid))} cannot be read ({said})"
    if isinstance(error, ValueError | LookupError | FileNotFoundError):
        return what
    raise WiroSaveError(
        f"{what}, so it is not known whether all that Wiro task {taskid} has made is there. Nothing was paid "
        "again. A retry looks again",
        taskid=taskid,
    ) from error


def _not_wanted_there(this: Try, found: Record, landed: tuple[Landed, ...], wanted: Record) -> str | None:
    """Say why saved files are not what this try is to return, whether or not they are there."""
    if found.base_url and wanted.base_url and not same_service(found.base_url, wanted.base_url):
        return f"it was made at {found.base_url}, and the connection leads to {wanted.base_url}"
    if this.settings.save_to is None:
        return "save_to is not set any more"
    try:
        there = _folder_of(this, found.taskid or "")
    except WiroInputError as error:
        return str(error)
    if any(file.uri.rpartition("/")[0] != there for file in landed):
        return f"they are to be in {one_line(there)} now"
    return None


def _folder_of(this: Try, taskid: str) -> str:
    """Return the folder that the files of a task are saved in."""
    from airflow_provider_wiro.landing import place_of
    from airflow_provider_wiro.landing.place import below

    return place_of(below(folder(this.settings.save_to), harmless(taskid))).uri


def saved_before(this: Try, taskid: str) -> ResultDict | None:
    """Return the result of the files that the manifest in ``save_to`` names; None where there is none of this task.

    :raises WiroSaveError: if that cannot be determined.
    """
    from airflow_provider_wiro.landing import place_of

    try:
        place = place_of(_folder_of(this, taskid))
        landed = files_in(place.read(MANIFEST, MOST_READ))
        return _read(this, taskid, landed)
    except Exception as error:
        this.log.info(
            "taskid %s: nothing that was saved before is taken: %s", taskid, _no_manifest(this, taskid, error)
        )
        return None


def _read(this: Try, taskid: str, landed: tuple[Landed, ...]) -> ResultDict:
    from airflow_provider_wiro.landing import place_of

    place = place_of(_folder_of(this, taskid))
    manifest = place.read(MANIFEST, MOST_READ)
    result = result_of(taskid, manifest, landed, lambda file: place.read(file.name, MOST_READ))
    if this.settings.requires_output:
        return result
    texts, named = [], {file.uri: file.name for file in landed}
    for output in text_files(result):
        with place.open(named[output["uri"]]) as file:
            texts.append(text_of(file.read(MOST_TEXT).decode("utf-8-sig", "replace")))
    return {**result, "text": joined(texts)} if texts else result
