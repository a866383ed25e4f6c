"""Text on its way to a page: encoding, numbers and addresses."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from markupsafe import Markup, escape

_PRE = re.compile(r"(<(?:pre|textarea)\b.*?</(?:pre|textarea)>)", re.DOTALL)
_CHINESE_BREAK = re.compile(
    r"(?<=[\u4e00-\u9fff\u3001-\u3011\uff01-\uff5e])\s*\n\s*(?=[\u4e00-\u9fff\u3001-\u3011\uff01-\uff5e])"
)


def encode(text: str) -> str:
    """Return `text` with everything encoded that means something in Markdown or HTML.

    Every character that is not a letter, digit or space becomes a numeric reference, and runs of
    white space become one space, so that no line of it can start a block.

    Example:
        >>> encode("<b>x</b> | 2")
        '&#60;b&#62;x&#60;&#47;b&#62; &#124; 2'
    """
    return "".join(
        char if char.isalnum() or char == " " else f"&#{ord(char)};" for char in one_line(text)
    )


def one_line(text: str) -> str:
    r"""Return `text` with every unprintable character and run of white space as one space.

    Direction marks go too: they could make a name read as something else.

    Example:
        >>> one_line("a\u202eb \n c")
        'a b c'
    """
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def join_lines(html: str) -> str:
    r"""Return `html` without line breaks between Chinese letters, which would show as gaps.

    Example:
        >>> join_lines("有什么\n问题 GitHub\n编号")
        '有什么问题 GitHub\n编号'
    """
    parts = _PRE.split(html)
    parts[::2] = [_CHINESE_BREAK.sub("", part) for part in parts[::2]]
    return "".join(parts)


def up(path: str) -> str:
    """Return the relative address of the root of the site from the page at source `path`.

    Example:
        >>> up("index.md"), up("models/index.md"), up("models/sam.md")
        ('', '../', '../../')
    """
    parts = path.removesuffix(".md").split("/")
    return "../" * (len(parts) - (parts[-1] == "index"))


def outside_link(url: str, text: str | None = None) -> Markup:
    """Return a link to another site, or plain text where `url` is no http(s) address."""
    label = escape(text if text is not None else url)
    if not is_web_address(url):
        return label
    return Markup('<a href="{}" rel="nofollow noopener noreferrer">{}</a>').format(url, label)


def is_web_address(url: str) -> bool:
    """Return whether `url` is an http(s) address with a host and nothing that could hide one.

    Example:
        >>> is_web_address("https://example.org/a"), is_web_address("javascript:alert(1)")
        (True, False)
    """
    if any(char.isspace() or not char.isprintable() for char in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
