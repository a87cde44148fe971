"""What an Airflow connection of type ``wiro`` says, checked and ready to use."""

from __future__ import annotations

import difflib
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from airflow_provider_wiro.core.push import SOCKET_HOST, SOCKET_URL
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroConfigError

DEFAULT_BASE_URL = "https://api.wiro.ai/v1"
DEFAULT_TIMEOUT = 30.0
EXTRAS = ("timeout", "verify", "allow_http", "max_active", "socket_url")


_PORTS = {"http": 80, "https": 443}


def same_service(one: str, other: str) -> bool:
    """Whether two base URLs lead to the same service, however they are spelled."""
    return one == other or _parts(one) == _parts(other)


def _parts(base_url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(base_url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), parts.path.rstrip("/")
    except ValueError:
        return (base_url,)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where to send requests and how to sign them.

    :param base_url: without a trailing slash.
    :param api_secret: None for a project that uses the key alone.
    :param timeout: seconds for one whole request.
    :param verify: whether TLS certificates are verified, or the CA file to verify them with.
    :param max_active: how many tasks may run at Wiro at once, where the operators submit; None: any number.
    :param allow_http: whether plain http is allowed, also to other machines than this one.
    :param socket_url: where the service says that something has happened to a task; None: Wiro's own socket, where the
        service is Wiro.
    :param remark: what is odd about the connection, and does not keep it from being used.
    :param origin: which connection it is, for messages.
    """

    api_key: str = field(repr=False)
    api_secret: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL
    timeout: float = DEFAULT_TIMEOUT
    verify: bool | str = True
    max_active: int | None = None
    allow_http: bool = False
    socket_url: str | None = None
    remark: str = field(default="", compare=False)
    origin: str = field(default="the connection", compare=False)

    @property
    def account(self) -> str:
        """What tells accounts apart without telling the key: two keys of one account are two here."""
        return hmac.new(self.api_key.encode(), b"account", hashlib.sha256).hexdigest()[:16]

    @property
    def socket(self) -> str | None:
        """The socket's address; None if there is none. Tokens of tasks go there: Wiro's own is Wiro's alone."""
        return self.socket_url or (SOCKET_URL if urlsplit(self.base_url).hostname == SOCKET_HOST else None)

    @classmethod
    def from_connection(
        cls,
        conn_id: str,
        *,
        login: str | None,
        password: str | None,
        host: str | None,
        schema: str | None,
        port: int | None,
        extra: object,
    ) -> Credentials:
        """Read the fields of an Airflow connection.

        :param extra: as Airflow has read it: a dict, unless the author wrote something else.
        :raises WiroConfigError: naming the connection, the field and what is allowed, never a secret.
        """
        where = f"Airflow connection {conn_id!r}"
        given = _extras(where, extra)
        remark = _remark(given)
        try:
            allow_http = _flag(where, "allow_http", given)
            api_key = _header_text(where, "login (API key)", login)
            if not api_key:
                raise WiroConfigError(f"{where}: login (API key) is empty; put the project's API key there")
            return cls(
                api_key=api_key,
                api_secret=_header_text(where, "password (API secret)", password) or None,
                base_url=_base_url(where, host, schema, port, allow_http=allow_http),
                timeout=_timeout(where, given.get("timeout")),
                verify=_verify(where, given.get("verify")),
                max_active=_max_active(where, given.get("max_active")),
                allow_http=allow_http,
                socket_url=_socket_url(where, given.get("socket_url"), allow_http=allow_http),
                remark=remark,
                origin=where,
            )
        except WiroConfigError as error:
            if not remark:
                raise
            raise WiroConfigError(f"{error}. Also, {remark}") from None


def _extras(where: str, extra: object) -> Mapping[str, object]:
    if extra is None or isinstance(extra, Mapping):
        return extra or {}
    kind = "text that is not JSON" if isinstance(extra, str) else f"of type {type(extra).__name__}"
    raise WiroConfigError(f'{where}: extra is {kind}; allowed is a JSON object, such as {{"timeout": 30}}')


def _remark(extra: Mapping[str, object]) -> str:
    """Say which extras are not known: what is mistyped would do nothing, unseen."""
    unknown = [name for name in extra if name not in EXTRAS]
    if not unknown:
        return ""
    meant = next((close[0] for name in unknown if (close := difflib.get_close_matches(name, EXTRAS, 1))), None)
    names, known = ", ".join(one_line(name, 40) for name in unknown[:5]), ", ".join(EXTRAS)
    guess = f" Did you mean {meant}?" if meant else ""
    return f"extra {names} is not known and does nothing; known are {known}.{guess}"


def _header_text(where: str, name: str, value: str | None) -> str:
    text = (value or "").strip()
    if not (text.isascii() and text.isprintable()):
        raise WiroConfigError(f"{where}: {name} has characters that no key has; copy it again from the Wiro dashboard")
    return text


def _base_url(where: str, host: str | None, schema: str | None, port: int | None, *, allow_http: bool) -> str:
    text, schema = (host or "").strip(), (schema or "").strip().strip("/")
    if not text:
        return DEFAULT_BASE_URL
    parts = _split(where, text if "://" in text else f"https://{_bracketed(text)}")
    if parts.scheme == "http" and not (allow_http or is_loopback(parts.hostname or "")):
        raise WiroConfigError(
            f"{where}: host is plain http, which would send the API key unencrypted; use https, "
            'or set the extra {"allow_http": true} for a trusted network'
        )
    netloc = parts.netloc if parts.port or not port else f"{parts.netloc}:{port}"
    path = parts.path.rstrip("/")
    if not path and schema.lower().rstrip(":") in ("http", "https"):
        raise WiroConfigError(
            f"{where}: schema is {schema!r}, but it holds the path; put the scheme into host, as in "
            f"{DEFAULT_BASE_URL}, and leave schema empty"
        )
    path = path or (f"/{schema}" if schema else "/v1")
    return _split(where, f"{parts.scheme}://{netloc}{path}").geturl()


def _split(where: str, url: str) -> SplitResult:
    parts = _plain(url, "http", "https")
    if parts is None:
        raise WiroConfigError(
            f"{where}: host, port or schema is not usable; allowed in host are a host name, or an http(s) URL without "
            f"user, query and fragment, such as {DEFAULT_BASE_URL}"
        )
    return parts


def _plain(url: str, *schemes: str) -> SplitResult | None:
    """Return the parts of a URL; None if it has another scheme, no usable host, or a user, query or fragment."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and url.isprintable() and not any(mark in url for mark in " @?#\\") else None


def _socket_url(where: str, value: object, *, allow_http: bool) -> str | None:
    text = str(value or "").strip()
    if not text:
        return None
    parts = _plain(text, "ws", "wss")
    if parts is None:
        raise WiroConfigError(
            f"{where}: extra socket_url is not usable; allowed is a ws(s) URL without user, query and fragment, such "
            f"as {SOCKET_URL}"
        )
    if parts.scheme == "ws" and not (allow_http or is_loopback(parts.hostname or "")):
        raise WiroConfigError(
            f"{where}: extra socket_url is plain ws, which would send the tokens of tasks unencrypted; use wss, "
            'or set the extra {"allow_http": true} for a trusted network'
        )
    return text


def _bracketed(host: str) -> str:
    """Put the brackets back that Airflow takes off the IPv6 address of a connection URI."""
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return host


def is_loopback(hostname: str) -> bool:
    """Whether *hostname* is this machine, by its name or address."""
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _timeout(where: str, value: object) -> float:
    if value in (None, ""):
        return DEFAULT_TIMEOUT
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise WiroConfigError(f"{where}: extra timeout is {value!r}; allowed are seconds from above 0 to 3600")
    return seconds


def _max_active(where: str, value: object) -> int | None:
    if value in (None, ""):
        return None
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise WiroConfigError(f"{where}: extra max_active is {value!r}; allowed are whole numbers from 1 on")
    return number


def _flag(where: str, name: str, extra: Mapping[str, object]) -> bool:
    value = extra.get(name) or False
    value = _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value
    if isinstance(value, bool):
        return value
    raise WiroConfigError(f"{where}: extra {name} is {value!r}; allowed are true and false")


def _verify(where: str, value: object) -> bool | str:
    if value is None or isinstance(value, bool):
        return value is not False
    if isinstance(value, str):
        text = value.strip()
        return _BOOLEANS.get(text.lower(), text or True)
    raise WiroConfigError(f"{where}: extra verify is {value!r}; allowed are true, false and the path of a CA file")


_BOOLEANS = {"true": True, "false": False}
