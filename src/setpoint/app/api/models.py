"""The language model of a workspace, and what it may cost."""

import asyncio
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from setpoint.app.api.forms import Form
from setpoint.app.api.problems import PROBLEMS
from setpoint.app.http.actors import Admin
from setpoint.app.http.state import service_of
from setpoint.app.model_settings import connect_model, model_problem
from setpoint.llm.prices import price_per_million
from setpoint.llm.provider import check_settings
from setpoint.llm.queries import read_settings, write_settings
from setpoint.llm.schemas import Effort, ModelSettings

router = APIRouter(prefix="/model", tags=["model"], responses=PROBLEMS)

_DEFAULTS = ModelSettings("")
Dollars = Annotated[Decimal | None, Field(ge=0, le=1_000_000, allow_inf_nan=False, max_digits=20)]
Tokens = Annotated[int | None, Field(ge=0, le=10**12)]


class ModelForm(Form):
    """A model and its caps. A cap that is null does not hold; what is left out gets its default."""

    model: str = Field(max_length=200, examples=["anthropic:claude-sonnet-5"])
    base_url: str | None = Field(None, description="A server of your own. For super-admins.", max_length=500)
    effort: Effort | None = None
    daily_usd: Dollars = _DEFAULTS.daily_usd
    run_usd: Dollars = _DEFAULTS.run_usd
    daily_tokens: Tokens = _DEFAULTS.daily_tokens
    run_tokens: Tokens = _DEFAULTS.run_tokens
    input_price: Dollars = Field(None, description="US dollars for a million tokens.")
    output_price: Dollars = Field(None, description="US dollars for a million tokens.")


class Price(BaseModel):
    """US dollars for a million tokens."""

    input: float
    output: float


class ModelState(BaseModel):
    """The model, its price where it is known, and why it cannot be asked where it cannot."""

    model: ModelForm | None
    price: Price | None
    ready: bool
    problem: str | None


@router.get("")
async def get_model(request: Request, actor: Admin) -> ModelState:
    """The model of the workspace, for admins. Its API key is nowhere but in the server's environment."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        settings = await read_settings(connection, actor.client_id)
    return await asyncio.to_thread(_state, settings)


@router.put("")
async def set_model(request: Request, actor: Admin, asked: ModelForm) -> ModelState:
    """Connect a model, for admins. Only a super-admin names another server than the provider's own."""
    # The libraries of the providers take seconds to load: nobody else waits for that.
    settings = await asyncio.to_thread(check_settings, ModelSettings(**asked.model_dump()))
    await connect_model(service_of(request).database, actor, settings)
    return await asyncio.to_thread(_state, settings)


@router.delete("", status_code=204)
async def clear_model(request: Request, actor: Admin) -> None:
    """Disconnect the model, for admins: reports are made without one."""
    async with service_of(request).database.tenant(actor.client_id) as connection:
        await write_settings(connection, actor.client_id, None, actor.name)


def _state(settings: ModelSettings | None) -> ModelState:
    if settings is None:
        return ModelState(model=None, price=None, ready=False, problem=None)
    problem = model_problem(settings)
    price = price_per_million(settings)
    return ModelState(
        model=ModelForm(**{name: getattr(settings, name) for name in ModelForm.model_fields}),
        price=None if price is None else Price(input=float(price[0]), output=float(price[1])),
        ready=problem is None,
        problem=problem,
    )
