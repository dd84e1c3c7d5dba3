"""The account of whoever is signed in: password, address, sessions, and links to a new password."""

import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import text
from tests.app.town import NOW, PASSWORD, by_session, client
from tests.app.web.house import House, follow, make_house, words

from setpoint.app.http.config import HttpConfig
from setpoint.app.http.server import create_app
from setpoint.app.web import account, provider
from setpoint.app.web.demo import ADDRESSES, enrol_visitors
from setpoint.domain.vocabulary import Role
from setpoint.storage.database import Database
from setpoint.tenancy.accounts import set_disabled, verify_account
from setpoint.tenancy.members import find_member
from setpoint.tenancy.password_links import make_password_link
from setpoint.tenancy.passwords import hash_password
from setpoint.tenancy.schemas import SignInRefused, cli_actor
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sessions import open_session
from setpoint.tenancy.sign_in import sign_in

At = Callable[..., Awaitable[Page]]
NEW = "quite another phrase"
FORMS = sorted(
    (path, method)
    for routes in (account.router, provider.router)
    for path, method in ((each.path, each.methods) for each in routes.routes)  # type: ignore[attr-defined]
    if "GET" not in method
)
PATHS = [path for path, _ in FORMS]


@pytest_asyncio.fixture
async def house(database: Database, workspace: Workspace) -> House:
    return await make_house(database, workspace)


@pytest.fixture
def loners() -> Iterator[str]:
    """Addresses that nobody else has."""
    return (f"loner-{uuid4().hex[:8]}@example.org" for _ in iter(int, 1))


def address(house: House, role: Role = Role.ADMIN) -> str:
    return f"{role}@{house.workspace.slug}.example.org"


async def signs_in(database: Database, email: str, password: str) -> bool:
    """Whether an account can be signed in to, from an address that nobody else has tried from."""
    number = uuid4().hex
    try:
        await sign_in(database, email, password, client_address=f"2001:db8:{number[:4]}:{number[4:8]}::1", now=NOW)
    except SignInRefused:
        return False
    return True


async def elsewhere(house: House, role: Role = Role.ADMIN) -> httpx.AsyncClient:
    """The browser of a member on another device."""
    session = await sign_in(house.database, address(house, role), PASSWORD, client_address=None, now=NOW)
    return at_home(house.database, session.token)


def at_home(database: Database, token: str, config: HttpConfig | None = None) -> httpx.AsyncClient:
    http = client(create_app(database, config or HttpConfig(), clock=lambda: NOW))
    http.headers.update(by_session(token))
    return http


async def is_in(http: httpx.AsyncClient) -> bool:
    return (await http.get("/account")).status_code == 200


def beside(answer: httpx.Response, field: str) -> str:
    """What stands beside a field as its fault."""
    found = re.search(rf'<p class="failure" id="{field}-fault" role="alert">([^<]*)</p>', answer.text)
    assert found is not None, words(answer)
    assert re.search(rf'<input id="{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="{field}-fault', answer.text)
    return found[1].replace("&#39;", "'")


# Who may


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SETTER])
async def test_every_member_comes_to_their_account_from_a_page_of_the_workspace(house: House, role: Role) -> None:
    async with house.visit(role) as http:
        overview = await http.get(house.address)
        page = await http.get("/account")

    assert '<a href="/account" title="Your account">' in overview.text
    said = words(page)
    assert page.status_code == 200
    for told in (address(house, role), "not verified", f"{house.workspace.slug} ( {role} )", "this one"):
        assert told.replace("( ", "(").replace(" )", ")") in said.replace("( ", "(").replace(" )", ")")
    assert "super-admin" not in said


async def test_somebody_without_a_workspace_has_an_account_as_well(database: Database, loners: Iterator[str]) -> None:
    email = next(loners)
    async with database.owner() as connection:
        await verify_account(connection, email, await hash_password(PASSWORD), now=NOW)
    session = await sign_in(database, email, PASSWORD, client_address=None, now=NOW)
    async with at_home(database, session.token, HttpConfig(super_admins=email)) as http:
        above = await http.get("/account")
    async with at_home(database, session.token) as http:
        home = await http.get("/")
        page = await http.get("/account")

    assert 'href="/account"' in home.text
    assert "none: ask an admin of yours to invite you" in words(page)
    assert f"{email}, verified" in words(page)
    assert "super-admin, in all workspaces" in words(above)


async def test_nobody_is_sent_to_sign_in_and_comes_back(house: House) -> None:
    async with client(create_app(house.database, HttpConfig(), clock=lambda: NOW)) as http:
        for path in ("/account", "/account/password", "/account/address"):
            answer = await http.get(path)
            assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("path", PATHS)
async def test_a_form_that_is_not_ours_changes_nothing(house: House, path: str) -> None:
    """Without the proof, with another's, and from another site."""
    filled = {"present": PASSWORD, "new": NEW, "again": NEW, "email": f"new-{address(house)}"}
    token, other = house.sessions[Role.ADMIN], house.sessions[Role.SETTER]
    async with house.visit() as visiting:
        listed = await visiting.get("/account")
    async with await elsewhere(house) as there:
        (session,) = re.findall(r"/account/sessions/([^/]+)/end", (await there.get("/account")).text)
        spelled = path.format(session=session, token="A" * 43)
        async with client(create_app(house.database, HttpConfig(), clock=lambda: NOW)) as http:
            forged = {**by_session(token, proof=False), "X-CSRF-Token": by_session(other)["X-CSRF-Token"]}
            far = {**by_session(token), "Sec-Fetch-Site": "cross-site"}
            for headers in (by_session(token, proof=False), forged, far):
                assert (await http.post(spelled, headers=headers, data=filled)).status_code == 403
        assert await is_in(there)
    async with house.visit() as http:
        assert await is_in(http)
        assert words(await http.get("/account")).count("Begun") == words(listed).count("Begun")
    assert await signs_in(house.database, address(house), PASSWORD)


# The password


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SETTER])
async def test_another_password_ends_the_other_sessions_and_keeps_this_one(house: House, role: Role) -> None:
    other = await elsewhere(house, role)
    async with house.visit(role) as http, other:
        changed = await http.post("/account/password", data={"present": PASSWORD, "new": NEW, "again": NEW})
        assert "Your password is changed. Your other sessions are over." in await follow(http, changed)
        assert [await is_in(http), await is_in(other)] == [True, False]
    assert not await signs_in(house.database, address(house, role), PASSWORD)
    assert await signs_in(house.database, address(house, role), NEW)


@pytest.mark.parametrize(
    ("typed", "field", "why"),
    [
        ({"present": "something else here", "new": NEW, "again": NEW}, "present", "not your present password"),
        ({"present": "", "new": NEW, "again": NEW}, "present", "not your present password"),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "new", "12 to 200 characters"),
        ({"present": PASSWORD, "new": NEW, "again": f"{NEW}x"}, "again", "The two differ"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_changes_nothing(
    house: House, typed: dict[str, str], field: str, why: str
) -> None:
    other = await elsewhere(house)
    async with house.visit() as http, other:
        answer = await http.post("/account/password", data=typed)
        assert answer.status_code == 400
        assert why in beside(answer, field)
        assert typed["present"] not in answer.text or not typed["present"]
        assert await is_in(other)
    assert await signs_in(house.database, address(house), PASSWORD)


async def test_a_stolen_session_guesses_ten_times_and_nobody_outside_uses_the_tries_up(house: House) -> None:
    for _ in range(10):
        assert not await signs_in(house.database, address(house, Role.SETTER), "a guess from outside")
    async with house.visit() as http:
        for _ in range(10):
            answer = await http.post("/account/password", data={"present": "a guess", "new": NEW, "again": NEW})
            assert answer.status_code == 400
        late = await http.post("/account/address", data={"email": "x@example.org", "present": PASSWORD})
    async with house.visit(Role.SETTER) as http:
        mine = await http.post("/account/password", data={"present": PASSWORD, "new": NEW, "again": NEW})

    assert late.status_code == 429
    assert "too many attempts" in beside(late, "present")
    assert mine.status_code == 303
    assert await signs_in(house.database, address(house), PASSWORD)


# The address


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SETTER])
async def test_another_address_is_signed_in_with_and_is_not_verified(house: House, role: Role) -> None:
    new = f"new-{address(house, role)}"
    async with house.visit(role) as http:
        changed = await http.post("/account/address", data={"email": f" {new.upper()}", "present": PASSWORD})
        said = await follow(http, changed)

    assert "Your address is changed" in said
    assert f"{new}, not verified" in said
    assert await signs_in(house.database, new, PASSWORD)
    assert not await signs_in(house.database, address(house, role), PASSWORD)


async def test_a_super_admin_is_none_after_changing_to_whatever_address(
    house: House, database: Database, workspace: Workspace
) -> None:
    """Also to one that is on the list, and also back to their own: neither is verified by that."""
    mine, listed = address(house), f"listed-{address(house)}"
    config = HttpConfig(super_admins=f"{mine},{listed}")
    async with database.owner() as connection:
        await connection.execute(text("UPDATE users SET email_verified = true WHERE email = :mine"), {"mine": mine})
        await connection.execute(
            text("DELETE FROM memberships WHERE client_id = :id AND user_id = :user"),
            {"id": workspace.client_id, "user": house.members[Role.ADMIN]},
        )
    async with house.visit(config=config) as http:
        assert "super-admin" in words(await http.get("/account"))
        assert "You stop being a super-admin at once" in words(await http.get("/account/address"))
        assert (await http.get(house.address)).status_code == 200
        for email in (listed, mine):
            assert (
                await http.post("/account/address", data={"email": email, "present": PASSWORD})
            ).status_code == 303
            assert (await http.get(house.address)).status_code == 404
            said = words(await http.get("/account"))
            assert "super-admin" not in said
            assert f"{email}, not verified" in said


@pytest.mark.parametrize(
    ("email", "present", "field", "why"),
    [
        ("nobody", PASSWORD, "email", "That is no email address"),
        ("", PASSWORD, "email", "That is no email address"),
        ("{mine}", PASSWORD, "email", "your address already"),
        ("{taken}", PASSWORD, "email", "cannot be taken"),
        ("new-{mine}", "something else here", "present", "not your present password"),
    ],
)
async def test_an_address_that_cannot_be_is_told_beside_the_field(
    house: House, email: str, present: str, field: str, why: str
) -> None:
    typed = email.format(mine=address(house), taken=address(house, Role.SETTER))
    async with house.visit() as http:
        answer = await http.post("/account/address", data={"email": typed, "present": present})
        assert answer.status_code == 400
        assert why in beside(answer, field)
        assert f'value="{typed}"' in answer.text
        assert address(house) in words(await http.get("/account"))


# Sessions


async def test_a_session_is_ended_and_this_one_stays(house: House) -> None:
    other = await elsewhere(house)
    async with house.visit() as http, other:
        page = await http.get("/account")
        (session,) = re.findall(r"/account/sessions/([^/]+)/end", page.text)
        ended = await http.post(f"/account/sessions/{session}/end")
        assert "The session is over." in await follow(http, ended)
        assert [await is_in(http), await is_in(other)] == [True, False]
        again = await http.post(f"/account/sessions/{session}/end")
        assert again.status_code == 404


async def test_another_s_session_answers_like_one_that_there_is_not(house: House) -> None:
    async with await elsewhere(house, Role.SETTER) as theirs, house.visit() as http:
        (session,) = re.findall(r"/account/sessions/([^/]+)/end", (await theirs.get("/account")).text)
        answers = [
            await http.post(f"/account/sessions/{each}/end") for each in (session, uuid4(), "none", "' OR true --")
        ]
        assert await is_in(theirs)
    async with house.visit(Role.SETTER) as http:
        assert await is_in(http)
    assert {each.status_code for each in answers} == {404}
    assert len({words(each) for each in answers}) == 1


async def test_signing_out_everywhere_ends_all_at_once_and_nobody_else_s(house: House) -> None:
    other = await elsewhere(house)
    async with house.visit() as http, other, house.visit(Role.SETTER) as setter:
        out = await http.post("/account/sign-out-everywhere")
        assert (out.status_code, out.headers["Location"]) == (303, "/sign-in")
        assert 'setpoint="";' in out.headers["Set-Cookie"]
        assert [await is_in(each) for each in (http, other, setter)] == [False, False, True]
    assert await signs_in(house.database, address(house), PASSWORD)


async def test_a_long_list_of_sessions_is_cut_and_says_so(house: House) -> None:
    async with house.database.registry() as connection:
        for _ in range(account.MOST_SESSIONS):
            await open_session(connection, uuid_of(house), now=NOW - timedelta(days=1))
    async with house.visit() as http:
        page = await http.get("/account")
    assert f"The last {account.MOST_SESSIONS} of {account.MOST_SESSIONS + 1} are shown." in words(page)
    assert "this one" in words(page)


def uuid_of(house: House) -> UUID:
    return UUID(house.members[Role.ADMIN])


# The demo's account


async def test_the_demo_s_account_says_what_is_possible_and_refuses_the_rest(
    database: Database, workspace: Workspace
) -> None:
    await enrol_visitors(database, workspace, now=NOW)
    async with database.tenant(workspace.client_id) as connection:
        member = await find_member(connection, cli_actor(workspace, "op"), ADDRESSES[Role.SETTER])
        session = await open_session(connection, member.user_id, now=NOW)
    async with at_home(database, session.token) as http:
        page = await http.get("/account")
        assert "This is the demo's account" in words(page)
        assert "Nobody knows the password: one click signs in." in words(page)
        assert "/account/password" not in page.text
        assert "/account/address" not in page.text
        filled = {"present": PASSWORD, "new": NEW, "again": NEW, "email": "new@example.org"}
        for path in ("/account/password", "/account/address", "/account/connect", "/account/disconnect"):
            for answer in (await http.get(path), await http.post(path, data=filled)):
                assert answer.status_code == 403, path
                assert "Whoever looks around on this machine shares it" in words(answer)
        assert (await http.post("/account/sign-out-everywhere")).status_code == 303
        assert not await is_in(http)


# A link to a new password


async def link_to(database: Database, email: str) -> str:
    async with database.owner() as connection:
        token, _ = await make_password_link(connection, email, now=NOW)
    return f"/password/{token}"


async def test_a_link_gives_a_new_password_once_and_ends_the_sessions(house: House) -> None:
    link = await link_to(house.database, address(house))
    async with client(create_app(house.database, HttpConfig(), clock=lambda: NOW)) as http, house.visit() as before:
        form = await http.get(link)
        assert f"For the account of {address(house)}" in words(form)
        proof = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
        assert proof is not None
        for typed, field in (((NEW, "other"), "again"), (("short", "short"), "new")):
            wrong = await http.post(link, data={"csrf": proof[1], "new": typed[0], "again": typed[1]})
            assert wrong.status_code == 400
            assert beside(wrong, field)
        assert await is_in(before)
        done = await http.post(link, data={"csrf": proof[1], "new": NEW, "again": NEW})
        assert (done.status_code, done.headers["Location"]) == (303, "/")
        assert await is_in(http)
        assert not await is_in(before)
    async with client(create_app(house.database, HttpConfig(), clock=lambda: NOW)) as http:
        assert (await http.get(link)).status_code == 404
    assert await signs_in(house.database, address(house), NEW)
    assert not await signs_in(house.database, address(house), PASSWORD)


async def test_a_link_is_over_after_a_day_and_for_a_shut_account(house: House) -> None:
    link = await link_to(house.database, address(house))
    late = create_app(house.database, HttpConfig(), clock=lambda: NOW + timedelta(days=1))
    async with client(late) as http:
        over = await http.get(link)
        absent = await http.get(f"/password/{'A' * 43}")
    async with house.database.owner() as connection:
        await set_disabled(connection, address(house), True, now=NOW)
    async with client(create_app(house.database, HttpConfig(), clock=lambda: NOW)) as http:
        shut = await http.get(link)

    assert [each.status_code for each in (over, absent, shut)] == [404, 404, 404]
    assert words(over) == words(absent) == words(shut)
    assert "ask whoever runs Setpoint for another" in words(over)


# As a browser has it


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SETTER])
async def test_it_works_without_script_and_is_no_wider_than_a_phone(at: At, role: Role) -> None:
    page = await at("/", role, width=390, script=False)
    await page.get_by_title("Your account").click()
    await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    for path in ("/account", "/account/password", "/account/address"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    await page.goto("/account/password")
    await page.get_by_label("Your present password").fill("something else here")
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_label("The new password once more").fill(NEW)
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_role("alert")).to_contain_text("That is not your present password")
    await expect(page.get_by_label("Your present password")).to_have_value("")


async def test_names_are_text_and_nothing_else(house: House) -> None:
    async with house.database.owner() as connection:
        await connection.execute(
            text("UPDATE users SET name = '<b>x</b>' WHERE email = :mine"), {"mine": address(house)}
        )
    async with house.visit() as http:
        page = await http.get("/account?told=<i>told</i>")
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert "<i>told" not in page.text
