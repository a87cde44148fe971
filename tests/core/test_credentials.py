"""What an Airflow connection says: host, port and schema, key and secret, extras."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.credentials import DEFAULT_BASE_URL, DEFAULT_TIMEOUT, Credentials
from airflow_provider_wiro.exceptions import WiroConfigError

KEY, SECRET = "the-key-itself", "the-secret-itself"


def credentials(
    host: str | None = None,
    *,
    login: str | None = KEY,
    password: str | None = SECRET,
    schema: str | None = None,
    port: int | None = None,
    **extra: object,
) -> Credentials:
    return Credentials.from_connection(
        "wiro_default", login=login, password=password, host=host, schema=schema, port=port, extra=extra
    )


def refused(host: str | None = None, **fields: object) -> str:
    with pytest.raises(WiroConfigError) as caught:
        credentials(host, **fields)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("Airflow connection 'wiro_default': ")
    assert message.isprintable()
    for secret in (KEY, SECRET, "hunter2"):
        assert secret not in message
    assert not caught.value.retryable
    return message


def test_a_key_and_a_secret_are_enough() -> None:
    assert credentials() == Credentials(KEY, SECRET, DEFAULT_BASE_URL, DEFAULT_TIMEOUT, True)
    assert DEFAULT_BASE_URL == "https://api.wiro.ai/v1"


def test_no_secret_is_a_project_that_uses_the_key_alone() -> None:
    for password in (None, "", "  "):
        assert credentials(password=password).api_secret is None


def test_white_space_around_key_and_secret_was_copied_along() -> None:
    assert credentials(login=f" {KEY}\n", password=f"\t{SECRET} ") == credentials()


@pytest.mark.parametrize("login", [None, "", "  \n"])
def test_an_empty_key_is_named(login: str | None) -> None:
    assert "login (API key) is empty" in refused(login=login)


@pytest.mark.parametrize("odd", ["hunter2\nhunter2", "hunter2é", "hunter2\x00", "hunter2\ud800"])
def test_what_cannot_be_a_key_or_a_secret_is_named_but_not_shown(odd: str) -> None:
    assert "login (API key) has characters" in refused(login=odd)
    assert "password (API secret) has characters" in refused(password=odd)


def test_neither_key_nor_secret_is_in_the_repr() -> None:
    assert KEY not in repr(credentials())
    assert SECRET not in repr(credentials())


@pytest.mark.parametrize(
    ("host", "schema", "port", "base_url"),
    [
        (None, None, None, DEFAULT_BASE_URL),
        ("", "", None, DEFAULT_BASE_URL),
        ("  ", None, None, DEFAULT_BASE_URL),
        ("api.wiro.ai", None, None, "https://api.wiro.ai/v1"),
        ("api.wiro.ai/v2/", None, None, "https://api.wiro.ai/v2"),
        ("host:8099", None, None, "https://host:8099/v1"),
        ("host", "v1", 8099, "https://host:8099/v1"),
        ("host", "/v2/", 8099, "https://host:8099/v2"),
        ("host", "proxy/wiro/v1", None, "https://host/proxy/wiro/v1"),
        ("host", None, 443, "https://host:443/v1"),
        ("https://host", None, None, "https://host/v1"),
        ("https://host/", "v3", None, "https://host/v3"),
        ("https://host/v1/", "v3", None, "https://host/v1"),
        ("https://host:1/v1", None, 2, "https://host:1/v1"),
        ("HTTPS://Host/v1", None, None, "https://Host/v1"),
        (" https://host/v1\n", None, None, "https://host/v1"),
        ("http://127.0.0.1:8099/v1/", None, None, "http://127.0.0.1:8099/v1"),
        ("http://127.0.0.1", "v1", 8099, "http://127.0.0.1:8099/v1"),
        ("http://127.8.9.10", None, None, "http://127.8.9.10/v1"),
        ("http://localhost:8099", None, None, "http://localhost:8099/v1"),
        ("http://[::1]:8099/v1", None, None, "http://[::1]:8099/v1"),
        ("[::1]:8099", None, None, "https://[::1]:8099/v1"),
        ("::1", "v1", 8099, "https://[::1]:8099/v1"),
        ("2001:db8::7", None, None, "https://[2001:db8::7]/v1"),
        ("wiro_emulator", None, 8099, "https://wiro_emulator:8099/v1"),
        ("bücher.example", None, None, "https://bücher.example/v1"),
    ],
)
def test_host_port_and_schema_make_the_base_url(
    host: str | None, schema: str | None, port: int | None, base_url: str
) -> None:
    assert credentials(host, schema=schema, port=port).base_url == base_url


@pytest.mark.parametrize(
    "host",
    [
        "http://api.wiro.ai/v1",
        "http://10.0.0.5:8099",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "HTTP://0.0.0.0",
    ],
)
def test_plain_http_is_for_loopback_unless_an_extra_allows_it(host: str) -> None:
    assert "plain http, which would send the API key unencrypted" in refused(host)
    for no in (False, "false", "False", "", None, 0):
        assert "plain http" in refused(host, allow_http=no)
    for yes in (True, "true", "TRUE"):
        assert credentials(host, allow_http=yes).base_url.startswith("http://")


@pytest.mark.parametrize("odd", ["yes", 1, "1", [True], {"a": 1}])
def test_an_unclear_allow_http_is_named(odd: object) -> None:
    assert "extra allow_http is" in refused("http://10.0.0.5", allow_http=odd)


@pytest.mark.parametrize(
    "fields",
    [
        {"host": "ftp://host"},
        {"host": "://host"},
        {"host": "https://"},
        {"host": "https:///v1"},
        {"host": "https://user:hunter2@host/v1"},
        {"host": "hunter2@host"},
        {"host": "https://@host/v1"},
        {"host": "https://host/v1?key=hunter2"},
        {"host": "https://host/v1#hunter2"},
        {"host": "https://my host/v1"},
        {"host": "https://host/v1\nx"},
        {"host": "https://host/\x00"},
        {"host": "https://host\\evil"},
        {"host": "https://[::1"},
        {"host": "https://host:99999"},
        {"host": "https://host:0"},
        {"host": "https://host:port"},
        {"host": "a" * 64 + ".example"},
        {"host": "a..b"},
        {"host": "host", "port": 99999},
        {"host": "host", "port": -1},
        {"host": "host:", "port": 8099},
        {"host": "host", "schema": "v1?key=hunter2"},
        {"host": "host", "schema": "v 1"},
    ],
    ids=lambda fields: repr(sorted(fields.values(), key=str)),
)
def test_a_host_that_cannot_be_used_is_refused_and_not_shown(fields: dict[str, object]) -> None:
    assert "host, port or schema is not usable" in refused(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "timeout"), [(None, 30.0), ("", 30.0), (5, 5.0), ("7.5", 7.5), (0.1, 0.1), (3600, 3600.0)]
)
def test_timeout_is_seconds(value: object, timeout: float) -> None:
    assert credentials(timeout=value).timeout == timeout


@pytest.mark.parametrize(
    "value", [0, -1, 3601, "nan", "inf", float("nan"), float("inf"), True, "soon", [5], {}, 10**400, "9" * 5000]
)
def test_another_timeout_is_named(value: object) -> None:
    assert "extra timeout is" in refused(timeout=value)


@pytest.mark.parametrize(
    ("value", "verify"),
    [
        (None, True),
        (True, True),
        ("true", True),
        (" True ", True),
        ("", True),
        (False, False),
        ("false", False),
        ("FALSE", False),
        ("/etc/ssl/private-ca.pem", "/etc/ssl/private-ca.pem"),
    ],
)
def test_verify_is_true_false_or_a_ca_file(value: object, verify: bool | str) -> None:
    assert credentials(verify=value).verify == verify


@pytest.mark.parametrize("value", [0, 1, [1], {"ca": "x"}])
def test_another_verify_is_named(value: object) -> None:
    assert f"extra verify is {value!r}; allowed are true, false and the path" in refused(verify=value)


def test_extras_that_are_not_known_are_let_be_with_a_remark() -> None:
    assert credentials(extra__wiro__timeout=5, proxies={}) == credentials()
    assert credentials().remark == ""
    assert credentials(proxies={"http": "hunter2"}).remark == (
        "extra proxies is not known and does nothing; known are timeout, verify, allow_http, max_active, socket_url."
    )


@pytest.mark.parametrize(
    ("mistyped", "meant"), [("verfy", "verify"), ("time_out", "timeout"), ("allow-http", "allow_http")]
)
def test_a_mistyped_extra_is_told_with_what_was_meant(mistyped: str, meant: str) -> None:
    remark = credentials(**{mistyped: "hunter2"}).remark
    assert remark.startswith(f"extra {mistyped} is not known and does nothing")
    assert remark.endswith(f" Did you mean {meant}?")
    assert "hunter2" not in remark


def test_a_mistyped_extra_is_told_with_an_error_too() -> None:
    message = refused("http://10.0.0.5", alow_http=True)
    assert "host is plain http" in message
    assert message.endswith(
        "Also, extra alow_http is not known and does nothing; known are timeout, verify, allow_http, max_active, "
        "socket_url. Did you mean allow_http?"
    )


@pytest.mark.parametrize(
    ("extra", "kind"),
    [(["hunter2"], "of type list"), ("hunter2", "text that is not JSON"), (5, "of type int"), (True, "of type bool")],
)
def test_an_extra_that_is_no_object_is_named_and_not_shown(extra: object, kind: str) -> None:
    with pytest.raises(WiroConfigError) as caught:
        Credentials.from_connection(
            "wiro_default", login=KEY, password=SECRET, host=None, schema=None, port=None, extra=extra
        )
    assert str(caught.value) == (
        f"Airflow connection 'wiro_default': extra is {kind}; allowed is a JSON object, such as {{\"timeout\": 30}}"
    )


def test_no_extra_at_all_is_fine() -> None:
    made = Credentials.from_connection(
        "wiro_default", login=KEY, password=SECRET, host=None, schema=None, port=None, extra=None
    )
    assert made == credentials()


@pytest.mark.parametrize("schema", ["https", "http", "HTTPS", "https://", "http:"])
def test_a_scheme_in_schema_is_told_to_go_into_host(schema: str) -> None:
    for host in ("api.wiro.ai", "https://api.wiro.ai", "https://api.wiro.ai/"):
        message = refused(host, schema=schema)
        assert "put the scheme into host, as in https://api.wiro.ai/v1, and leave schema empty" in message
    assert credentials(schema=schema).base_url == DEFAULT_BASE_URL
    assert credentials("https://host/v1", schema=schema).base_url == "https://host/v1"


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), (" 12 ", 12), (None, None), ("", None)])
def test_max_active_is_a_whole_number(value: object, number: int | None) -> None:
    assert credentials(max_active=value).max_active == number


@pytest.mark.parametrize("value", [0, -1, 1.5, True, False, "many", [5]])
def test_another_max_active_is_named(value: object) -> None:
    assert "extra max_active is" in refused(max_active=value)


@pytest.mark.parametrize("host", [None, "api.wiro.ai", "https://api.wiro.ai/v1"])
def test_wiros_own_socket_is_the_default_where_the_service_is_wiro(host: str | None) -> None:
    assert credentials(host).socket == "wss://socket.wiro.ai/v1"


@pytest.mark.parametrize("host", ["https://wiro.example/v1", "http://127.0.0.1:8099/v1", "api.wiro.ai.example"])
def test_tokens_of_another_service_do_not_go_to_wiros_socket(host: str) -> None:
    assert credentials(host).socket is None
    assert credentials(host, socket_url=" wss://push.example/v1 ").socket == "wss://push.example/v1"


@pytest.mark.parametrize(
    "url",
    ["https://push.example", "push.example", "wss://", "wss://u:hunter2@push.example", "wss://a.example/?t=hunter2"],
)
def test_an_unusable_socket_url_is_refused(url: str) -> None:
    assert "extra socket_url is not usable" in refused(socket_url=url)


def test_a_socket_that_is_not_encrypted_is_only_for_this_machine_or_where_it_is_allowed() -> None:
    assert "extra socket_url is plain ws" in refused(socket_url="ws://10.0.0.5/v1")
    assert credentials(socket_url="ws://127.0.0.1:8099/socket/v1").socket == "ws://127.0.0.1:8099/socket/v1"
    assert credentials(socket_url="ws://10.0.0.5/v1", allow_http=True).socket == "ws://10.0.0.5/v1"
