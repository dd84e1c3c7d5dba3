"""Tables that are sorted by the address: the order, the links of the heads, and what they say to a screen reader."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.town import Town, by_session, client

from setpoint.app.web.sorting import Sorting, in_order
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Role

COLUMNS: dict[str, Callable[[tuple[int, int | None]], Any]] = {"a": lambda row: row[0], "b": lambda row: row[1]}
ROWS = st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)))


def sorting(asked: str) -> Sorting:
    return Sorting(asked, "/w/acme/calls", {"days": "7"})


@given(ROWS, st.sampled_from(["", "a", "-a", "b", "-b"]))
def test_every_row_stays_and_those_without_a_value_are_last(rows: list[tuple[int, int | None]], asked: str) -> None:
    ordered = in_order(rows, COLUMNS, sorting(asked))

    assert sorted(ordered, key=repr) == sorted(rows, key=repr)
    if asked:
        found = [COLUMNS[asked[-1]](row) for row in ordered]
        known = [value for value in found if value is not None]
        assert found == sorted(known, reverse=asked.startswith("-")) + [None] * (len(found) - len(known))
    else:
        assert list(ordered) == rows


def test_equal_rows_keep_their_usual_order_both_ways() -> None:
    rows = [(1, 1), (2, 2), (1, 3)]
    assert in_order(rows, COLUMNS, sorting("a")) == [(1, 1), (1, 3), (2, 2)]
    assert in_order(rows, COLUMNS, sorting("-a")) == [(2, 2), (1, 1), (1, 3)]


@pytest.mark.parametrize("asked", ["c", "-c", "--a", "-"])
def test_a_column_that_is_not_there_is_named(asked: str) -> None:
    with pytest.raises(UsageError, match=r"sorted by one of: a, b\."):
        in_order([(1, 1)], COLUMNS, sorting(asked))


def test_a_head_leads_to_its_usual_order_first_and_then_to_the_other() -> None:
    assert sorting("").address("a", largest_first=False) == "/w/acme/calls?days=7&sort=a"
    assert sorting("").address("a", largest_first=True) == "/w/acme/calls?days=7&sort=-a"
    assert sorting("a").address("a", largest_first=False) == "/w/acme/calls?days=7&sort=-a"
    assert sorting("-a").address("a", largest_first=True) == "/w/acme/calls?days=7&sort=a"
    assert sorting("-a").address("b", largest_first=False) == "/w/acme/calls?days=7&sort=b"


async def test_members_are_sorted_by_the_address(town: Town) -> None:
    address = f"/w/{town.home.workspace.slug}/settings/members"
    async with client(town.app()) as http:
        http.headers.update(by_session(town.home.sessions[Role.ADMIN]))
        usual = await http.get(address)
        sorted_by_role = await http.get(address, params={"sort": "-role"})
        unknown = await http.get(address, params={"sort": "secret"})

    def roles(page: str) -> list[str]:
        return re.findall(r'<td data-label="Role">(\w+)', page.partition("</table>")[0])

    assert sorted(roles(usual.text)) == sorted(roles(sorted_by_role.text))
    assert roles(sorted_by_role.text) == sorted(roles(usual.text), reverse=True)
    assert len(set(roles(usual.text))) > 1
    assert 'aria-sort="descending"><a class="sort" href="' + f"{address}?sort=role" in sorted_by_role.text
    assert "aria-sort" not in usual.text
    assert unknown.status_code == 400
    assert "sorted by one of: email, name, role, verified, since" in unknown.text
