"""The versions of a report document's form: a stored one is brought to the newest when it is read."""

from typing import Any, Final

from setpoint.domain.errors import Conflict

VERSION: Final = 3
"""Of the form that is written now; a stored document says which it has."""

SECTIONS: Final = ("adjustment", "timing", "trend", "patterns", "synthesis")
"""Those that keep the hash of what they were made from."""


def migrated(document: dict[str, Any]) -> dict[str, Any]:
    """A stored document in the form of this version. Raises Conflict for a form that is not known.

    Version 1 had no sections beyond the counts and the crude comparison. What was not computed then is not there
    now: whoever shows a report leaves out the sections that it has not. Until version 2, no section kept the hash of
    what it was made from, and an adjusted step that was refused counted 0 leads.
    """
    version = document.get("version")
    if version not in (1, 2, VERSION):
        raise Conflict(
            f"The report run {document.get('id', '')} was made by another version of Setpoint, and its form is not"
            f" known here: run it again with `{document.get('reproduce', 'setpoint report run')}`."
        )
    sections = {
        name: {"input_sha256": None} | document[name] for name in SECTIONS if isinstance(document.get(name), dict)
    }
    adjustment = sections.get("adjustment")
    if version != VERSION and adjustment and adjustment.get("used") == 0:
        steps = [step | {"n": step["n"] or None} for step in adjustment["ladder"]]
        sections["adjustment"] = adjustment | {"used": None, "trimmed": None, "ladder": steps}
    return document | sections | {"version": VERSION}
