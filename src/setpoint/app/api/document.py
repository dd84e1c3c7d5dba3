"""The OpenAPI document: the routes, how one shows who one is, and how failures are told."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from setpoint.app.api.problems import ProblemDetails
from setpoint.app.api.router import TAGS

_SECURITY: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token of the workspace, such as `sp_...`. `setpoint token create` makes one.",
    }
}
# What belongs to a person and to no workspace names this one itself.
_SESSION: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "setpoint",
        "description": "The session of a page; `__Host-setpoint` where the server is reached by https. What changes"
        " anything needs the header `X-CSRF-Token` besides.",
    }
}


def install(app: FastAPI) -> None:
    """Let the application describe itself like this. The document is made once, when it is first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes, tags=list(TAGS)
            )
            parts = document.setdefault("components", {})
            parts.setdefault("schemas", {})["ProblemDetails"] = ProblemDetails.model_json_schema()
            parts["securitySchemes"] = {**_SECURITY, **_SESSION}
            document["security"] = [{name: []} for name in _SECURITY]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]
