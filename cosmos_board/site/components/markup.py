"""Text on its way to a page: encoding, numbers and addresses."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from urllib.parse import urlsplit

from markupsafe import Markup, escape

_PRE = re.compile(r"(<(?:pre|textarea)\b.*?</(?:pre|textarea)>)", re.DOTALL)
_CHINESE_BREAK = re.compile(
    r"(?<=[\u4e00-\u9fff\u3001-\u3011\uff01-\uff5e])\s*\n\s*(?=[\u4e00-\u9fff\u3001-\u3011\uff01-\uff5e])"
)
_BLANK = re.compile(r"[ \t]*\n\s*")
DASH = "–"
"""What stands where a number is unknown."""


def encode(text: str) -> str:
    """Return `text` so that neither Markdown nor HTML sees anything but letters in it.

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


@lru_cache(maxsize=65_536)  # the same scores stand in many tables
def number(value: float | None, digits: int = 3) -> str:
    r"""Return `value` with `digits` decimals and thin groups of thousands, a dash where unknown.

    Example:
        >>> number(0.12345), number(None), number(float("nan")), number(12345.6, 0)
        ('0.123', '–', '–', '12\u202f346')
    """
    if value is None or not isfinite(value):
        return DASH
    text = f"{value + 0:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")  # no -0
    if value >= 0:
        return text
    vanishes = not float(f"{value:.{digits}f}")
    return text.lstrip("-") if vanishes else text.replace("-", "\N{MINUS SIGN}", 1)


def signed(value: float | None, digits: int = 3) -> str:
    """Return `value` with its sign.

    Example:
        >>> signed(0.0123), signed(None)
        ('+0.012', '–')
    """
    text = number(value, digits)
    return f"+{text}" if value is not None and isfinite(value) and value > 0 else text


def span(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return an interval, or nothing where there is none.

    Example:
        >>> span(0.1, 0.25), span(None, None)
        ('0.100–0.250', '')
        >>> span(-0.1, 0.25)
        '−0.100 … 0.250'
    """
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    between = "–" if low >= 0 else " … "
    return f"{number(low, digits)}{between}{number(high, digits)}"


def short_count(value: int | None) -> str:
    r"""Return a large count in millions or thousands.

    Example:
        >>> short_count(93_735_472), short_count(4_100), short_count(12), short_count(None)
        ('93.7\u202fM', '4.1\u202fk', '12', '–')
    """
    if value is None:
        return DASH
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.1f}\N{NARROW NO-BREAK SPACE}{unit}"
    return str(value)


def squeeze(html: str) -> str:
    r"""Return `html` without empty lines and indentation, which a theme's templates leave behind.

    Line breaks stay, so that no two words grow together; what is `<pre>` stays as it is.

    Example:
        >>> squeeze("<p>\n\n   a\n  b</p>\n<pre>\n  c</pre>")
        '<p>\na\nb</p>\n<pre>\n  c</pre>'
    """
    parts = _PRE.split(html)
    parts[::2] = [_BLANK.sub("\n", part) for part in parts[::2]]
    return "".join(parts)


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
    """Return the way from the page at source `path` to the root of the site.

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
