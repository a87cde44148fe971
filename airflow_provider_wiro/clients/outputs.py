"""The files that a task has made, which are public and do not last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http.client import HTTPException

from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from airflow_provider_wiro.clients.session import Session, deadline
from airflow_provider_wiro.clients.wire import ca_file, proxy_for
from airflow_provider_wiro.exceptions import WiroConfigError

TIMEOUT = 10.0
ALL_TIMEOUT = 60.0
GONE = (404, 410)


def first_gone(urls: Iterable[str], *, verify: bool | str, check: Callable[[], None]) -> str | None:
    """Return the first of *urls* whose file is surely there no more, None if there is none. Sends no key, no signature.

    No answer proves nothing, and what was not looked at within a minute is taken as there: the look is a courtesy.

    :param verify: as in :class:`~airflow_provider_wiro.core.credentials.Credentials`.
    :param check: is called before each look, and may raise to end them.
    """
    until = time.monotonic() + ALL_TIMEOUT
    for url in urls:
        check()
        left = until - time.monotonic()
        if left <= 0:
            break
        if _is_gone(url, verify, min(TIMEOUT, left)):
            return url
    return None


def _is_gone(url: str, verify: bool | str, timeout: float) -> bool:
    with Session() as session, deadline(timeout):
        try:
            proxy = proxy_for(url)
            answer = session.head(
                url,
                timeout=timeout,
                verify=ca_file(verify) or False,
                proxies={"http": proxy, "https": proxy} if proxy else {},
                allow_redirects=False,
                stream=True,
            )
        except (RequestException, HTTPError, HTTPException, OSError, ValueError, WiroConfigError):
            return False
        return answer.status_code in GONE
