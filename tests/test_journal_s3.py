"""The journal on an object storage, by the real s3fs: a missing bucket is an error, and is never made."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.core.journal import Identity
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken
from airflow_provider_wiro.journals import FolderJournal, journals_in, storage
from attached import attach, file_system
from doubles import Lines
from records import identity, intent, submitted
from small_s3 import SmallS3, small_s3


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    monkeypatch.setattr(storage, "_cannot_create_only", set())
    monkeypatch.setattr("airflow_provider_wiro.journals.files._probed", set())
    for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with small_s3("videos") as store:
        yield store


def journal(s3: SmallS3, bucket: str = "videos", who: Identity | None = None) -> FolderJournal:
    """Open the journal as a worker does: each is a process of its own."""
    process = uuid.uuid4().hex
    attach("s3", conn_id=process, fs=file_system(s3))
    return FolderJournal(ObjectStoragePath(f"s3://{process}@{bucket}/wiro"), who or identity())


def test_what_one_try_writes_the_next_one_reads(s3: SmallS3) -> None:
    assert journal(s3).read() is None
    journal(s3).replace(None, intent())
    journal(s3).replace(intent(), submitted())
    assert journal(s3).read() == submitted()
    journal(s3).replace(submitted(), None)
    assert journal(s3).read() is None
    assert s3.buckets == {"videos": {}}
    assert s3.made == []


def test_a_bucket_that_is_not_there_is_an_error_and_is_never_made(s3: SmallS3) -> None:
    with pytest.raises(WiroJournalError, match=r"no bucket.* vidoes"):
        journal(s3, "vidoes").read()
    with pytest.raises(WiroJournalError, match=r"no bucket.* vidoes"):
        journal(s3, "vidoes").replace(None, intent())
    assert s3.made == []
    assert s3.buckets == {"videos": {}}


def test_a_bucket_that_goes_between_the_look_and_the_write_is_not_made_again(s3: SmallS3) -> None:
    mine = journal(s3)
    assert mine.read() is None
    s3.buckets.clear()
    with pytest.raises(WiroJournalError, match="no bucket"):
        mine.replace(None, intent())
    assert s3.made == []


def test_a_first_intent_never_takes_the_place_of_another_one(s3: SmallS3) -> None:
    first, second = journal(s3), journal(s3)
    assert first.read() is second.read() is None
    second.replace(None, intent(at=2.5))
    with pytest.raises(WiroJournalTaken):
        first.replace(None, intent())
    assert journal(s3).read() == intent(at=2.5)


def test_a_record_of_another_worker_is_seen_though_the_folder_was_listed_before_it(s3: SmallS3) -> None:
    mine, another = journal(s3), identity(map_index=7)
    journal(s3, who=another).replace(None, intent(identity=another))
    mine._folder.fs.ls("videos/wiro/dag_id=videos/run_id=manual__2026-01-01/task_id=video")
    journal(s3).replace(None, intent())
    mine = FolderJournal(mine._folder, identity())
    assert mine.read() == intent()


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_a_right_that_is_missing_is_an_error_before_anything_is_sent(s3: SmallS3, action: str) -> None:
    s3.denied = {action}
    with pytest.raises(WiroJournalError, match=r"PermissionError|AccessDenied"):
        journal(s3).replace(None, intent())
    assert not [key for key in s3.buckets["videos"] if key.endswith(".json")]


@pytest.mark.parametrize("conditional", ["ignored", "unknown"])
def test_where_it_cannot_create_only_the_log_warns_and_what_is_there_stands_all_the_same(
    s3: SmallS3, conditional: str, lines: Lines
) -> None:
    s3.conditional = conditional
    first = journal(s3)
    first.replace(None, intent())
    assert "cannot create a file only where there is none" in lines.text
    with pytest.raises(WiroJournalTaken):
        journal(s3).replace(None, intent(at=2.5))
    with pytest.raises(FileExistsError):
        first._files.create(first._file, b"another one, which came between the look and the write")
    assert journal(s3).read() == intent()


def test_a_write_whose_answer_is_lost_is_a_write(s3: SmallS3) -> None:
    mine = journal(s3)
    mine.replace(None, intent())
    s3.lose_answers = 1
    mine.replace(intent(), submitted())
    assert journal(s3).read() == submitted()


def test_an_intent_whose_answer_is_lost_is_ones_own(s3: SmallS3) -> None:
    mine = journal(s3)
    mine.replace(None, intent())
    mine.replace(intent(), None)
    s3.lose_answers = 1
    mine.replace(None, intent(at=2.5))
    assert journal(s3).read() == intent(at=2.5)


def test_records_of_the_dag_run_are_listed_without_ones_own(s3: SmallS3) -> None:
    mine, other = identity(), identity(task_id="another")
    journal(s3).replace(None, intent())
    assert journal(s3).others() == []
    journal(s3, who=other).replace(None, intent(identity=other))
    assert journal(s3, who=mine).others() == [intent(identity=other)]
    assert sorted(map(str, journals_in(journal(s3)._folder, 0.0))) == sorted(
        map(str, [intent(), intent(identity=other)])
    )
