"""What the environment may say of the service, and what stops it from starting."""

import ipaddress

import pytest

from setpoint.app.http.config import HttpConfig
from setpoint.domain.errors import UsageError


def test_nothing_set_opens_nothing() -> None:
    assert HttpConfig.read({}) == HttpConfig()
    assert HttpConfig.read(dict.fromkeys(("CRON_SECRET", "SETPOINT_PUBLIC_URL", "SETPOINT_TRUSTED_PROXIES"), "")) == (
        HttpConfig()
    )


def test_what_is_set_is_read() -> None:
    config = HttpConfig.read(
        {
            "SETPOINT_PUBLIC_URL": "https://setpoint.example.org/",
            "SETPOINT_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "SETPOINT_SUPER_ADMIN_EMAILS": "a@example.org",
            "CRON_SECRET": "s3cret-s3cret",
            "CRON_SECRET_PREVIOUS": "older",
            "SETPOINT_CRON_SECONDS": "800",
            "SETPOINT_CRON_BATCH": "5",
            "SETPOINT_METRICS_TOKEN": "metrics-s3cret",
        }
    )

    assert config.public_url == "https://setpoint.example.org"
    assert config.is_secure
    assert config.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
    assert config.cron_secrets == ("s3cret-s3cret", "older")
    assert (config.cron_seconds, config.cron_batch, config.metrics_token) == (800, 5, "metrics-s3cret")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SETPOINT_CRON_SECONDS", "801"),
        ("SETPOINT_CRON_SECONDS", "0"),
        ("SETPOINT_CRON_SECONDS", "1e2"),
        ("SETPOINT_CRON_BATCH", "-1"),
        ("SETPOINT_METRICS_TOKEN", "none"),
        ("SETPOINT_PUBLIC_URL", "setpoint.example.org"),
        ("SETPOINT_PUBLIC_URL", "ftp://setpoint.example.org"),
        ("SETPOINT_PUBLIC_URL", "https://setpoint.example.org/path"),
        ("SETPOINT_PUBLIC_URL", "https://user@setpoint.example.org"),
        ("SETPOINT_PUBLIC_URL", "https://setpoint.example.org:x"),
        ("SETPOINT_TRUSTED_PROXIES", "proxy"),
        ("SETPOINT_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CRON_SECRET", "None"),
        ("CRON_SECRET", "null"),
        ("CRON_SECRET", "geheimnis-ä"),
        ("CRON_SECRET", "two words"),
        ("CRON_SECRET_PREVIOUS", "undefined"),
        ("SETPOINT_OIDC_ISSUER", "https://accounts.example.org"),
    ],
)
def test_what_cannot_be_right_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        HttpConfig.read({name: value})
