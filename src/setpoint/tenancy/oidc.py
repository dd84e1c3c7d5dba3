"""Sign in with an OpenID Connect provider: authorization code with PKCE, and the checks of what comes back.

Nothing here touches the database. The caller keeps a `Pending` with the browser that was sent away (in a cookie of
its own, for ten minutes at most) and hands it back with what the provider sent.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from setpoint.domain.errors import SetpointError, UsageError
from setpoint.tenancy.rules import Address, configured_secret, normalise_email
from setpoint.tenancy.schemas import SignInRefused
from setpoint.tenancy.secret import new_secret

# Public keys only: with a shared secret, or none, whoever knows the client could sign.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LEEWAY_SECONDS = 60
_SECONDS = 10
_MOST_BYTES = 1_000_000
_NAMES = ("SETPOINT_OIDC_ISSUER", "SETPOINT_OIDC_CLIENT_ID", "SETPOINT_OIDC_CLIENT_SECRET")


class ProviderUnavailable(SetpointError):
    """The identity provider cannot be reached, or does not answer as one."""

    code = "provider_unavailable"


@dataclass(frozen=True, slots=True)
class Client:
    """Setpoint as the provider knows it."""

    issuer: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Client(issuer={self.issuer!r}, client_id={self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Pending:
    """What must be known again when the browser comes back, and to nobody else."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says it is. `address` is None where it says nothing that can be an address."""

    issuer: str
    subject: str
    address: Address | None
    name: str | None


def read_client(environment: Mapping[str, str]) -> Client | None:
    """The client in SETPOINT_OIDC_ISSUER, _CLIENT_ID and _CLIENT_SECRET; None where none of them is set.

    Raises UsageError where only some are, or one cannot be right: the service must not start like that.
    """
    issuer, client_id, client_secret = (configured_secret(name, environment.get(name)) for name in _NAMES)
    if issuer is None and client_id is None and client_secret is None:
        return None
    if issuer is None or client_id is None or client_secret is None:
        raise UsageError(f"Set all of {', '.join(_NAMES)}, or none of them.")
    if not _is_safe(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise UsageError("SETPOINT_OIDC_ISSUER is a URL that begins with https://, as the provider writes it.")
    return Client(issuer, client_id, client_secret)


def _is_safe(url: object) -> bool:
    """Whether a URL is encrypted, or leads no further than this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it describes itself: where to send people, where to ask, and how it signs."""

    client: Client
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    secret_in_body: bool
    names_itself: bool

    def begin(self, redirect_uri: str) -> tuple[str, Pending]:
        """Where to send a browser, and what to keep until it comes back to `redirect_uri`."""
        pending = Pending(new_secret(), new_secret(), new_secret())
        url = prepare_grant_uri(
            self.authorization_endpoint,
            client_id=self.client.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope="openid email profile",
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return str(url), pending

    async def finish(
        self,
        http: httpx.AsyncClient,
        pending: Pending,
        answer: Mapping[str, str],
        redirect_uri: str,
        *,
        now: datetime,
    ) -> Claims:
        """Who came back with `answer`, the query of the redirect.

        Raises SignInRefused where anything about it is not as it must be, and ProviderUnavailable.
        """
        if not hmac.compare_digest(answer.get("state", "").encode("utf-8", "replace"), pending.state.encode()):
            raise SignInRefused("This sign-in was begun elsewhere or long ago: begin again.")
        # A provider that says it names itself in the answer always does; another's answer must not pass for its own.
        issuer = answer.get("iss")
        if (issuer is not None or self.names_itself) and issuer != self.client.issuer:
            raise _refused("the answer is another provider's")
        code = answer.get("code")
        if "error" in answer or not code:
            raise SignInRefused("The identity provider did not let you in: try again, or ask whoever runs it.")
        tokens = await self._exchange(http, code, pending.verifier, redirect_uri)
        keys = await _fetch(http, self.jwks_uri)
        return self._verified(tokens, keys, pending.nonce, now)

    async def _exchange(self, http: httpx.AsyncClient, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        mine = self.client
        if self.secret_in_body:
            form |= {"client_id": mine.client_id, "client_secret": mine.client_secret}
            return await _ask(http, "POST", self.token_endpoint, data=form)
        return await _ask(
            http, "POST", self.token_endpoint, data=form, auth=httpx.BasicAuth(mine.client_id, mine.client_secret)
        )

    def _verified(self, tokens: Mapping[str, Any], keys: dict[str, Any], nonce: str, now: datetime) -> Claims:
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise _refused("it sent no id token")
        mine = self.client
        must_be: dict[str, Any] = {
            "iss": {"essential": True, "value": mine.issuer},
            "aud": {"essential": True, "value": mine.client_id},
            "sub": {"essential": True},
        }
        known = {"nonce": nonce, "client_id": mine.client_id, "access_token": tokens.get("access_token")}
        try:
            decoded = jwt.decode(
                id_token,
                KeySet.import_key_set(keys),  # type: ignore[arg-type]
                registry=JWSRegistry(algorithms=list(self.algorithms), strict_check_header=False),
            )
            claims = CodeIDToken(decoded.claims, decoded.header, must_be, known)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused(f"its id token does not hold ({type(error).__name__})") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise _refused("its id token names nobody")
        name = claims.get("name")
        return Claims(mine.issuer, subject, _address(claims), name if isinstance(name, str) else None)


def _address(claims: Mapping[str, Any]) -> Address | None:
    email = claims.get("email")
    if not isinstance(email, str):
        return None
    try:
        # Only the truth counts: a provider that writes "true" or "false" as text has not said that it is.
        return Address(normalise_email(email), claims.get("email_verified") is True)
    except UsageError:
        return None


def _refused(why: str) -> SignInRefused:
    return SignInRefused(f"The identity provider's answer was not accepted: {why}. Begin again.")


async def discover(http: httpx.AsyncClient, client: Client) -> Provider:
    """Ask a provider what it is; the answer holds for hours. Raises ProviderUnavailable."""
    found = await _fetch(http, client.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != client.issuer:
        raise ProviderUnavailable("The identity provider names another issuer: is SETPOINT_OIDC_ISSUER right?")
    authorization, token, jwks = (
        found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    )
    if not (_is_safe(authorization) and _is_safe(token) and _is_safe(jwks)):
        raise ProviderUnavailable("The identity provider lacks an endpoint that begins with https://.")
    offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    algorithms = tuple(name for name in _ALGORITHMS if name in offered)
    if not algorithms:
        raise ProviderUnavailable("The identity provider signs in no way that Setpoint accepts.")
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Provider(
        client,
        authorization_endpoint=str(authorization),
        token_endpoint=str(token),
        jwks_uri=str(jwks),
        algorithms=algorithms,
        secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
    )


async def _fetch(http: httpx.AsyncClient, url: str) -> dict[str, Any]:
    return await _ask(http, "GET", url)


async def _ask(http: httpx.AsyncClient, method: str, url: str, **options: Any) -> dict[str, Any]:
    """A JSON object from the provider, which is never followed elsewhere and never read beyond a megabyte."""
    try:
        async with http.stream(
            method, url, headers={"Accept": "application/json"}, timeout=_SECONDS, follow_redirects=False, **options
        ) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ProviderUnavailable("The identity provider's answer has no end.")
            found = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderUnavailable(
            f"The identity provider did not answer ({type(error).__name__}): try again later."
        ) from error
    if response.status_code == 200 and isinstance(found, dict):
        return found
    if method == "POST" and 400 <= response.status_code < 500:
        raise _refused("it did not take its own code back")
    raise ProviderUnavailable(f"The identity provider answered with status {response.status_code}: try again later.")
