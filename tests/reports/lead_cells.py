"""Cells of leads for the tests of the adjusted comparison."""

from typing import Any

from setpoint.datasets.cells import LeadCell
from setpoint.domain.measured import Measured, Refused
from setpoint.domain.vocabulary import Sender
from setpoint.reports.adjustment import SameStage

Counts = tuple[int, int, int, int]
"""Booked and mature leads of AI, then of setters."""

_ORDINARY: dict[str, Any] = {
    "entered": True,
    "response_mode": "",
    "campaign": "",
    "stage": "new",
    "touches_before": "0",
    "credit_touch": "2-3",
    "credit_written": False,
    "both_wrote": False,
}

REFUSED = SameStage(Refused("AI and setters never wrote at the same stage."), 0, None)


def lead_cells(by_channel: dict[str, Counts] | None = None, /, **given: Any) -> list[LeadCell]:
    """Cells by channel, of leads that are ordinary but for what is `given` besides (channels are given as Counts)."""
    channels = by_channel or {name: given.pop(name) for name in ("email", "sms", "linkedin") if name in given}
    cells = []
    for channel, (ai_booked, ai, setter_booked, setter) in channels.items():
        known = _ORDINARY | {"channel": channel, "credit_channel": channel} | given
        cells.append(LeadCell(sender=Sender.AI, n=ai, booked=ai_booked, **known))
        cells.append(LeadCell(sender=Sender.SETTER, n=setter, booked=setter_booked, **known))
    return [cell for cell in cells if cell.n]


def confirming(value: float) -> SameStage:
    """A clear difference message by message."""
    return SameStage(Measured(value, value - abs(value) / 2, value + abs(value) / 2), 5_000, None)
