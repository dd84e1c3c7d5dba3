"""Dockerfile and compose file are built by nobody here, so they are held against the code that they start."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from setpoint.app.cli.commands import app

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("build")]


def read_by_the_code() -> set[str]:
    """Names that the package has as a whole string: those it may read from its environment."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    return set(re.findall(r'"([A-Z][A-Z0-9_]{5,})"', text))


def test_every_service_is_there_and_starts_in_order() -> None:
    assert set(SERVICES) == {"postgres", "migrate", "daily-login", "serve", "worker"}
    assert SERVICES["postgres"]["image"] == "postgres:16"
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    done = "service_completed_successfully"
    assert SERVICES["daily-login"]["depends_on"] == {"migrate": {"condition": done}}
    for name in ("serve", "worker"):
        assert SERVICES[name]["depends_on"] == {"daily-login": {"condition": done}}
        assert "setpoint_daily" in SERVICES[name]["environment"]["SETPOINT_DATABASE_URL"]
    assert {volume.split(":")[0] for volume in SERVICES["postgres"]["volumes"]} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_one_that_the_code_reads(service: str) -> None:
    assert set(SERVICES[service]["environment"]) <= read_by_the_code()


def test_every_variable_that_is_asked_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert asked <= set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))


def test_the_example_and_the_docs_name_what_the_code_reads() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition("## Settings")[2]
    read = read_by_the_code()
    # What compose alone uses, to write addresses of databases with it.
    assert named - read <= {"SETPOINT_OWNER_PASSWORD", "SETPOINT_DAILY_PASSWORD"}
    variables = {name for name in read if name.startswith(("SETPOINT_", "CRON_SECRET"))}
    assert {name for name in variables if f"`{name}`" not in table} == set()


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_of_ours(service: str) -> None:
    program, name, *options = SERVICES[service]["command"]
    assert program == "setpoint"
    top = typer.main.get_command(app)
    command = top.get_command(typer.Context(top), name)  # type: ignore[attr-defined]
    context = command.make_context(name, list(options))
    assert context.params.get("host", "0.0.0.0") == "0.0.0.0"  # noqa: S104
    assert context.params.get("worker", False) is False


def test_secrets_and_addresses_of_registries_are_in_neither_file() -> None:
    for image in [each["image"] for each in SERVICES.values()] + re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert "/" not in image
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", name):
                assert re.fullmatch(r"\$\{\w+(:[-?][^}]*)?\}", value), name


def test_the_image_is_made_from_the_lock_by_a_user_that_is_not_root() -> None:
    steps = re.findall(r"^([A-Z]+) (.*)", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
    assert steps[0] == ("FROM", "python:3.11-slim")
    installs = [arguments for step, arguments in steps if step == "RUN" and "pip install" in arguments]
    assert ["--requirement requirements.lock" in each for each in installs] == [True, False]
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]
    last_user = [arguments for step, arguments in steps if step == "USER"][-1]
    assert last_user == "setpoint"
    for step, arguments in steps:
        if step == "COPY":
            for name in arguments.split()[:-1]:
                assert (ROOT / name).exists(), name
                assert f"!{name}\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")
    (health,) = [arguments for step, arguments in steps if step == "HEALTHCHECK"]
    assert "urllib.request.urlopen('http://127.0.0.1:8000/readyz'" in health
