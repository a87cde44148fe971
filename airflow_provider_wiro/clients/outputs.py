"""The files that a task has made, which are public and do not last."""

from __future__ import annotations

from http.client import HTTPException

from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from airflow_provider_wiro.clients.session import Session, deadline
from airflow_provider_wiro.clients.wire import ca_file, proxy_for

TIMEOUT = 10.0
GONE = (404, 410)


def is_gone(url: str, *, verify: bool | str) -> bool:
    """Whether the file of an output is surely there no more; no answer proves nothing. Sends neither key nor signature.

    :param verify: as in :class:`~airflow_provider_wiro.core.credentials.Credentials`.
    """
    with Session() as session, deadline(TIMEOUT):
        try:
            proxy = proxy_for(url)
            answer = session.head(
                url,
                timeout=TIMEOUT,
                verify=ca_file(verify) or False,
                proxies={"http": proxy, "https": proxy} if proxy else {},
                allow_redirects=False,
                stream=True,
            )
        except (RequestException, HTTPError, HTTPException, OSError, ValueError):
            return False
        return answer.status_code in GONE
