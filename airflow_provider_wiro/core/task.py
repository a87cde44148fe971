"""A Wiro task as the API reports it, read tolerantly into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from airflow_provider_wiro.core.outputs import RAW, read_outputs
from airflow_provider_wiro.core.outputs import Output as Output
from airflow_provider_wiro.core.reading import read_line, read_number, read_word
from airflow_provider_wiro.core.reading import read_taskid as read_taskid
from airflow_provider_wiro.core.result import ResultDict as ResultDict
from airflow_provider_wiro.core.rules.flagged import flag_in
from airflow_provider_wiro.core.text import foreign, one_line
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


@value
class Task:
    """A row of ``tasklist``.

    :param pexit: exit code of the run as text, ``"0"`` = success; None if Wiro did not say.
    :param unreadable: of the outputs that are there and cannot be read, the first ten, each as one line.
    :param cost_usd: what Wiro charged, in US dollars.
    :param elapsed_seconds: how long it ran.
    :param token: the ``socketaccesstoken``, a secret: hidden from ``repr``.
    :param model: what tells its model from others: its owner and name, else Wiro's number; None if Wiro names none.
    :param took: seconds from its submission to its completion, by Wiro's clock; None where Wiro does not say.
    :param stderr: all of ``debugerror``; hidden from ``repr``.
    :param stdout: all of ``debugoutput``, where text models leave their text too; hidden from ``repr``.
    """

    taskid: str
    status: str
    pexit: str | None = None
    outputs: tuple[Output, ...] = ()
    unreadable: tuple[str, ...] = ()
    cost_usd: float | None = None
    elapsed_seconds: float | None = None
    token: str | None = field(default=None, repr=False)
    stderr: str = field(default="", repr=False)
    stdout: str = field(default="", repr=False)
    model: str | None = None
    took: float | None = None

    @classmethod
    def from_payload(cls, payload: object) -> Task | None:
        """Read one row of ``tasklist``; None if it has no readable id or status.

        Fields may be missing, null, of another type, or new.
        """
        if not isinstance(payload, dict):
            return None
        taskid, status = read_taskid(payload.get("id")), read_word(payload.get("status"))
        if taskid is None or status is None:
            return None
        stderr, stdout = _all_of(payload.get("debugerror")), _all_of(payload.get("debugoutput"))
        outputs, unreadable = read_outputs(payload.get("outputs"), stdout)
        return cls(
            taskid=taskid,
            status=status,
            pexit=read_word(payload.get("pexit")),
            outputs=outputs,
            unreadable=unreadable,
            cost_usd=read_number(payload.get("totalcost")),
            elapsed_seconds=read_number(payload.get("elapsedseconds")),
            token=read_line(payload.get("socketaccesstoken"), 500),
            stderr=stderr,
            stdout=stdout,
            model=model_of(payload),
            took=_took(payload) if status == COMPLETED else None,
        )

    @property
    def text(self) -> str | None:
        """What a text model answered: the answers of all outputs, each on a line of its own; None for none."""
        text = joined(text_of(output.content) for output in self.outputs)
        raw = any(output.content_type == RAW for output in self.outputs)
        return text_of(self.stdout) if text is None and raw else text

    @property
    def error(self) -> str | None:
        """One line of what the run wrote to stderr, else to stdout; None for neither."""
        line = one_line(self.stderr, 1_200) or one_line(self.stdout, 1_200)
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


def model_of(payload: Mapping[str, object]) -> str | None:
    """Return what tells the model of a row from others, as ``Task.model``."""
    owner, name = read_line(payload.get("modelslugowner"), 100), read_line(payload.get("modelslugproject"), 100)
    return f"{owner}/{name}" if owner and name else read_line(payload.get("modelid"), 50)


def _took(payload: Mapping[str, object]) -> float | None:
    began = read_number(payload.get("createtime"))
    ended = read_number(payload.get("postprocessendtime")) or read_number(payload.get("endtime"))
    return ended - began if began and ended and ended > began else None


def _all_of(said: object) -> str:
    return said if isinstance(said, str) else read_line(said, 1_200) or ""
