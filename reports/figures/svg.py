"""Smaller SVG: what matplotlib writes says everything several times, and a page holds eighty figures of it."""

from __future__ import annotations

import hashlib
import re
from xml.etree import ElementTree as ET

ET.register_namespace("", "http://www.w3.org/2000/svg")
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLACES = ("d", "x", "y", "width", "height", "transform")
"""Attributes that hold coordinates, in points."""


def slim(svg: bytes) -> bytes:
    """Return an SVG by matplotlib that looks the same at less than half its size.

    Coordinates have two decimals. A style is a class, named by its content: figures in one page may share their rules.
    Ids stay where something refers to them; those are hashes, unique among figures. Groups that say nothing dissolve,
    and what draws nothing goes. ``scour`` does more of this, but takes longer than it takes to draw the figure.
    """
    text = _NOT_XML.sub(" ", svg.decode())  # names may hold anything, and matplotlib writes it
    root = ET.fromstring(text)  # noqa: S314 - drawn here
    referred, rules = set(re.findall(r"#(\w+)", text)), {"svg *": "stroke-linejoin:round;stroke-linecap:butt"}
    _dissolve(root)
    for element in root.iter():
        if element.get("id") not in referred:
            element.attrib.pop("id", None)
        style = _style(element)
        if style:
            element.set("class", f"s{hashlib.sha256(style.encode()).hexdigest()[:6]}")
            rules["." + element.get("class", "")] = style
        for name in _PLACES:
            if name in element.attrib:
                element.set(name, _short(element.attrib[name]))
        if element.get("transform") == "":
            del element.attrib["transform"]
        if _LINK in element.attrib:
            element.set("href", element.attrib.pop(_LINK))
    sheet = ET.Element(f"{_SVG}style")
    sheet.text = "\n".join(f"{selector}{{{style}}}" for selector, style in sorted(rules.items()))
    root.insert(0, sheet)
    smaller: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return smaller


def _dissolve(parent: ET.Element) -> None:
    """Put the content of plain groups in their place; drop indentation, invisible paths and the style sheet."""
    whole: list[ET.Element] = []
    for child in parent:
        _dissolve(child)
        child.tail = None
        if child.tag == f"{_SVG}g" and set(child.attrib) <= {"id"}:
            whole += list(child)
        elif child.tag != f"{_SVG}style" and child.get("style") != "fill: none":
            whole.append(child)
    parent[:] = whole
    if parent.text and not parent.text.strip():
        parent.text = None


def _style(element: ET.Element) -> str:
    """Take style and clip path out of an element, and return them as CSS."""
    style = re.sub(r"([:;]) ", r"\1", element.attrib.pop("style", ""))
    clip = element.attrib.pop("clip-path", "")
    return ";".join(filter(None, (style, clip and f"clip-path:{clip}")))


def _short(places: str) -> str:
    """Return coordinates with two decimals and without spaces that mean nothing."""
    places = re.sub(r"rotate\(-0 [^)]*\)", "", places)
    places = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), places)
    return re.sub(r"\s*([A-Za-z(),])\s*", r"\1", " ".join(places.split()))
