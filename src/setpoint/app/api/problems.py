"""What the OpenAPI document says of failures, and the words for what is absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from setpoint.app.http.errors import MEDIA_TYPE
from setpoint.domain.errors import NotFound


class ProblemDetails(BaseModel):
    """A failure (RFC 9457). `code` is stable; `detail` is a sentence for people, and may change."""

    type: str = Field(examples=["urn:setpoint:problem:not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such report run in this workspace."])
    code: str = Field(examples=["not_found"])
    errors: list[dict[str, str]] | None = Field(None, description="Which fields are wrong, and why.")
    reference: str | None = Field(None, description="Where the server's log has it, if it is a defect.")


def _problem(description: str) -> dict[str, Any]:
    form = {"$ref": "#/components/schemas/ProblemDetails"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": form}}}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    400: _problem("What was asked for makes no sense as it stands."),
    401: _problem("No API token and no session, or one that is over."),
    403: _problem("The role does not suffice."),
    404: _problem("Absent, or of another workspace: the two answer alike."),
    409: _problem("It is there already, was changed meanwhile, or is not in a state for this."),
    422: _problem("A field is missing or has a wrong form."),
    503: _problem("The database cannot be reached: try again."),
}


@contextmanager
def absent(sentence: str) -> Iterator[None]:
    """Say in our words, and without what was asked for, that something is not there."""
    try:
        yield
    except NotFound:
        raise NotFound(sentence) from None


def id_of(text: str) -> UUID:
    """The id in an address; what is none names nothing. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing with this id in this workspace.") from None
