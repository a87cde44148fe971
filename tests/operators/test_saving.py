"""What was made is saved where the author wants it: at success, by each later try, and never paid for twice."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.exceptions import WiroInputError, WiroOutputsGone, WiroSaveError
from doubles import FakeTaskInstance, Lines, context_of
from operators import generic, runway
from records import failing
from taskids import FIRST, SECOND
from tries import kept, run_try


@pytest.fixture
def media(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def at_once(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    monkeypatch.setattr("airflow_provider_wiro.core.calls.DELETE_PAUSES", (0.01, 0.01))
    monkeypatch.setattr("airflow_provider_wiro.stages.record.WITH_PATIENCE", (0.01, 0.01))


def saved_record() -> Record:
    record = kept()
    assert record is not None
    return record


def manifest(media: Path, taskid: str = FIRST) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((media / taskid / "manifest.json").read_text())
    return told


@pytest.mark.usefixtures("journal_folder")
class TestSaving:
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_the_video_is_saved_and_the_result_says_where(self, media: Path, deferrable: bool) -> None:
        ti = FakeTaskInstance()
        result = run_try(ti=ti, save_to=str(media), deferrable=deferrable)
        [output] = result["outputs"]
        video = media / FIRST / "0.mp4"
        assert video.read_bytes() == sample_video()
        assert output["uri"] == video.as_uri()
        assert output["size"] == len(sample_video())
        assert len(output["sha256"]) == 64
        assert ti.xcoms["output_uris"] == [output["uri"]]
        assert ti.xcoms["output_uri"] == output["uri"]
        assert ti.xcoms["output_urls"] == [output["url"]]
        record = saved_record()
        assert record.phase == "landed"
        told = manifest(media)
        assert (told["taskid"], told["model"]) == (FIRST, "Runway/image-to-video-gen4-turbo")
        assert told["inputs"]["ratio"] == "1280:720"
        assert (told["dag_id"], told["task_id"], told["cost_usd"]) == ("videos", "video", result["cost_usd"])

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_a_later_try_returns_the_same_and_asks_wiro_nothing(
        self, wiro_emulator: WiroEmulator, media: Path, deferrable: bool, lines: Lines
    ) -> None:
        first = run_try(save_to=str(media), deferrable=deferrable)
        asked, ti = len(wiro_emulator.requests), FakeTaskInstance()
        assert run_try(ti=ti, save_to=str(media), deferrable=deferrable) == first
        assert len(wiro_emulator.requests) == asked
        assert ti.xcoms["output_uris"] == [first["outputs"][0]["uri"]]
        assert "taking the saved files of the submission" in lines.text
        assert ti.xcoms["wiro_generation"]["outcome"] == "success"

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_an_uploaded_file_is_named_by_its_content(self, media: Path, tmp_path: Path, deferrable: bool) -> None:
        image = tmp_path / "first frame.png"
        image.write_bytes(b"an image")
        run_try(save_to=str(media), deferrable=deferrable, input_image=str(image), input_image_url=None)
        told = manifest(media)
        assert list(told["files"].values()) == [hashlib.sha256(b"an image").hexdigest()]
        assert set(told["inputs"]).isdisjoint(told["files"])
        assert told["inputs"]["duration"] == "5"

    def test_a_path_object_is_a_folder_too(self, media: Path) -> None:
        run_try(save_to=ObjectStoragePath(media.as_uri()))
        assert (media / FIRST / "0.mp4").exists()

    def test_a_file_that_is_missing_is_saved_again(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        first = run_try(save_to=str(media))
        (media / FIRST / "0.mp4").unlink()
        assert run_try(save_to=str(media)) == first
        assert (media / FIRST / "0.mp4").read_bytes() == sample_video()
        assert len(wiro_emulator.runs) == 1
        asked = len(wiro_emulator.requests)
        assert run_try(save_to=str(media)) == first
        assert len(wiro_emulator.requests) == asked

    def test_a_manifest_that_is_missing_is_written_again(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        first = run_try(save_to=str(media))
        (media / FIRST / "manifest.json").unlink()
        assert run_try(save_to=str(media)) == first
        assert manifest(media)["taskid"] == FIRST
        assert len(wiro_emulator.runs) == 1

    def test_another_folder_is_saved_to_as_well(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        run_try(save_to=str(media))
        result = run_try(save_to=str(media / "b"))
        assert (media / "b" / FIRST / "0.mp4").read_bytes() == sample_video()
        assert result["outputs"][0]["uri"] == (media / "b" / FIRST / "0.mp4").as_uri()
        assert (media / FIRST / "0.mp4").exists()
        assert len(wiro_emulator.runs) == 1

    def test_where_nothing_is_to_be_saved_any_more_the_outputs_at_wiro_are_taken(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        run_try(save_to=str(media))
        assert "uri" not in run_try()["outputs"][0]
        assert len(wiro_emulator.runs) == 1

    def test_a_save_that_fails_is_tried_again_and_never_paid_again(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        wiro_emulator.script("Output", "5xx", times=-1)
        ti = FakeTaskInstance()
        with pytest.raises(WiroSaveError, match="A retry or a clear of this task saves it, and pays nothing") as caught:
            run_try(ti=ti, save_to=str(media))
        assert caught.value.retryable
        assert caught.value.taskid == FIRST
        assert caught.value.outputs[0]["name"] == "0.mp4"
        assert ti.xcoms["wiro_generation"]["outcome"] == "not_saved"
        assert saved_record().phase == "submitted"
        assert not (media / FIRST / "0.mp4").exists()
        wiro_emulator.clear()
        assert run_try(save_to=str(media))["outputs"][0]["uri"]
        assert len(wiro_emulator.runs) == 1

    def test_other_content_is_never_replaced(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        (media / FIRST).mkdir(parents=True)
        (media / FIRST / "0.mp4").write_bytes(b"somebody's")
        with pytest.raises(WiroSaveError, match=r"which is never replaced.*Mend that, then clear this task"):
            run_try(save_to=str(media))
        assert (media / FIRST / "0.mp4").read_bytes() == b"somebody's"
        assert saved_record().phase == "submitted"
        (media / FIRST / "0.mp4").unlink()
        assert run_try(save_to=str(media))["outputs"][0]["uri"]
        assert len(wiro_emulator.runs) == 1

    def test_a_file_that_is_too_large_is_left_at_wiro(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        with pytest.raises(WiroSaveError, match="max_bytes"):
            run_try(save_to=str(media), max_bytes=100)
        assert run_try(save_to=str(media))["outputs"][0]["uri"]
        assert len(wiro_emulator.runs) == 1

    def test_expired_urls_of_what_was_never_saved(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        wiro_emulator.script("Output", "5xx", times=-1)
        with pytest.raises(WiroSaveError):
            run_try(save_to=str(media))
        wiro_emulator.clear()
        wiro_emulator._account.files.clear()
        with pytest.raises(WiroOutputsGone, match="its output no longer exists"):
            run_try(save_to=str(media))
        assert len(wiro_emulator.runs) == 1

    def test_a_file_that_is_not_there_at_the_end_is_looked_for_once_more_by_a_clear(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        wiro_emulator.script("Output", "5xx", status=404, times=-1)
        with pytest.raises(WiroSaveError, match=r"Look once more by hand.* A clear of this task looks too") as caught:
            run_try(save_to=str(media))
        assert (caught.value.retryable, caught.value.gone) == (False, True)
        assert "Mend that" not in str(caught.value)
        wiro_emulator.clear()
        assert run_try(save_to=str(media))["outputs"][0]["uri"]
        assert len(wiro_emulator.runs) == 1

    def test_a_success_that_shows_nothing_to_save_is_not_saved_and_nothing_is_deleted(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        wiro_emulator.clear()
        wiro_emulator.outcome(outputs=[], pexit="0", duration=0.0)
        with pytest.raises(WiroSaveError, match="Wiro shows no output of it that could be saved") as caught:
            run_try(lambda **given: generic(**given), save_to=str(media), delete_after_save=True)
        assert caught.value.gone
        assert not (media / FIRST).exists()
        assert wiro_emulator.count("Delete") == 0
        assert saved_record().phase == "submitted"

    def test_what_cannot_be_read_and_so_is_not_saved_is_not_deleted_at_wiro(
        self, wiro_emulator: WiroEmulator, media: Path, lines: Lines
    ) -> None:
        wiro_emulator.clear()
        wiro_emulator.outcome(outputs=[{"url": "ftp://x/1.mp4"}, {"contenttype": "raw", "content": "a"}], duration=0.0)
        for _ in range(2):
            run_try(lambda **given: generic(**given), save_to=str(media), delete_after_save=True)
            assert "were not deleted: Wiro shows 2 output(s), of which 1 cannot be read: " in lines.text
        assert wiro_emulator.count("Delete") == 0
        assert (media / FIRST / "0.txt").read_text() == "a"

    def test_a_missing_file_whose_url_has_expired(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        run_try(save_to=str(media))
        video = media / FIRST / "0.mp4"
        content = video.read_bytes()
        video.unlink()
        wiro_emulator._account.files.clear()
        with pytest.raises(
            WiroOutputsGone, match=r"(?s)0.mp4 is not there.* no longer exist at Wiro.*put the file back"
        ):
            run_try(save_to=str(media))
        video.write_bytes(content)
        assert run_try(save_to=str(media))["taskid"] == FIRST
        assert len(wiro_emulator.runs) == 1

    def test_a_file_that_has_another_size_now_is_never_replaced(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        run_try(save_to=str(media))
        video = media / FIRST / "0.mp4"
        video.write_bytes(b"cut by hand")
        with pytest.raises(WiroSaveError, match=r"another file at .*0\.mp4, which is never replaced"):
            run_try(save_to=str(media))
        assert video.read_bytes() == b"cut by hand"
        video.rename(media / "mine.mp4")
        assert run_try(save_to=str(media))["taskid"] == FIRST
        assert len(wiro_emulator.runs) == 1

    def test_changed_work_is_submitted_and_lies_beside_the_old_one(
        self, wiro_emulator: WiroEmulator, media: Path, lines: Lines
    ) -> None:
        run_try(save_to=str(media))
        assert run_try(save_to=str(media), prompt="A canal")["taskid"] == SECOND
        assert "is paid for and saved, but its inputs were different (prompt)" in lines.text
        assert sorted(path.name for path in media.iterdir()) == [FIRST, SECOND]

    def test_what_was_submitted_without_save_to_is_saved_by_a_later_try(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        run_try()
        assert run_try(save_to=str(media))["outputs"][0]["uri"]
        assert len(wiro_emulator.runs) == 1

    def test_a_record_that_cannot_be_written_ends_nothing(
        self, wiro_emulator: WiroEmulator, media: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
    ) -> None:
        from airflow_provider_wiro.journals.journal import Journal

        real = Journal.replace

        def refuse(self: Any, over: Any, record: Any) -> None:
            if record is not None and record.landed is not None:
                from airflow_provider_wiro.exceptions import WiroJournalError

                raise WiroJournalError("no space left")
            real(self, over, record)

        monkeypatch.setattr(Journal, "replace", refuse)
        assert run_try(save_to=str(media), delete_after_save=True)["outputs"][0]["uri"]
        assert "that it is saved is not written down: no space left" in lines.text
        assert wiro_emulator.count("Delete") == 0
        assert saved_record().phase == "submitted"


TEXT = {"model": "openai/gpt-5-2", "inputs": {"prompt": "Say hello"}}


@pytest.mark.usefixtures("journal_folder")
class TestTexts:
    def run(self, media: Path, **arguments: Any) -> Any:
        return run_try(lambda **given: generic(**{**TEXT, **given}), save_to=str(media), **arguments)

    def test_a_text_is_saved_as_txt_and_what_wiro_gave_as_json(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        result = self.run(media)
        assert (media / FIRST / "0.txt").read_text().strip() == result["text"]
        assert json.loads((media / FIRST / "0.json").read_text()) == result["outputs"][0]["content"]
        assert result["outputs"][0]["uri"] == (media / FIRST / "0.txt").as_uri()
        asked = len(wiro_emulator.requests)
        assert self.run(media) == result
        assert len(wiro_emulator.requests) == asked

    def test_a_text_in_a_file(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        def make(**given: Any) -> Any:
            return generic(model="someone/llm", **given)

        result = run_try(make, save_to=str(media))
        assert result["text"] is not None
        asked = len(wiro_emulator.requests)
        assert run_try(make, save_to=str(media)) == result
        assert len(wiro_emulator.requests) == asked


class TestWithoutARecord:
    def test_a_save_that_fails_is_not_retried_and_says_how_to_get_the_file(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        wiro_emulator.script("Output", "5xx", times=-1)
        with pytest.raises(
            WiroSaveError, match=f"a retry or a clear would pay again.*airflow_provider_wiro fetch {FIRST} --to"
        ) as caught:
            run_try(save_to=str(media))
        assert not caught.value.retryable

    def test_it_is_saved_and_deleted_all_the_same(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        assert run_try(save_to=str(media), delete_after_save=True)["outputs"][0]["uri"]
        assert wiro_emulator.count("Delete") == 1


BAD = ["", " ", "None", "http://x.example/y", "HTTPS://x.example/y", "media/videos", "nope://bucket/key", 7, b"/media"]


@pytest.mark.parametrize("save_to", BAD)
def test_a_folder_that_is_none_is_refused_before_anything_is_spent(wiro_emulator: WiroEmulator, save_to: Any) -> None:
    with pytest.raises(WiroInputError, match=r"save_to is .*; allowed: "):
        runway(save_to=save_to).execute(context_of(FakeTaskInstance()))
    assert wiro_emulator.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"save_to": "/m", "wait_for_completion": False}, "save_to is '?/m'?; allowed: None with wait_for_completion"),
        ({"delete_after_save": True}, "delete_after_save is True; allowed: False without save_to"),
        ({"save_to": "/m", "delete_after_save": "true"}, "delete_after_save is 'true'; allowed: True or False"),
        ({"save_to": "/m", "max_bytes": 0}, "max_bytes is 0; allowed: a whole number of bytes above 0"),
        ({"save_to": "/m", "max_bytes": True}, "max_bytes is True"),
        ({"save_to": "/m", "max_bytes": "2GB"}, "max_bytes is '2GB'"),
    ],
)
def test_what_does_not_go_together_is_refused_when_it_is_constructed(arguments: Any, said: str) -> None:
    with pytest.raises(WiroInputError, match=said):
        runway(**arguments)


def test_a_folder_that_cannot_be_made_is_found_out_before_anything_is_paid(
    wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WiroSaveError, match="nothing was submitted"):
        run_try(save_to=str(tmp_path / "file" / "media"))
    assert wiro_emulator.requests == []


def test_a_provider_that_is_not_installed_is_found_out_before_anything_is_paid(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroInputError, match=r"is the provider for it installed, with its extra for fsspec"):
        run_try(save_to="adbfs://bucket/media")
    assert wiro_emulator.requests == []


def test_a_connection_that_is_not_there_is_found_out_before_anything_is_paid(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    def no_connection(*_: Any) -> None:
        raise AirflowNotFoundException("The conn_id `media` isn't defined")

    monkeypatch.setattr("airflow_provider_wiro.landing.ready.place_of", no_connection)
    with pytest.raises(WiroInputError, match=r"nothing was submitted.*The conn_id `media` isn't defined"):
        run_try(save_to="s3://media@bucket/videos")
    assert wiro_emulator.requests == []


def test_an_airflow_that_cannot_be_asked_for_the_connection_is_no_matter_of_the_arguments(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.landing.ready.place_of", failing(RuntimeError("the API server is away")))
    with pytest.raises(WiroSaveError, match=r"nothing was submitted.*the API server is away") as caught:
        run_try(save_to="s3://media@bucket/videos")
    assert caught.value.retryable
    assert wiro_emulator.requests == []


@pytest.mark.usefixtures("journal_folder")
def test_a_folder_that_cannot_be_made_does_not_end_what_is_paid(
    all_held: WiroEmulator, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doubles import when
    from tries import lose_a_try

    all_held.clear()
    all_held.outcome(hold=True, duration=0.0, times=-1)
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", save_to=str(tmp_path / "media"))
    blocked = tmp_path / "file"
    blocked.write_text("")
    when(lambda: "could not be saved now" in lines.text, lambda: (blocked.unlink(), all_held.release(FIRST)))
    assert run_try(save_to=str(blocked / "media"))["outputs"][0]["uri"]
    assert len(all_held.runs) == 1


@pytest.mark.usefixtures("journal_folder")
class TestDeleting:
    def test_what_is_saved_is_deleted_at_wiro_once(self, wiro_emulator: WiroEmulator, media: Path) -> None:
        result = run_try(save_to=str(media), delete_after_save=True)
        assert wiro_emulator.count("Delete") == 1
        assert saved_record().deleted
        assert wiro_emulator._account.files == {}
        asked = len(wiro_emulator.requests)
        assert run_try(save_to=str(media), delete_after_save=True) == result
        assert len(wiro_emulator.requests) == asked

    def test_a_deletion_that_fails_is_a_warning_and_is_repeated(
        self, wiro_emulator: WiroEmulator, media: Path, lines: Lines
    ) -> None:
        wiro_emulator.script("Delete", "5xx", times=-1)
        result = run_try(save_to=str(media), delete_after_save=True)
        assert "WARNING taskid" in lines.text
        assert "is saved, but its files stay at Wiro, for they could not be deleted" in lines.text
        assert (saved_record().phase, saved_record().deleted) == ("landed", False)
        wiro_emulator.clear()
        asked = wiro_emulator.count("Detail")
        assert run_try(save_to=str(media), delete_after_save=True) == result
        assert saved_record().deleted
        assert wiro_emulator.count("Detail") == asked + 1  # for the token
        assert len(wiro_emulator.runs) == 1

    def test_a_try_that_dies_between_saving_and_deleting_is_followed_by_one_that_deletes(
        self, wiro_emulator: WiroEmulator, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from airflow_provider_wiro.stages import land
        from tries import Died

        def die(*_: Any, **__: Any) -> None:
            raise Died

        with monkeypatch.context() as patched:
            patched.setattr(land, "delete_at_wiro", die)
            with pytest.raises(Died):
                run_try(save_to=str(media), delete_after_save=True)
        assert (saved_record().phase, saved_record().deleted) == ("landed", False)
        run_try(save_to=str(media), delete_after_save=True)
        assert saved_record().deleted

    def test_what_was_deleted_and_is_missing_is_never_paid_for_again(
        self, wiro_emulator: WiroEmulator, media: Path
    ) -> None:
        wiro_emulator.clear()
        wiro_emulator.outcome(duration=0.0, times=-1, pexit=None, totalcost="0")
        run_try(save_to=str(media), delete_after_save=True)
        (media / FIRST / "0.mp4").unlink()
        with pytest.raises(WiroOutputsGone, match="which was told to delete them"):
            run_try(save_to=str(media), delete_after_save=True)
        assert len(wiro_emulator.runs) == 1


def test_a_template_that_finds_nothing_is_refused_in_native_rendering(
    run_dag: Any, wiro_emulator: WiroEmulator
) -> None:
    run = run_dag(
        lambda: runway(save_to="{{ params.nothing }}"), params={"nothing": None}, render_template_as_native_obj=True
    )
    assert run.state == "failed"
    assert "save_to is 'None'" in str(run.errors[0])
    assert wiro_emulator.count("Run") == 0


def test_a_mapped_batch_of_20_into_one_folder_gives_20_files(
    run_dag: Any, wiro_emulator: WiroEmulator, media: Path
) -> None:
    from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video", input_image_url="https://x.example/a.png", poll_interval=0.1, save_to=str(media)
        ).expand(prompt=[f"A kite, {number}" for number in range(20)])

    began = time.monotonic()
    assert run_dag(build).state == "success", time.monotonic() - began
    assert len(list(media.glob("*/0.mp4"))) == 20
    assert len(list(media.glob("*/manifest.json"))) == 20
    assert {json.loads(path.read_text())["map_index"] for path in media.glob("*/manifest.json")} == set(range(20))
