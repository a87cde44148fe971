"""Files: the video, downloads, uploads, deletion."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
import requests
from emulator_client import INPUTS, RUNWAY, Client

from airflow_provider_wiro.emulator import FAULTS, WiroEmulator
from airflow_provider_wiro.emulator.hostile import HOSTILE
from airflow_provider_wiro.emulator.media import sample_video, video_of


def boxes(data: bytes) -> dict[str, bytes]:
    """The boxes of an MP4 at one level, by type."""
    found, at = {}, 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        assert 8 <= size <= len(data) - at
        found[data[at + 4 : at + 8].decode("ascii")] = data[at + 8 : at + size]
        at += size
    return found


def video_url(wiro: Client, emulator: WiroEmulator) -> str:
    taskid = wiro.run()
    emulator.advance(61)
    return str(wiro.detail(taskid)["outputs"][0]["url"])


@pytest.mark.parametrize("data", [sample_video(), video_of(200_000)], ids=["sample", "padded"])
def test_the_video_is_a_playable_mp4(data: bytes) -> None:
    top = boxes(data)
    assert list(top)[:2] == ["ftyp", "moov"], "it cannot start to play before it is all there"
    assert len(top["mdat"]) > 10_000
    header = boxes(top["moov"])["mvhd"]
    assert header[0] == 0
    timescale, duration = int.from_bytes(header[12:16]), int.from_bytes(header[16:20])
    assert duration / timescale == pytest.approx(5, abs=0.2)
    sample_table = boxes(boxes(boxes(boxes(top["moov"])["trak"])["mdia"])["minf"])["stbl"]
    assert b"avc1" in boxes(sample_table)["stsd"]
    assert len(sample_video()) < 150_000


def test_the_video_is_public_and_can_be_read_in_parts(wiro: Client, emulator: WiroEmulator) -> None:
    url = video_url(wiro, emulator)
    whole = requests.get(url, timeout=5)
    head = requests.head(url, timeout=5)

    assert (whole.status_code, whole.content) == (200, sample_video())
    assert (head.headers["Content-Length"], head.content) == (str(len(sample_video())), b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"] == "video/mp4"
    for wanted, part in (("100-199", sample_video()[100:200]), ("-50", sample_video()[-50:])):
        answer = requests.get(url, headers={"Range": f"bytes={wanted}"}, timeout=5)
        assert (answer.status_code, answer.content) == (206, part)
    size = len(sample_video())
    assert answer.headers["Content-Range"] == f"bytes {size - 50}-{size - 1}/{size}"
    for wanted in ("999999999-", "x"):
        assert requests.get(url, headers={"Range": f"bytes={wanted}"}, timeout=5).status_code == 416
    assert emulator.count("Output") == 6


def test_a_part_is_only_given_of_the_file_that_is_meant(wiro: Client, emulator: WiroEmulator) -> None:
    url = video_url(wiro, emulator)
    etag = requests.head(url, timeout=5).headers["ETag"]
    for condition, status in ((etag, 206), ('"another"', 200), ("Thu, 26 Nov 2026 12:00:00 GMT", 200)):
        answer = requests.get(url, headers={"Range": "bytes=100-", "If-Range": condition}, timeout=5)
        assert (answer.status_code, answer.content) == (status, sample_video()[100 if status == 206 else 0 :])


def test_a_download_that_is_cut_off_says_what_it_is_of(wiro: Client, emulator: WiroEmulator) -> None:
    url = video_url(wiro, emulator)
    etag, size = requests.head(url, timeout=5).headers["ETag"], len(sample_video())
    emulator.script("Output", "truncated", times=2)
    for headers, said in (({}, None), ({"Range": "bytes=100-"}, f"bytes 100-{size - 1}/{size}")):
        with requests.get(url, headers=headers, timeout=5, stream=True) as answer:
            assert (answer.headers["ETag"], answer.headers.get("Content-Range")) == (etag, said)
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                assert answer.content


def test_an_output_that_is_not_there(emulator: WiroEmulator, wiro: Client) -> None:
    assert requests.get(emulator.url + "/Output/no/0.mp4", timeout=5).status_code == 404
    assert requests.post(video_url(wiro, emulator), timeout=5).status_code == 405


def test_another_model_gives_a_text_or_a_video(wiro: Client, emulator: WiroEmulator) -> None:
    text, video = wiro.run("/Run/someone/llm", prompt="Hello"), wiro.run("/Run/someone/text-to-video")
    emulator.advance(61)
    [note], [film] = wiro.detail(text)["outputs"], wiro.detail(video)["outputs"]

    assert (note["contenttype"], requests.get(note["url"], timeout=5).text) == ("text/plain", "Hello\n")
    assert (film["contenttype"], film["name"]) == ("video/mp4", "0.mp4")


def test_deleting_a_tasks_files(wiro: Client, emulator: WiroEmulator) -> None:
    form = INPUTS | {"inputImageUrl": "", "seed": "1"}
    taskid = wiro.send(RUNWAY, data=form, files={"inputImage": ("a.png", b"x")}).json()["taskid"]
    token = emulator.tasks[taskid].token
    too_early = (1, "Task must be completed or cancelled before deleting files")
    assert wiro.refusal("/Task/InputOutputDelete", tasktoken=token) == too_early
    emulator.advance(61)
    row = wiro.detail(taskid)

    for _ in "twice":
        assert wiro.post("/Task/InputOutputDelete", tasktoken=token) == {"result": True, "errors": []}
    for url in (row["outputs"][0]["url"], row["parameters"]["inputImage"]):
        assert requests.get(url, timeout=5).status_code == 404
    assert wiro.detail(taskid)["outputs"] == []
    assert wiro.refusal("/Task/InputOutputDelete", tasktoken="unknown") == (1, "task-not-exist")


def test_an_upload(wiro: Client) -> None:
    answer = wiro.send("/File/Upload", files={"file": ("first frame.png", b"\x89PNG", "image/png")}).json()

    [row] = answer["list"]
    assert (answer["result"], row["name"], row["contenttype"]) == (True, "first frame.png", "image/png")
    assert row["size"] == "4"
    assert requests.get(row["url"], timeout=5).content == b"\x89PNG"
    assert wiro.refusal("/File/Upload", file="not a file") == (0, "Request files [file] required")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.exe", b"x", "file is none of jpg, png"),
        ("a.jpeg", b"x", "file is none of jpg, png"),
        ("a.png", b"", "file is empty"),
        ("a.zip", b"x", "file is no zip"),
    ],
)
def test_what_is_not_taken(wiro: Client, emulator: WiroEmulator, name: str, data: bytes, said: str) -> None:
    [error] = wiro.send("/File/Upload", files={"file": (name, data)}).json()["errors"]
    assert error["code"] == 0
    assert error["message"].startswith(f"Request parameters are invalid. {said}")
    assert wiro.send("/File/Upload", files={"file": ("A.PNG", b"x")}).json()["result"] is True


def test_a_zip_is_unpacked(wiro: Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("frames/1.png", b"one")
        file.writestr("2.txt", b"two")
    rows = wiro.send("/File/Upload", files={"file": ("a.zip", packed.getvalue())}).json()["list"]
    assert [(row["name"], row["contenttype"]) for row in rows] == [("1.png", "image/png"), ("2.txt", "text/plain")]
    assert [requests.get(row["url"], timeout=5).content for row in rows] == [b"one", b"two"]


# Those that a client without a limit of its own sees the end of.
ENDING = sorted(FAULTS.keys() - {"drip", "hang", "slow", "huge"} - {fault.name for fault in HOSTILE})


@pytest.mark.parametrize("fault", ENDING)
def test_an_upload_fails_in_every_way_in_which_other_calls_fail(
    wiro: Client, emulator: WiroEmulator, fault: str
) -> None:
    emulator.script("Upload", fault)
    with contextlib.suppress(requests.RequestException, ValueError):
        wiro.send("/File/Upload", files={"file": ("a.png", b"x")}, timeout=0.5)
    assert emulator.requests[0].call == "Upload"
    with Client(emulator.url) as another:
        assert another.send("/File/Upload", files={"file": ("a.png", b"x")}).json()["result"] is True


def test_an_upload_of_more_than_100_mb_is_refused(wiro: Client, emulator: WiroEmulator) -> None:
    answer = wiro.send("/File/Upload", files={"file": ("a", bytes(100_000_001))}, timeout=30).json()

    assert answer["errors"] == [{"code": 0, "message": "Request parameters are invalid. file is larger than 100 MB"}]
