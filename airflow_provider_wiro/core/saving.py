"""The arguments that say where a generation's files are saved, checked before anything is spent."""

from __future__ import annotations

import os
import re

from airflow_provider_wiro.core.fields import refused, true_or_false
from airflow_provider_wiro.core.text import NO_PASSWORD, without_password, without_secrets

MAX_BYTES = 2_000_000_000
"""Bytes that a file may have at most, if nobody says otherwise."""

FOLDER = (
    "a folder: an absolute path, or a URL that Airflow's ObjectStoragePath opens, such as s3://conn_id@bucket/folder"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")


def folder(value: object, name: str = "save_to") -> str:
    """Return *value* as a folder that files can be saved to; whether it can be opened is not looked at.

    :param name: the argument.
    :raises WiroInputError: if it surely is none.
    """
    # An ObjectStoragePath is no PathLike on each version.
    is_path = isinstance(value, os.PathLike) or hasattr(type(value), "protocol")
    text = str(value) if is_path else value
    if not isinstance(text, str) or not text.isprintable():
        raise refused(name, value, FOLDER)
    text = text.strip()
    if text in ("", "None"):
        hint = " (a template makes 'None' of what it does not find)" if text else ""
        raise refused(name, value, f"{FOLDER}{hint}")
    scheme = _SCHEME.match(text)
    if scheme is None and not os.path.isabs(text):
        raise refused(name, without_secrets(text), f"{FOLDER}; a relative path leads elsewhere in every worker")
    if shown := without_password(text):
        raise refused(name, shown, f"{FOLDER}; {NO_PASSWORD}")
    if scheme is not None and scheme[1].lower() in ("http", "https"):
        raise refused(name, without_secrets(text), f"{FOLDER}; nothing can be written to a web address")
    return text


def max_bytes(value: object) -> int:
    """Return *value* as a number of bytes.

    :raises WiroInputError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise refused("max_bytes", value, "a whole number of bytes above 0, such as 2_000_000_000")
    return value


def check_saving(*, save_to: object, delete_after_save: object, wait_for_completion: object) -> None:
    """Check what only goes together.

    :param save_to: None where nothing is to be saved.
    :raises WiroInputError: if it does not.
    """
    if save_to is not None and wait_for_completion is False:
        raise refused(
            "save_to", save_to, "None with wait_for_completion=False: there is nothing to save yet. To save it later, "
            "use WiroToObjectStorageOperator"
        )  # fmt: skip
    if true_or_false("delete_after_save", delete_after_save) and save_to is None:
        raise refused("delete_after_save", True, "False without save_to: all that was paid for would be lost")
