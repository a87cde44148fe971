"""Recall: the journal and Wiro are asked what an earlier try of this task instance has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from airflow_provider_wiro.core.elsewhere import patiently
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE
from airflow_provider_wiro.core.protocol import Flow, T, now, report
from airflow_provider_wiro.core.recall import WAS_ANOTHER, Service, left_of, look, service_of, settle, sighting_of
from airflow_provider_wiro.core.recalled import Decision, Sighting
from airflow_provider_wiro.core.rules.recall import Left, Shown
from airflow_provider_wiro.core.search import NoListing, list_all, list_of_model
from airflow_provider_wiro.core.whose import Doubt, Found, NothingAccepted, Others, Proven, judge
from airflow_provider_wiro.exceptions import WiroWrongService

if TYPE_CHECKING:
    from airflow_provider_wiro.core.fields import OnUnknown
    from airflow_provider_wiro.core.journal import Record
    from airflow_provider_wiro.hooks.caller import Caller
    from airflow_provider_wiro.journals import Journal

ANOTHER_KEY = (
    "the list of this API key has no task with its inputs, but it was sent with another key, or by version 0.1.0, "
    "which did not record the key"
)
NOT_LISTED = "the records of other tasks cannot be looked at from here (they can with [wiro] journal_path)"


def recall(
    caller: Caller,
    journal: Journal,
    found: Record,
    wanted: Record,
    *,
    on_unknown: OnUnknown,
    missed: str | None = None,
    deadline: float | None = None,
    outage_tolerance: float = OUTAGE_TOLERANCE,
) -> Decision:
    """Decide what to do about what the journal holds, by the table in ``core/rules/recall.py``. Submits nothing itself;
    a running task of other work is stopped.

    :param found: what the journal holds.
    :param wanted: the intent of this try.
    :param on_unknown: what to do if it cannot be determined whether Wiro accepted the submission.
    :param missed: why the files that the record names as saved cannot be taken; None: they are all there.
    :param deadline: unix time at which it gives up looking at the latest; None: there is none.
    :param outage_tolerance: seconds to wait where the connection leads to another service than the record's.
    :returns: ``Attach``, ``Finished``, ``TakeSaved`` or ``Fresh``.
    :raises WiroError: if nothing may be submitted; it says what to check and how to go on.
    """

    def drive(flow: Flow[T]) -> T:
        patient = patiently(flow, outage_tolerance=outage_tolerance, deadline=deadline)
        return caller.drive(patient, service=found.base_url)

    left = left_of(found, missed)
    try:
        seen = _see(drive, caller, journal, found, wanted, left, deadline)
    except WiroWrongService as error:
        seen = Sighting(Shown.ELSEWHERE, found, why=str(error))
    seen = replace(seen, why=seen.why or missed or "")
    flow = settle(left, found, seen, wanted, on_unknown=on_unknown, place=journal.place)
    # A task of other work that it begins to stop is stopped: until then nobody else knows of it.
    return caller.drive(flow, service=found.base_url, to_the_end=True)


class Drive(Protocol):
    """Carries out a flow at the service of a record."""

    def __call__(self, flow: Flow[T], /) -> T: ...


def _see(
    drive: Drive,
    caller: Caller,
    journal: Journal,
    found: Record,
    wanted: Record,
    left: Left,
    deadline: float | None,
) -> Sighting:
    if not found.sent:
        return Sighting(Shown.MISSING, found)
    if left is Left.LANDED:
        return Sighting(Shown.SUCCEEDED, found.renewed(wanted))
    if found.taskid is not None:
        return drive(look(found, wanted, deadline=deadline))
    if service_of(found, wanted) is Service.DOUBTFUL:
        return sighting_of(found, wanted, Doubt(WAS_ANOTHER))
    return sighting_of(found, wanted, _find(drive, journal, found, lambda: caller.account, deadline))


def _find(
    drive: Drive, journal: Journal, found: Record, account: Callable[[], str], deadline: float | None
) -> Found | NoListing:
    blind = False

    def others() -> Others:
        nonlocal blind
        listed = journal.others()
        blind = listed is None
        return listed

    seen = find(drive, found, others, account=account, deadline=deadline)
    if blind and isinstance(seen, Proven):
        drive(report(NOT_LISTED, "warning"))
    return Doubt(f"{seen.why}; {NOT_LISTED}") if isinstance(seen, Doubt) and blind else seen


def find(
    drive: Drive,
    lost: Record,
    others: Callable[[], Others],
    *,
    account: Callable[[], str],
    deadline: float | None = None,
    quiet_since: float | None = None,
) -> Found | NoListing:
    """Look for the task of a submission whose answer was lost.

    :param others: reads the records of other task instances. It is asked after each list was read: whoever submitted
        what is listed has written an intent before.
    :param account: tells the one that the connection is of now, which may be read again during the search: the list of
        another one proves nothing by what is missing.
    :param deadline: unix time at which it gives up looking at the latest; None: there is none.
    :param quiet_since: unix time from which on nothing of the submission can have been on its way; None: now.
    :returns: the row that is proven to be its own, a doubt, or that nothing was accepted: the last one only where the
        tasks of all models were listed, late enough.
    """
    quiet = drive(now()) if quiet_since is None else quiet_since
    listing = drive(list_of_model(lost, deadline=deadline))
    if isinstance(listing, NoListing):
        return listing
    seen = judge(lost, listing, others())
    if isinstance(seen, NothingAccepted) and account() == lost.account:
        listing = drive(list_all(lost, quiet_since=quiet, deadline=deadline))
        if isinstance(listing, NoListing):
            return listing
        seen = judge(lost, listing, others())
    return Doubt(ANOTHER_KEY) if isinstance(seen, NothingAccepted) and account() != lost.account else seen
