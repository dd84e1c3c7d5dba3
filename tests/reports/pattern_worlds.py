"""Messages with features and a truth that is known, for tests of patterns."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from setpoint.reports.features import FEATURES
from setpoint.reports.pattern_rules import ROW_COLUMNS

CHANNELS = ("email", "sms", "linkedin")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def draw_rows(
    rng: np.random.Generator,
    leads: int,
    touches: int = 6,
    offers: Floats | None = None,
    base: float = 0.06,
    nothing_matters: bool = False,
) -> pa.Table:
    """Messages to `leads` leads until each is booked or the sequence ends, with every feature.

    Some channels book more; features go by channel and touch, and by the lead's script. Some leads book more, and
    those who wrote, unless `nothing_matters`. No feature of the text matters but, where given, `offers`: what
    offering times adds to the chance of booking on each of CHANNELS.
    """
    lead = np.repeat(np.arange(leads), touches)
    touch = np.tile(np.arange(1, touches + 1), leads)
    channel = rng.integers(0, 3, leads)[lead]
    ai = (rng.random(leads) < np.array([0.7, 0.4, 0.2])[channel[::touches]])[lead]
    wait = np.where(rng.random(len(lead)) < 0.2 + 0.05 * touch, rng.integers(1, 4, len(lead)), 0)
    columns: dict[str, pa.Array] = {}
    for number, feature in enumerate(FEATURES):
        lean = 0.4 * np.sin(number + channel + 2.0 * (touch > 3)) + 0.3 * rng.random(leads)[lead]
        drawn = np.clip(rng.random(len(lead)) + lean, 0, 0.999) * len(feature.values)
        columns[feature.key] = pa.array(feature.values).take(pa.array(drawn.astype(np.int64)))
    columns["touch"] = pa.array(("1", "2-3", "4-6", "7+")).take(pa.array(np.digitize(touch, [2, 4, 7])))
    columns["wait"] = pa.array(("none", "hour", "day", "later")).take(pa.array(wait))
    chance = base * np.array([0.5, 1.0, 1.6])[channel]
    if not nothing_matters:
        chance = chance * (0.2 + 1.6 * rng.random(leads)[lead]) * (1 + (wait > 0))
    if offers is not None:
        chance = chance + offers[channel] * (np.array(columns["call_to_action"].to_pylist()) == "times")
    hit = rng.random(len(lead)) < chance
    earlier: Ints = np.cumsum(hit) - hit
    sent: npt.NDArray[np.bool_] = earlier == earlier[lead * touches]
    booked = np.zeros(leads, dtype=np.bool_)
    booked[lead[hit]] = True
    table = pa.table(
        {
            "lead": lead,
            "message_id": [f"m{number}" for number in range(len(lead))],
            "channel": pa.array(CHANNELS).take(pa.array(channel)),
            "sender": np.where(ai, "ai", "setter"),
            "campaign": pa.array([""] * len(lead)),
            "outcome": np.where(booked[lead], "BOOKED", "NOT_BOOKED"),
            "credited": hit,
        },
        schema=ROW_COLUMNS,
    )
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table.filter(pa.array(sent))


def hand_rows(*cells: tuple[int, dict[str, str], bool]) -> pa.Table:
    """`n` messages to as many leads for each cell: their channel, sender and features, and whether they booked.

    What a cell does not say is an email of a setter in no campaign, the first to the lead, who never wrote; other
    features are null.
    """
    rows: list[dict[str, object]] = []
    for n, said, credited in cells:
        for _ in range(n):
            rows.append(
                dict.fromkeys((feature.key for feature in FEATURES), None)
                | {"channel": "email", "sender": "setter", "campaign": "", "touch": "1", "wait": "none"}
                | said
                | {
                    "lead": len(rows),
                    "message_id": f"m{len(rows)}",
                    "credited": credited,
                    "outcome": "BOOKED" if credited else "NOT_BOOKED",
                }
            )
    schema = pa.schema([*ROW_COLUMNS, *((feature.key, pa.string()) for feature in FEATURES)])
    return pa.Table.from_pylist(rows, schema=schema)
