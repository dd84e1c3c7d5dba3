"""The outermost layer: headers of every answer, one line in the log for every request, and a last resort."""

import time
import traceback
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from setpoint.app.http.actors import VISITOR_STATE, visitor_cookie
from setpoint.app.http.errors import defect, is_api, of_status, render
from setpoint.app.http.state import service_of

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # What people see here is not for caches; what may be kept says so itself.
    "Cache-Control": "no-store",
}
_FRAMES: Final = 12


class Edge:
    """Wraps the application. A route that sets one of the headers itself keeps what it set."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        service = service_of(request)
        began = time.perf_counter()
        status = 0
        too_large = False

        async def answer(message: Message) -> None:
            nonlocal status, too_large
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A body that says itself that it is too large is refused below us, in words of its own.
                too_large = message["status"] == 413 and headers.get("Content-Type", "").startswith("text/plain")
                if not too_large:
                    status = message["status"]
                    self._dress(request, headers)
            if not too_large:
                await send(message)

        try:
            await self._app(scope, receive, answer)
            if too_large:
                response = await render(request, of_status(413))
                await response(scope, receive, answer)
        except ClientDisconnect:
            # Whoever sent this was gone before all of it was here: nobody can be told, and nothing of ours is broken.
            pass
        except Exception as error:
            reference = uuid4().hex[:12]
            service.log.error("defect", reference=reference, error=type(error).__name__, at=_where(error))
            if status:
                # Half of an answer was sent: breaking off is all that tells so.
                raise
            response = await render(request, defect(reference))
            await response(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            service.metrics.answered(scope["method"], route_of(scope), status, seconds)
            service.log.info(
                "request",
                method=scope["method"],
                route=route_of(scope),
                status=status,
                ms=round(seconds * 1000, 1),
                actor=scope.get("state", {}).get("actor_kind", "nobody"),
            )

    def _dress(self, request: Request, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        config = service_of(request).config
        if config.is_secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        visitor = request.scope.get("state", {}).get(VISITOR_STATE)
        if visitor is not None and not is_api(request.url.path):
            secure = "; Secure" if config.is_secure else ""
            headers.append(
                "Set-Cookie", f"{visitor_cookie(config)}={visitor}; Path=/; HttpOnly; SameSite=Lax{secure}"
            )


def route_of(scope: Scope) -> str:
    """The template of the route that answered, never the path: that may hold ids and tokens."""
    # A route within routers knows its last part only; FastAPI keeps the whole beside it.
    context: Any = scope.get("fastapi", {}).get("effective_route_context")
    whole = getattr(context, "path_format", None) or getattr(scope.get("route"), "path", None)
    return whole or "none"


def _where(error: BaseException) -> list[str]:
    """The last frames, as file, line and function: what went wrong, without the values it went wrong with."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}" for frame in frames]
