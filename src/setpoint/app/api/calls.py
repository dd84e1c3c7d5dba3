"""What the workspace's calls to models took, in figures."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from setpoint.app.api.problems import PROBLEMS
from setpoint.app.http.actors import Admin
from setpoint.app.http.state import service_of
from setpoint.domain.errors import UsageError
from setpoint.domain.windows import parse_instant
from setpoint.llm.figures import CallFigures, call_figures

router = APIRouter(prefix="/calls", tags=["model"], responses=PROBLEMS)


class Latency(BaseModel):
    """Milliseconds; null where no model was asked."""

    p50: int | None
    p95: int | None


class CallsForm(BaseModel):
    """Calls of one feature, prompt and model. `cost_usd` is what is known of it; `unpriced` calls are not in it."""

    feature: str
    prompt: str
    prompt_version: int
    model: str
    calls: int
    cached: int
    failures: dict[str, int]
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    unpriced: int
    latency_ms: Latency

    @classmethod
    def of(cls, figures: CallFigures) -> "CallsForm":
        """The form of the figures."""
        return cls(
            feature=figures.feature,
            prompt=figures.prompt_key,
            prompt_version=figures.prompt_version,
            model=figures.model,
            calls=figures.calls,
            cached=figures.cached,
            failures={status.value: count for status, count in figures.failures.items()},
            input_tokens=figures.input_tokens,
            output_tokens=figures.output_tokens,
            cached_tokens=figures.cached_tokens,
            cost_usd=None if figures.cost_usd is None else float(figures.cost_usd),
            unpriced=figures.unpriced,
            latency_ms=Latency(p50=figures.latency_p50, p95=figures.latency_p95),
        )


@router.get("")
async def list_calls(
    request: Request,
    actor: Admin,
    start: Annotated[str | None, Query(alias="from", description="First day or instant.", max_length=40)] = None,
    end: Annotated[str | None, Query(alias="to", description="Where it ends, not included.", max_length=40)] = None,
) -> list[CallsForm]:
    """Calls by feature, prompt and model, for admins: how many, their tokens, cost, latency and failures."""
    since = None if start is None else parse_instant(start, "--from")
    until = None if end is None else parse_instant(end, "--to")
    if since is not None and until is not None and since >= until:
        raise UsageError("--from must lie before --to.")
    async with service_of(request).database.tenant(actor.client_id) as connection:
        return [CallsForm.of(each) for each in await call_figures(connection, actor.client_id, since, until)]
