"""Style and script of the pages: ours alone, each under an address that changes with its content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from setpoint.domain.errors import NotFound
from setpoint.reports.html import report_style

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "static"
_STYLES: Final = (
    "app.css",
    "charts.css",
    "overview.css",
    "runs.css",
    "settings.css",
)
_SCRIPTS: Final = (
    "app.js",
    "charts.js",
    "runs.js",
    "imports.js",
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file for browsers."""

    content: bytes
    media_type: str
    digest: str


def _style() -> str:
    return "\n".join([report_style(), *map(_text, _STYLES)])


def _script() -> str:
    return "\n".join(map(_text, _SCRIPTS))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


_ASSETS: Final[Mapping[str, tuple[Callable[[], str], str]]] = {
    "app.css": (_style, "text/css; charset=utf-8"),
    "icon.svg": (lambda: (_FOLDER / "icon.svg").read_text("utf-8"), "image/svg+xml"),
    "app.js": (_script, "text/javascript; charset=utf-8"),
}


@cache
def asset(name: str) -> Asset:
    """A file by its name. Raises NotFound."""
    if name not in _ASSETS:
        raise NotFound("There is no such file.")
    make, media_type = _ASSETS[name]
    content = make().encode()
    return Asset(content, media_type, sha256(content).hexdigest()[:12])


def address_of(name: str) -> str:
    """Where a file is, with what it holds in the address."""
    return f"/static/{asset(name).digest}/{name}"


@router.get("/static/{digest}/{name}")
async def file(digest: str, name: str) -> Response:
    """A file. Under an old address the present one is answered, which must not be kept."""
    found = asset(name)
    kept = _FOR_EVER if digest == found.digest else "no-store"
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": kept})
