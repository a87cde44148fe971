"""Whether something can be saved to a folder, as far as that is quickly seen."""

from __future__ import annotations

import errno
import os

from airflow_provider_wiro.landing.local import LocalPlace
from airflow_provider_wiro.landing.place import place_of


def make_ready(folder: str) -> None:
    """Make a local folder; of another one, see that what opens it is installed, and that its connection is there.

    :raises WiroInputError: if it names no folder, or the provider for its scheme is not installed.
    :raises OSError: if a local one cannot be made, or not be written to.
    """
    place = place_of(folder)
    if not isinstance(place, LocalPlace):
        return
    path = place.uri.removeprefix("file://")
    os.makedirs(path, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "the user that tasks run as may not write there", path)
