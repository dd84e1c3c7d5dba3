"""`setpoint`: exit status 0 done, 1 the work failed, 2 the command was wrong; an error is one line, no traceback."""

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from setpoint import __version__
from setpoint.app.cli.common import Stopped, say, show_help
from setpoint.domain.errors import SetpointError

# Each command's module, and its application there where that is not `app`.
_COMMANDS = {
    "demo": "demo",
    "import": "imports",
    "report": "reports",
    "schedule": "schedule",
    "worker": "worker",
    "insights": "insights",
    "dataset": "datasets",
    "serve": "serve",
    "workspace": "workspaces",
    "invite": "people:invite_app",
    "member": "people:member_app",
    "token": "people:token_app",
    "model": "models",
    "prompts": "prompts",
    "calls": "calls",
    "migrate": "migrate",
    "doctor": "doctor",
}


class _Commands(TyperGroup):
    """The commands, each imported when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            ctx.fail(f"There is no command {cmd_name!r}: choose from {', '.join(_COMMANDS)}.")
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = typer.main.get_command(getattr(import_module(f"setpoint.app.cli.{module}"), name or "app"))
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Which of your messages book meetings, setter against AI, and what to change because of it.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"setpoint {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    show_help(context)


def run() -> None:
    """Run the command that this process was started for, and end it with the exit status."""
    if not os.environ.get("SETPOINT_DEBUG"):
        # What libraries log is for those who mend us.
        logging.disable()
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
        # Unbuffered, Python drops what did not fit on a full disk without a word: half a document would look whole.
        raw, encoding = sys.stdout.buffer, sys.stdout.encoding
        sys.stdout.detach()
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding has not should be shown somehow.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default that of this process; every failure becomes one line and an exit status."""
    try:
        status: int | None = app(arguments, prog_name="setpoint", standalone_mode=False)
        if status == 128 + signal.SIGINT:
            raise Stopped(signal.SIGINT)
        return status or 0
    except SetpointError as error:
        say(error.message)
        return error.exit_status
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "setpoint"
        say(f"{_sentence(error.format_message())} `{command} --help` tells more.")
        return error.exit_code
    except (OSError, EOFError) as error:
        _let_go_of_output()
        if os.environ.get("SETPOINT_DEBUG"):
            raise
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        say(f"The system refused it ({what}): put that right and run the command again.")
        return 1
    except Exception as error:
        if os.environ.get("SETPOINT_DEBUG"):
            raise
        say(
            f"A defect in Setpoint: {type(error).__name__}. Nothing unfinished was saved. Run it again with"
            " SETPOINT_DEBUG=1 and report what it prints."
        )
        return 1


def _sentence(message: str) -> str:
    """What Typer says, on one line and without the name of an exception in it."""
    words = " ".join(message.split()).replace("Value error, ", "")
    return words if words.endswith(("?", ".")) else f"{words}."


def _let_go_of_output() -> None:
    """What could not be printed, the disk being full, would be tried, and fail, once more when we end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
