"""Passwords: hashed with Argon2, in threads of their own, and the same work for accounts that do not exist."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from setpoint.tenancy.rules import spell_password

hasher = PasswordHash.recommended()
# A hash takes 64 MB and a third of a second: a flood of sign-ins waits here and not in front of everything else.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


@cache
def _decoy(hasher: PasswordHash) -> str:
    return hasher.hash(secrets.token_urlsafe(32))


async def hash_password(password: str) -> str:
    """The hash to keep of a password that `rules.check_password` let pass."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hasher.hash, password)


async def verify_password(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether a password is the one behind a hash, and the hash to keep instead where parameters have changed.

    Where there is no hash, or a password that nobody can have, the work is done on a decoy and the answer is no.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, hasher, password, kept)


def _verify(hasher: PasswordHash, password: str, kept: str | None) -> tuple[bool, str | None]:
    decoy = _decoy(hasher)
    spelled = spell_password(password)
    if kept is None or spelled is None:
        hasher.verify(spelled or "", decoy)
        return False, None
    try:
        return hasher.verify_and_update(spelled, kept)
    except UnknownHashError:
        hasher.verify(spelled, decoy)
        return False, None
