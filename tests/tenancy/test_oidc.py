"""Sign in with a provider, over HTTP, down to the signature: what it says is believed, and what others say is not."""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey
from tests.tenancy.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT, Provider, running

from setpoint.domain.errors import UsageError
from setpoint.tenancy.oidc import Claims, Client, Pending, ProviderUnavailable, discover, read_client
from setpoint.tenancy.rules import Address
from setpoint.tenancy.schemas import SignInRefused

USER: dict[str, Any] = {"sub": "248289761001", "email": "Jane@Example.org", "email_verified": True, "name": "Jane"}


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider) -> Provider:
    """The provider, honest again."""
    server.user, server.lies, server.headers, server.metadata = dict(USER), {}, {}, {}
    server.signing_key, server.status = None, 200
    return server


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def client_of(provider: Provider, **changes: str) -> Client:
    return Client(**{"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **changes})


async def walk(http: httpx.AsyncClient, url: str) -> dict[str, str]:
    """What the browser brings back from the provider."""
    sent = await http.get(url)
    assert sent.status_code == 302
    return dict(parse_qsl(urlsplit(sent.headers["Location"]).query))


async def sign_in(
    http: httpx.AsyncClient, provider: Provider, client: Client | None = None, **changes: Any
) -> Claims:
    """The whole way, with something changed on it."""
    found = await discover(http, client or client_of(provider))
    url, pending = found.begin(REDIRECT)
    answer = await walk(http, url)
    pending = Pending(**{name: changes.get(name, getattr(pending, name)) for name in ("state", "nonce", "verifier")})
    answer |= changes.get("answer", {})
    return await found.finish(
        http, pending, answer, changes.get("redirect", REDIRECT), now=changes.get("now", datetime.now(UTC))
    )


class TestTheHonestWay:
    async def test_it_tells_who_somebody_is(self, http: httpx.AsyncClient, provider: Provider) -> None:
        claims = await sign_in(http, provider)
        assert claims == Claims(provider.issuer, USER["sub"], Address("jane@example.org", True), "Jane")

    async def test_the_secret_goes_into_the_body_where_the_provider_wants_it_there(
        self, http: httpx.AsyncClient, provider: Provider
    ) -> None:
        provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        assert (await sign_in(http, provider)).subject == USER["sub"]

    async def test_a_provider_that_names_itself_and_signs_for_several(
        self, http: httpx.AsyncClient, provider: Provider
    ) -> None:
        provider.metadata = {"authorization_response_iss_parameter_supported": True}
        provider.lies = {"aud": ["another", CLIENT_ID], "azp": CLIENT_ID}
        assert (await sign_in(http, provider)).subject == USER["sub"]

    async def test_nothing_is_reused(self, http: httpx.AsyncClient, provider: Provider) -> None:
        found = await discover(http, client_of(provider))
        begun = [found.begin(REDIRECT) for _ in range(3)]
        secrets = {secret for _, each in begun for secret in (each.state, each.nonce, each.verifier)}
        assert len(secrets) == 9
        url, pending = begun[0]
        assert pending.verifier not in url
        answer = await walk(http, url)
        await found.finish(http, pending, answer, REDIRECT, now=datetime.now(UTC))
        with pytest.raises(SignInRefused):
            await found.finish(http, pending, answer, REDIRECT, now=datetime.now(UTC))

    @pytest.mark.parametrize(
        ("said", "address"),
        [
            ({"email_verified": None}, Address("jane@example.org", False)),
            ({"email_verified": False}, Address("jane@example.org", False)),
            ({"email_verified": "true"}, Address("jane@example.org", False)),
            ({"email_verified": 1}, Address("jane@example.org", False)),
            ({"email": None}, None),
            ({"email": ["jane@example.org"]}, None),
            ({"email": "ar@\u017foramedia.co"}, None),
        ],
    )
    async def test_an_address_is_verified_only_where_it_is_said_in_so_many_words(
        self, http: httpx.AsyncClient, provider: Provider, said: dict[str, Any], address: Address | None
    ) -> None:
        provider.lies = said
        assert (await sign_in(http, provider)).address == address


class TestLies:
    @pytest.mark.parametrize(
        "lies",
        [
            {"iss": "https://evil.example"},
            {"iss": None},
            {"aud": "another"},
            {"aud": None},
            {"aud": ["another"]},
            {"aud": ["another"], "azp": CLIENT_ID},
            {"aud": ["another", CLIENT_ID]},
            {"azp": "another"},
            {"nonce": "another"},
            {"nonce": None},
            pytest.param({"exp": int(time.time()) - 3600}, id="exp in the past"),
            {"exp": None},
            {"exp": "never"},
            {"iat": None},
            pytest.param({"nbf": int(time.time()) + 3600}, id="nbf in the future"),
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": "x" * 256},
            {"at_hash": "another"},
        ],
        ids=str,
    )
    async def test_an_id_token_that_says_the_wrong_thing(
        self, http: httpx.AsyncClient, provider: Provider, lies: dict[str, Any]
    ) -> None:
        provider.lies = lies
        with pytest.raises(SignInRefused):
            await sign_in(http, provider)

    async def test_one_that_somebody_else_signed(self, http: httpx.AsyncClient, provider: Provider) -> None:
        provider.signing_key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        with pytest.raises(SignInRefused, match="does not hold"):
            await sign_in(http, provider)

    async def test_one_that_nobody_signed(self, http: httpx.AsyncClient, provider: Provider) -> None:
        provider.headers = {"alg": "none"}
        with pytest.raises(SignInRefused, match="does not hold"):
            await sign_in(http, provider)

    @pytest.mark.parametrize("offered", [["RS256"], ["HS256", "none", "RS256"]])
    async def test_one_that_the_public_key_signed(
        self, http: httpx.AsyncClient, provider: Provider, offered: list[str]
    ) -> None:
        provider.metadata = {"id_token_signing_alg_values_supported": offered}
        provider.headers = {"alg": "HS256"}
        with pytest.raises(SignInRefused, match="does not hold"):
            await sign_in(http, provider)

    async def test_one_of_yesterday(self, http: httpx.AsyncClient, provider: Provider) -> None:
        with pytest.raises(SignInRefused, match="does not hold"):
            await sign_in(http, provider, now=datetime.now(UTC) + timedelta(days=20_000))

    @pytest.mark.parametrize(
        "changes",
        [
            {"state": "another"},
            {"answer": {"state": ""}},
            {"answer": {"state": "\u00e9"}},
            {"answer": {"state": "\ud800"}},
            {"answer": {"error": "access_denied"}},
            {"answer": {"code": ""}},
            {"answer": {"code": "another"}},
            {"answer": {"iss": "https://evil.example"}},
            {"nonce": "another"},
            {"verifier": "another"},
            {"redirect": "http://127.0.0.1:1/elsewhere"},
        ],
        ids=str,
    )
    async def test_an_answer_that_is_not_the_one_to_our_question(
        self, http: httpx.AsyncClient, provider: Provider, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(SignInRefused):
            await sign_in(http, provider, **changes)

    async def test_an_answer_that_should_name_its_provider(self, http: httpx.AsyncClient, provider: Provider) -> None:
        found = await discover(http, client_of(provider))
        url, pending = found.begin(REDIRECT)
        answer = await walk(http, url)
        provider.metadata = {"authorization_response_iss_parameter_supported": True}
        found = await discover(http, client_of(provider))
        with pytest.raises(SignInRefused, match="another provider"):
            await found.finish(http, pending, answer, REDIRECT, now=datetime.now(UTC))

    async def test_a_client_with_the_wrong_secret(self, http: httpx.AsyncClient, provider: Provider) -> None:
        with pytest.raises(SignInRefused, match="its own code"):
            await sign_in(http, provider, client_of(provider, client_secret="wrong"))


class TestDiscovery:
    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://evil.example/token"},
            {"jwks_uri": "file:///etc/passwd"},
            {"authorization_endpoint": None},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        ],
        ids=str,
    )
    async def test_a_provider_that_cannot_be_trusted_is_not_used(
        self, http: httpx.AsyncClient, provider: Provider, metadata: dict[str, Any]
    ) -> None:
        provider.metadata = metadata
        with pytest.raises(ProviderUnavailable):
            await discover(http, client_of(provider))

    async def test_one_that_is_down(self, http: httpx.AsyncClient, provider: Provider) -> None:
        provider.status = 503
        with pytest.raises(ProviderUnavailable, match="503"):
            await discover(http, client_of(provider))
        with pytest.raises(ProviderUnavailable, match="did not answer"):
            await discover(http, client_of(provider, issuer="http://127.0.0.1:1"))

    @pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"<html>", b'"' + b"x" * 1_100_000])
    async def test_an_answer_that_is_none(self, body: bytes) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
        async with httpx.AsyncClient(transport=transport) as http:
            with pytest.raises(ProviderUnavailable):
                await discover(http, Client("https://id.example", "a", "b"))


ALL = {
    "SETPOINT_OIDC_ISSUER": "https://id.example",
    "SETPOINT_OIDC_CLIENT_ID": "setpoint",
    "SETPOINT_OIDC_CLIENT_SECRET": "secret",
}


class TestConfiguration:
    def test_all_or_nothing(self) -> None:
        assert read_client({}) is None
        assert read_client(dict.fromkeys(ALL, "")) is None
        assert read_client(ALL) == Client("https://id.example", "setpoint", "secret")

    @pytest.mark.parametrize("name", list(ALL))
    @pytest.mark.parametrize("value", ["", "None", "null", "se cret", "s\u00e9cret", " "])
    def test_a_value_that_went_wrong_stops_the_start(self, name: str, value: str) -> None:
        with pytest.raises(UsageError, match="SETPOINT_OIDC_"):
            read_client({**ALL, name: value})

    @pytest.mark.parametrize(
        "issuer", ["http://id.example", "id.example", "https://", "https://a?b", "ftp://a", "https://["]
    )
    def test_an_issuer_is_reached_encrypted(self, issuer: str) -> None:
        with pytest.raises(UsageError, match="https://"):
            read_client({**ALL, "SETPOINT_OIDC_ISSUER": issuer})

    def test_the_secret_is_not_shown(self) -> None:
        assert "secret" not in repr(read_client({**ALL, "SETPOINT_OIDC_CLIENT_SECRET": "a-secret"}))
