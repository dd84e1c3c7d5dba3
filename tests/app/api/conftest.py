"""People whose passwords cost nothing to hash."""

from tests.tenancy.conftest import cheap

__all__ = ["cheap"]
