"""The account of whoever is signed in, by the API."""

from uuid import uuid4

from tests.app.api.test_people import joined
from tests.app.town import NOW, PASSWORD, Town, by_session, by_token, client

from setpoint.domain.vocabulary import Role
from setpoint.tenancy.schemas import SignedIn
from setpoint.tenancy.service import Workspace
from setpoint.tenancy.sign_in import sign_in

ACCOUNT = "/api/v1/account"
NEW = "quite another phrase"
BODIES = {f"{ACCOUNT}/password": {"present": PASSWORD, "new": NEW}, f"{ACCOUNT}/address": {"email": "x@example.org"}}


async def again(town: Town, email: str) -> SignedIn:
    return await sign_in(town.database, email, PASSWORD, client_address=None, now=NOW)


async def test_a_person_is_told_with_ways_in_and_workspaces(town: Town, workspace: Workspace) -> None:
    session = await joined(town, workspace, "ana", Role.ADMIN)
    async with client(town.app()) as http:
        told = (await http.get(ACCOUNT, headers=by_session(session.token))).json()
        boss = (await http.get(ACCOUNT, headers=by_session(town.super_admin))).json()

    assert told == {
        "id": str(session.user_id),
        "email": f"ana-{workspace.slug}@example.org",
        "email_verified": False,
        "name": "ana",
        "is_super_admin": False,
        "has_password": True,
        "provider_connected_at": None,
        "workspaces": [{"workspace": workspace.slug, "role": "admin"}],
    }
    assert (boss["is_super_admin"], boss["workspaces"]) == (True, [])


async def test_no_token_and_no_form_of_another_reads_or_changes_an_account(town: Town, workspace: Workspace) -> None:
    """Every route that the document has below the account; a new one is asked as well."""
    session = await joined(town, workspace, "ana", Role.ADMIN)
    app = town.app()
    found = [
        (method.upper(), path, described)
        for path, methods in app.openapi()["paths"].items()
        if path.startswith(ACCOUNT)
        for method, described in methods.items()
    ]
    tokens = by_token(town.home.tokens[Role.ADMIN])
    async with client(app) as http:
        for method, path, described in found:
            assert described["security"] == [{"session": []}], path
            spelled, sent = path.format(session=uuid4()), BODIES.get(path)
            nobody = await http.request(method, spelled, json=sent)
            token = await http.request(method, spelled, json=sent, headers=tokens)
            both = await http.request(method, spelled, json=sent, headers=tokens | by_session(session.token))
            assert [each.status_code for each in (nobody, token, both)] == [401, 403, 403], (method, path)
            if method != "GET":
                forged = await http.request(
                    method, spelled, json=sent, headers=by_session(session.token, proof=False)
                )
                assert (forged.status_code, forged.json()["code"]) == (403, "not_allowed"), (method, path)
        assert (await http.get(ACCOUNT, headers=by_session(session.token))).status_code == 200
    assert len(found) == 6
    await again(town, f"ana-{workspace.slug}@example.org")


async def test_another_password_ends_other_sessions(town: Town, workspace: Workspace) -> None:
    session = await joined(town, workspace, "ana", Role.SETTER)
    other = await again(town, f"ana-{workspace.slug}@example.org")
    headers = by_session(session.token)
    async with client(town.app()) as http:
        wrong = await http.put(f"{ACCOUNT}/password", headers=headers, json={"present": "a guess", "new": NEW})
        weak = await http.put(f"{ACCOUNT}/password", headers=headers, json={"present": PASSWORD, "new": "short"})
        before = await http.get(ACCOUNT, headers=by_session(other.token))
        done = await http.put(f"{ACCOUNT}/password", headers=headers, json={"present": PASSWORD, "new": NEW})
        after = [(await http.get(ACCOUNT, headers=by_session(each.token))).status_code for each in (session, other)]

    assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in_refused")
    assert [weak.status_code, before.status_code, done.status_code] == [400, 200, 204]
    assert after == [200, 401]


async def test_another_address_needs_the_password_and_is_not_verified(town: Town, workspace: Workspace) -> None:
    session = await joined(town, workspace, "ana", Role.SETTER)
    headers, new = by_session(session.token), f"new-{workspace.slug}@example.org"
    boss = town.config.super_admins
    async with client(town.app()) as http:
        unasked = await http.put(f"{ACCOUNT}/address", headers=headers, json={"email": new})
        taken = await http.put(f"{ACCOUNT}/address", headers=headers, json={"email": boss, "present": PASSWORD})
        done = await http.put(f"{ACCOUNT}/address", headers=headers, json={"email": new, "present": PASSWORD})

    assert [unasked.status_code, taken.status_code, done.status_code] == [401, 409, 200]
    assert (done.json()["email"], done.json()["email_verified"]) == (new, False)


async def test_tries_are_counted(town: Town, workspace: Workspace) -> None:
    session = await joined(town, workspace, "ana", Role.SETTER)
    headers, asked = by_session(session.token), {"present": "a guess", "email": "x@example.org"}
    async with client(town.app()) as http:
        answers = [await http.put(f"{ACCOUNT}/address", headers=headers, json=asked) for _ in range(11)]

    assert [each.status_code for each in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= 15 * 60 + 1


async def test_sessions_are_listed_and_ended_one_or_all(town: Town, workspace: Workspace) -> None:
    email = f"ana-{workspace.slug}@example.org"
    session = await joined(town, workspace, "ana", Role.SETTER)
    other, third = await again(town, email), await again(town, email)
    stranger = await joined(town, workspace, "sam", Role.SETTER)
    headers = by_session(session.token)
    async with client(town.app()) as http:
        listed = (await http.get(f"{ACCOUNT}/sessions", headers=headers)).json()
        theirs = (await http.get(f"{ACCOUNT}/sessions", headers=by_session(stranger.token))).json()
        refused = [
            await http.delete(f"{ACCOUNT}/sessions/{each}", headers=headers)
            for each in (theirs[0]["id"], uuid4(), "none")
        ]
        (second,) = [
            each["id"]
            for each in (await http.get(f"{ACCOUNT}/sessions", headers=by_session(other.token))).json()
            if each["is_this"]
        ]
        ended = await http.delete(f"{ACCOUNT}/sessions/{second}", headers=headers)
        left = [(await http.get(ACCOUNT, headers=by_session(each.token))).status_code for each in (other, third)]
        everywhere = await http.delete(f"{ACCOUNT}/sessions", headers=headers)
        gone = [
            (await http.get(ACCOUNT, headers=by_session(each.token))).status_code
            for each in (session, third, stranger)
        ]

    assert [each["is_this"] for each in listed] == [True, False, False]
    assert [each.status_code for each in refused] == [404, 404, 404]
    assert len({each.text for each in refused}) == 1
    assert [ended.status_code, *left] == [204, 401, 200]
    assert [everywhere.status_code, *gone] == [204, 401, 401, 200]
