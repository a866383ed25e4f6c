"""A page before any site engine has seen it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import yaml
from markupsafe import Markup, escape

from cosmos_board.site.components.markup import encode, one_line

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
    wanted = SLOT.findall(html)
    if sorted(wanted) != sorted(slots):
        raise ValueError(f"slots {sorted(wanted)} on the page, {sorted(slots)} to fill")
    return SLOT.sub(lambda match: slots[match[1]], html)


class Article:
    """Collects the parts of a page in reading order."""

    def __init__(self, path: str, title: str, *, hide: tuple[str, ...] = ("toc",)) -> None:
        """Start the page at source `path` with its first heading."""
        self._path, self._title, self._hide = path, title, hide
        self._lines = [f"# {encode(title)} {{ #page-title }}"]
        self._slots: dict[str, str] = {}
        self._data: dict[str, bytes] = {}

    @property
    def path(self) -> str:
        """Source path of the page."""
        return self._path

    def say(self, text: str) -> None:
        """Add a paragraph of plain text that the search finds."""
        self._lines.append(encode(text))

    def heading(self, text: str, anchor: str, *, level: int = 2) -> None:
        """Add a heading with a stable `anchor`."""
        self._lines.append(f"{'#' * level} {encode(text)} {{ #{anchor} }}")

    def add(self, *html: str | Markup) -> None:
        """Add ready HTML, out of the search index."""
        name = f"part-{len(self._slots) + 1}"
        self._lines.append(f"<!--cb:{name}-->")
        self._slots[name] = "\n".join(html)

    def attach(self, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        """Put files beside the page, by path from the root of the site."""
        self._data.update(files)

    def page(self) -> Page:
        """Return what was collected."""
        return Page(
            path=self._path,
            title=self._title,
            skeleton="\n\n".join(self._lines) + "\n",
            slots=self._slots,
            data=self._data,
            hide=self._hide,
        )
