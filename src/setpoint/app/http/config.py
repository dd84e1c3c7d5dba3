"""How the service is reached and whom it trusts, read from the environment once, when it starts."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from setpoint.domain.errors import UsageError
from setpoint.tenancy.oidc import Client, read_client
from setpoint.tenancy.rules import configured_secret

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

CRON_SECONDS: Final = 20
CRON_BATCH: Final = 20
MOST_CRON_SECONDS: Final = 800
MOST_CRON_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """What the environment says about the service. Secrets are in no `repr`.

    `public_url` is the origin under which people reach it, without a path and a slash at the end; None means that
    nobody said. `trusted_proxies` may tell who a request comes from. `cron_secrets` are all valid, so that one can
    replace the other; empty means that no outside schedule may call. One such call works for `cron_seconds` at most,
    and does `cron_batch` things at most. `metrics_token` opens the figures to other machines than this one.
    `demo_workspace` is the sample that visitors on this machine may look around in; `setpoint demo` sets it, and
    nothing in the environment does.
    """

    public_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    super_admins: str | None = None
    oidc: Client | None = None
    cron_secrets: tuple[str, ...] = field(default=(), repr=False)
    cron_seconds: float = CRON_SECONDS
    cron_batch: int = CRON_BATCH
    metrics_token: str | None = field(default=None, repr=False)
    demo_workspace: str | None = None

    @property
    def is_secure(self) -> bool:
        """Whether browsers speak TLS to us, or to the proxy in front of us."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "HttpConfig":
        """From SETPOINT_PUBLIC_URL, _TRUSTED_PROXIES, _SUPER_ADMIN_EMAILS, _OIDC_*, _CRON_*, _METRICS_TOKEN and
        CRON_SECRET, _PREVIOUS.

        Raises UsageError where one of them cannot be right: the service must not start like that.
        """
        names = ("CRON_SECRET", "CRON_SECRET_PREVIOUS")
        secrets = (configured_secret(name, environment.get(name)) for name in names)
        return cls(
            public_url=_origin(environment.get("SETPOINT_PUBLIC_URL")),
            trusted_proxies=_networks(environment.get("SETPOINT_TRUSTED_PROXIES")),
            super_admins=environment.get("SETPOINT_SUPER_ADMIN_EMAILS") or None,
            oidc=read_client(environment),
            cron_secrets=tuple(secret for secret in secrets if secret is not None),
            cron_seconds=_number(environment, "SETPOINT_CRON_SECONDS", CRON_SECONDS, MOST_CRON_SECONDS),
            cron_batch=_number(environment, "SETPOINT_CRON_BATCH", CRON_BATCH, MOST_CRON_BATCH),
            metrics_token=configured_secret("SETPOINT_METRICS_TOKEN", environment.get("SETPOINT_METRICS_TOKEN")),
        )


def _origin(url: str | None) -> str | None:
    if not url:
        return None
    wrong = UsageError("SETPOINT_PUBLIC_URL is an address such as https://setpoint.example.org, without a path.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise wrong
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}"


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise UsageError(f"{name} is a whole number from 1 to {most}.")
    return int(text)


def _networks(text: str | None) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item.strip()) for item in (text or "").split(",") if item.strip())
    except ValueError:
        raise UsageError(
            "SETPOINT_TRUSTED_PROXIES has addresses or networks, separated by commas, such as 10.0.0.0/8."
        ) from None
