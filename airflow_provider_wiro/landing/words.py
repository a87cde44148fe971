"""What went wrong with a file, and what a person can do about it."""

from __future__ import annotations

import errno

from airflow_provider_wiro.core.text import one_line, without_secrets

_ADVICE = {
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the quota of the disk is used up: make room",
    errno.EFBIG: "the file is larger than this process or file system may write",
    errno.EROFS: "it is mounted read-only",
    errno.EACCES: "the user that tasks run as may not write there",
    errno.EPERM: "the user that tasks run as may not write there",
}


def said(error: BaseException) -> str:
    """Return an error as one line, without what may be a secret."""
    text = one_line(without_secrets(f"{type(error).__name__}: {error}"), 300)
    advice = _ADVICE.get(getattr(error, "errno", None) or 0)
    return f"{text} ({advice})" if advice else text
