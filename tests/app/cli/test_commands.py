"""What every command has in common: its exit status, and one line where something is wrong."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tests.app.console import Console

from setpoint import __version__
from setpoint.app.cli import commands
from setpoint.app.cli.commands import app

WINDOW = ["--workspace", "acme", "--from", "2026-01-01", "--to", "2026-02-01"]
RUN = ["report", "run", *WINDOW]
EXPORT = ["dataset", "export", *WINDOW]
HEAVY = {"altair", "duckdb", "ibis", "pandas", "pydantic_ai", "scipy", "sqlalchemy", "statsmodels"}
# Nothing of this may reach a database: there is none.
nowhere = Console({"SETPOINT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})


def names() -> list[list[str]]:
    """Every command and group, as it is typed."""
    top = typer.main.get_command(app)
    context = typer.Context(top)
    found: list[list[str]] = []
    for name in top.list_commands(context):  # type: ignore[attr-defined]
        command = top.get_command(context, name)  # type: ignore[attr-defined]
        found += [[name], *([name, below] for below in getattr(command, "commands", ()))]
    return found


def test_the_commands_are_those_of_the_contract() -> None:
    expected = "demo migrate doctor import report:run report:list report:show dataset:export dataset:snapshot"
    expected += " workspace:create workspace:list workspace:remove report dataset workspace"
    expected += " model model:show model:set model:clear calls"
    expected += " insights insights:ask insights:sessions insights:packs insights:evidence"
    expected += " insights:summarise insights:summaries"
    expected += " worker schedule schedule:on schedule:off schedule:show schedule:run-due"
    expected += " invite member member:list member:add member:role member:remove member:verify member:disable"
    expected += " member:password-link prompts prompts:list prompts:show prompts:history"
    expected += " serve member:enable token token:create token:list token:revoke"

    assert sorted(":".join(name) for name in names()) == sorted(expected.split())


@pytest.mark.parametrize("name", [[], *names()], ids=" ".join)
def test_every_command_explains_itself(name: list[str]) -> None:
    answer = nowhere(*name, "--help")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: {' '.join(['setpoint', *name])} ")
    assert "completion" not in answer.out


@pytest.mark.parametrize("group", [[], ["report"], ["dataset"], ["workspace"], ["model"], ["member"], ["token"]])
def test_a_group_alone_shows_what_there_is(group: list[str]) -> None:
    answer = nowhere(*group)

    assert (answer.status, answer.out) == (2, "")
    assert "Commands:" in answer.err


def test_the_version_is_told() -> None:
    assert nowhere("--version").out == f"setpoint {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["repot"], "There is no command 'repot': choose from demo, import, report,"),
        (["report", "rum"], "No such command 'rum'. Did you mean 'run'? `setpoint report --help` tells more."),
        (["--verbose"], "No such option: --verbose (Possible options: --version). `setpoint --help`"),
        (["demo", "--twice"], "No such option: --twice"),
        (["demo", "extra"], "extra"),
        (["demo", "--leads", "100"], "--leads must lie between 200 and 500,000."),
        (["demo", "--leads", "500001"], "--leads must lie between 200 and 500,000."),
        (["demo", "--leads", "many"], "Invalid value for '--leads'"),
        (["demo", "--seed", "-1"], "--seed must lie between 0 and"),
        (["import"], "Missing argument 'kind'. Choose from: campaigns, leads, drafts, messages, appointments."),
        (["import", "leads"], "Missing argument 'file'."),
        (["import", "leads", "x.csv"], "Missing option '--workspace'. `setpoint import --help` tells more."),
        (["import", "people", "x.csv", "--workspace", "a"], "'people' is not one of 'campaigns', 'leads',"),
        (["workspace", "remove"], "Missing argument"),
        (["workspace", "remove", "acme"], "Nobody can be asked here: `setpoint workspace remove acme --yes`"),
        (["workspace", "create", "Acme Sales"], "such as acme-sales."),
        (["workspace", "create"], "Missing argument"),
        (["report", "run", "--workspace", "a", "--from", "2026-01-01"], "Missing option '--to'."),
        (["report", "run", "--workspace", "a", "--form", "2026-01-01"], "--from"),
        ([*RUN, "--from", "2026-02-01"], "--from must lie before --to."),
        ([*RUN, "--from", "2026-03-01"], "--from must lie before --to."),
        ([*RUN, "--from", "2026-02-30"], "--from '2026-02-30' is not a date: write it like 2026-01-31."),
        ([*RUN, "--to", "31/01/2026"], "--to '31/01/2026' is not a date"),
        ([*RUN, "--to", ""], "--to '' is not a date"),
        ([*RUN, "--from", "2026-01-01T09:00:00"], "--from '2026-01-01T09:00:00' has no offset"),
        ([*RUN, "--from", "0001-01-01"], "The window reaches back before the year 1: choose a later one."),
        ([*RUN, "--as-of", "0001-01-02"], "The window reaches back before the year 1: choose a later one."),
        ([*RUN, "--as-of", "soon"], "--as-of 'soon' is not a date"),
        ([*RUN, "--attribution-days", "-1"], "--attribution-days must lie between 0 and"),
        ([*RUN, "--attribution-days", "two"], "Invalid value for '--attribution-days'"),
        ([*RUN, "--maturity-days", "99999999999999999999"], "--maturity-days must lie between 0 and"),
        (
            [*RUN, "--channel", "fax"],
            "Invalid value for '--channel': 'fax' is not one of 'email', 'sms', 'linkedin'.",
        ),
        ([*RUN, "--max-leads", "0"], "--max-leads must be at least 1."),
        ([*RUN, "--engine", "oracle"], "'oracle' is not one of 'postgres', 'duckdb', 'spark'."),
        ([*RUN, "--snapshot", "s"], "--snapshot goes with --engine duckdb or spark"),
        ([*RUN, "--dry-run", "--html", "x.html"], "--html goes with a real run"),
        ([*RUN, "--html", "missing/x.html"], "--html missing/x.html cannot be written: No such file or directory."),
        ([*EXPORT], "Missing option '--out'."),
        ([*EXPORT, "--out", "x.xlsx"], "--out x.xlsx must end in .csv, .jsonl or .parquet."),
        ([*EXPORT, "--out", "missing/x.csv"], "--out missing/x.csv cannot be written"),
        ([*EXPORT, "--out", "x.csv", "--balanced", "0"], "--balanced must lie between 1 and 1,000,000,000."),
        ([*EXPORT, "--out", "x.csv", "--with-text", "--engine", "duckdb"], "--with-text needs --engine postgres"),
        ([*EXPORT, "--out", "x.csv", "--attribution", "last"], "'last' is not one of 'cross_channel',"),
        (["dataset", "snapshot", *WINDOW], "Missing option '--out'."),
    ],
    ids=itertools.count(),
)
def test_a_wrong_command_is_told_in_one_line_before_anything_is_done(arguments: list[str], complaint: str) -> None:
    assert complaint in nowhere(*arguments).complains(2)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"SETPOINT_DATABASE_URL": "mysql://db/setpoint"}, "must begin with postgresql://"),
        ({"SETPOINT_DATABASE_URL": "no url"}, "The database URL cannot be read"),
        ({"SETPOINT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}, "SETPOINT_DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_reached_fails_in_one_line(variables: dict[str, str], complaint: str) -> None:
    assert complaint in Console(variables)("workspace", "list").complains(1)


def test_a_data_directory_that_cannot_be_one_fails_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    for variables, arguments in (({}, ["--data-dir", str(file)]), ({"SETPOINT_DATA_DIR": str(file)}, [])):
        complaint = Console(variables)("workspace", "list", *arguments).complains(1)
        assert str(file) in complaint
        assert "--data-dir" in complaint


class Secret(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Secret("of somebody"), "A defect in Setpoint: Secret. Nothing unfinished was saved."),
        (OSError(28, "No space left on device"), "The system refused it (No space left on device): put that right"),
        (KeyboardInterrupt(), "Stopped."),
    ],
)
def test_what_nobody_foresaw_is_one_line_without_what_it_quotes(
    error: BaseException, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("setpoint.app.cli.reports.make_window", fail)
    told = nowhere(*RUN).complains(130 if isinstance(error, KeyboardInterrupt) else 1)

    assert told.startswith(line)
    assert "somebody" not in told


def test_whoever_mends_us_sees_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Secret

    monkeypatch.setattr(commands, "app", fail)
    with pytest.raises(Secret):
        nowhere("workspace", "list", SETPOINT_DEBUG="1")


def loaded_by(code: str) -> list[str]:
    """The modules that a process has loaded once it has run this."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sorted(sys.modules), file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    ).stderr.split()


def test_no_command_loads_what_it_does_not_need_to_explain_itself() -> None:
    loaded = loaded_by(
        "from setpoint.app.cli.commands import main; main(['--help']); main(['report', 'run', '--help']);"
        "main(['model', 'set', '--help']); main(['calls', '--help'])"
    )

    assert "setpoint.app.cli.reports" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_who_names_no_file_waits_for_no_library() -> None:
    loaded = loaded_by(
        "from setpoint.app.cli.commands import main;"
        "main(['import', 'leads', 'missing.csv', '--workspace', 'acme', '--data-dir', '/missing'])"
    )

    assert "setpoint.ingest.files" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_who_lists_the_runs_waits_for_no_statistics() -> None:
    loaded = loaded_by("import setpoint.app.cli.reports, setpoint.app.wiring, setpoint.reports.service")

    assert HEAVY & set(loaded) == {"sqlalchemy"}


@pytest.mark.parametrize("command", [RUN, [*RUN, "--dry-run"], [*EXPORT, "--out", "rows.csv"]])
def test_that_spark_is_missing_is_told_before_anything_is_opened(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)

    assert nowhere(*command, "--engine", "spark").complains(2) == (
        "Spark is not installed: install Setpoint with its spark extra: `pip install -e '.[spark]'`."
    )
