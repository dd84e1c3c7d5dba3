"""Members, invitations and tokens by the API."""

from tests.app.town import NOW, Town, by_session, by_token, client
from tests.conftest import WorkspaceFactory

from setpoint.domain.vocabulary import Role
from setpoint.tenancy.invitations import accept_with_password, invite
from setpoint.tenancy.schemas import SignedIn, cli_actor
from setpoint.tenancy.service import Workspace


async def joined(town: Town, workspace: Workspace, name: str, role: Role) -> SignedIn:
    async with town.database.tenant(workspace.client_id) as connection:
        link, _ = await invite(
            connection, cli_actor(workspace, "op"), f"{name}-{workspace.slug}@example.org", role, now=NOW
        )
    return await accept_with_password(town.database, link, name, "correct horse battery", now=NOW)


async def test_an_admin_in_person_gives_and_takes_roles(town: Town, workspace: Workspace) -> None:
    admin = await joined(town, workspace, "ana", Role.ADMIN)
    member = await joined(town, workspace, "sam", Role.SETTER)
    address = f"/api/v1/workspaces/{workspace.slug}/members"
    headers = by_session(admin.token)
    async with client(town.app()) as http:
        changed = await http.patch(f"{address}/{member.user_id}", headers=headers, json={"role": "admin"})
        now_admin = await http.get(address, headers=by_session(member.token))
        removed = await http.delete(f"{address}/{member.user_id}", headers=headers)
        gone = await http.get(f"/api/v1/workspaces/{workspace.slug}/reports", headers=by_session(member.token))
        last = await http.delete(f"{address}/{admin.user_id}", headers=headers)
        absent = await http.delete(f"{address}/{member.user_id}", headers=headers)

    assert (changed.status_code, changed.json()["role"]) == (200, "admin")
    assert len(now_admin.json()) == 2
    assert [each.status_code for each in (removed, gone, last, absent)] == [204, 404, 409, 404]


async def test_an_invitation_is_made_listed_and_taken_back(town: Town, workspace: Workspace) -> None:
    admin = await joined(town, workspace, "ana", Role.ADMIN)
    address = f"/api/v1/workspaces/{workspace.slug}/invitations"
    headers = by_session(admin.token)
    async with client(town.app()) as http:
        made = await http.post(address, headers=headers, json={"email": "New@example.org"})
        listed = (await http.get(address, headers=headers)).json()
        revoked = await http.delete(f"{address}/{made.json()['id']}", headers=headers)
        again = await http.delete(f"{address}/{made.json()['id']}", headers=headers)

    assert (made.status_code, made.json()["email"], made.json()["role"]) == (201, "new@example.org", "setter")
    assert made.json()["link"].startswith("/join/")
    assert "link" not in listed[0]
    assert [revoked.status_code, again.status_code] == [204, 404]


async def test_a_token_is_shown_once_works_and_is_revoked(town: Town, workspace: Workspace) -> None:
    admin = await joined(town, workspace, "ana", Role.ADMIN)
    address = f"/api/v1/workspaces/{workspace.slug}/tokens"
    headers = by_session(admin.token)
    async with client(town.app()) as http:
        made = (await http.post(address, headers=headers, json={"name": "nightly", "role": "admin"})).json()
        used = await http.get(address, headers=by_token(made["token"]))
        revoked = await http.delete(f"{address}/{made['id']}", headers=headers)
        over = await http.get(address, headers=by_token(made["token"]))

    assert used.json()[0]["prefix"] == made["token"][:11]
    assert made["token"] not in used.text
    assert (revoked.status_code, over.status_code) == (204, 401)


async def test_a_super_admin_enters_every_workspace_as_its_admin(town: Town, new_workspace: WorkspaceFactory) -> None:
    workspace = await new_workspace()
    address = f"/api/v1/workspaces/{workspace.slug}/members"
    async with client(town.app()) as http:
        listed = await http.get(address, headers=by_session(town.super_admin))

    assert (listed.status_code, listed.json()) == (200, [])
