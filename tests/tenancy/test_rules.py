"""Addresses, super-admins, passwords, secrets: decided without looking anything up."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from setpoint.domain.errors import UsageError
from setpoint.tenancy.rules import (
    API_TOKEN_MARK,
    ATTEMPT_WINDOW,
    Address,
    address_key,
    blocked_until,
    check_name,
    check_password,
    configured_secret,
    is_secret,
    is_super_admin,
    normalise_email,
    settled_address,
    super_admin_addresses,
)
from setpoint.tenancy.secret import matches_secret, new_secret, sha256

OWNERS = "ar@soramedia.co,abdur@zeroriskgrowth.com"
labels = st.text(string.ascii_letters + string.digits, min_size=1, max_size=10)
addresses = st.builds(
    "{}@{}.{}".format, st.text(string.ascii_letters + "+._-", min_size=1, max_size=9), labels, labels
)


class TestAddresses:
    @given(addresses.filter(lambda address: ".." not in address), st.text(" \t\r\n", max_size=3))
    def test_blanks_and_case_make_no_other_address(self, address: str, blanks: str) -> None:
        kept = normalise_email(blanks + address + blanks)
        assert kept == address.lower() == normalise_email(kept) == normalise_email(address.swapcase())

    @given(st.text())
    @example("K@example.org")
    @example("ar@\u017foramedia.co")
    def test_what_is_kept_is_small_ascii_with_one_at_or_refused(self, text: str) -> None:
        try:
            kept = normalise_email(text)
        except UsageError:
            return
        assert text.isascii()
        assert kept.count("@") == 1
        assert kept == kept.lower().strip()
        assert kept.lower() == text.strip().lower()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "None",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c.org",
            "a@-b.org",
            "a@b.org.",
            "a@b..org",
            "a\x00@b.org",
            "a@b.org\u00a0",
            "\u0430r@soramedia.co",
            "ar@soramed\u0131a.co",
            "\u212aim@example.org",
            "a" * 65 + "@b.org",
            "a@" + "b" * 260,
        ],
    )
    def test_what_is_no_address_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="address"):
            normalise_email(text)


class TestSuperAdmins:
    @pytest.mark.parametrize("email", ["ar@soramedia.co", "AR@SoraMedia.co", "abdur@zeroriskgrowth.com"])
    def test_a_listed_and_verified_address_is_one(self, email: str) -> None:
        assert is_super_admin(email, True, OWNERS)
        assert is_super_admin(email, True, f" {OWNERS.upper()} ,, \n")
        assert not is_super_admin(email, False, OWNERS)

    @pytest.mark.parametrize("configured", [None, "", " ", ",", ",,", "None", "none,null", "*", "@", "@soramedia.co"])
    @pytest.mark.parametrize("email", ["ar@soramedia.co", "", "None", "none", "*", "@", "@soramedia.co"])
    def test_a_list_without_addresses_means_nobody(self, configured: str | None, email: str) -> None:
        assert not is_super_admin(email, True, configured)

    @pytest.mark.parametrize(
        "email",
        [
            "ar@\u017foramedia.co",  # A long s, which folds to an s.
            "\u0430r@soramedia.co",  # A Cyrillic a.
            "ar@soramed\u0131a.co",  # A dotless i.
            "ar@soramed\u0130a.co",
            "ar@soramedia.co.evil.org",
            "xar@soramedia.co",
            "ar@soramedia.com",
            "ar@soramedia.co,abdur@zeroriskgrowth.com",
            "ar@soramedia.co\u200b",
            " ar@soramedia.co",
            "ar+x@soramedia.co",
            "",
        ],
    )
    def test_what_only_looks_like_one_is_none(self, email: str) -> None:
        assert not is_super_admin(email, True, OWNERS)

    def test_a_look_alike_in_the_list_stands_for_nobody(self) -> None:
        assert super_admin_addresses("ar@\u017foramedia.co,\u212aim@example.org") == frozenset()

    @given(st.text(), st.text())
    @example("\u212aim@example.org", "kim@example.org")
    def test_nobody_is_one_who_is_not_listed_letter_by_letter(self, email: str, configured: str) -> None:
        if is_super_admin(email, True, configured):
            assert email.isascii()
            assert email.lower() in [item.strip().lower() for item in configured.split(",")]

    @given(st.lists(addresses, min_size=1, max_size=4), st.data())
    def test_everybody_listed_is_one_and_only_if_verified(self, listed: list[str], data: st.DataObject) -> None:
        listed = [address for address in listed if ".." not in address] or ["a@b.c"]
        one = data.draw(st.sampled_from(listed))
        assert is_super_admin(one.swapcase(), True, ", ".join(listed))
        assert not is_super_admin(one, False, ", ".join(listed))
        # Only `True` is true, whatever a row or a claim may hold.
        assert not is_super_admin(one, "true", ",".join(listed))  # type: ignore[arg-type]


class TestPasswords:
    @pytest.mark.parametrize("password", ["", "x" * 11, "a" * 12, "abcabcabcabcabc", "p" * 201, "\ud800" * 12])
    def test_a_weak_one_is_refused(self, password: str) -> None:
        with pytest.raises(UsageError, match="password"):
            check_password(password, "me@example.org")

    def test_ones_own_address_is_refused(self) -> None:
        with pytest.raises(UsageError, match="guess"):
            check_password("Somebody@example.org", "somebody@example.org")

    def test_length_is_all_that_is_asked_otherwise(self) -> None:
        assert check_password("four quiet words", "me@example.org") == "four quiet words"
        assert len(check_password("abcd" * 50, "me@example.org")) == 200

    def test_two_spellings_of_one_letter_are_one_password(self) -> None:
        assert check_password("u\u0308bermut tut gut", "a@b.c") == check_password("\u00fcbermut tut gut", "a@b.c")


class TestSecrets:
    def test_a_secret_is_known_by_its_form(self) -> None:
        assert is_secret(new_secret())
        assert is_secret(new_secret(API_TOKEN_MARK), API_TOKEN_MARK)
        assert new_secret() != new_secret()
        assert len(sha256(new_secret())) == 64

    @pytest.mark.parametrize("token", ["", "None", "sp_", "sp_None", "\u00e9" * 43, "sp_" + "\u00e9" * 43, "x" * 42])
    @pytest.mark.parametrize("mark", ["", API_TOKEN_MARK])
    def test_what_is_none_is_known_without_looking_it_up(self, token: str, mark: str) -> None:
        assert not is_secret(token, mark)
        assert not is_secret(new_secret() + "\n")

    @pytest.mark.parametrize("value", [None, ""])
    def test_a_secret_that_is_not_set_is_none(self, value: str | None) -> None:
        assert configured_secret("SECRET", value) is None

    @pytest.mark.parametrize(
        "value", ["None", "none", " null ", "undefined", "p\u00e4ss", "two words", " ", "a\n", "\ud800"]
    )
    def test_a_secret_that_went_wrong_is_refused_and_not_shown(self, value: str) -> None:
        with pytest.raises(UsageError, match=r"^SECRET is no secret") as caught:
            configured_secret("SECRET", value)
        assert "p\u00e4ss" not in caught.value.message

    def test_a_secret_is_taken_as_it_stands(self) -> None:
        assert configured_secret("SECRET", "a-long-one!") == "a-long-one!"

    @pytest.mark.parametrize("presented", [None, "", "None", "secre", "secrets", "s\u00e9cret", "\ud800"])
    def test_a_configured_secret_is_matched_whole_or_not_at_all(self, presented: str | None) -> None:
        assert not matches_secret(presented, "secret")
        assert not matches_secret(presented, "secret", "other")
        assert not matches_secret(presented, None, "")
        assert not matches_secret(presented)
        assert matches_secret("secret", "secret")
        assert matches_secret("secret", "other", "secret")


class TestAttempts:
    @pytest.mark.parametrize(
        ("address", "key"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
            (None, "unknown"),
            ("testclient", "unknown"),
        ],
    )
    def test_a_client_is_its_address_or_network(self, address: str | None, key: str) -> None:
        assert address_key(address) == key

    def test_one_too_many_waits_for_the_end_of_the_window(self) -> None:
        began = datetime(2026, 3, 2, tzinfo=UTC)
        assert blocked_until(10, began, 10) is None
        assert blocked_until(11, began, 10) == began + ATTEMPT_WINDOW == began + timedelta(minutes=15)


class TestAddressAfterAProviderSpoke:
    PROVEN, OPEN = Address("old@example.org", True), Address("old@example.org", False)

    @pytest.mark.parametrize(
        ("account", "claimed", "settled"),
        [
            (PROVEN, None, PROVEN),
            (OPEN, None, OPEN),
            (OPEN, PROVEN, PROVEN),
            (PROVEN, OPEN, PROVEN),
            (PROVEN, Address("new@example.org", True), Address("new@example.org", True)),
            (PROVEN, Address("new@example.org", False), OPEN),
            (OPEN, Address("new@example.org", False), OPEN),
        ],
    )
    def test_the_table(self, account: Address, claimed: Address | None, settled: Address) -> None:
        assert settled_address(account, claimed) == settled


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b", "a\nb"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"^A token's name has 1 to 80"):
        check_name(name, "A token's name")
