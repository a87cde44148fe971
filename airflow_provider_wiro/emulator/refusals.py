"""How the API refuses: the documentation's own codes and words, to which the emulator adds at most which and why."""

from __future__ import annotations

GENERAL, NOT_FOUND, TOO_MANY_TASKS = 0, 1, 96

INVALID = "Request parameters are invalid."
NO_SUCH_ADDRESS = "Error parsing url."
NO_SUCH_KEY = "Project authorization is not founded."
NO_SIGNATURE = "Project requires signature authentication. x-signature and x-nonce headers are required."
WRONG_SIGNATURE = "Project authorization is not valid."
NO_SUCH_MODEL = "slug-owner-project-not-exist"
NO_SUCH_TASK = "There is no task yet."
NOT_CANCELLABLE = "Task is not in a cancellable state."
NO_FILES_OF = "task-not-exist"
NOT_OVER = "Task must be completed or cancelled before deleting files"


class Refused(Exception):
    """The API answers with an error of this ``code`` and ``message``."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    def answer(self) -> dict[str, object]:
        """Return the body of the answer."""
        return {"errors": [{"code": self.code, "message": self.message}], "result": False}


def invalid(why: str) -> Refused:
    """Return the refusal of a request whose fields are not what they must be."""
    return Refused(GENERAL, f"{INVALID} {why}")


def not_killed(why: str) -> Refused:
    """Return the refusal of a Kill."""
    return Refused(NOT_FOUND, f"Task could not be killed: {why}")


def too_many_tasks(most: int) -> Refused:
    """Return the refusal of a Run beyond the account's limit: a tenth of the balance in US dollars."""
    return Refused(
        TOO_MANY_TASKS,
        f"You have reached your concurrent task limit. With your current balance of ${10 * most}, you can run up to "
        f"{most} tasks at the same time. Add funds to increase your limit.",
    )
