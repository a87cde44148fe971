"""A Wiro task as the API reports it, read tolerantly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from airflow_provider_wiro.core.outputs import RAW, Outputs, read_outputs
from airflow_provider_wiro.core.outputs import Output as Output
from airflow_provider_wiro.core.reading import read_line, read_number, read_word
from airflow_provider_wiro.core.reading import read_taskid as read_taskid
from airflow_provider_wiro.core.result import ResultDict as ResultDict
from airflow_provider_wiro.core.rules.flagged import flag_in
from airflow_provider_wiro.core.text import foreign
from airflow_provider_wiro.core.texts import joined, text_of
from airflow_provider_wiro.core.value import value

COMPLETED = "task_postprocess_end"
CANCELLED = "task_cancel"
ERRORED = "task_error"
TERMINAL = frozenset({COMPLETED, CANCELLED})
# A realtime model waits for what a person sends over a socket.
STREAMING = "task_stream_ready"
KNOWN = TERMINAL | {
    ERRORED,
    STREAMING,
    "task_stream_end",
    "task_cost",
    "task_queue",
    "task_accept",
    "task_assign",
    "task_preprocess_start",
    "task_preprocess_end",
    "task_start",
    "task_output",
    "task_output_full",
    "task_error_full",
    "task_end",
    "task_postprocess_start",
}
RUNNING = KNOWN - TERMINAL - {ERRORED, STREAMING}


class Task:
    """A row of ``tasklist``, read when it is asked for: of a task that waits, hardly anything ever is.

    Fields may be missing, null, of another type, or new.
    """

    __slots__ = ("_outputs", "_row", "status", "taskid")

    def __init__(self, taskid: str, status: str, row: Mapping[str, object]) -> None:
        self.taskid = taskid
        self.status = status
        self._row = row
        self._outputs: Outputs | None = None

    def __repr__(self) -> str:
        return f"Task(taskid={self.taskid!r}, status={self.status!r}, pexit={self.pexit!r})"

    @classmethod
    def from_payload(cls, payload: object) -> Task | None:
        """Return the task of one row of ``tasklist``; None if it has no readable id or status."""
        if not isinstance(payload, dict):
            return None
        taskid, status = read_taskid(payload.get("id")), read_word(payload.get("status"))
        return None if taskid is None or status is None else cls(taskid, status, payload)

    @property
    def pexit(self) -> str | None:
        """Exit code of the run as text, ``"0"`` = success; None if Wiro did not say."""
        return read_word(self._row.get("pexit"))

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What it has produced."""
        return self._read_outputs()[0]

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Of the outputs that are there and cannot be read, the first ten, each as one line."""
        return self._read_outputs()[1]

    def _read_outputs(self) -> Outputs:
        if self._outputs is None:
            self._outputs = read_outputs(self._row.get("outputs"), self.stdout)
        return self._outputs

    @property
    def cost_usd(self) -> float | None:
        """What Wiro charged, in US dollars."""
        return read_number(self._row.get("totalcost"))

    @property
    def elapsed_seconds(self) -> float | None:
        """How long it ran."""
        return read_number(self._row.get("elapsedseconds"))

    @property
    def token(self) -> str | None:
        """The ``socketaccesstoken``, a secret: hidden from ``repr``."""
        return read_line(self._row.get("socketaccesstoken"), 500)

    @property
    def stderr(self) -> str:
        """All of ``debugerror``."""
        return _all_of(self._row.get("debugerror"))

    @property
    def stdout(self) -> str:
        """All of ``debugoutput``, where text models leave their text too."""
        return _all_of(self._row.get("debugoutput"))

    @property
    def model(self) -> str | None:
        """What tells its model from others: its owner and name, else Wiro's number; None if Wiro names none."""
        row = self._row
        owner, name = read_line(row.get("modelslugowner"), 100), read_line(row.get("modelslugproject"), 100)
        return f"{owner}/{name}" if owner and name else read_line(row.get("modelid"), 50)

    @property
    def took(self) -> float | None:
        """Seconds from its submission to its completion, by Wiro's clock; None where Wiro does not say."""
        return _took(self._row) if self.status == COMPLETED else None

    @property
    def text(self) -> str | None:
        """What a text model answered: the answers of all outputs, each on a line of its own; None for none."""
        text = joined(text_of(output.content) for output in self.outputs)
        raw = any(output.content_type == RAW for output in self.outputs)
        return text_of(self.stdout) if text is None and raw else text

    @property
    def error(self) -> str | None:
        """One line from ``debugerror``, else from ``debugoutput``; None for neither."""
        line = read_line(self._row.get("debugerror"), 1_200) or read_line(self._row.get("debugoutput"), 1_200)
        return foreign(line) if line else None

    @property
    def flagged(self) -> str | None:
        """In Wiro's words, why content moderation has refused the work; None if nothing says that it has."""
        return flag_in(self.stderr if self.stderr.strip() else self.stdout or self.error or "")

    @property
    def terminal(self) -> bool:
        """Whether Wiro will not change this task any more. An unknown status means still running."""
        return self.status in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether it completed well: ``pexit`` decides, and where it is missing, the outputs."""
        if self.status != COMPLETED or self.illegible:
            return False
        return bool(self.outputs) if self.pexit is None else self.pexit == "0"

    @property
    def illegible(self) -> bool:
        """Whether it completed well, as far as Wiro says, with outputs of which none can be read: it may be paid."""
        well = self.status == COMPLETED and self.pexit in (None, "0")
        return well and bool(self.unreadable) and not self.outputs

    @property
    def charged(self) -> bool:
        """Whether it completed and is to be taken for paid: Wiro shows a cost, or outputs that cannot be read."""
        return self.status == COMPLETED and (bool(self.cost_usd) or self.illegible)

    def result(self) -> ResultDict:
        """Return the task as in the XCom result."""
        return {
            "taskid": self.taskid,
            "status": self.status,
            "outputs": [output.to_json() for output in self.outputs],
            "text": self.text,
            "cost_usd": self.cost_usd,
            "elapsed_seconds": self.elapsed_seconds,
        }


@value
class Submission:
    """What Wiro answered to an accepted submission.

    :param submitted_at: when it answered, unix time in seconds.
    :param token: the ``socketaccesstoken``, a secret: hidden from ``repr``.
    """

    taskid: str
    submitted_at: float
    token: str | None = field(default=None, repr=False)

    def result(self) -> ResultDict:
        """Return the XCom result of a task that nobody waits for."""
        return {
            "taskid": self.taskid,
            "status": None,
            "outputs": [],
            "text": None,
            "cost_usd": None,
            "elapsed_seconds": None,
        }


def _took(payload: Mapping[str, object]) -> float | None:
    began = read_number(payload.get("createtime"))
    ended = read_number(payload.get("postprocessendtime")) or read_number(payload.get("endtime"))
    return ended - began if began and ended and ended > began else None


def _all_of(said: object) -> str:
    return said if isinstance(said, str) else ""
