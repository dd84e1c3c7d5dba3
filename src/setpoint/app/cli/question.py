"""What a report or a dataset is asked for, checked before anything is loaded that could answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from setpoint.app.cli.common import EngineName
from setpoint.domain.errors import UsageError
from setpoint.domain.vocabulary import Channel
from setpoint.domain.windows import Window

if TYPE_CHECKING:
    from setpoint.datasets.service import DatasetRequest
    from setpoint.storage.database import Database
    from setpoint.tenancy.service import Workspace


@dataclass(frozen=True, slots=True)
class Question:
    """The options that `report run` and `dataset export` share. Raises UsageError where they make no sense."""

    workspace: str
    window: Window
    channels: list[Channel] | None
    max_leads: int | None
    seed: str | None
    engine: EngineName
    snapshot: Path | None
    data_dir: Path | None

    def __post_init__(self) -> None:
        if self.max_leads is not None and self.max_leads < 1:
            raise UsageError("--max-leads must be at least 1.")
        if self.snapshot is not None and self.engine is EngineName.POSTGRES:
            raise UsageError("--snapshot goes with --engine duckdb or spark: Postgres reads its own tables.")
        if self.engine is EngineName.SPARK:
            from setpoint.datasets.on_spark import check_installed

            check_installed()

    @asynccontextmanager
    async def opened(self) -> "AsyncIterator[tuple[Database, Workspace, DatasetRequest]]":
        """The database, the workspace in it, and the request that this question is. Raises NotFound."""
        from setpoint.app.wiring import Settings, open_database, workspace_of
        from setpoint.datasets.sampling import DEFAULT_SEED
        from setpoint.datasets.service import DatasetRequest

        request = DatasetRequest(
            self.workspace,
            self.window,
            tuple(dict.fromkeys(self.channels or ())),
            self.max_leads,
            DEFAULT_SEED if self.seed is None else self.seed,
        )
        async with open_database(Settings.read(self.data_dir)) as database:
            yield database, await workspace_of(database, self.workspace), request
