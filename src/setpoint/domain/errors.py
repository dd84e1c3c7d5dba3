"""Named errors: a code for machines and one sentence that tells a person what to do."""

import asyncio


class SetpointError(Exception):
    """An expected failure. `message` is shown to the user as it stands; it never carries personal data.

    `code` is stable and names the kind; `exit_status` is what the command line ends with: 1 when the work
    failed, 2 when the command was wrong.
    """

    code = "error"
    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(SetpointError):
    """What was asked for makes no sense as it stands."""

    code = "usage"
    exit_status = 2


class NotFound(SetpointError):
    """Absent, or of another workspace: the two answer alike."""

    code = "not_found"


class NotAllowed(SetpointError):
    """Whoever asks has not the role for it."""

    code = "not_allowed"


class Conflict(SetpointError):
    """It exists already, or somebody else changed it meanwhile."""

    code = "conflict"


class FileUnreadable(SetpointError):
    """An import file as a whole cannot be read; nothing of it was taken."""

    code = "file_unreadable"


class DatabaseUnavailable(SetpointError):
    """The database cannot be reached, or it is not the one that this version needs."""

    code = "database_unavailable"


class EngineUnavailable(SetpointError):
    """An analytical engine is not installed or cannot start."""

    code = "engine_unavailable"


def why_it_failed(error: BaseException) -> str:
    """The sentence that is kept with work that ended by an error: nothing that an unexpected one quotes."""
    if isinstance(error, SetpointError):
        return error.message
    if isinstance(error, asyncio.CancelledError):
        return "It was stopped before it was done."
    return f"It broke off ({type(error).__name__})."
