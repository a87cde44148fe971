"""What comes in is written and hashed beside each other, in order, and only so much of it waits."""

from __future__ import annotations

import asyncio
import hashlib
import threading

import pytest

from airflow_provider_wiro.clients.writing import AT_ONCE, MOST_WAITING, SinkFailed, Writing


class Slow(bytearray):
    """A sink that takes nothing until it may."""

    def __init__(self) -> None:
        self.may, self.begun = threading.Event(), threading.Event()
        self.taken = threading.Semaphore(0)

    def write(self, data: bytes, /) -> None:
        self.begun.set()
        self.may.wait(10)
        self.extend(data[:1])
        self.taken.release()

    def restart(self) -> None:
        self.clear()


def batch(number: int) -> bytes:
    return bytes([number]) * AT_ONCE


async def give(writing: Writing, number: int) -> None:
    assert writing.gather(batch(number))
    await writing.write()


def test_only_so_much_waits_and_all_is_written_in_order() -> None:
    async def run() -> str:
        sink = Slow()
        writing = Writing(sink)
        for number in range(MOST_WAITING):
            await give(writing, number)
        more = asyncio.create_task(give(writing, MOST_WAITING))
        await asyncio.sleep(0.05)
        assert not more.done()
        sink.may.set()
        await more
        digest = await writing.finish()
        assert sink == bytes(range(MOST_WAITING + 1))
        writing.close()
        return digest

    whole = b"".join(batch(number) for number in range(MOST_WAITING + 1))
    assert asyncio.run(run()) == hashlib.sha256(whole).hexdigest()


def test_what_was_written_before_a_restart_is_in_neither() -> None:
    async def run() -> str:
        sink = Slow()
        writing = Writing(sink)
        sink.may.set()
        await give(writing, 1)
        writing.gather(b"lost")
        await writing.restart()
        writing.gather(b"new")
        digest = await writing.finish()
        assert sink == b"n"
        writing.close()
        return digest

    assert asyncio.run(run()) == hashlib.sha256(b"new").hexdigest()


def test_what_waits_when_it_is_closed_is_never_written() -> None:
    async def run() -> Slow:
        sink = Slow()
        writing = Writing(sink)
        await give(writing, 1)
        sink.begun.wait(10)
        await give(writing, 2)
        writing.close()
        sink.may.set()
        return sink

    sink = asyncio.run(run())
    assert sink.taken.acquire(timeout=10)
    assert not sink.taken.acquire(timeout=0.05)
    assert sink == b"\x01"


def test_a_sink_that_fails_is_told_while_more_comes() -> None:
    class Full(Slow):
        def write(self, data: bytes, /) -> None:
            raise OSError(28, "No space left on device")

    async def run() -> None:
        writing = Writing(Full())
        try:
            for number in range(20):
                await give(writing, number)
                await asyncio.sleep(0.01)
        finally:
            writing.close()

    with pytest.raises(SinkFailed, match="No space left"):
        asyncio.run(run())
