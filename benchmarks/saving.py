"""Measures how fast a file is saved, and with how much memory, beside the quickest ways to write it to a file.

    python benchmarks/saving.py [--megabytes 500] [--rounds 5] [--folder DIR]

It needs an Airflow and s3fs. A server in a process of its own serves the file from memory; each way saves it in a fresh
process, one after the other, again and again. Each ends with the file on the disk (fsync). Printed are medians of all
rounds; "memory" is the peak of the process above what it had when it began, and "CPU" what the process has used. The
two rivals do not hash; a third one does, for this package always does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PORT = 18_970
URL = f"http://127.0.0.1:{PORT}/file/0.mp4"
PIECE = 1024 * 1024
BLOCK = 8 * PIECE


def saved(url: str, folder: str) -> None:
    """Save as the operators do: checked, hashed, aside and moved, with a manifest."""
    import logging

    from airflow_provider_wiro.clients.public import Looks
    from airflow_provider_wiro.landing import About, land

    output = {"url": url, "name": "0.mp4", "content_type": "video/mp4", "size": None, "content": None}
    result = {"taskid": "1", "status": None, "outputs": [output], "text": None, "cost_usd": 0, "elapsed_seconds": 0}
    looks = Looks(True, ["127.0.0.1"], lambda: False)
    land(result, folder, About("1"), looks=looks, max_bytes=10**10, log=logging.getLogger("saving"))  # type: ignore[arg-type]


def saved_to_s3(url: str, folder: str) -> None:
    """Save to an object storage that forgets what it is sent."""
    from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS

    if AIRFLOW_V_3_0_PLUS:
        from airflow.sdk.io import attach
    else:
        from airflow.io.store import attach
    attach("s3", conn_id="benchmark", fs=small_s3())
    saved(url, f"s3://benchmark@bucket/{Path(folder).name}")


def small_s3() -> Any:
    """Return a file system on the S3 of this benchmark."""
    import s3fs

    return s3fs.S3FileSystem(key="key", secret="secret", endpoint_url=f"http://127.0.0.1:{PORT}/s3")


def with_aiohttp(url: str, folder: str, hashed: Callable[[bytes], object] = len) -> None:
    """Write what comes to a file."""
    import aiohttp

    async def fetch() -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for piece in response.content.iter_chunked(PIECE):
                file.write(piece)
                hashed(piece)

    with open(f"{folder}/0.mp4", "wb") as file:
        asyncio.run(fetch())
        file.flush()
        os.fsync(file.fileno())


def with_aiohttp_hashed(url: str, folder: str) -> None:
    """Do the same, and work its SHA-256 out."""
    import hashlib

    with_aiohttp(url, folder, hashlib.sha256().update)


def with_fsspec_to_s3(url: str, folder: str) -> None:
    """Copy from one of fsspec's files into another, with no hash."""
    import shutil

    import fsspec

    target = small_s3().open(f"bucket/{Path(folder).name}/0.mp4", "wb", block_size=BLOCK)
    with fsspec.open(url, block_size=0) as source, target:
        shutil.copyfileobj(source, target, BLOCK)


def with_fsspec(url: str, folder: str) -> None:
    """Have fsspec copy the file."""
    import fsspec

    fsspec.filesystem("http").get_file(url, f"{folder}/0.mp4")
    with open(f"{folder}/0.mp4", "rb+") as file:
        os.fsync(file.fileno())


WAYS: dict[str, Callable[[str, str], None]] = {
    "this package": saved,
    "aiohttp to a file": with_aiohttp,
    "fsspec's copy": with_fsspec,
    "aiohttp to a file, hashed": with_aiohttp_hashed,
    "this package, to S3": saved_to_s3,
    "fsspec's copy, to S3": with_fsspec_to_s3,
}


def serve(megabytes: int) -> None:
    """Serve the file, and an S3 that counts what it is sent."""
    from aiohttp import web

    piece, sizes, parts = os.urandom(PIECE), dict[str, int](), dict[str, int]()

    async def file(request: web.Request) -> web.StreamResponse:
        head = {"Content-Type": "video/mp4", "Content-Length": str(megabytes * PIECE)}
        answer = web.StreamResponse(headers=head)
        await answer.prepare(request)
        for _ in range(megabytes if request.method == "GET" else 0):
            await answer.write(piece)
        return answer

    async def s3(request: web.Request) -> web.StreamResponse:
        key, sent = request.path, 0
        async for chunk in request.content.iter_any():
            sent += len(chunk)
        if request.method == "POST":
            if "uploadId" in request.query:
                sizes[key] = parts.pop(key)
            return web.Response(text="<R><UploadId>1</UploadId><ETag>e</ETag></R>", content_type="application/xml")
        if request.method == "PUT":
            into = parts if "uploadId" in request.query else sizes
            into[key] = into.get(key, 0) + sent
            return web.Response(headers={"ETag": '"e"'})
        if "bucket/" not in key or key.endswith("bucket/"):
            return web.Response(text="<ListBucketResult></ListBucketResult>", content_type="application/xml")
        if key not in sizes:
            return web.Response(
                status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml"
            )
        return web.Response(headers={"Content-Length": str(sizes[key]), "ETag": '"e"', "Last-Modified": LONG_AGO})

    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/file/{name}", file)
    app.router.add_route("*", "/s3/{key:.*}", s3)
    web.run_app(app, host="127.0.0.1", port=PORT, print=lambda *_: print("ready", flush=True))


LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


def measure(way: str, folder: str, megabytes: int) -> None:
    """Save once, and print seconds and megabytes of memory."""
    sys.path.insert(0, str(ROOT))
    import s3fs  # noqa: F401

    from airflow_provider_wiro import landing

    landing.place_of("/")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, busy = time.perf_counter(), time.process_time()
    WAYS[way](URL, folder)
    took, busy = time.perf_counter() - begun, time.process_time() - busy
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": took, "memory": more, "busy": busy}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the files are written (default: where temporary files are)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.megabytes)
    elif options.measure:
        measure(*options.measure, options.megabytes)
    else:
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Save by all ways in turn, and print the medians."""
    again = [sys.executable, __file__, "--megabytes", str(options.megabytes)]
    seen: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    server = subprocess.Popen([*again, "--serve"], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        for _ in range(options.rounds):
            for way in WAYS:
                with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                    told = subprocess.run([*again, "--measure", way, folder], check=True, stdout=subprocess.PIPE)
                    seen[way].append(json.loads(told.stdout.splitlines()[-1]))
    finally:
        server.terminate()
        server.wait()
    seconds = {way: statistics.median(one["seconds"] for one in ones) for way, ones in seen.items()}
    fastest = min(seconds["aiohttp to a file"], seconds["fsspec's copy"])
    heads = [f"{options.megabytes} MB", "seconds", "MB/s", "× the faster of the two", "memory, MB", "CPU, s"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for way, ones in seen.items():
        memory, busy = (statistics.median(one[what] for one in ones) for what in ("memory", "busy"))
        took = seconds[way]
        speed = options.megabytes / took
        print(f"| {way} | {took:.2f} | {speed:.0f} | {fastest / took:.2f} | {memory:.0f} | {busy:.2f} |")


if __name__ == "__main__":
    main()
