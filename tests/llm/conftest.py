"""A provider on loopback; everything else is out of bounds for the tests of this room."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic_ai import models
from tests.llm.server import Provider

models.ALLOW_MODEL_REQUESTS = False


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    """A server that speaks the providers' protocols and says what a test tells it to say."""
    async with Provider.running() as server:
        with models.override_allow_model_requests(True):
            yield server


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the person who runs the tests is in reach, and no proxy."""
    for name in (
        *("SETPOINT_LLM_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        *("GOOGLE_API_KEY", "GEMINI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)
