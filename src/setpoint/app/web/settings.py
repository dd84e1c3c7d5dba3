"""Settings of a workspace, for its admins: the weekly report, what reports begin with, and the model."""

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from setpoint.app.http.actors import PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.model_settings import connect_model, model_problem
from setpoint.app.web.pages import go_to, page
from setpoint.domain.errors import SetpointError, UsageError
from setpoint.jobs.rules import last_due
from setpoint.jobs.schedule import want_weekly, weekly_settings
from setpoint.llm.prices import price_per_million
from setpoint.llm.provider import API_KEY, check_settings
from setpoint.llm.queries import day_spent, read_settings, write_settings
from setpoint.llm.schemas import Effort, ModelSettings
from setpoint.tenancy.defaults import (
    BookingProvider,
    WorkspaceDefaults,
    set_workspace_defaults,
    workspace_defaults,
)
from setpoint.tenancy.schemas import Actor

router = APIRouter(prefix="/w/{workspace}/settings")

TABS: Final = (
    ("general", "General", ""),
    ("model", "Model", "/model"),
    ("members", "Members", "/members"),
    ("tokens", "API tokens", "/tokens"),
    ("imports", "Imports", "/imports"),
)
PROVIDERS: Final = (
    (BookingProvider.NONE.value, "Not stated"),
    (BookingProvider.CALENDLY.value, "Calendly"),
    (BookingProvider.HUBSPOT.value, "HubSpot"),
    (BookingProvider.GOOGLE.value, "Google Calendar"),
    (BookingProvider.OTHER.value, "Another tool"),
)
EFFORTS: Final = (("", "The model's own"), *((each.value, each.value.capitalize()) for each in Effort))
_TOLD: Final = {
    "weekly-on": "Saved: the weekly report is on.",
    "weekly-off": "Saved: there is no weekly report. Those that were made stay.",
    "defaults": "Saved: new reports begin with these. Reports that were made keep their own.",
    "model": "Saved: this model is asked from now on.",
    "no-model": "The model is disconnected: reports are made without one.",
    "role": "The role is changed. It counts from the member's next request.",
    "removed": "The member is removed, and has no access from their next request on.",
    "invitation-revoked": "The invitation is taken back: its link does not work any longer.",
    "token-revoked": "The token is revoked: it does not work any longer.",
}
_MODEL_FIELDS: Final = (
    *("model", "effort", "base_url"),
    *("daily_usd", "run_usd", "daily_tokens", "run_tokens", "input_price", "output_price"),
)

Text = Annotated[str, Form(max_length=1000)]


def settings_page(
    request: Request, template: str, actor: Actor, tab: str, failure: SetpointError | None = None, **context: Any
) -> Response:
    """A page below a tab of the settings; with what a form did before, or why it did nothing."""
    told = None if failure is not None else _TOLD.get(request.query_params.get("told", ""))
    words = None if failure is None else failure_words(failure)
    return page(
        request,
        template,
        actor=actor,
        here="settings",
        status=200 if failure is None else 400,
        tabs=TABS,
        tab=tab,
        base=f"/w/{actor.workspace}/settings",
        told=told,
        failure=words,
        **context,
    )


def failure_words(error: SetpointError) -> str:
    """A failure for whoever filled a form in: options of the command line are named like the form's fields."""
    words = re.sub(r"--([a-z][a-z-]*)", lambda found: found[1].replace("-", " "), error.message)
    return words if words == error.message else words[:1].upper() + words[1:]


def saved(actor: Actor, path: str, told: str) -> Response:
    """To a page of the settings, which tells what was done."""
    return go_to(f"/w/{actor.workspace}/settings{path}?told={told}")


# General


@router.get("")
async def general(request: Request, actor: PageAdmin) -> Response:
    """The weekly report, and what reports begin with."""
    return await _general_page(request, actor)


@router.post("/weekly")
async def save_weekly(request: Request, actor: PageAdmin, wanted: Text = "", weeks: Text = "") -> Response:
    """Switch the weekly report on or off."""
    on = wanted == "on"
    try:
        async with service_of(request).database.tenant(actor.client_id) as connection:
            await want_weekly(connection, actor.client_id, on, whole_number(weeks, "Weeks"))
    except UsageError as error:
        return await _general_page(request, actor, error, wanted=on, weeks=weeks)
    return saved(actor, "", "weekly-on" if on else "weekly-off")


@router.post("/defaults")
async def save_defaults(
    request: Request,
    actor: PageAdmin,
    attribution_days: Text = "",
    maturity_days: Text = "",
    booking_provider: Text = "",
) -> Response:
    """Keep other defaults."""
    try:
        if booking_provider not in list(BookingProvider):
            raise UsageError("Choose one of the booking tools.")
        defaults = WorkspaceDefaults(
            whole_number(attribution_days, "Attribution days"),
            whole_number(maturity_days, "Maturity days"),
            BookingProvider(booking_provider),
        )
    except UsageError as error:
        typed = {"attribution_days": attribution_days, "maturity_days": maturity_days, "provider": booking_provider}
        return await _general_page(request, actor, error, **typed)
    async with service_of(request).database.tenant(actor.client_id) as connection:
        await set_workspace_defaults(connection, actor.client_id, defaults)
    return saved(actor, "", "defaults")


async def _general_page(
    request: Request, actor: Actor, failure: SetpointError | None = None, **typed: object
) -> Response:
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        weekly = await weekly_settings(connection, actor.client_id)
        defaults = await workspace_defaults(connection, actor.client_id)
    kept: dict[str, object] = {
        "wanted": weekly.wanted,
        "weeks": weekly.window_days // 7,
        "attribution_days": defaults.attribution_days,
        "maturity_days": defaults.maturity_days,
        "provider": defaults.booking_provider.value,
    }
    return settings_page(
        request,
        "settings_general.html.j2",
        actor,
        "general",
        failure,
        weekly=weekly,
        next_due=last_due(service.clock()) + timedelta(weeks=1),
        providers=PROVIDERS,
        form=kept | typed,
    )


def whole_number(text: str, label: str) -> int:
    """A number that was typed. Raises UsageError."""
    try:
        return int(text.replace(",", ""))
    except ValueError:
        raise UsageError(f"{label}: write a whole number, such as 14.") from None


# The model


@router.get("/model")
async def model(request: Request, actor: PageAdmin) -> Response:
    """The model that the workspace asks, whether it can be asked, and what it may cost."""
    return await _model_page(request, actor)


@router.post("/model")
async def save_model(
    request: Request,
    actor: PageAdmin,
    model: Text = "",
    effort: Text = "",
    base_url: Text = "",
    daily_usd: Text = "",
    run_usd: Text = "",
    daily_tokens: Text = "",
    run_tokens: Text = "",
    input_price: Text = "",
    output_price: Text = "",
) -> Response:
    """Connect a model."""
    typed = dict(
        zip(
            _MODEL_FIELDS,
            (model, effort, base_url, daily_usd, run_usd, daily_tokens, run_tokens, input_price, output_price),
            strict=True,
        )
    )
    try:
        # The libraries of the providers take seconds to load: nobody else waits for that.
        settings = await asyncio.to_thread(check_settings, _typed_settings(typed))
        await connect_model(service_of(request).database, actor, settings)
    except SetpointError as error:
        return await _model_page(request, actor, error, typed)
    return saved(actor, "/model", "model")


@router.get("/model/disconnect")
async def confirm_disconnect(request: Request, actor: PageAdmin) -> Response:
    """What happens without a model."""
    return settings_page(request, "settings_disconnect.html.j2", actor, "model")


@router.post("/model/disconnect")
async def disconnect(request: Request, actor: PageAdmin) -> Response:
    """Ask no model from now on."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        await write_settings(connection, actor.client_id, None, actor.name)
    return saved(actor, "/model", "no-model")


async def _model_page(
    request: Request,
    actor: Actor,
    failure: SetpointError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    async with service_of(request).database.tenant(actor.client_id) as connection:
        settings = await read_settings(connection, actor.client_id)
        spent = await day_spent(connection, actor.client_id, uuid4())
    problem, price = None, None
    if settings is not None:
        problem = await asyncio.to_thread(model_problem, settings)
        price = await asyncio.to_thread(price_per_million, settings)
    return settings_page(
        request,
        "settings_model.html.j2",
        actor,
        "model",
        failure,
        settings=settings,
        problem=problem,
        price=price,
        spent=spent,
        has_key=bool(os.environ.get(API_KEY)),
        key_name=API_KEY,
        efforts=EFFORTS,
        form=_shown_settings(settings or ModelSettings("")) if typed is None else typed,
    )


def _typed_settings(typed: Mapping[str, str]) -> ModelSettings:
    """What was typed; an empty cap is none. Raises UsageError."""
    given = {name: text.strip() for name, text in typed.items()}
    if given["effort"] not in ("", *Effort):
        raise UsageError("Choose one of the efforts.")
    return ModelSettings(
        model=given["model"],
        base_url=given["base_url"] or None,
        effort=Effort(given["effort"]) if given["effort"] else None,
        daily_usd=_amount(given["daily_usd"], "US dollars a day"),
        run_usd=_amount(given["run_usd"], "US dollars a run"),
        daily_tokens=whole_number(given["daily_tokens"], "Tokens a day") if given["daily_tokens"] else None,
        run_tokens=whole_number(given["run_tokens"], "Tokens a run") if given["run_tokens"] else None,
        input_price=_amount(given["input_price"], "Price in"),
        output_price=_amount(given["output_price"], "Price out"),
    )


def _amount(text: str, label: str) -> Decimal | None:
    if not text:
        return None
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise UsageError(f"{label}: write an amount, such as 2.50, or leave it empty for no cap.") from None


def _shown_settings(settings: ModelSettings) -> dict[str, str]:
    """The settings as a form shows them."""
    shown = {name: getattr(settings, name) for name in _MODEL_FIELDS}
    return {
        name: "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
        for name, value in shown.items()
    }
