"""What tokens cost: at the workspace's own prices, else by the price list that comes with pydantic-ai."""

from decimal import Decimal

from pydantic_ai.messages import ModelResponse
from pydantic_ai.usage import RequestUsage

from setpoint.llm.rules import own_price
from setpoint.llm.schemas import ModelSettings


def price(
    settings: ModelSettings, provider: str, names: tuple[str | None, ...], usage: RequestUsage
) -> Decimal | None:
    """US dollars for the tokens of one request; None where nobody knows.

    `names` are those that the model may have in the list of its provider; the first that is known counts.
    """
    own = own_price(settings, usage.input_tokens, usage.output_tokens)
    # A server of one's own has no list price, whatever its models are called.
    if own is not None or settings.base_url is not None:
        return own
    for name in names:
        if name is not None:
            response = ModelResponse(parts=[], usage=usage, model_name=name, provider_name=provider)
            try:
                return response.cost().total_price
            except (LookupError, ValueError):
                continue
    return None


def price_per_million(settings: ModelSettings) -> tuple[Decimal, Decimal] | None:
    """US dollars for a million tokens in and out, for requests of the usual length; None where nobody knows."""
    provider, _, name = settings.model.partition(":")
    found = [
        price(settings, provider.partition("-")[0], (name,), usage)
        for usage in (RequestUsage(input_tokens=1000), RequestUsage(output_tokens=1000))
    ]
    if found[0] is None or found[1] is None:
        return None
    return found[0] * 1000, found[1] * 1000
