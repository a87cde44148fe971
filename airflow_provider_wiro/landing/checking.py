"""Looks at what was saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_provider_wiro.clients.apart import never
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import files_in
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroError, WiroSaveError
from airflow_provider_wiro.landing.place import Place, place_and_name
from airflow_provider_wiro.landing.words import said

MOST_MANIFEST = 16 * 1024 * 1024


def missing(landed: Iterable[Landed]) -> list[Landed]:
    """Return the saved files that are not there any more, or have another size. Reads none of them; asks Wiro nothing.

    :raises WiroSaveError: if that cannot be determined, as where a storage is away.
    """
    lost: list[Landed] = []
    for one in landed:
        try:
            place, name = place_and_name(one.uri)
            size = place.size_of(name)
        except Exception as error:
            raise WiroSaveError(f"whether {one_line(one.uri)} is there cannot be determined: {said(error)}") from error
        if size != one.size:
            lost.append(one)
    return lost


def verify(manifest_uri: str, *, told_to_stop: Callable[[], bool] = never) -> list[str]:
    """Read each file beside a manifest, and compare its size and SHA-256 with what the manifest says.

    A folder that was copied as a whole is right as well: what counts is the files beside this manifest.

    :param manifest_uri: a local path or a URL, as ObjectStoragePath takes it.
    :returns: what is wrong, in words; nothing if all is well.
    """
    try:
        place, name = place_and_name(manifest_uri)
        files = files_in(place.read(name, MOST_MANIFEST))
    except Exception as error:
        return [f"{one_line(manifest_uri)} cannot be read: {said(error)}"]
    return [problem for one in files if (problem := _problem(place, one, told_to_stop))]


def _problem(place: Place, one: Landed, told_to_stop: Callable[[], bool]) -> str | None:
    where = one_line(place.uri_of(one.name))
    if "/" in one.name or one.name in ("", ".", ".."):
        return f"{one_line(one.name)!r} is no name of a file beside the manifest"
    try:
        if place.size_of(one.name) is None:
            return f"{where} is not there"
        size, sha256 = place.digest_of(one.name, told_to_stop)
    except WiroError:
        raise
    except Exception as error:
        return f"{where} cannot be read: {said(error)}"
    if size != one.size:
        return f"{where} has {size} bytes, and had {one.size} when it was saved"
    return None if sha256 == one.sha256 else f"{where} has another content than when it was saved: SHA-256 {sha256}"
