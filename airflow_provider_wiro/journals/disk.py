"""What a local disk can do, and the mounts that look like one cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

NO_HARD_LINKS = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM})
# How CIFS and FUSE mounts say that a folder cannot be synced, or that modes are not theirs to set.
NOT_FOR_THIS_MOUNT = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EPERM})


def sync_folder(folder: Path) -> None:
    """Have the disk know which files are in *folder*, where it is a mount that can be told so."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        unless_not_for_this_mount(lambda: os.fsync(opened))
    finally:
        os.close(opened)


def unless_not_for_this_mount(do: Callable[[], None]) -> None:
    """Do what some mounts cannot, and let that pass there."""
    try:
        do()
    except OSError as error:
        if error.errno not in NOT_FOR_THIS_MOUNT:
            raise
