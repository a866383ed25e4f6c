"""A page as the generator hands it to the site engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml
from markupsafe import escape

from cosmos_board.site.components.markup import one_line

SLOT = re.compile(r"<!--cb:([a-z0-9-]+)-->")
"""Where a piece of ready HTML goes. The engine only ever sees the comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: headings for the engine, ready HTML for its slots, and files beside it."""

    path: str
    """Source path in the site, such as `models/sam-vit-b.md`."""

    title: str
    """Plain text; encoded wherever it is written."""

    skeleton: str
    """Markdown with headings, the lead and `<!--cb:name-->` slots."""

    slots: Mapping[str, str]
    """Ready HTML by slot name."""

    data: Mapping[str, bytes] = field(default_factory=dict)
    """Files that the page links to, by path from the root of the site."""

    hide: tuple[str, ...] = ()
    """Parts of the theme that the page does without: `toc`, `navigation`."""

    @property
    def url(self) -> str:
        """Address from the root of the site, ending in a slash (empty for the home page)."""
        stem = self.path.removesuffix(".md")
        stem = stem.removesuffix("index")
        return stem if stem == "" or stem.endswith("/") else f"{stem}/"

    def markdown(self) -> str:
        """Return the skeleton with its front matter."""
        head: dict[str, object] = {"title": str(escape(one_line(self.title)))}
        if self.hide:
            head["hide"] = list(self.hide)
        front = yaml.safe_dump(head, allow_unicode=True, sort_keys=True)
        return f"---\n{front}---\n{self.skeleton}"


def fill(html: str, slots: Mapping[str, str]) -> str:
    """Return `html` with every slot filled.

    Raises:
        ValueError: If a slot is left, or one of `slots` has no place.

    Example:
        >>> fill("<h1>x</h1><!--cb:a-->", {"a": "<p>y</p>"})
        '<h1>x</h1><p>y</p>'
    """
    names = SLOT.findall(html)
    if sorted(names) != sorted(slots):
        raise ValueError(f"slots {sorted(names)} on the page, {sorted(slots)} to fill")
    return SLOT.sub(lambda match: slots[match[1]], html)
