"""The account behind the emulated API: its credentials, tasks and files, and the record of every request."""

from __future__ import annotations

import random
import re
import secrets
import threading
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field

from airflow_provider_wiro.emulator import catalogue, results
from airflow_provider_wiro.emulator.bodies import Body, UploadedFile
from airflow_provider_wiro.emulator.exchange import Fault
from airflow_provider_wiro.emulator.inputs import echo
from airflow_provider_wiro.emulator.media import StoredFile
from airflow_provider_wiro.emulator.outcomes import TERMINAL, Outcome
from airflow_provider_wiro.emulator.prices import price
from airflow_provider_wiro.emulator.socket_faults import SocketFault
from airflow_provider_wiro.emulator.tasks import Clock, EmulatedTask, random_token

CALLS = (
    "Run",
    "Detail",
    "Kill",
    "Cancel",
    "List",
    "Tool",
    "Models",
    "Explore",
    "Delete",
    "Upload",
    "Output",
    "Socket",
    "Other",
)
"""The names of the calls: ``Tool`` is Tool/Detail, ``Models`` is Tool/List, ``Explore`` is Tool/Explore, ``Delete`` is
Task/InputOutputDelete, ``Upload`` is File/Upload,
``Output`` the download of a file, ``Socket`` the socket that pushes, ``Other`` whatever the API does not have."""


@dataclass(eq=False)
class RecordedRequest:
    """
    A request that has come in.

    :param call: one of `CALLS`.
    :param path: the path of its address.
    :param headers: its headers, with lower-case names.
    :param raw: its body as it came.
    :param at: unix seconds of its arrival.
    :param body: the fields of its body, files as `UploadedFile`; None when it has none or cannot be read.
    :param status: the HTTP status of the answer, None when there was none.
    :param error: the words of the API's refusal, None when it did what was asked.
    """

    call: str
    path: str
    headers: dict[str, str] = field(repr=False)
    raw: bytes = field(repr=False)
    at: float
    body: dict[str, object] | None = None
    status: int | None = None
    error: str | None = None


@dataclass
class _Script:
    call: str
    fault: Fault
    left: int
    rate: float
    chance: random.Random


class Account:
    """
    Everything the emulator knows. Guarded by ``lock``: the server's thread and the test's thread both come here.

    :param api_key: the right API key.
    :param api_secret: its secret; None: an API-key-only project.
    :param duration: seconds from a Run to the terminal status.
    :param concurrency: how many tasks may be active at once; None: any number.
    :param first_taskid: the id of the first task, each further one is one more; None: a random number.
    """

    def __init__(
        self,
        api_key: str,
        api_secret: str | None,
        duration: float,
        concurrency: int | None = None,
        first_taskid: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.rotate_key(api_key, api_secret)
        self.duration, self.concurrency = duration, concurrency
        self.first_taskid = 1_000_000 + secrets.randbelow(9_000_000) if first_taskid is None else first_taskid
        self.url = ""
        self.tasks: dict[str, EmulatedTask] = {}
        self.by_token: dict[str, EmulatedTask] = {}
        self.files: dict[str, StoredFile] = {}
        self.requests: list[RecordedRequest] = []
        self.counts: Counter[str] = Counter()
        self.duplicate_nonces: list[str] = []
        self.peak_active = 0
        self._nonces: set[tuple[str, str]] = set()
        self._active: list[EmulatedTask] = []
        self._scripts: list[_Script] = []
        self._outage_ends = 0.0
        self._outcomes: deque[tuple[Outcome, int]] = deque()

    def record(self, request: RecordedRequest) -> None:
        """Remember a request, and notice a nonce that its key has used before."""
        with self.lock:
            self.requests.append(request)
            self.counts[request.call] += 1
            if nonce := request.headers.get("x-nonce"):
                signed = (request.headers.get("x-api-key", ""), nonce)
                if signed in self._nonces:
                    self.duplicate_nonces.append(nonce)
                self._nonces.add(signed)

    def script(self, call: str, fault: Fault, times: int, rate: float = 1.0, seed: int = 0) -> None:
        """Queue ``fault`` for ``times`` requests of ``call``: the next ones, or that share of them."""
        if call not in (*CALLS, "*"):
            raise ValueError(f"unknown call {call!r}; known are {', '.join(CALLS)} and * for any")
        if isinstance(fault, SocketFault) and call != "Socket":
            raise ValueError(f"the fault {fault.name} is for the call Socket alone, not for {call}")
        if not 0 < rate <= 1:
            raise ValueError(f"rate must be more than 0 and at most 1, not {rate!r}")
        with self.lock:
            self._scripts.append(_Script(call, fault, _checked(times), rate, random.Random(seed)))

    def next_fault(self, call: str) -> Fault | None:
        """Take the oldest fault that is queued for ``call`` and hits it."""
        with self.lock:
            for script in self._scripts:
                if script.call in (call, "*") and script.chance.random() < script.rate:
                    script.left -= 1
                    if script.left == 0:
                        self._scripts.remove(script)
                    return script.fault
        return None

    def begin_outage(self, seconds: float) -> None:
        """Drop the connection of every request from now on, for so many seconds."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds must be at least 0, not {seconds!r}")
        self._outage_ends = time.monotonic() + seconds

    @property
    def in_outage(self) -> bool:
        """Whether an outage lasts."""
        return time.monotonic() < self._outage_ends

    def plan(self, outcome: Outcome, times: int) -> None:
        """Queue ``outcome`` for the next ``times`` tasks."""
        with self.lock:
            self._outcomes.append((outcome, _checked(times)))

    def rotate_key(self, api_key: str, api_secret: str | None) -> None:
        """Replace the credentials."""
        if not api_key:
            raise ValueError("api_key must not be empty")
        with self.lock:
            self.api_key, self.api_secret = api_key, api_secret

    def clear(self) -> None:
        """Forget the faults and outcomes that are queued, and end an outage."""
        with self.lock:
            self._outage_ends = 0.0
            self._scripts.clear()
            self._outcomes.clear()

    def active(self) -> list[EmulatedTask]:
        """Return the tasks that are not terminal, oldest first."""
        with self.lock:
            self._active = [task for task in self._active if task.status not in TERMINAL]
            return list(self._active)

    def accept(self, model: str, body: Body) -> EmulatedTask:
        """Start a task for a submission that has been found good."""
        with self.lock:
            known = catalogue.find(model)
            outcome = self._next_outcome().of_a_model(realtime=known is not None and known.is_realtime)
            task = EmulatedTask(
                taskid=str(self.first_taskid + len(self.tasks)),
                token=random_token(),
                model=model,
                inputs=body.fields,
                outcome=outcome,
                duration=self.duration if outcome.duration is None else outcome.duration,
                price=price(model, body.fields),
                clock=self.clock,
                known=known,
            )
            if outcome.parameters == "echo":
                task.parameters = echo(body.fields, self._keep_input) | dict(outcome.rewritten)
            task.outputs, task.text = results.of(task, self.keep)
            self.tasks[task.taskid] = self.by_token[task.token] = task
            self._active.append(task)
            self.peak_active = max(self.peak_active, len(self.active()))
            return task

    def forget_files(self, task: EmulatedTask) -> None:
        """Delete the files of a task, those it was given and those it made."""
        with self.lock:
            addresses = [output.get("url") for output in task.outputs] + list(task.parameters.values())
            for address in addresses:
                self.files.pop(str(address).removeprefix(self.url), None)
            task.outputs = []

    def keep(self, folder: str, file: StoredFile) -> str:
        """Keep a file under an address that cannot be guessed, and return the address."""
        path = f"/{folder}/{uuid.uuid4()}-{random_token()}/{re.sub('[^0-9A-Za-z._-]', '_', file.name)}"
        with self.lock:
            self.files[path] = file
        return self.url + path

    def _keep_input(self, name: str, file: UploadedFile) -> str:
        suffix = file.filename.rpartition(".")[2] or "bin"
        return self.keep("File", StoredFile(f"{name}-{len(self.files)}.{suffix}", file.content_type, file.data))

    def _next_outcome(self) -> Outcome:
        if not self._outcomes:
            return Outcome()
        outcome, left = self._outcomes.popleft()
        if left != 1:
            self._outcomes.appendleft((outcome, left - 1))
        return outcome


def _checked(times: int) -> int:
    if times == 0 or times < -1:
        raise ValueError(f"times must be at least 1, or -1 for until clear(); it is {times}")
    return times
