"""An OpenID Connect provider on this machine: a real HTTP server, with real keys, that can be told to lie."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "setpoint", "a-secret-of-the-client"
REDIRECT = "http://127.0.0.1:1/sign-in/provider"


class Provider:
    """Who it signs in next is `user`; what it does wrong is in `lies`, which override what is true."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self.user: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.headers: dict[str, Any] = {}
        self.signing_key: Any = None
        self.metadata: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.status = 200

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.metadata,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Sign `user` in without asking; return where the browser is sent."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = {"code": code, "state": query["state"]}
        if self.metadata.get("authorization_response_iss_parameter_supported"):
            back["iss"] = self.issuer
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def exchange(self, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        if authorization is not None:
            named, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        else:
            named, secret = form.get("client_id", ""), form.get("client_secret", "")
        if (named, secret) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        query = self.codes.pop(form.get("code", ""), None)
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if query is None or challenge != query["code_challenge"] or form.get("redirect_uri") != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": query["nonce"]}
        claims = {name: value for name, value in {**claims, **self.user, **self.lies}.items() if value is not None}
        signed = self.sign({"alg": "RS256", "kid": "one", **self.headers}, claims)
        return 200, {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer", "id_token": signed}

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        if header["alg"] == "RS256":
            return jwt.encode(header, claims, self.signing_key or self.key)
        # What no library would do: no signature, or the public key as the secret of an HMAC.
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        secret = self.key.as_pem(private=False)
        mac = hmac.digest(secret, signed.encode(), "sha256") if header["alg"] == "HS256" else b""
        return f"{signed}.{_base64(mac)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _Handler(BaseHTTPRequestHandler):
    provider: ClassVar[Provider]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, urlsplit(self.path).query
        if path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize({k: v[0] for k, v in parse_qs(query).items()}))
            self.end_headers()
        elif path == "/jwks":
            self.answer(200, {"keys": [self.provider.key.as_dict(private=False)]})
        elif path == "/.well-known/openid-configuration":
            self.answer(self.provider.status, self.provider.describe())
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        flat = {name: values[0] for name, values in form.items()}
        self.answer(*self.provider.exchange(flat, self.headers.get("Authorization")))

    def answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def running() -> Iterator[Provider]:
    """A provider on a free port of the loopback interface."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _Handler.provider = Provider(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield _Handler.provider
        finally:
            server.shutdown()
            thread.join()
