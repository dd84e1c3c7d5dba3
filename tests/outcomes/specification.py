"""The specification in slow, obvious Python: one lead at a time, no SQL, nothing clever.

It is written from the specification's words alone, to be held against the expression that the product runs.
"""

from dataclasses import dataclass, field
from datetime import datetime

from setpoint.domain.windows import Window


@dataclass
class Message:
    external_id: str
    channel: str
    sent_at: datetime
    direction: str = "outbound"
    kind: str | None = None
    status: str | None = None
    sent_by: str | None = None
    draft: str | None = None
    disposition: str | None = None

    @property
    def sender(self) -> str:
        if self.sent_by in ("ai", "setter"):
            return self.sent_by
        return "ai" if self.draft else "setter"


@dataclass
class Appointment:
    external_id: str
    status: str = "confirmed"
    booked_at: datetime | None = None
    canceled_at: datetime | None = None
    rescheduled_from: str | None = None


@dataclass
class Lead:
    external_id: str
    campaign: str | None = None
    booked_hint: bool | None = None
    messages: list[Message] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)
    opted_out: bool | None = None


Row = dict[str, object]


def booking_instant(appointment: Appointment, lead: Lead) -> datetime | None:
    """The earliest known `booked_at` along the chain, back to the first; a loop ends it."""
    by_id = {other.external_id: other for other in lead.appointments}
    seen: set[str] = set()
    known: list[datetime] = []
    current: Appointment | None = appointment
    while current is not None and current.external_id not in seen:
        seen.add(current.external_id)
        if current.booked_at is not None:
            known.append(current.booked_at)
        current = by_id.get(current.rescheduled_from) if current.rescheduled_from else None
    return min(known) if known else None


def is_live(appointment: Appointment, lead: Lead, as_of: datetime) -> bool:
    made = appointment.booked_at or booking_instant(appointment, lead)
    if made is not None and made > as_of:
        return False
    if appointment.status == "canceled":
        return appointment.canceled_at is not None and appointment.canceled_at > as_of
    return True


def last_of(candidates: list[Message]) -> Message:
    return max(candidates, key=lambda message: (message.sent_at, message.external_id.encode()))


def is_ambiguous(candidates: list[Message]) -> bool:
    instant = max(message.sent_at for message in candidates)
    return len({(m.sender, m.channel) for m in candidates if m.sent_at == instant}) > 1


def label_lead(
    lead: Lead,
    window: Window,
    channels: tuple[str, ...] = (),
    response_modes: dict[str, str | None] | None = None,
    draft_dispositions: dict[str, str | None] | None = None,
) -> tuple[list[Row], str | None]:
    """The rows of one lead, and the reason why it was dropped, if it was."""
    counting = [
        message
        for message in lead.messages
        if message.direction == "outbound"
        and message.kind in (None, "", "message")
        and message.status != "failed"
        and message.sent_at <= window.as_of
        and (not channels or message.channel in channels)
    ]
    in_window = [message for message in counting if window.start <= message.sent_at < window.end]

    live = [appointment for appointment in lead.appointments if is_live(appointment, lead, window.as_of)]
    instants = [instant for a in live if (instant := booking_instant(a, lead)) is not None]
    booking = min(instants) if instants else None
    undated = bool(live and booking is None) or bool(lead.booked_hint and not lead.appointments)

    candidates = in_window
    if booking is not None:
        candidates = [m for m in counting if booking - window.attribution <= m.sent_at <= booking]

    if undated and in_window:
        outcome = "BOOKED_NO_TIMESTAMP"
    elif undated:
        return [], "no_outbound_in_window"
    elif booking is not None and booking < window.start:
        return [], "booked_before_window"
    elif booking is not None and (booking < window.end or (in_window and booking <= window.as_of)):
        outcome = "BOOKED" if candidates else "UNATTRIBUTED"
    elif not in_window:
        return [], "no_outbound_in_window"
    elif max(message.sent_at for message in in_window) >= window.as_of - window.maturity:
        outcome = "PENDING"
    else:
        outcome = "NOT_BOOKED"

    def row(attribution: str, credited: list[Message]) -> Row:
        message = last_of(credited) if credited else None
        disposition = None
        if message is not None:
            disposition = message.disposition or (draft_dispositions or {}).get(message.draft or "")
        return {
            "lead_id": lead.external_id,
            "message_id": message.external_id if message else "",
            "sent_at": message.sent_at if message else None,
            "channel": message.channel if message else "",
            "sender": message.sender if message else "",
            "sender_inferred": message is not None and message.sent_by not in ("ai", "setter"),
            "ai_draft_id": (message.draft or "") if message else "",
            "response_disposition": disposition or "",
            "campaign": lead.campaign or "",
            "response_mode": (response_modes or {}).get(lead.campaign or "") or "",
            "outcome": outcome,
            "attribution": attribution,
            "booked_at": booking if outcome in ("BOOKED", "UNATTRIBUTED") else None,
            "ambiguous": bool(credited) and is_ambiguous(credited),
        }

    if outcome in ("UNATTRIBUTED", "BOOKED_NO_TIMESTAMP"):
        return [row("cross_channel", [])], None
    rows = [row("cross_channel", candidates)]
    for channel in ("email", "linkedin", "sms"):
        on_channel = [message for message in candidates if message.channel == channel]
        if on_channel:
            rows.append(row("within_channel", on_channel))
    return rows, None


def in_order(rows: list[Row]) -> list[Row]:
    """Sorted as exports are: by attribution, lead, channel, message, compared as bytes."""
    keys = ("attribution", "lead_id", "channel", "message_id")
    return sorted(rows, key=lambda row: tuple(str(row[key]).encode() for key in keys))
