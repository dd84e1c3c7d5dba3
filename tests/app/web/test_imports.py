"""Files that come in through a page."""

import csv
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import text
from tests.app.town import NOW, Town, by_session, client
from tests.app.web.house import House, follow, make_house, words

from setpoint.app.api.answers import KEPT
from setpoint.app.web import imports, kept_imports
from setpoint.app.web.import_columns import describe, example
from setpoint.domain.vocabulary import Role
from setpoint.ingest.schemas import LAYOUTS, ImportKind
from setpoint.storage.database import Database
from setpoint.tenancy.service import Workspace

At = Callable[..., Awaitable[Page]]

LEADS = b"external_id,email,created_at\nlead-1,a@example.org,2026-01-05T09:00:00Z\nlead-2,b@example.org,\n"
FAULTY = (
    b"external_id,lead_external_id,channel,direction,sent_at,colour\n"
    b"m-1,lead-1,email,outbound,2026-01-06T08:00:00Z,red\n"
    b"m-2,lead-1,fax,outbound,2026-01-06T08:00:00Z,\n"
    b"m-3,lead-1,fax,outbound,2026-01-06T08:00:00Z,\n"
    b"=m-4,lead-9,email,outbound,2026-01-06T08:00:00Z,\n"
)


@pytest_asyncio.fixture
async def house(database: Database, workspace: Workspace) -> House:
    return await make_house(database, workspace)


async def send(
    http: httpx.AsyncClient, house: House, kind: str, content: bytes, name: str = "file.csv", **fields: str
) -> httpx.Response:
    return await http.post(
        f"{house.address}/settings/imports",
        data={"kind": kind, "once": "x" * 43, **fields},
        files={"file": (name, content, "text/csv")},
    )


async def leads_of(house: House) -> int:
    async with house.database.tenant(house.workspace.client_id) as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM leads")) or 0)


async def test_a_file_comes_in_and_what_became_of_it_can_be_looked_at_again(house: House) -> None:
    async with house.visit() as http:
        empty = words(await http.get(f"{house.address}/settings/imports"))
        answer = await send(http, house, "leads", LEADS, "C:\\My leads.csv")
        first = await follow(http, answer)
        reloaded = words(await http.get(answer.headers["Location"]))
        again = await follow(http, await send(http, house, "leads", LEADS, once="y" * 43))
        listed = words(await http.get(f"{house.address}/settings/imports"))

    assert "No file was sent here in this time." in empty
    assert "2 rows: 2 new, 0 changed, 0 unchanged, 0 rejected." in first
    assert "My leads.csv" in first
    assert "C:" not in first
    assert reloaded == first
    assert "2 rows: 0 new, 0 changed, 2 unchanged, 0 rejected." in again
    assert "My leads.csv leads 2026-07-01 09:00 UTC" in listed


async def test_a_form_that_is_sent_twice_imports_once(house: House) -> None:
    async with house.visit() as http:
        answers = [await send(http, house, "leads", LEADS) for _ in range(2)]
        # The same form with another file is another import.
        other = await send(http, house, "leads", LEADS.replace(b"lead-2", b"lead-3"))
        told = await follow(http, answers[1])

    assert answers[0].headers["Location"] == answers[1].headers["Location"] != other.headers["Location"]
    assert "2 new" in told
    assert await leads_of(house) == 3


async def test_what_is_only_checked_is_told_and_not_saved(house: House) -> None:
    async with house.visit() as http:
        told = await follow(http, await send(http, house, "leads", LEADS, check="on"))
        assert await leads_of(house) == 0
        saved = await follow(http, await send(http, house, "leads", LEADS))
        listed = words(await http.get(f"{house.address}/settings/imports"))

    assert "Checked only: nothing was saved. 2 rows: 2 new" in told
    assert "2 new" in saved
    assert "(checked only)" in listed
    assert await leads_of(house) == 2


async def test_rejected_rows_are_told_by_reason_and_can_be_downloaded(house: House) -> None:
    async with house.visit() as http:
        await send(http, house, "leads", LEADS)
        answer = await send(http, house, "messages", FAULTY)
        page = await http.get(answer.headers["Location"])
        file = await http.get(f"{answer.headers['Location']}/rejects.csv")
    rows = list(csv.reader(io.StringIO(file.text)))

    told = words(page)
    assert "4 rows: 1 new, 0 changed, 0 unchanged, 3 rejected." in told
    assert "Columns that were not taken: colour." in told
    assert "channel 'fax' is none of email, sms, linkedin 2 3, 4" in told
    assert "lead_external_id names a lead that the workspace does not have: import leads first 1 5" in told
    assert "All 3 of them as CSV" in told
    assert "attachment" in file.headers["Content-Disposition"]
    assert rows[0] == ["line", "column", "reason", "key"]
    assert [row[0] for row in rows[1:]] == ["3", "4", "5"]
    # A spreadsheet would run it.
    assert rows[3][3] == "'=m-4"


async def test_of_very_many_rejected_rows_the_first_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (imports, kept_imports):
        monkeypatch.setattr(module, "MOST_REJECTS", 2)
    async with house.visit() as http:
        answer = await send(http, house, "messages", FAULTY)
        told = words(await http.get(answer.headers["Location"]))
        file = await http.get(f"{answer.headers['Location']}/rejects.csv")

    assert "The first 2 of them as CSV" in told
    assert "setpoint import --rejects FILE writes them all" in told
    assert len(file.text.splitlines()) == 3


@pytest.mark.parametrize(
    ("kind", "content", "name", "why"),
    [
        ("leads", b"", "leads.csv", "leads.csv is empty"),
        ("leads", LEADS, "leads.xlsx", "leads.xlsx is no import file by its name"),
        ("leads", b"PK\x03\x04....", "leads.csv", "is a spreadsheet or a ZIP archive"),
        ("leads", b"\x1f\x8bnonsense", "leads.csv.gz", "is not a sound gzip file"),
        ("leads", b"PAR1nonsense", "leads.parquet", "leads.parquet"),
        ("leads", b"name\nAnn\n", "leads.csv", "external_id"),
        ("people", LEADS, "leads.csv", "Say what the file holds."),
        ("leads", LEADS, "", "Choose a file."),
    ],
)
async def test_a_broken_file_is_told_above_the_form_and_nothing_is_saved(
    house: House, kind: str, content: bytes, name: str, why: str
) -> None:
    async with house.visit() as http:
        answer = await send(http, house, kind, content, name)
        listed = words(await http.get(f"{house.address}/settings/imports"))

    assert answer.status_code == 400
    assert why in words(answer)
    assert "setpoint-upload" not in answer.text
    assert "No file was sent here" in listed
    assert await leads_of(house) == 0


@pytest.mark.parametrize(
    ("name", "shown"), [("..", ".."), (".", "."), ("files/..", ".."), ("/", "file"), (".csv.", ".csv.")]
)
async def test_a_name_that_names_no_file_is_answered_like_any_other_without_a_suffix(
    house: House, name: str, shown: str
) -> None:
    async with house.visit() as http:
        answer = await send(http, house, "leads", LEADS, name)

    assert answer.status_code == 400
    assert f"{shown} is no import file by its name: it must end in .csv" in words(answer)
    assert await leads_of(house) == 0


async def test_a_file_may_be_called_like_that_of_the_rejected_rows(house: House) -> None:
    async with house.visit() as http:
        answer = await send(http, house, "leads", LEADS + b",,\n", "rejects.csv")
        told = await follow(http, answer)
        file = await http.get(f"{answer.headers['Location']}/rejects.csv")

    assert "rejects.csv 3 rows: 2 new, 0 changed, 0 unchanged, 1 rejected." in told
    assert [row["line"] for row in csv.DictReader(io.StringIO(file.text))] == ["4"]


async def test_nothing_stays_behind_on_the_disk(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with house.visit() as http:
        await send(http, house, "leads", LEADS)
        await send(http, house, "leads", b"")

    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_too_long_is_refused_before_it_is_read(house: House) -> None:
    async with house.visit() as http:
        answer = await http.post(
            f"{house.address}/settings/imports",
            content=b"--b--",
            headers={
                "Content-Type": "multipart/form-data; boundary=b",
                "Content-Length": str(imports.MOST_BYTES + 1),
            },
        )

    assert answer.status_code == 413
    assert "too large" in words(answer)


async def test_a_file_may_be_longer_than_other_forms(house: House) -> None:
    rows = b"".join(b"lead-%d,%s@example.org,\n" % (number, b"x" * 60) for number in range(20_000))
    async with house.visit() as http:
        told = await follow(http, await send(http, house, "leads", b"external_id,email,created_at\n" + rows))

    assert len(rows) > 1 << 20
    assert "20,000 rows: 20,000 new" in told


async def test_nobody_else_s_file_is_even_read(town: Town) -> None:
    """A body that breaks when it is read tells whether it was."""

    async def body() -> Any:
        raise AssertionError("It was read.")
        yield b""

    home = town.home
    address = f"/w/{home.workspace.slug}/settings/imports"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    async with client(town.app()) as http:
        for status, headers in (
            (401, {}),
            (403, by_session(home.sessions[Role.SETTER], proof=False)),
            (404, by_session(town.away.sessions[Role.ADMIN], proof=False)),
        ):
            answer = await http.post(address, headers=kind | headers, content=body())
            assert answer.status_code == status


async def test_a_form_of_another_site_brings_no_file_in(house: House) -> None:
    async with house.visit() as http:
        del http.headers["X-CSRF-Token"]
        answer = await send(http, house, "leads", LEADS)

    assert answer.status_code == 403
    assert await leads_of(house) == 0


async def test_another_workspaces_import_is_not_there_nor_what_a_program_sent(
    house: House, town: Town, new_workspace: Callable[[], Awaitable[Workspace]]
) -> None:
    other = await make_house(house.database, await new_workspace())
    async with house.visit() as http:
        result = (await send(http, house, "leads", LEADS)).headers["Location"].rpartition("/")[2]
        setter = {"Cookie": f"setpoint={house.sessions[Role.SETTER]}"}
        assert (await http.get(f"{house.address}/settings/imports/{result}", headers=setter)).status_code == 403
        assert (await http.get(f"{house.address}/settings/imports", headers=setter)).status_code == 403
        rows = await http.post(
            f"/api/v1/workspaces/{house.workspace.slug}/imports/leads",
            headers={"Idempotency-Key": "nightly"},
            json=[{"external_id": "lead-7"}],
        )
        assert rows.status_code == 200
        assert (await http.get(f"{house.address}/settings/imports/nightly")).status_code == 404
    async with other.visit() as http:
        for path in (result, f"{result}/rejects.csv"):
            foreign = await http.get(f"{other.address}/settings/imports/{path}")
            absent = await http.get(f"{other.address}/settings/imports/{path.replace(result, '0' * 64)}")
            assert foreign.status_code == absent.status_code == 404
            assert words(foreign) == words(absent)
        listed = words(await http.get(f"{other.address}/settings/imports"))
    assert "No file was sent here" in listed


async def test_what_is_old_is_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house.visit() as http:
        old = (await send(http, house, "leads", LEADS)).headers["Location"]
    async with house.database.tenant(house.workspace.client_id) as connection:
        await connection.execute(text("UPDATE api_answers SET created_at = :long_ago"), {"long_ago": NOW - 2 * KEPT})
    async with house.visit() as http:
        assert (await http.get(old)).status_code == 404
        assert old not in (await http.get(f"{house.address}/settings/imports")).text
        new = (await send(http, house, "leads", LEADS, once="z" * 43)).headers["Location"]
        assert new in (await http.get(f"{house.address}/settings/imports")).text
    async with house.database.tenant(house.workspace.client_id) as connection:
        assert await connection.scalar(text("SELECT count(*) FROM api_answers")) == 1


async def test_the_examples_go_together_and_have_every_column(house: House) -> None:
    async with house.visit() as http:
        for kind in ImportKind:
            file = await http.get(f"{house.address}/settings/imports/examples/{kind}.csv")
            assert file.text == example(kind)
            told = await follow(http, await send(http, house, kind, file.content))
            assert "0 unchanged, 0 rejected" in told
            header, *rows = csv.reader(io.StringIO(file.text))
            assert tuple(header) == LAYOUTS[kind].names
            assert rows
        unknown = await http.get(f"{house.address}/settings/imports/examples/people.csv")
    assert unknown.status_code in (404, 422)


def test_every_column_is_told_in_words() -> None:
    told = {describe(column) for layout in LAYOUTS.values() for column in layout.columns}

    assert "one of confirmed, completed, no_show, canceled; empty means confirmed" in told
    assert "true or false" in told


@pytest.mark.parametrize("script", [True, False])
async def test_a_browser_sends_a_file_with_script_and_without(at: At, town: Town, script: bool) -> None:
    page = await at(f"/w/{town.home.workspace.slug}/settings/imports", width=390, script=script)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_label("What it holds").select_option("leads")
    await page.get_by_label("Check only").check()
    file = page.get_by_label("File", exact=True)
    await file.set_input_files({"name": "leads.csv", "mimeType": "text/csv", "buffer": b""})
    await page.get_by_role("button", name="Send the file").click()
    await expect(page.get_by_role("alert")).to_contain_text("leads.csv is empty")
    await page.get_by_label("What it holds").select_option("leads")
    await file.set_input_files({"name": "leads.csv", "mimeType": "text/csv", "buffer": b"external_id\n,\nlead-x\n"})
    await page.get_by_role("button", name="Send the file").click()
    await expect(page.get_by_text("Checked only: nothing was saved. 2 rows: 1 new")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.reload()
    await expect(page.get_by_role("heading", name="Why rows were rejected")).to_be_visible()
