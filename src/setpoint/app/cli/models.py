"""`setpoint model`."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from setpoint.app.cli.common import (
    DataDir,
    Json,
    WorkspaceSlug,
    author,
    command_app,
    output,
    print_json,
    run_async,
)
from setpoint.domain.errors import UsageError
from setpoint.llm.schemas import Effort, ModelSettings, ModelUnavailable

app = command_app("The language model that a workspace asks, and what it may cost.")

_DEFAULTS = ModelSettings("")
_NONE = "none"


def _cap(what: str) -> Any:
    return typer.Option(help=f"{what}; `{_NONE}` for no cap.")


@app.command("show")
def show(workspace: WorkspaceSlug, data_dir: DataDir = None, as_json: Json = False) -> None:
    """The model of a workspace, its caps, and whether it can be asked."""
    document = run_async(_show(data_dir, workspace))
    if as_json:
        print_json(document)
        return
    model = document["model"]
    if model is None:
        output.print("This workspace has no model: `setpoint model set` connects one.", markup=False)
        return
    lines = {
        "Model": model["model"],
        "Server": model["base_url"] or "the provider's own",
        "Effort": model["effort"] or "the model's own",
        "Cap a day": f"{_dollars(model['daily_usd'])}, {_tokens(model['daily_tokens'])}",
        "Cap a run": f"{_dollars(model['run_usd'])}, {_tokens(model['run_tokens'])}",
        "Price": _price(document["price"]),
        "Ready": "yes" if document["ready"] else document["problem"],
    }
    for label, value in lines.items():
        output.print(Text(f"{label:<10} {value}"), soft_wrap=True)


async def _show(data_dir: Path | None, slug: str) -> dict[str, Any]:
    from setpoint.app.wiring import open_workspace
    from setpoint.llm.queries import read_settings

    async with (
        open_workspace(data_dir, slug) as (database, workspace),
        database.tenant(workspace.client_id) as connection,
    ):
        settings = await read_settings(connection, workspace.client_id)
    if settings is None:
        return {"workspace": slug, "model": None, "price": None, "ready": False, "problem": None}
    problem = _problem(settings)
    return {
        "workspace": slug,
        "model": {
            "model": settings.model,
            "base_url": settings.base_url,
            "effort": settings.effort,
            "daily_usd": _number(settings.daily_usd),
            "run_usd": _number(settings.run_usd),
            "daily_tokens": settings.daily_tokens,
            "run_tokens": settings.run_tokens,
        },
        "price": _price_document(settings),
        "ready": problem is None,
        "problem": problem,
    }


def _problem(settings: ModelSettings) -> str | None:
    from setpoint.llm.provider import open_model

    try:
        open_model(settings)
    except ModelUnavailable as error:
        return error.message
    return None


def _price_document(settings: ModelSettings) -> dict[str, float] | None:
    from setpoint.llm.prices import price_per_million

    found = price_per_million(settings)
    return None if found is None else {"input": float(found[0]), "output": float(found[1])}


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _dollars(amount: float | None) -> str:
    return "any cost" if amount is None else f"{amount:,.2f} US dollars"


def _tokens(count: int | None) -> str:
    return "any number of tokens" if count is None else f"{count:,} tokens"


def _price(price: dict[str, float] | None) -> str:
    if price is None:
        return "not known: caps in dollars cannot hold, those in tokens do. --input-price and --output-price tell it"
    return f"{price['input']:g} US dollars for a million tokens in, {price['output']:g} for a million out"


@app.command("set")
def set_command(
    model: Annotated[
        str, typer.Argument(help="provider:name, such as anthropic:claude-sonnet-5.", show_default=False)
    ],
    workspace: WorkspaceSlug,
    base_url: Annotated[
        str | None,
        typer.Option(help="A server of your own that speaks OpenAI's protocol.", show_default=False),
    ] = None,
    effort: Annotated[
        Effort | None, typer.Option(help="How hard a model that reasons should think.", show_default=False)
    ] = None,
    daily_usd: Annotated[str, _cap("US dollars a day")] = str(_DEFAULTS.daily_usd),
    run_usd: Annotated[str, _cap("US dollars a run")] = str(_DEFAULTS.run_usd),
    daily_tokens: Annotated[str, _cap("Tokens a day")] = str(_DEFAULTS.daily_tokens),
    run_tokens: Annotated[str, _cap("Tokens a run")] = str(_DEFAULTS.run_tokens),
    input_price: Annotated[
        str | None, typer.Option(help="US dollars for a million tokens in.", show_default=False)
    ] = None,
    output_price: Annotated[
        str | None, typer.Option(help="US dollars for a million tokens out.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Connect a model. All that is not stated gets its default; the API key stays in the environment."""
    settings = ModelSettings(
        model=model,
        base_url=base_url,
        effort=effort,
        daily_usd=_amount("--daily-usd", daily_usd),
        run_usd=_amount("--run-usd", run_usd),
        daily_tokens=_count("--daily-tokens", daily_tokens),
        run_tokens=_count("--run-tokens", run_tokens),
        input_price=None if input_price is None else _amount("--input-price", input_price),
        output_price=None if output_price is None else _amount("--output-price", output_price),
    )
    from setpoint.llm.provider import check_settings

    run_async(_write(data_dir, workspace, check_settings(settings)))
    output.print(Text(f"The workspace {workspace} asks {model} from now on."), soft_wrap=True)
    price = _price_document(settings)
    if price is None:
        output.print(Text(f"Its price is {_price(None)}."), soft_wrap=True)
    problem = _problem(settings)
    if problem is not None:
        output.print(Text(problem), soft_wrap=True)


@app.command("clear")
def clear(workspace: WorkspaceSlug, data_dir: DataDir = None) -> None:
    """Disconnect the model: reports are made without one."""
    run_async(_write(data_dir, workspace, None))
    output.print(f"The workspace {workspace} asks no model from now on.", markup=False)


async def _write(data_dir: Path | None, slug: str, settings: ModelSettings | None) -> None:
    from setpoint.app.wiring import open_workspace
    from setpoint.llm.queries import write_settings

    async with (
        open_workspace(data_dir, slug) as (database, workspace),
        database.tenant(workspace.client_id) as connection,
    ):
        await write_settings(connection, workspace.client_id, settings, author())


def _amount(option: str, text: str) -> Decimal | None:
    if text.lower() == _NONE:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise UsageError(f"{option} {text!r} is no amount: write it like 2.50, or `{_NONE}`.") from None


def _count(option: str, text: str) -> int | None:
    if text.lower() == _NONE:
        return None
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no count: write it like 500000, or `{_NONE}`.") from None
