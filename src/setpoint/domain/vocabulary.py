"""The product's closed vocabularies, spelled as they stand in import files and datasets."""

from enum import StrEnum


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    LINKEDIN = "linkedin"


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class MessageKind(StrEnum):
    MESSAGE = "message"
    SYSTEM = "system"
    INTERNAL = "internal"


class Sender(StrEnum):
    AI = "ai"
    SETTER = "setter"


class Disposition(StrEnum):
    """What became of the AI draft behind a message."""

    AUTO_SENT = "AUTO_SENT"
    APPROVED = "APPROVED"
    EDITED = "EDITED"


class AppointmentStatus(StrEnum):
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELED = "canceled"


class ResponseMode(StrEnum):
    AI_AUTO_SEND = "ai_auto_send"
    SETTER_MANAGED = "setter_managed"


class Outcome(StrEnum):
    """The label of a lead at the instant of knowledge, in the order in which it is always shown."""

    BOOKED = "BOOKED"
    NOT_BOOKED = "NOT_BOOKED"
    PENDING = "PENDING"
    BOOKED_NO_TIMESTAMP = "BOOKED_NO_TIMESTAMP"
    UNATTRIBUTED = "UNATTRIBUTED"


CREDITED = (Outcome.BOOKED, Outcome.NOT_BOOKED, Outcome.PENDING)
"""Outcomes for which a lead counts on the side of a sender, unless its credit is ambiguous."""


class Attribution(StrEnum):
    CROSS_CHANNEL = "cross_channel"
    WITHIN_CHANNEL = "within_channel"


class DropReason(StrEnum):
    """Why a lead of the workspace is not in the cohort."""

    BOOKED_BEFORE_WINDOW = "booked_before_window"
    NO_OUTBOUND_IN_WINDOW = "no_outbound_in_window"


class Standing(StrEnum):
    """Whether a message counts, and if not, why it is left out: the first reason that holds."""

    COUNTING = "counting"
    INBOUND = "inbound"
    SYSTEM = "system"
    INTERNAL = "internal"
    FAILED = "failed"
    AFTER_AS_OF = "after_as_of"
    CHANNEL_NOT_SELECTED = "channel_not_selected"


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class Role(StrEnum):
    """What a member of a workspace may see and do."""

    SETTER = "setter"
    ADMIN = "admin"
