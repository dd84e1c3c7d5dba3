"""Vega-Lite specifications as SVG that follows the colours of its page, speaks, and reads without colour."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any, Final

import vl_convert

from setpoint.domain.vocabulary import Outcome

AI: Final = "#0072b2"
SETTER: Final = "#d55e00"
INK: Final = "#1c2126"
MUTED: Final = "#59616a"
GRID: Final = "#e3e6e9"
SURFACE: Final = "#ffffff"
IMMATURE: Final = "#cfd4d9"
OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.BOOKED: "#00795c",
    Outcome.NOT_BOOKED: "#7d858e",
    Outcome.PENDING: "#7b5ea7",
    Outcome.BOOKED_NO_TIMESTAMP: "#b5487a",
    Outcome.UNATTRIBUTED: "#8a6d1f",
}
"""The colours of a specification. In the SVG each becomes a variable of the page, with itself as fallback."""

TOLD: Final = "told"
"""The field of data that says in words what a mark stands for: the number, its interval, and what it is of."""

_VARIABLES: Final[Mapping[str, str]] = {
    AI: "--ai",
    SETTER: "--setter",
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    SURFACE: "--surface",
    IMMATURE: "--line",
    **{colour: f"--{outcome.value.lower().replace('_', '-')}" for outcome, colour in OUTCOMES.items()},
}

# Booked is solid and not booked is hollow; the others, and what is too young to be read, have a pattern of lines or
# dots in a tile of 6 by 6.
_TILES: Final[Mapping[str, tuple[str, dict[str, str]]]] = {
    OUTCOMES[Outcome.PENDING]: ("path", {"d": "M-1.5,1.5l3,-3M0,6l6,-6M4.5,7.5l3,-3", "stroke-width": "1.6"}),
    OUTCOMES[Outcome.BOOKED_NO_TIMESTAMP]: ("circle", {"cx": "3", "cy": "3", "r": "1.5"}),
    OUTCOMES[Outcome.UNATTRIBUTED]: ("path", {"d": "M3,0v6M0,3h6", "stroke-width": "1.1"}),
    IMMATURE: ("path", {"d": "M-1.5,4.5l3,3M0,0l6,6M4.5,-1.5l3,3", "stroke-width": "1"}),
}

_NAMESPACE: Final = "http://www.w3.org/2000/svg"


def draw(specification: Mapping[str, Any], title: str, description: str, ident: str) -> str:
    """Draw a Vega-Lite specification as one `<svg>` element to stand inside a page.

    A mark whose description is a TOLD of its data has that as its `<title>`, which is shown to who points at it.
    `title` and `description` are what a screen reader says instead of the picture; `ident` begins every id.
    No data or font is fetched from anywhere.
    """
    drawn = vl_convert.vegalite_to_svg(dict(specification), allowed_base_urls=[])
    ET.register_namespace("", _NAMESPACE)
    root = ET.fromstring(drawn)
    used: set[str] = set()
    told = set(_told(specification))
    # The library numbers them through its whole life: the same picture would be another one the next time.
    ids = {name: f"{ident}-{n}" for n, name in enumerate(e.attrib["id"] for e in root.iter() if "id" in e.attrib)}
    for element in root.iter():
        words = element.get("aria-label")
        if words in told and len(element) == 0:
            element.append(_element("title", {}, words))
        if "id" in element.attrib:
            element.set("id", ids[element.attrib["id"]])
        if clip := element.get("clip-path"):
            element.set("clip-path", f"url(#{ids[clip.removeprefix('url(#').removesuffix(')')]})")
        for key in [k for k in element.attrib if k in ("role", "class") or k.startswith("aria-")]:
            del element.attrib[key]
        for key in ("fill", "stroke"):
            colour = element.get(key, "")
            if key == "fill" and colour == OUTCOMES[Outcome.NOT_BOOKED]:
                element.set(key, _variable(SURFACE))
            elif key == "fill" and colour in _TILES:
                used.add(colour)
                element.set(key, f"url(#{_tile_id(ident, colour)})")
            elif colour in _VARIABLES:
                element.set(key, _variable(colour))
    root.set("role", "img")
    root.set("aria-labelledby", f"{ident}-title {ident}-desc")
    head = [
        _element("title", {"id": f"{ident}-title"}, title),
        _element("desc", {"id": f"{ident}-desc"}, description),
    ]
    if used:
        tiles = _element("defs", {})
        tiles.extend(_pattern(colour, ident) for colour in _TILES if colour in used)
        head.append(tiles)
    root[:0] = head
    return ET.tostring(root, "unicode")


def _told(specification: Any) -> Iterator[str]:
    """Every TOLD in the data of a specification."""
    if isinstance(specification, Mapping):
        for key, value in specification.items():
            if key == TOLD and isinstance(value, str):
                yield value
            else:
                yield from _told(value)
    elif isinstance(specification, list):
        for value in specification:
            yield from _told(value)


def _pattern(colour: str, ident: str) -> ET.Element:
    size = {"width": "6", "height": "6"}
    pattern = _element("pattern", {"id": _tile_id(ident, colour), "patternUnits": "userSpaceOnUse", **size})
    pattern.append(_element("rect", {**size, "fill": _variable(SURFACE)}))
    shape, attributes = _TILES[colour]
    paint = {"stroke": _variable(colour)} if shape == "path" else {"fill": _variable(colour)}
    pattern.append(_element(shape, {**attributes, **paint}))
    return pattern


def _tile_id(ident: str, colour: str) -> str:
    return f"{ident}{_VARIABLES[colour]}"


def _variable(colour: str) -> str:
    return f"var({_VARIABLES[colour]}, {colour})"


def _element(tag: str, attributes: dict[str, str], text: str | None = None) -> ET.Element:
    element = ET.Element(f"{{{_NAMESPACE}}}{tag}", attributes)
    element.text = text
    return element
