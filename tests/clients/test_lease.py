"""One client for all triggers of a connection: one look-up, one session, however many come at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from airflow_provider_wiro.clients import aio, shared
from airflow_provider_wiro.clients.aio import AsyncClient, Lookup
from airflow_provider_wiro.clients.shared import Lease
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.pace import Window
from airflow_provider_wiro.emulator import WiroEmulator
from driving import ListLog, credentials_of, look

T = TypeVar("T")


class Connection:
    """What is looked up, and how often it was.

    :param release: set by a test to let the look-ups that wait for it go on.
    """

    def __init__(self, base_url: str = "http://127.0.0.1:9/v1") -> None:
        self.base_url = base_url
        self.lookups = 0
        self.error: Exception | None = None
        self.release: asyncio.Event | None = None

    async def __call__(self) -> Credentials:
        self.lookups += 1
        if self.release is not None:
            await self.release.wait()
        if self.error is not None:
            raise self.error
        return Credentials(f"key-{self.lookups}", None, self.base_url)


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, 20))


async def take(lookup: Lookup, key: str = "wiro_default") -> Lease:
    return await Lease.take(key, lookup, ListLog())


@asynccontextmanager
async def taken(lookup: Lookup, count: int) -> AsyncIterator[list[Lease]]:
    leases = await asyncio.gather(*[take(lookup) for _ in range(count)])
    try:
        yield leases
    finally:
        for lease in leases:
            await lease.release()


def is_closed(client: AsyncClient) -> bool:
    return client._session.closed


def test_many_takers_at_once_share_one_look_up_and_one_client() -> None:
    connection = Connection()

    async def test() -> None:
        async with taken(connection, 200) as leases:
            assert connection.lookups == 1
            assert len({id(lease.client) for lease in leases}) == 1
            later = await take(connection)
            assert later.client is leases[0].client
            await later.release()
        assert connection.lookups == 1

    run(test())


def test_another_connection_has_a_client_of_its_own() -> None:
    connection = Connection()

    async def test() -> None:
        one, other = await take(connection, "one"), await take(connection, "other")
        assert one.client is not other.client
        assert connection.lookups == 2
        await one.release()
        assert not is_closed(other.client)
        await other.release()

    run(test())


def test_the_last_one_to_leave_closes_the_session() -> None:
    async def test() -> None:
        first, second = await take(Connection()), await take(Connection())
        client = first.client
        await first.release()
        await first.release()
        assert not is_closed(client)
        await second.release()
        assert is_closed(client)
        assert not Lease._open[asyncio.get_running_loop()]

    run(test())


def test_after_the_last_one_has_left_the_next_begins_anew() -> None:
    connection = Connection()

    async def test() -> None:
        lease = await take(connection)
        before = lease.client
        await lease.release()
        lease = await take(connection)
        assert lease.client is not before
        assert connection.lookups == 2
        await lease.release()

    run(test())


def test_a_look_up_that_fails_reaches_all_and_the_next_taker_tries_again() -> None:
    connection = Connection()
    connection.error = LookupError("no such connection")

    async def test() -> None:
        results = await asyncio.gather(*[take(connection) for _ in range(20)], return_exceptions=True)
        assert [type(result) for result in results] == [LookupError] * 20
        assert connection.lookups == 1
        connection.error = None
        lease = await take(connection)
        assert connection.lookups == 2
        await lease.release()

    run(test())


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_taker_that_is_cancelled_does_not_disturb_the_others(cancelled: int) -> None:
    connection = Connection()

    async def test() -> None:
        connection.release = asyncio.Event()
        taking = [asyncio.ensure_future(take(connection)) for _ in range(3)]
        await asyncio.sleep(0)
        taking[cancelled].cancel()
        await asyncio.gather(taking[cancelled], return_exceptions=True)
        connection.release.set()
        leases = await asyncio.gather(*[task for task in taking if task is not taking[cancelled]])
        assert connection.lookups == 1
        assert not is_closed(leases[0].client)
        for lease in leases:
            await lease.release()

    run(test())


def test_when_all_takers_are_cancelled_the_look_up_ends_too_and_the_next_begins_anew() -> None:
    connection = Connection()

    async def test() -> None:
        connection.release = asyncio.Event()
        before = asyncio.all_tasks()
        taking = [asyncio.ensure_future(take(connection)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in taking:
            task.cancel()
        results = await asyncio.gather(*taking, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 3
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before
        connection.release.set()
        lease = await take(connection)
        assert connection.lookups == 2
        await lease.release()

    run(test())


def test_event_loops_do_not_share() -> None:
    connection = Connection()

    async def test() -> int:
        lease = await take(connection)
        client = lease.client
        await lease.release()
        return id(client._session._loop)

    run(test())
    run(test())
    assert connection.lookups == 2


def test_a_loop_that_was_left_open_does_not_hand_its_client_to_the_next() -> None:
    connection = Connection()

    async def leave() -> Lease:
        return await take(connection)

    with asyncio.Runner() as runner:
        left = runner.run(leave())
        run(_take_and_release(connection))
        assert connection.lookups == 2
        runner.run(left.release())


async def _take_and_release(connection: Connection) -> None:
    lease = await take(connection)
    await lease.release()


def test_credentials_are_read_again_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection()
    passed = [0.0]
    monkeypatch.setattr(aio, "time", SimpleNamespace(monotonic=lambda: 1000 + passed[0]))

    async def test() -> None:
        async with taken(connection, 1) as [lease]:
            passed[0] = shared.REREAD_AGE - 1
            async with taken(connection, 20):
                assert connection.lookups == 1
            passed[0] = shared.REREAD_AGE + 1
            async with taken(connection, 20):
                assert connection.lookups == 2
            assert lease.client._route.credentials.api_key == "key-2"

    run(test())


def test_old_credentials_serve_on_when_they_cannot_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, log = Connection(), ListLog()
    monkeypatch.setattr(shared, "REREAD_AGE", 0.0)

    async def test() -> None:
        async with taken(connection, 1) as [lease]:
            connection.error = LookupError("away")
            later = await Lease.take("wiro_default", connection, log)
            assert later.client is lease.client
            assert log.warnings == ["the connection could not be read again: LookupError: away"]
            await later.release()

    run(test())


def test_a_look_up_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, log = Connection(), ListLog()
    monkeypatch.setattr(shared, "REREAD_AGE", 0.0)
    monkeypatch.setattr(aio, "LOOKUP", 0.2)

    async def test() -> None:
        async with taken(connection, 1) as [lease]:
            connection.release = asyncio.Event()
            later = await Lease.take("wiro_default", connection, log)
            assert later.client is lease.client
            said = "the connection could not be read again: TimeoutError: reading it took more than 0 s"
            assert log.warnings == [said]
            await later.release()
        with pytest.raises(TimeoutError, match="reading it took more than"):
            await take(connection)

    run(test())


def test_all_who_wait_for_a_look_up_that_does_not_end_wait_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection()
    monkeypatch.setattr(aio, "LOOKUP", 0.5)

    async def test() -> None:
        async with taken(connection, 1) as [lease]:
            lease.client._looked_up -= 3600
            connection.release = asyncio.Event()
            await asyncio.gather(*(lease.client.reread(0.2, ListLog()) for _ in range(5)))
            assert connection.lookups == 2

    run(test())


def test_a_look_up_that_is_cancelled_counts_as_none() -> None:
    connection = Connection()

    async def test() -> None:
        async with taken(connection, 1) as [lease]:
            lease.client._looked_up -= 3600
            connection.release = asyncio.Event()
            reading = asyncio.ensure_future(lease.client.reread(60.0, ListLog()))
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            connection.release.set()
            await lease.client.reread(60.0, ListLog())
            assert lease.client.credentials.api_key == "key-3"

    run(test())


def test_waiting_tasks_share_one_reread_when_the_key_is_rotated(
    emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aio, "REREAD_PAUSE", 0.5)
    lookups = []

    async def lookup() -> Credentials:
        lookups.append(time.monotonic())
        return credentials_of(emulator)

    async def test() -> list[int]:
        async with taken(lookup, 20) as leases:
            emulator.rotate_key("new-key", "new-secret")
            await asyncio.sleep(0.6)
            flows = [lease.client.drive(look(2), ListLog()) for lease in leases]
            return [outcomes[-1].status for outcomes in await asyncio.gather(*flows)]  # type: ignore[union-attr]

    assert run(test()) == [200] * 20
    assert len(lookups) == 2


def test_a_fresh_client_outlives_the_shared_one(emulator: WiroEmulator) -> None:
    async def lookup() -> Credentials:
        return credentials_of(emulator)

    async def test() -> None:
        lease = await take(lookup)
        fresh = lease.client.fresh()
        await lease.release()
        assert len(await fresh.drive(look(), ListLog())) == 1
        await fresh.close()

    run(test())
    assert emulator.count("Detail") == 1


def test_what_was_learned_of_a_service_outlives_its_clients_and_is_of_no_other_service() -> None:
    async def learned(base_url: str, *took: float) -> Window | None:
        async with taken(Connection(base_url), 2) as [one, two]:
            for seconds in took:
                one.experience.learn("owner/model", seconds)
            return two.experience.window("owner/model")

    assert run(learned("http://127.0.0.1:9/learned", 60, 60, 60)) is not None
    assert run(learned("http://127.0.0.1:9/learned")) is not None
    assert run(learned("http://127.0.0.1:9/other")) is None
