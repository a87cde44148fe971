"""Files of one's own: uploaded right before the submission, and never in the way of a generation that exists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.core import uploading
from airflow_provider_wiro.core.work import digest
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.bodies import UploadedFile
from airflow_provider_wiro.emulator.media import sample_image
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroInputError,
    WiroJournalError,
    WiroRefused,
    WiroUploadError,
)
from airflow_provider_wiro.journals.folder import FolderJournal
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import contents
from doubles import FakeTaskInstance, Lines, context_of
from operators import PROMPT, SEED_BODY, generic, run_bodies
from small_airflow import Run
from taskids import FIRST
from tries import Died, kept, run_try, warnings_in

pytestmark = pytest.mark.usefixtures("journal_folder")
SHA = hashlib.sha256(sample_image()).hexdigest()


def animated(**arguments: Any) -> RunwayImageToVideoOperator:
    given: dict[str, Any] = {"task_id": "video", "prompt": PROMPT, "poll_interval": 0.1} | arguments
    return RunwayImageToVideoOperator(**given)


def tried_on(**arguments: Any) -> WiroRunOperator:
    return generic(**({"model": "wiro/virtual-try-on", "inputs": {}} | arguments))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "UPLOAD_PAUSES", (0.01, 0.01))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "first frame.png"
    path.write_bytes(sample_image())
    return path


def uploaded(emulator: WiroEmulator) -> list[UploadedFile]:
    """The files that came in, also where the answer was a fault."""
    files = [request.body["file"] for request in emulator.requests if request.call == "Upload" and request.body]
    return [file for file in files if isinstance(file, UploadedFile)]


def test_a_file_is_uploaded_and_its_url_is_submitted(wiro_emulator: WiroEmulator, image: Path, lines: Lines) -> None:
    run_try(animated, input_image=str(image))
    [file], [body] = uploaded(wiro_emulator), run_bodies(wiro_emulator)
    assert (file.filename, file.content_type, file.data) == ("first_frame.png", "image/png", sample_image())
    url = body["inputImageUrl"]
    assert body == SEED_BODY | {"inputImageUrl": url}
    assert url.startswith(wiro_emulator.url + "/File/")
    assert [request.call for request in wiro_emulator.requests][:3] == ["Tool", "Upload", "Run"]
    record = kept()
    assert record is not None
    assert record.uploads == {SHA: url}
    assert record.inputs["inputImageUrl"] == digest(url)
    assert not wiro_emulator.duplicate_nonces
    assert warnings_in(lines) == []


def test_a_file_url_and_an_http_url(wiro_emulator: WiroEmulator, image: Path) -> None:
    run_try(animated, input_image=image.as_uri().replace("%20", " "))
    assert len(uploaded(wiro_emulator)) == 1


def test_an_http_url_is_passed_on_and_is_the_same_work_as_input_image_url(wiro_emulator: WiroEmulator) -> None:
    url = "https://x.example/kite.png?signature=a"
    run_try(animated, input_image=url)
    run_try(animated, input_image_url=url)
    assert wiro_emulator.count("Upload") == wiro_emulator.count("Tool") == 0
    assert [body["inputImageUrl"] for body in run_bodies(wiro_emulator)] == [url]


@pytest.mark.parametrize("listed", [False, True])
def test_each_type_of_input_gets_the_urls_in_its_own_shape(
    wiro_emulator: WiroEmulator, image: Path, tmp_path: Path, listed: bool
) -> None:
    coat = tmp_path / "coat.jpeg"
    coat.write_bytes(b"a coat")
    files = {"inputImageHuman": [str(image)] if listed else str(image), "inputImageClothes": [image, str(coat)]}
    run_try(tried_on, files=files)
    [body] = run_bodies(wiro_emulator)
    first, second = body["inputImageClothes"]
    assert body == {"inputImageHuman": "", "inputImageHumanUrl": first, "inputImageClothes": [first, second]}
    assert [file.filename for file in uploaded(wiro_emulator)] == ["first_frame.png", "coat.jpg"]


def test_commas(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    videos = []
    for name in "ab":
        videos.append(tmp_path / f"{name}.mp4")
        videos[-1].write_bytes(name.encode())
    run_try(generic, model="wiro/video-merge", inputs={}, files={"inputVideoMultiple": [*map(str, videos)]})
    [body] = run_bodies(wiro_emulator)
    assert body["inputVideoMultiple"] == ""
    assert len(body["inputVideoMultipleUrl"].split(",")) == 2


def test_where_the_model_cannot_be_asked_the_name_says_where(wiro_emulator: WiroEmulator, image: Path) -> None:
    wiro_emulator.script("Tool", "5xx")
    run_try(generic, files={"image": str(image), "more": [str(image)]})
    [body] = run_bodies(wiro_emulator)
    url = body["imageUrl"]
    assert body == {"prompt": "x", "image": "", "imageUrl": url, "more": [url]}
    assert len(uploaded(wiro_emulator)) == 1, "the same content is uploaded once"


def test_where_the_model_refuses_that_the_url_is_sent_as_the_file_itself_and_paid_once(
    wiro_emulator: WiroEmulator, image: Path, lines: Lines
) -> None:
    wiro_emulator.script("Tool", "5xx", times=-1)
    run_try(tried_on, files={"inputImageHuman": str(image), "inputImageClothes": str(image)})
    refused, taken = run_bodies(wiro_emulator)
    assert refused["inputImageClothes"] == ""
    assert taken["inputImageClothes"] == refused["inputImageClothesUrl"]
    assert len(wiro_emulator.runs) == len(uploaded(wiro_emulator)) == 1
    assert "Submitting once more" in lines.text
    record = kept()
    assert record is not None
    assert record.inputs["inputImageClothes"] == digest(taken["inputImageClothes"])


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"inputImage": "x.png"}, r"inputImage.*which the model does not have; .*inputImageHuman, inputImageClothes"),
        ({"inputImageHuman": ["a.png", "b.png"]}, r"2 files as 'inputImageHuman', but the model takes one there"),
    ],
)
def test_what_the_model_does_not_take_is_refused_before_anything_is_uploaded(
    wiro_emulator: WiroEmulator, tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    for name in ("x.png", "a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode())
    full = {
        name: [f"{tmp_path}/{each}" for each in value] if isinstance(value, list) else f"{tmp_path}/{value}"
        for name, value in files.items()
    }
    with pytest.raises(WiroInputError, match=said):
        run_try(tried_on, files=full)
    assert wiro_emulator.count("Upload") == wiro_emulator.count("Run") == 0


def test_what_makes_the_work_the_same_is_the_content(wiro_emulator: WiroEmulator, image: Path, tmp_path: Path) -> None:
    run_try(animated, input_image=str(image))
    moved = image.rename(tmp_path / "moved.png")
    run_try(animated, input_image=moved.as_uri())
    assert len(wiro_emulator.runs) == wiro_emulator.count("Upload") == 1
    moved.write_bytes(b"another picture")
    run_try(animated, input_image=str(moved))
    assert len(wiro_emulator.runs) == wiro_emulator.count("Upload") == 2


def test_changed_inputs_are_named_and_the_file_is_among_them_only_if_it_has_changed(
    wiro_emulator: WiroEmulator, image: Path, lines: Lines
) -> None:
    run_try(animated, input_image=str(image))
    run_try(animated, input_image=str(image), prompt="A windmill")
    assert "its inputs were different (prompt)" in lines.text
    assert wiro_emulator.count("Upload") == 1, "what was uploaded before is used again"
    image.write_bytes(b"another")
    run_try(animated, input_image=str(image), prompt="A windmill")
    assert "its inputs were different (inputImageUrl)" in lines.text


@pytest.mark.parametrize("gone", ["missing", "empty", "large", "a directory"])
def test_a_generation_that_exists_is_gone_on_with_though_its_file_is_not_there(
    wiro_emulator: WiroEmulator, image: Path, lines: Lines, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(hold=True)
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_wiro.operators.wiro.wait_for_verdict", dying)
        with pytest.raises(Died):
            run_try(animated, input_image=str(image))
    wiro_emulator.release(FIRST)
    image.unlink()
    if gone == "empty":
        image.touch()
    elif gone == "a directory":
        image.mkdir()
    elif gone == "large":
        with image.open("wb") as file:
            file.truncate(100_000_001)
    result = run_try(animated, input_image=str(image))
    assert result["taskid"] == FIRST
    assert len(wiro_emulator.runs) == wiro_emulator.count("Upload") == 1
    assert f"taskid {FIRST}: going on with it, though a file" in lines.text


def dying(*_: object) -> None:
    raise Died


def test_a_lost_submission_is_found_though_its_file_is_not_there(
    wiro_emulator: WiroEmulator, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_wiro.stages.pay.write_down", dying)
        with pytest.raises(Died):
            run_try(animated, input_image=str(image))
    record = kept()
    assert record is not None
    assert record.phase == "intent"
    image.unlink()
    assert run_try(animated, input_image=str(image))["taskid"] == FIRST
    assert len(wiro_emulator.runs) == 1


def test_a_lost_submission_is_found_by_the_urls_that_were_sent(wiro_emulator: WiroEmulator, image: Path) -> None:
    wiro_emulator.script("Run", "drop_after")
    assert run_try(animated, input_image=str(image))["taskid"] == FIRST
    assert len(wiro_emulator.runs) == wiro_emulator.count("Run") == 1


def test_a_retry_uses_what_was_uploaded(wiro_emulator: WiroEmulator, image: Path, lines: Lines) -> None:
    wiro_emulator.script("Run", "code", code=97, message="Insufficient balance")
    with pytest.raises(WiroRefused):
        run_try(animated, input_image=str(image))
    record = kept()
    assert record is not None
    assert (record.phase, list(record.uploads)) == ("uploaded", [SHA])
    run_try(animated, input_image=str(image))
    assert (wiro_emulator.count("Upload"), len(wiro_emulator.runs)) == (1, 1)
    assert "used again" in lines.text
    assert wiro_emulator.count("List") == 0, "nothing was sent, so nothing is looked for"


@pytest.mark.parametrize(
    ("fault", "options"), [("5xx", {"status": 404}), ("5xx", {"status": 410}), ("hang", {}), ("drop_before", {})]
)
def test_an_upload_that_is_gone_or_does_not_answer_is_repeated(
    wiro_emulator: WiroEmulator, image: Path, monkeypatch: pytest.MonkeyPatch, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Run", "code", code=97)
    with pytest.raises(WiroRefused):
        run_try(animated, input_image=str(image))
    monkeypatch.setattr("airflow_provider_wiro.clients.outputs.TIMEOUT", 0.3)
    wiro_emulator.script("Output", fault, times=-1, **options)
    run_try(animated, input_image=str(image))
    assert (wiro_emulator.count("Upload"), len(wiro_emulator.runs)) == (2, 1)


def test_what_was_uploaded_is_not_used_for_other_content(wiro_emulator: WiroEmulator, image: Path) -> None:
    wiro_emulator.script("Run", "code", code=97)
    with pytest.raises(WiroRefused):
        run_try(animated, input_image=str(image))
    image.write_bytes(b"another picture")
    run_try(animated, input_image=str(image))
    assert [file.data for file in uploaded(wiro_emulator)] == [sample_image(), b"another picture"]
    assert len(wiro_emulator.runs) == 1


def test_going_back_to_the_first_file_after_a_refusal_pays_nothing(wiro_emulator: WiroEmulator, image: Path) -> None:
    run_try(animated, input_image=str(image))
    image.write_bytes(b"another picture")
    wiro_emulator.script("Run", "code", code=97)
    with pytest.raises(WiroRefused):
        run_try(animated, input_image=str(image))
    image.write_bytes(sample_image())
    assert run_try(animated, input_image=str(image))["taskid"] == FIRST
    assert len(wiro_emulator.runs) == 1


def test_what_was_uploaded_with_a_try_that_died_is_used_by_the_next(
    wiro_emulator: WiroEmulator, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_wiro.stages.pay._submit", dying)
        with pytest.raises(Died):
            run_try(animated, input_image=str(image))
    record = kept()
    assert record is not None
    assert record.phase == "uploaded"
    run_try(animated, input_image=str(image))
    assert (wiro_emulator.count("Upload"), len(wiro_emulator.runs)) == (1, 1)


def test_where_uploads_cannot_be_written_down_nothing_is_submitted(
    wiro_emulator: WiroEmulator, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(FolderJournal, "_create", fail)
    with pytest.raises(WiroJournalError, match=r"(?s)No space left.*nothing was submitted"):
        run_try(animated, input_image=str(image))
    assert wiro_emulator.count("Run") == 0


def test_without_a_journal_files_are_uploaded_all_the_same(wiro_emulator: WiroEmulator, image: Path) -> None:
    run_try(animated, input_image=str(image), durable=False)
    assert (wiro_emulator.count("Upload"), len(wiro_emulator.runs)) == (1, 1)


def test_nothing_is_uploaded_where_there_is_no_room(wiro_emulator: WiroEmulator, image: Path) -> None:
    run_try(animated, input_image=str(image), wait_for_completion=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("airflow_provider_wiro.stages.pay.keep_to_max_active", full)
        with pytest.raises(WiroBusy):
            run_try(animated, input_image=str(image), prompt="Another", queue_timeout=0.1)
    assert wiro_emulator.count("Upload") == 1


def full(*_: object) -> None:
    raise WiroBusy("full")


LOST = [("drop_before", {}), ("drop_after", {}), ("5xx", {}), ("html", {}), ("broken_json", {}), ("truncated", {}),
        ("429", {}), ("string_errors", {}), ("code", {"code": 0}), ("json", {"body": {"result": True, "list": []}}),
        ("json", {"body": {"result": True, "list": [{"url": "file:///etc/passwd"}]}})]  # fmt: skip


@pytest.mark.parametrize(("fault", "options"), LOST, ids=str)
def test_a_lost_upload_is_repeated(
    wiro_emulator: WiroEmulator, image: Path, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Upload", fault, times=2, **options)
    run_try(animated, input_image=str(image))
    assert (wiro_emulator.count("Upload"), len(wiro_emulator.runs)) == (3, 1)


@pytest.mark.parametrize(("fault", "options"), [each for each in LOST if each[0] != "429"], ids=str)
def test_an_upload_that_is_lost_again_and_again_is_an_error_that_a_retry_can_help(
    wiro_emulator: WiroEmulator, image: Path, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Upload", fault, times=-1, **options)
    with pytest.raises(
        WiroUploadError, match=r"(?s)first frame\.png could not be uploaded: .*nothing is paid"
    ) as caught:
        run_try(animated, input_image=str(image))
    assert caught.value.retryable
    assert "emulator-key" not in str(caught.value)
    assert (wiro_emulator.count("Upload"), wiro_emulator.count("Run"), kept()) == (3, 0, None)


REFUSED: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("code", {"code": 0, "message": "Request parameters are invalid. file"}, WiroUploadError),
    ("code", {"code": 98, "message": "sign in"}, WiroAuthError),
    ("5xx", {"status": 413}, WiroUploadError),
    ("5xx", {"status": 404}, WiroUploadError),
]


@pytest.mark.parametrize(("fault", "options", "kind"), REFUSED, ids=str)
def test_a_refused_upload_is_not_repeated(
    wiro_emulator: WiroEmulator, image: Path, fault: str, options: dict[str, Any], kind: type[Exception]
) -> None:
    wiro_emulator.script("Upload", fault, **options)
    with pytest.raises(kind, match=r"(?s)first frame\.png: .*nothing is paid") as caught:
        run_try(animated, input_image=str(image))
    assert not caught.value.retryable  # type: ignore[attr-defined]
    assert (wiro_emulator.count("Upload"), wiro_emulator.count("Run")) == (1, 0)


def test_wiro_that_throttles_is_waited_for(wiro_emulator: WiroEmulator, image: Path) -> None:
    wiro_emulator.script("Upload", "429", times=-1)
    with pytest.raises(WiroBusy, match="not uploaded yet"):
        run_try(animated, input_image=str(image), queue_timeout=0.2)
    assert wiro_emulator.count("Run") == 0


BAD = {
    "missing": (WiroUploadError, r"there is no file .*first frame\.png"),
    "empty": (WiroInputError, r"first frame\.png is empty"),
    "a directory": (WiroInputError, r"first frame\.png is a directory"),
    "large": (WiroInputError, r"has 100000001 bytes or more; allowed: 100000000"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_sent_is_an_error_before_the_first_byte(
    wiro_emulator: WiroEmulator, image: Path, what: str
) -> None:
    image.unlink()
    if what == "empty":
        image.touch()
    elif what == "a directory":
        image.mkdir()
    elif what == "large":
        with image.open("wb") as file:
            file.truncate(100_000_001)
    kind, said = BAD[what]
    with pytest.raises(kind, match=said):
        run_try(animated, input_image=str(image))
    assert wiro_emulator.requests == []


def test_a_file_that_changes_while_it_is_uploaded_is_not_submitted(
    wiro_emulator: WiroEmulator, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = contents.with_contents

    def changing(*arguments: Any) -> Any:
        order = real(*arguments)
        image.write_bytes(sample_image()[:-1] + b"?")
        return order

    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_wiro.operators.wiro.with_contents", changing)
        with pytest.raises(WiroUploadError, match="has changed while it was uploaded") as caught:
            run_try(animated, input_image=str(image))
    assert caught.value.retryable
    assert wiro_emulator.count("Run") == 0
    run_try(animated, input_image=str(image))
    assert [file.data for file in uploaded(wiro_emulator)] == [image.read_bytes()]
    assert len(wiro_emulator.runs) == 1


BOTH = "input_image is 'a.png' and input_image_url is 'https://x.example/a.png'; allowed: exactly one of them"
NEITHER = "input_image is None and input_image_url is None; allowed: exactly one of them"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"input_image": "a.png", "input_image_url": "https://x.example/a.png"}, BOTH),
        ({}, NEITHER),
        ({"input_image": "", "input_image_url": None}, "input_image is '' and input_image_url is None; allowed"),
        ({"input_image": "a.exe"}, "input_image is 'a.exe'; allowed: files of the types that Wiro takes"),
        ({"input_image": ["a.png", "b.png"]}, "input_image is .*; allowed: one path"),
        ({"input_image_url": "s3://media/a.png"}, "input_image_url is .* A path goes into input_image"),
        ({"input_image": "a.png", "inputs": {"inputImageUrl": "https://x.example"}}, "inputImageUrl is given twice"),
        ({"input_image": "a.png", "files": {"inputImage": "b.png"}}, "is given twice"),
    ],
)  # fmt: skip
def test_what_is_refused_at_construction_and_after_rendering(
    wiro_emulator: WiroEmulator, given: dict[str, Any], said: str
) -> None:
    pattern = re.escape(said) if ".*" not in said else said
    if "twice" not in said:  # that takes two arguments, either of which may be a template
        with pytest.raises(WiroInputError, match=pattern):
            animated(**given)
    operator = animated(input_image="{{ params.x }}", input_image_url="{{ params.y }}")
    vars(operator).update({"input_image": None, "input_image_url": None} | given)
    with pytest.raises(WiroInputError, match=pattern):
        operator.execute(context_of(FakeTaskInstance()))
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("absent", [None, "", "None", " "])
def test_a_template_that_is_rendered_to_nothing_counts_as_absent(
    wiro_emulator: WiroEmulator, image: Path, absent: str | None
) -> None:
    operator = animated(input_image="{{ params.x }}", input_image_url="{{ params.y }}", wait_for_completion=False)
    operator.input_image, operator.input_image_url = str(image), absent
    operator.execute(context_of(FakeTaskInstance()))
    again = animated(input_image="{{ params.x }}", input_image_url="{{ params.y }}", wait_for_completion=False)
    again.input_image, again.input_image_url = absent, "https://x.example/a.png"
    again.execute(context_of(FakeTaskInstance()))
    assert [body["inputImageUrl"].rpartition("/")[2] for body in run_bodies(wiro_emulator)] == [
        "first_frame.png",
        "a.png",
    ]


TEMPLATES: list[tuple[Any, bool]] = [
    ({"inputImageHuman": "{{ params.image }}", "inputImageClothes": ["{{ params.image }}"]}, False),
    ("{{ {'inputImageHuman': params.image, 'inputImageClothes': [params.image]} | tojson }}", False),
    ("{{ {'inputImageHuman': params.image, 'inputImageClothes': [params.image]} | tojson }}", True),
    ("{{ {'inputImageHuman': params.image, 'inputImageClothes': [params.image]} }}", True),
    ({"inputImageHuman": "{{ params.image }}", "inputImageClothes": "{{ [params.image] }}"}, True),
]


@pytest.mark.parametrize(("files", "native"), TEMPLATES)
def test_files_are_templated(
    run_dag: Callable[..., Run], wiro_emulator: WiroEmulator, image: Path, files: Any, native: bool
) -> None:
    run = run_dag(lambda: tried_on(files=files), params={"image": str(image)}, render_template_as_native_obj=native)
    assert run.state == "success"
    [body] = run_bodies(wiro_emulator)
    assert body["inputImageClothes"] == [body["inputImageHumanUrl"]]


def test_a_mapped_task_is_refused_in_execute_and_pays_for_the_good_ones(
    run_dag: Callable[..., Run], wiro_emulator: WiroEmulator, image: Path
) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(task_id="video", prompt="x", poll_interval=0.1).expand_kwargs(
            [{"input_image": str(image)}, {"input_image": str(image), "input_image_url": "https://x.example/a.png"}]
        )

    run = run_dag(build)
    assert run.states() == {("video", 0): "success", ("video", 1): "failed"}
    assert len(wiro_emulator.runs) == 1


def test_durable_false_passes_over_what_was_only_uploaded(
    wiro_emulator: WiroEmulator, image: Path, lines: Lines
) -> None:
    wiro_emulator.script("Run", "code", code=97)
    with pytest.raises(WiroRefused):
        run_try(animated, input_image=str(image))
    run_try(animated, input_image=str(image), durable=False)
    assert "nobody looks whether" not in lines.text
    assert kept() is None
    assert len(wiro_emulator.runs) == 1


def test_what_a_user_sees_names_the_file_and_not_its_connection(wiro_emulator: WiroEmulator, image: Path) -> None:
    ti = FakeTaskInstance()
    run_try(generic, ti, files={"image": [str(image), "https://user:secret@x.example/a.png?signature=secret"]})
    told = ti.xcoms["wiro_generation"]
    assert told["inputs"] == {"prompt": "x", "image": [str(image), "https://x.example/a.png"]}
