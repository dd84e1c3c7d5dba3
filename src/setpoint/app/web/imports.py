"""Files into a workspace, for its admins: check or import one, and see what became of its rows."""

import asyncio
import csv
import hashlib
import io
import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from setpoint.app.api import answers
from setpoint.app.http.actors import PageAdmin
from setpoint.app.http.state import service_of
from setpoint.app.web.import_columns import describe, example
from setpoint.app.web.kept_imports import MOST_REJECTS, find_import, key_of, list_imports, tell
from setpoint.app.web.pages import go_to
from setpoint.app.web.settings import settings_page
from setpoint.domain.errors import FileUnreadable, SetpointError, UsageError
from setpoint.ingest.rejects import HEADER
from setpoint.ingest.schemas import LAYOUTS, ImportKind
from setpoint.ingest.service import import_file
from setpoint.tenancy.schemas import Actor
from setpoint.tenancy.secret import new_secret
from setpoint.tenancy.service import Workspace

_PREFIX: Final = "/w/{workspace}/settings/imports"
MOST_BYTES: Final = 512 << 20
"""The longest file that a browser may send; a longer one comes in compressed, or on the command line."""

router = APIRouter(prefix=_PREFIX)
uploads = APIRouter(prefix=_PREFIX)
"""Its route reads files, so that whoever sends one is asked who they are before it is read."""


@router.get("")
async def imports(request: Request, actor: PageAdmin) -> Response:
    """The form, what a file needs, and the imports of the last days."""
    return await _imports_page(request, actor)


# The form is taken from the request, and not declared: a declared one would be read before anybody is asked.
@uploads.post("", max_body_size=MOST_BYTES)
async def take_file(request: Request, actor: PageAdmin) -> Response:
    """Import a file, or only check it; what became of it has an address of its own."""
    async with request.form(max_files=1, max_fields=10) as form:
        try:
            result = await _take(request, actor, form)
        except (UsageError, FileUnreadable) as error:
            return await _imports_page(request, actor, error, form)
    return go_to(f"/w/{actor.workspace}/settings/imports/{result}")


@router.get("/examples/{kind}.csv")
async def example_file(actor: PageAdmin, kind: ImportKind) -> Response:
    """A file of a kind, to begin with."""
    return _csv(example(kind), f"{kind}.csv")


@router.get("/{result}")
async def imported(request: Request, actor: PageAdmin, result: Annotated[str, InPath()]) -> Response:
    """What became of the rows of one file."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        kept = await find_import(connection, actor.client_id, result, now=service.clock())
    place = "row" if ".parquet" in kept.told["file"].lower() else "line"
    return settings_page(
        request,
        "settings_imported.html.j2",
        actor,
        "imports",
        kept=kept,
        imported=kept.told,
        place=place,
        most_rejects=MOST_REJECTS,
        days=answers.KEPT.days,
    )


@router.get("/{result}/rejects.csv")
async def rejects(request: Request, actor: PageAdmin, result: Annotated[str, InPath()]) -> Response:
    """The rejected rows of one file, safe to open with a spreadsheet."""
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        kept = await find_import(connection, actor.client_id, result, now=service.clock())
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *kept.told["rejected_rows"]])
    return _csv(file.getvalue(), "rejects.csv")


async def _take(request: Request, actor: Actor, form: FormData) -> str:
    """Import or check the file of a form, once; the id of the result. Raises UsageError and FileUnreadable."""
    kind, file = form.get("kind"), form.get("file")
    if kind not in list(ImportKind):
        raise UsageError("Say what the file holds.")
    if not isinstance(file, UploadFile) or not file.filename:
        raise UsageError("Choose a file.")
    checked = form.get("check") == "on"
    shown = _shown_name(file.filename)
    service = service_of(request)
    scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="setpoint-upload-"))
    # With a part before it no name is a directory's, or that of the rejects.
    path = scratch / f"sent-{re.sub(r'[^A-Za-z0-9._-]', '_', shown)}"
    try:
        digest = await asyncio.to_thread(_put, file.file, path)
        asked = hashlib.sha256(f"{kind}\0{checked}\0{digest}".encode()).hexdigest()
        result = hashlib.sha256(f"{form.get('once')}\0{asked}".encode()).hexdigest()
        async with service.database.tenant(actor.client_id) as connection:
            before = await answers.begin(connection, actor.client_id, key_of(result), asked, now=service.clock())
            if before is not None:
                return result
            # What is only checked is taken back, and only what became of it stays.
            attempt = await connection.begin_nested()
            summary = await import_file(
                connection,
                Workspace(actor.client_id, actor.workspace),
                ImportKind(kind),
                path,
                scratch / "rejects.csv",
            )
            await (attempt.rollback() if checked else attempt.commit())
            told = await asyncio.to_thread(tell, summary, scratch / "rejects.csv", shown, checked, actor.name)
            await answers.finish(connection, actor.client_id, key_of(result), told)
        return result
    except FileUnreadable as error:
        # It names the file by where we had put it.
        raise FileUnreadable(error.message.replace(str(path), shown)) from None
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


def _put(file: BinaryIO, path: Path) -> str:
    """Copy what was sent to where it can be read by its name; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as target:
        while block := file.read(1 << 20):
            digest.update(block)
            target.write(block)
    return digest.hexdigest()


def _shown_name(name: str) -> str:
    """The last part of a file's name, its end kept where it is long."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in last)[-100:] or "file"


async def _imports_page(
    request: Request, actor: Actor, failure: SetpointError | None = None, form: FormData | None = None
) -> Response:
    service = service_of(request)
    async with service.database.tenant(actor.client_id) as connection:
        earlier = await list_imports(connection, actor.client_id, now=service.clock())
    typed = form or FormData()
    return settings_page(
        request,
        "settings_imports.html.j2",
        actor,
        "imports",
        failure,
        kinds=[(kind.value, kind.value.capitalize()) for kind in ImportKind],
        layouts=[LAYOUTS[kind] for kind in ImportKind],
        describe=describe,
        earlier=earlier,
        days=answers.KEPT.days,
        most=MOST_BYTES >> 20,
        once=new_secret(),
        form={"kind": typed.get("kind", ""), "check": typed.get("check") == "on"},
    )


def _csv(text: str, name: str) -> Response:
    return Response(
        text, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
