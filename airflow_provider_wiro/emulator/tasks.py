"""The life of an emulated task: which status it has when, and how the API shows it."""

from __future__ import annotations

import json
import secrets
import string
import time
import uuid
from dataclasses import dataclass, field

from airflow_provider_wiro.emulator.catalogue import Model
from airflow_provider_wiro.emulator.outcomes import TERMINAL, Outcome

TIME_FIELDS = {
    "task_accept": "accepttime",
    "task_assign": "assigntime",
    "task_preprocess_start": "preprocessstarttime",
    "task_preprocess_end": "preprocessendtime",
    "task_start": "starttime",
    "task_end": "endtime",
    "task_postprocess_start": "postprocessstarttime",
    "task_postprocess_end": "postprocessendtime",
    "task_cancel": "canceltime",
}
CATEGORIES = ["tool", "text-to-video"]
"""Those of a model that is not known by name."""
FREE = "0.000000000000"
_LETTERS = string.ascii_letters + string.digits


def random_token() -> str:
    """Return 30 random letters and digits, as the API's tokens are."""
    return "".join(secrets.choice(_LETTERS) for _ in range(30))


MOST_SKEW = 10**9


class Clock:
    """The emulator's time: unix seconds, which a test can move forward, and show wrongly."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._skew = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds must be at least 0, not {seconds!r}")
        self._ahead += seconds

    def skew(self, seconds: float) -> None:
        """Show every time, of the past too, by ``seconds`` later than it is; earlier if they are negative."""
        if not abs(seconds) < MOST_SKEW:
            raise ValueError(f"seconds must be a number between -{MOST_SKEW} and {MOST_SKEW}, not {seconds!r}")
        self._skew = seconds

    def shown(self, moment: float) -> float:
        """Return ``moment`` as the API shows it."""
        return moment + self._skew


@dataclass(eq=False)
class EmulatedTask:
    """
    A task that a Run has started.

    :param taskid: its id, as the API names it.
    :param token: its ``socketaccesstoken``.
    :param model: "owner/model".
    :param inputs: the Run's fields as received.
    :param outcome: how it goes.
    :param duration: seconds from the Run to the last status.
    :param price: US dollars that a successful run costs.
    :param clock: the emulator's time.
    :param parameters: the inputs as the API shows them.
    :param outputs: the rows of the files that the API shows once the task has ended.
    :param text: what a text model answers, merged.
    :param known: the model, where it is known by name.
    """

    taskid: str
    token: str = field(repr=False)
    model: str
    inputs: dict[str, object]
    outcome: Outcome
    duration: float
    price: float
    clock: Clock = field(repr=False)
    parameters: dict[str, object] = field(repr=False, default_factory=dict)
    outputs: list[dict[str, object]] = field(repr=False, default_factory=list)
    text: str = field(repr=False, default="")
    known: Model | None = field(repr=False, default=None)
    uuid: str = field(init=False, default_factory=lambda: str(uuid.uuid4()))
    created_at: float = field(init=False)
    _stopped_at: float | None = field(init=False, repr=False, default=None)
    _released_at: float | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self.created_at = self.clock()
        self._path = self.outcome.path
        self._hold_at = self.outcome.hold_at

    @property
    def status(self) -> str:
        """The status now."""
        return self._status(self.clock())

    @property
    def ended_at(self) -> float | None:
        """Unix seconds at which the task became terminal, or None while it is not."""
        return self._ended_at(self.clock())

    @property
    def cost(self) -> str:
        """What the task has cost up to now: US dollars as a decimal string."""
        return self._cost(self.clock())

    @property
    def done(self) -> float:
        """How far the task is, from 0 to 1."""
        past = (self.clock() - self.created_at) / self.duration if self.duration else 1.0
        return min(1.0, max(0.0, past))

    def stop(self) -> None:
        """Make the task ``task_cancel`` from now on."""
        self._stopped_at = self.clock()

    def release(self) -> None:
        """Let a held task go on; before it has reached the status where it would wait, it will not wait there."""
        if self._hold_at is not None and self._released_at is None:
            self._released_at = max(self.clock(), self._planned_at(self._hold_at))

    def row(self) -> dict[str, object]:
        """Return the task as Detail, Kill, Cancel and List show it: every number is a string, "0" = not yet."""
        now = self.clock()
        completed = self._place(now) == len(self._path) - 1 and self._stopped_at is None
        over = self._status(now) in TERMINAL
        outputs = self.outputs if completed and over else []
        row: dict[str, object] = {
            "id": self.taskid,
            "uuid": self.uuid,
            "name": "",
            "socketaccesstoken": self.token,
            "parameters": self.parameters,
            "debugoutput": (self.outcome.debugoutput or self.text) if completed else "",
            "debugerror": self.outcome.debugerror if completed else "",
            "elapsedseconds": f"{(self._ended_at(now) or now) - self.created_at:.4f}",
            "status": self._status(now),
            "cps": "0.000585000000",
            "totalcost": self._cost(now),
            "guestid": None,
            "projectid": "699",
            **self._model(),
            "description": "",
            "basemodelid": "0",
            "runtype": "model",
            "modelfolderid": "",
            "modelfileid": "",
            "callbackurl": self.inputs.get("callbackUrl", ""),
            "marketplaceid": None,
            "createtime": self._shown(self.created_at),
            **self._times(now),
            **self._pexit(over, completed),
            "outputs": outputs,
            "size": str(sum(int(size) for output in outputs if (size := str(output.get("size"))).isdecimal())),
        }
        row.update(self.outcome.extra)
        return {name: value for name, value in row.items() if name not in self.outcome.missing}

    def _model(self) -> dict[str, str]:
        known = self.known
        owner, _, project = self.model.partition("/")
        return {
            "modelid": "598" if known is None else str(known.row["id"]),
            "modelslugowner": owner if known is None else known.owner,
            "modelslugproject": project if known is None else known.project,
            "modeldescription": "" if known is None else str(known.row["description"]),
            "categories": json.dumps(CATEGORIES if known is None else known.categories),
        }

    def _status(self, now: float) -> str:
        return "task_cancel" if self._stopped_at is not None else self._path[self._place(now)]

    def _ended_at(self, now: float) -> float | None:
        if self._stopped_at is not None:
            return self._stopped_at
        return self._reached_at(len(self._path) - 1) if self._status(now) in TERMINAL else None

    def _cost(self, now: float) -> str:
        if self._stopped_at is not None or self._ended_at(now) is None:
            return FREE
        if self.outcome.totalcost is not None:
            return self.outcome.totalcost
        return f"{self.price:.12f}" if self.outcome.succeeds else FREE

    def _planned_at(self, place: int) -> float:
        return self.created_at + self.duration * place / max(1, len(self._path) - 1)

    def _reached_at(self, place: int) -> float | None:
        """Unix seconds at which the status at ``place`` begins, or None while the task is held before it."""
        planned = self._planned_at(place)
        if self._hold_at is None or place <= self._hold_at:
            return planned
        return None if self._released_at is None else planned + self._released_at - self._planned_at(self._hold_at)

    def _place(self, now: float) -> int:
        """The place in the path of the status at ``now``."""
        place = 0
        while place + 1 < len(self._path):
            at = self._reached_at(place + 1)
            if at is None or at > now:
                break
            place += 1
        return place

    def _pexit(self, over: bool, completed: bool) -> dict[str, str | None]:
        """A stopped task's row says "0", as the documentation's example does."""
        if not over:
            return {"pexit": None}
        if not completed:
            return {"pexit": "0"}
        return {} if self.outcome.pexit is None else {"pexit": self.outcome.pexit}

    def _times(self, now: float) -> dict[str, str]:
        times = dict.fromkeys(TIME_FIELDS.values(), "0")
        for place in range(self._place(self._stopped_at or now) + 1):
            if name := TIME_FIELDS.get(self._path[place]):
                times[name] = self._shown(self._reached_at(place) or self.created_at)
        if self._stopped_at is not None:
            times["canceltime"] = self._shown(self._stopped_at)
        return times

    def _shown(self, moment: float) -> str:
        return str(int(self.clock.shown(moment)))
