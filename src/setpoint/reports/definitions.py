"""The words of a report: one label for each kind of thing, and what every term means in plain words."""

from collections.abc import Mapping
from typing import Final, TypedDict

from setpoint.domain.vocabulary import (
    Attribution,
    Channel,
    Disposition,
    DropReason,
    Outcome,
    ResponseMode,
    Sender,
)

SENDER_LABELS: Final[Mapping[str, str]] = {Sender.AI: "AI", Sender.SETTER: "Setter"}
CHANNEL_LABELS: Final[Mapping[str, str]] = {
    Channel.EMAIL: "Email",
    Channel.SMS: "SMS",
    Channel.LINKEDIN: "LinkedIn",
}
CHANNEL_PHRASES: Final[Mapping[str, str]] = {
    Channel.EMAIL: "in email",
    Channel.SMS: "in SMS",
    Channel.LINKEDIN: "on LinkedIn",
}
DISPOSITION_LABELS: Final[Mapping[str, str]] = {
    Disposition.AUTO_SENT: "auto-sent",
    Disposition.APPROVED: "approved",
    Disposition.EDITED: "edited",
    "": "disposition unknown",
}
RESPONSE_MODE_LABELS: Final[Mapping[str, str]] = {
    ResponseMode.AI_AUTO_SEND: "AI auto-send",
    ResponseMode.SETTER_MANAGED: "Setter-managed",
    "": "No campaign mode",
}
ATTRIBUTION_LABELS: Final[Mapping[str, str]] = {
    Attribution.CROSS_CHANNEL: "Cross-channel",
    Attribution.WITHIN_CHANNEL: "Within-channel",
}
OUTCOME_LABELS: Final[Mapping[str, str]] = {
    Outcome.BOOKED: "Booked",
    Outcome.NOT_BOOKED: "Not booked",
    Outcome.PENDING: "Pending",
    Outcome.BOOKED_NO_TIMESTAMP: "No timestamp",
    Outcome.UNATTRIBUTED: "Unattributed",
}
DROP_LABELS: Final[Mapping[str, str]] = {
    DropReason.BOOKED_BEFORE_WINDOW: "Booked before the window",
    DropReason.NO_OUTBOUND_IN_WINDOW: "Nothing sent in the window",
}
LEFT_OUT_LABELS: Final[Mapping[str, str]] = {
    "inbound": "From the lead (inbound)",
    "system": "Written by a system",
    "internal": "Internal note",
    "failed": "Not delivered (failed)",
    "after_as_of": "Sent after the as-of instant",
    "channel_not_selected": "Channel not selected",
}


class Definition(TypedDict):
    """One term and its meaning."""

    term: str
    text: str


def definitions(attribution_days: int, maturity_days: int) -> list[Definition]:
    """Return every term that a report uses, in the order in which a reader meets them.

    The lengths of the attribution window and of the maturity buffer are those of the run.
    """
    window = _days(attribution_days)
    buffer = _days(maturity_days)
    texts = {
        "Booking rate": (
            "Leads booked out of leads booked or not booked. Leads that are pending, unattributed, "
            "without a timestamp or ambiguous are shown beside the rate and never enter it."
        ),
        "Interval": (
            "The range of true rates that fit what was seen, at 95% confidence: of a hundred such ranges "
            "about 95 hold the true rate. The fewer leads, the wider (Wilson's method)."
        ),
        "Difference": (
            "AI's booking rate minus the setters', in percentage points, with a 95% interval (Newcombe's "
            "method). When the interval reaches to both sides of zero, no difference can be told."
        ),
        "Not enough data yet": (
            "Too few leads have a settled outcome: a difference worth knowing (half of the booking rate, "
            "at most 5 points) would show with a chance of less than 80%. The number of leads that is "
            "missing is the smallest that would do, most of them from the side that has fewer."
        ),
        "Crude": (
            "All leads as they are, whoever got which: the difference of the two booking rates and nothing else."
        ),
        "Stratified": (
            "Leads are compared only with leads like them, within groups (strata) of what is held equal, and "
            "the differences are put together by how many leads each group has (Mantel-Haenszel)."
        ),
        "Adjusted": (
            "The difference as if every lead could have gone to either: each lead is weighed by how likely AI "
            "was to get it, and a model of who books corrects the rest (AIPW). Leads like which hardly any went "
            "to the other side are left out and counted. What was not recorded of a lead cannot be held equal."
        ),
        "Followed as long": (
            "The adjusted difference over leads that were first written to at least the attribution window ago, "
            "pending ones too; booked are those who booked within it from that message. The other rates count a "
            "young lead at once if it books, and only later if it does not; this one does not."
        ),
        "Same stage": (
            "Messages are compared with messages of the same stage, such as first with first. All messages of a "
            "lead count together, so that one lead does not look like many."
        ),
        "Overlap": (
            "Leads by how likely AI was to get them, from what is known of them. Where only one side has leads, "
            "there is nothing to compare with; the more the two sides lie over each other, the better they "
            "compare."
        ),
        "Balance": (
            "The share of the leads of one side that would have to be of another kind for both sides to be "
            "alike in that respect. 0% is alike, 100% is nothing in common."
        ),
        "Robustness value": (
            "How much of what is left of both who got the lead and who booked something unknown would have to "
            "explain to make the difference vanish, or the interval reach zero (Cinelli and Hazlett). Near 0% "
            "it is frail."
        ),
        "E-value": (
            "How many times more likely something unknown would have to make both getting the lead and booking, "
            "to explain the difference away (VanderWeele and Ding). 1 means that nothing is needed."
        ),
        "Share booked by a day": (
            "The share of leads that had booked by then. Leads that were not watched for so long count for as "
            "long as they were watched; who ended otherwise cannot book any more (cumulative incidence, "
            "Aalen-Johansen)."
        ),
        "At risk": "Leads that were still watched on that day and had neither booked nor ended otherwise.",
        "Immature week": (
            "A week of which some leads were first written to less than the attribution window ago. Pending leads "
            "have not booked so far, so its rate can still rise, and its interval reaches to where it would stand "
            "had all of them booked. It is hatched, and left out of the trend."
        ),
        "Pattern": (
            "Something that can be checked by reading a message, such as its length, and that goes with more "
            "bookings (or with fewer: an anti-pattern). It says what goes with bookings, and not what would "
            "happen if you changed it."
        ),
        "Effect of a pattern": (
            "The share of messages with it that are credited with a booking minus that of messages without it, in "
            "percentage points, among messages of the same sender, channel, campaign, touch and time since the "
            "lead's last word, but for what it is about itself; all messages of a lead are counted together."
        ),
        "False discovery rate": (
            "Of the patterns that are told, the share that is expected to be chance (Benjamini-Hochberg over "
            "all that were tested). A pattern is told when its q is at most this."
        ),
        "Safe for auto-send": (
            "The recommendation may be followed in messages that AI sends by itself. Where it says needs "
            "review, a person should read each message that follows it before it is sent."
        ),
        "Mature lead": "A lead whose outcome is settled: booked or not booked, no longer pending.",
        "Window": (
            "[from, to): from its first instant up to, and without, its last one, in UTC. The report is "
            "about leads to whom something was sent in the window or who booked in it."
        ),
        "As of": (
            "The instant up to which anything is known. Messages, bookings and cancellations after it are"
            " left aside, so the same report can be made again later."
        ),
        "Cross-channel": (
            "Each lead is credited once, to the last message before the booking in any channel (or to the"
            " last one sent, when nothing was booked)."
        ),
        "Within-channel": (
            "Each lead is credited once in every channel in which it got a message, to the last message "
            "of that channel. A lead that got email and SMS counts in both."
        ),
        "Attribution window": f"A booking is credited to a message that was sent at most {window} before it.",
        "Maturity buffer": (
            f"A lead who was sent something in the last {buffer} before the as-of instant still has time "
            "to book and is pending."
        ),
        "Sender": "Who sent the credited message: AI, or a setter (a person of the team).",
        "Inferred sender": (
            "The message did not say who sent it. It counts as AI's when it came from an AI draft, and as"
            " a setter's otherwise."
        ),
        "Disposition": (
            "What became of the AI draft behind the message: auto-sent (no person looked at it), approved"
            " (sent as drafted) or edited (changed before it was sent)."
        ),
        "Response mode": "How the campaign is set up to answer: by AI auto-send, or managed by setters.",
        "Booked": (
            "A meeting was made and not canceled by the as-of instant, and a message can be credited with it."
        ),
        "Not booked": (
            f"No meeting by the as-of instant, and more than {buffer} have gone by since the last message."
        ),
        "Pending": f"No meeting yet, but the last message is at most {buffer} old: too early to tell.",
        "No timestamp": "Booked, but nobody knows when the meeting was made, so no message can be credited.",
        "Unattributed": f"Booked, but no message was sent in the {window} before the booking.",
        "Ambiguous": (
            "Several messages share the last instant and differ in sender or channel, so the credit "
            "cannot be given. Counted, and left out of every rate."
        ),
        "Booked before the window": (
            "The lead had booked before the window began, so nothing in it can have led to the meeting. "
            "Not in the report."
        ),
        "Nothing sent in the window": (
            "No message that counts went to the lead in the window, and no booking was made in it. Not in the report."
        ),
        "Messages left out": (
            "Messages that cannot lead to a booking by their kind: from the lead, written by a system, "
            "internal notes, not delivered, sent after the as-of instant, or in a channel that was not "
            "selected."
        ),
        "Sample": (
            "When the number of leads is capped, a uniform random sample of them is kept. The same seed "
            "keeps the same leads."
        ),
    }
    return [Definition(term=term, text=text) for term, text in texts.items()]


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days:,} days"
