"""What a browser would find in a page or in a picture: for tests that look at what is written."""

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "img", "input", "hr"}


def values_of(specification: Any, field: str) -> list[dict[str, Any]]:
    """The rows of the first data of a Vega-Lite specification that have a field."""
    held = specification.get("data", {}).get("values", []) if isinstance(specification, dict) else []
    if held and field in held[0]:
        return list(held)
    parts = specification.values() if isinstance(specification, dict) else specification
    nested = (values_of(part, field) for part in parts if isinstance(part, (dict, list)))
    return next((found for found in nested if found), [])


class Page(HTMLParser):
    """Elements with their attributes and the text that is seen; fails where tags are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.written: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.written.append((self.open[-1], " ".join(data.split())))

    @property
    def tags(self) -> list[str]:
        """The name of every element."""
        return [tag for tag, _ in self.elements]

    def attributes(self, name: str) -> list[str]:
        """The values of an attribute wherever it stands."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def texts(self, tag: str) -> list[str]:
        """What is written in the elements of one name."""
        return [text for parent, text in self.written if parent == tag]

    @property
    def text(self) -> str:
        """All that is seen."""
        return " ".join(text for parent, text in self.written if parent not in ("style", "title", "desc"))
