"""The port to a real model: any provider that pydantic-ai speaks to, or an OpenAI-compatible server by its URL."""

import logging
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from setpoint.domain.errors import UsageError
from setpoint.llm.ledger import TenantLedger
from setpoint.llm.port import Clock, Ledger, ModelPort, SystemClock
from setpoint.llm.queries import read_settings
from setpoint.llm.schemas import ErrorKind, ModelSettings, ModelUnavailable
from setpoint.llm.scripted import NoModel
from setpoint.storage.database import Database

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

API_KEY: Final = "SETPOINT_LLM_API_KEY"
# They log what is sent and what comes back when they are asked for their debugging messages.
_TALKATIVE: Final = ("openai", "anthropic", "google_genai", "httpx", "httpx2", "httpcore", "httpcore2", "pydantic_ai")


class ProviderModel:
    """The model that a workspace's settings name. Its key is read from the environment at each opening."""

    def __init__(self, settings: ModelSettings, ledger: Ledger, clock: Clock | None = None) -> None:
        self.settings: ModelSettings | None = settings
        self.ledger = ledger
        self.clock: Clock = SystemClock() if clock is None else clock
        self._settings = settings

    def open(self) -> "Model":
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        return open_model(self._settings)


async def workspace_model(database: Database, client_id: int) -> ModelPort:
    """The port of a workspace: to the model that it has, or NoModel."""
    ledger = TenantLedger(database, client_id)
    async with database.tenant(client_id) as connection:
        settings = await read_settings(connection, client_id)
    return NoModel(ledger) if settings is None else ProviderModel(settings, ledger)


def check_settings(settings: ModelSettings) -> ModelSettings:
    """The settings as they are kept. Raises UsageError where no model can be meant by them."""
    provider, _, name = settings.model.partition(":")
    if not provider or not name or len(settings.model) > 200 or not settings.model.isprintable():
        raise UsageError(
            "A model is named provider:name, such as openai:gpt-5-mini, anthropic:claude-sonnet-5 or"
            " google:gemini-3-flash; for a server of your own it is openai:NAME with --base-url."
        )
    if settings.base_url is not None:
        _check_url(settings.base_url)
    _provider_class(provider)
    for amount in (settings.daily_usd, settings.run_usd, settings.input_price, settings.output_price):
        if amount is not None and not (amount.is_finite() and 0 <= amount <= 1_000_000):
            raise UsageError("Caps and prices are US dollars, from 0 to 1,000,000.")
    for count in (settings.daily_tokens, settings.run_tokens):
        if count is not None and not 0 <= count <= 10**12:
            raise UsageError("Caps in tokens go from 0 to a million million.")
    if (settings.input_price is None) != (settings.output_price is None):
        raise UsageError("A price needs both: --input-price and --output-price, in US dollars for a million tokens.")
    return settings


def open_model(settings: ModelSettings) -> "Model":
    """The model in pydantic-ai's terms. Raises ModelUnavailable."""
    from pydantic_ai.exceptions import UserError
    from pydantic_ai.models import infer_model

    def provide(name: str) -> "Provider[Any]":
        return _provider(name, settings.base_url)

    try:
        if settings.base_url is not None and settings.model.startswith("openai:"):
            return infer_model(settings.model.replace("openai:", "openai-chat:", 1), provide)
        return infer_model(settings.model, provide)
    except (UserError, UsageError, ImportError, ValueError, TypeError):
        raise ModelUnavailable(
            "This model cannot be opened: set another with `setpoint model set`.", ErrorKind.NOT_CONFIGURED
        ) from None


def _provider(name: str, base_url: str | None) -> "Provider[Any]":
    key = os.environ.get(API_KEY) or None
    if base_url is not None:
        # The key of a provider's account is never sent to another server.
        if name.startswith("openai"):
            from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

            return OpenAICompatibleProvider("openai-compatible", base_url=base_url, api_key=key or "none")
        made: Provider[Any] = _provider_class(name)(base_url=base_url, api_key=key or "none")
        return made
    return _own_provider(name, key)


def _own_provider(name: str, key: str | None) -> "Provider[Any]":
    """The provider with its own variable's key, else with ours."""
    from pydantic_ai.exceptions import UserError
    from pydantic_ai.providers import infer_provider

    try:
        return infer_provider(name)
    except UserError:
        if key is not None:
            made: Provider[Any] = _provider_class(name)(api_key=key)
            return made
    raise ModelUnavailable(
        f"The model has no API key: set {API_KEY}, or the provider's own variable, where Setpoint runs.",
        ErrorKind.BAD_CREDENTIALS,
    )


def _provider_class(name: str) -> Any:
    from pydantic_ai.providers import infer_provider_class

    try:
        return infer_provider_class(name)
    except (ValueError, ImportError):
        raise UsageError(
            f"There is no provider {name!r} here: openai, anthropic and google are built in; a server that speaks"
            " OpenAI's protocol is openai:NAME with --base-url."
        ) from None


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or len(url) > 500:
        raise UsageError("--base-url must begin with http:// or https://, such as http://localhost:11434/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"--base-url is kept in the database, and a key never is: set {API_KEY} instead.")
