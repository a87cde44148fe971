"""The journal is kept where all workers see it: whole or not at all, and never taken for empty by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath, conf
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_3_PLUS
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_wiro.core.journal import Identity
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken
from airflow_provider_wiro.journals import (
    STATE_KEY,
    FolderJournal,
    Journal,
    StateStoreJournal,
    file_name,
    open_journal,
)
from doubles import FakeTaskInstance, context_of
from records import StateStore, failing, identity, intent, submitted, the_file_in

if AIRFLOW_V_3_0_PLUS:
    from airflow.sdk.io import attach
else:
    from airflow.io.store import attach  # type: ignore[import-not-found,no-redef]

needs_state_store = pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="the task state store came with Airflow 3.3")
MakeJournal = Callable[..., Journal]


@pytest.fixture(params=["folder", "memory", pytest.param("state store", marks=needs_state_store)])
def make_journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeJournal]:
    """Open a journal of one place, as each try does anew."""
    stores: dict[Identity, StateStore] = {}
    files = MemoryFileSystem()

    def make(who: Identity | None = None) -> Journal:
        who = who or identity()
        if request.param == "state store":
            return StateStoreJournal(stores.setdefault(who, StateStore()), who)
        return FolderJournal(ObjectStoragePath("memory:///journal" if request.param == "memory" else tmp_path), who)

    attach("memory", fs=files)
    files.makedirs("/journal", exist_ok=True)
    yield make
    files.store.clear()


def test_there_is_no_record_before_the_first_run(make_journal: MakeJournal) -> None:
    assert make_journal().read() is None


def test_what_one_try_writes_the_next_one_reads(make_journal: MakeJournal) -> None:
    make_journal().replace(None, intent())
    assert make_journal().read() == intent()
    make_journal().replace(intent(), submitted())
    assert make_journal().read() == submitted()
    make_journal().replace(submitted(), intent(at=1.5))
    assert make_journal().read() == intent(at=1.5)


def test_what_is_cleared_is_gone(make_journal: MakeJournal) -> None:
    make_journal().replace(None, intent())
    make_journal().replace(intent(), None)
    assert make_journal().read() is None
    make_journal().replace(None, intent(at=2.5))
    assert make_journal().read() == intent(at=2.5)


def test_a_first_intent_never_takes_the_place_of_another_one(make_journal: MakeJournal) -> None:
    make_journal().replace(None, intent())
    with pytest.raises(WiroJournalTaken, match=r"another try of this task instance .*holds another intent") as caught:
        make_journal().replace(None, intent(at=2.5))
    assert caught.value.retryable
    assert make_journal().read() == intent()


def test_what_another_try_has_uploaded_stands_too(make_journal: MakeJournal) -> None:
    uploaded = intent(at=2.5, sent=False, uploads={"ab" * 32: "https://cdn.wiro.ai/a.png"})
    make_journal().replace(None, uploaded)
    with pytest.raises(WiroJournalTaken, match="holds other uploads"):
        make_journal().replace(None, intent())
    assert make_journal().read() == uploaded


ODD_NAMES = [
    *("..", ".", "a/b", "../../etc", "/", "a+b", "a b", "a%2Fb", "ä→🎬", "x" * 250, "ü" * 250, "~", "a=b", "a\\b"),
    *("scheduled__2026-01-01T00:00:00+00:00", "a?b#c", "a:b", "a*b", "A", "a", "CON", "-rf", "a\nb"),
]


def test_task_instances_with_odd_names_do_not_get_into_each_others_way(make_journal: MakeJournal) -> None:
    everyone = [identity(**{field: name}) for field in ("dag_id", "run_id", "task_id") for name in ODD_NAMES]
    everyone += [identity(map_index=index) for index in (0, 1, 10)]
    everyone += [
        identity(dag_id="x" * 249 + "y"),
        identity(dag_id="a", run_id="b/c"),
        identity(dag_id="a/b", run_id="c"),
    ]
    for number, who in enumerate(everyone):
        assert make_journal(who).read() is None
        make_journal(who).replace(None, intent(identity=who, at=float(number)))
    for number, who in enumerate(everyone):
        assert make_journal(who).read() == intent(identity=who, at=float(number))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_name_leads_out_of_the_folder_or_is_too_long_for_a_file_system(tmp_path: Path, name: str) -> None:
    odd = identity(dag_id=name, run_id=name, task_id=name)
    path = file_name(odd)
    parts = path.split("/")
    assert len(parts) == 4
    assert all(len(part.encode()) <= 255 and part not in (".", "..") for part in parts)
    FolderJournal(ObjectStoragePath(tmp_path), odd).replace(None, intent(identity=odd))
    [written] = [found for found in tmp_path.rglob("*") if found.is_file()]
    assert written == tmp_path / path


# --- the task state store ---


@needs_state_store
def test_the_store_keeps_it_for_ever() -> None:
    from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]

    store = StateStore()
    journal = StateStoreJournal(store, identity())
    journal.replace(None, intent())
    assert store.retention is NEVER_EXPIRE
    store.retention = None
    journal.replace(intent(), submitted())
    assert store.retention is NEVER_EXPIRE
    assert STATE_KEY in journal.place


@needs_state_store
def test_a_write_that_is_silently_lost_is_an_error() -> None:
    journal = StateStoreJournal(StateStore(lost=True), identity())
    with pytest.raises(WiroJournalError, match=r"cannot be written .*cannot be read back"):
        journal.replace(None, intent())


@needs_state_store
def test_a_record_of_before_is_not_taken_for_what_was_written() -> None:
    store = StateStore()
    journal = StateStoreJournal(store, identity())
    journal.replace(None, intent())
    store.lost = True
    with pytest.raises(WiroJournalError, match="cannot be read back"):
        journal.replace(intent(), submitted())
    with pytest.raises(WiroJournalError, match=r"cannot be written .*still there"):
        journal.replace(intent(), None)


@needs_state_store
def test_a_store_that_answers_nothing_at_the_first_look_does_not_lose_the_record() -> None:
    store = StateStore()
    StateStoreJournal(store, identity()).replace(None, intent())
    StateStoreJournal(store, identity()).replace(intent(), submitted())
    store.blind = 1
    journal = StateStoreJournal(store, identity())
    if journal.read() is None:
        with pytest.raises(WiroJournalError):
            journal.replace(None, intent(at=2.5))
    assert journal.read() == submitted()


@needs_state_store
@pytest.mark.parametrize("kept", [{}, [], "2221", 0, False, {"version": 2}], ids=str)
def test_a_value_that_is_no_record_is_never_taken_for_none(kept: object) -> None:
    store = StateStore()
    store.set(STATE_KEY, kept)
    with pytest.raises(WiroJournalError):
        StateStoreJournal(store, identity()).read()


@needs_state_store
@pytest.mark.parametrize("method", ["get", "set", "delete"])
def test_an_error_of_the_store_is_an_error_of_the_journal(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    store = StateStore()
    journal = StateStoreJournal(store, identity())
    if method == "delete":
        journal.replace(None, intent())
    monkeypatch.setattr(store, method, failing(RuntimeError("API_SERVER_ERROR: 500\nwith a page")))
    actions: dict[str, Callable[[], object]] = {
        "get": journal.read,
        "set": lambda: journal.replace(None, intent()),
        "delete": lambda: journal.replace(intent(), None),
    }
    with pytest.raises(WiroJournalError, match="RuntimeError: API_SERVER_ERROR: 500 with a page") as caught:
        actions[method]()
    assert caught.value.retryable


# --- which one ---


def test_with_nowhere_to_keep_it_there_is_none() -> None:
    assert open_journal(context_of(FakeTaskInstance())) is None


def test_the_folder_of_the_configuration_wins_over_the_state_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context: Any = dict(context_of(FakeTaskInstance())) | {"task_state_store": StateStore()}
    assert isinstance(open_journal(context), StateStoreJournal)
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    journal = open_journal(context)
    assert isinstance(journal, FolderJournal)
    journal.replace(None, intent())
    assert the_file_in(tmp_path) == tmp_path / file_name(identity())


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_the_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", f" {prefix}{tmp_path}/ ")
    journal = open_journal(context_of(FakeTaskInstance()))
    assert journal is not None
    journal.replace(None, intent())
    assert the_file_in(tmp_path).suffix == ".json"


def test_the_folder_is_named_by_the_configuration_file(tmp_path: Path) -> None:
    if not conf.has_section("wiro"):
        conf.add_section("wiro")
    conf.set("wiro", "journal_path", str(tmp_path))
    try:
        journal = open_journal(context_of(FakeTaskInstance()))
    finally:
        conf.remove_option("wiro", "journal_path")
    assert journal is not None
    assert str(tmp_path) in journal.place


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", path)
    assert open_journal(context_of(FakeTaskInstance())) is None


def test_a_folder_that_nothing_can_open_is_an_error_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", "nosuch://bucket/journal")
    with pytest.raises(WiroJournalError, match="nosuch") as caught:
        open_journal(context_of(FakeTaskInstance())).read()  # type: ignore[union-attr]
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("wiro/journal", "must be absolute"),
        ("/no/such/folder", "make it once, where all workers see the same one"),
        ("file:///no/such/folder", "make it once"),
        (__file__, "make it once"),
    ],
)
def test_a_local_folder_that_may_not_be_the_one_that_all_workers_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", path)
    with pytest.raises(WiroJournalError, match=said) as caught:
        open_journal(context_of(FakeTaskInstance()))
    assert f"the folder {path} of [wiro] journal_path cannot be used" in str(caught.value)


def test_a_try_that_airflow_has_given_up_writes_over_nothing_of_the_next_one(make_journal: MakeJournal) -> None:
    mine, theirs = intent(), submitted(taskid="2222")
    make_journal().replace(None, mine)
    make_journal().replace(mine, theirs)
    for write in (
        lambda: make_journal().replace(mine, submitted()),
        lambda: make_journal().replace(mine, intent(at=2.5)),
        lambda: make_journal().replace(mine, None),
    ):
        with pytest.raises(WiroJournalTaken, match=r"another try of this task instance .*holds Wiro task 2222"):
            write()
    assert make_journal().read() == theirs


@pytest.mark.parametrize(("map_index", "known"), [(-1, -1), (3, 3), (None, -1)])
def test_the_task_instance_pays_whichever_its_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, map_index: int | None, known: int
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    ti: Any = FakeTaskInstance()
    ti.map_index, ti.try_number = map_index, 7
    journal = open_journal(context_of(ti))
    assert journal is not None
    assert journal.identity == identity(map_index=known)


def test_a_write_that_stands_already_is_done(make_journal: MakeJournal) -> None:
    make_journal().replace(None, intent())
    make_journal().replace(None, intent())
    make_journal().replace(intent(), submitted())
    make_journal().replace(intent(), submitted())
    assert make_journal().read() == submitted()
    make_journal().replace(submitted(), None)
    make_journal().replace(submitted(), None)
    assert make_journal().read() is None


def test_what_is_not_there_is_not_replaced(make_journal: MakeJournal) -> None:
    with pytest.raises(WiroJournalTaken, match="holds nothing"):
        make_journal().replace(intent(), submitted())
    assert make_journal().read() is None


@needs_state_store
def test_a_write_whose_answer_is_lost_is_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    store = StateStore()
    write = store.set

    def lost(*arguments: Any, **named: Any) -> None:
        write(*arguments, **named)
        raise TimeoutError("no answer")

    monkeypatch.setattr(store, "set", lost)
    journal = StateStoreJournal(store, identity())
    journal.replace(None, intent())
    journal.replace(intent(), submitted())
    assert journal.read() == submitted()
    assert journal.others() is None
