"""Which text a stranger may put on the board: letters of one script, few signs, no tricks.

Every function returns its text, or raises `ValueError` with the reason, as pydantic wants it.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from cosmos_board.submissions.format.lookalikes import is_drawn_as_nothing, skeleton

LONGEST_NAME = 60
LONGEST_NOTES = 2000
LONGEST_URL = 300
RESERVED = frozenset({"official", "verified", "audited", "baseline", "winner", "admin"})
"""Words that claim what only the board may say."""

_NAME_SIGNS = " .-_+()"
_NOTE_SIGNS = " .,;:!?'\"()+-_%/=\n"
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_SCRIPTS = _EAST_ASIAN | {
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "THAI",
    "ARMENIAN", "GEORGIAN",
}  # fmt: skip
_OTHER_LATIN = "ßæœøłđðþıŋħÆŒØŁĐÐÞŊĦẞ"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")
_SHORTCODE = re.compile(r":[A-Za-z0-9_+-]+:")
_PRIVATE_DOMAINS = ("local", "localhost", "internal", "localdomain")
_DEVICE_NAMES = frozenset({"con", "prn", "aux", "nul"}) | {
    f"{kind}{number}" for kind in ("com", "lpt") for number in range(10)
}

_PAGES = frozenset({"index", "404", "search", "sitemap", "robots", "feed", "assets", "data"})
"""Names that the site's own files have, or may have, where a model's page lies."""


def check_slug(text: str) -> str:
    """Return `text` if it can name a folder everywhere: lower case, digits, single hyphens.

    Example:
        >>> check_slug("my-model")
        'my-model'
    """
    if text.startswith("xn--"):
        raise ValueError("slug must not start with xn--")
    if text in _PAGES | _DEVICE_NAMES:
        raise ValueError(f"slug must not be '{text}', which is reserved")
    if not 3 <= len(text) <= 40 or not _SLUG.fullmatch(text):
        raise ValueError("slug must be 3..40 characters of a-z, 0-9 and single hyphens")
    return text


def check_name(text: str) -> str:
    """Return `text` if it can name a model on the board.

    Example:
        >>> check_name("SAM 2.1 (base)")
        'SAM 2.1 (base)'
    """
    text = check_words(text, LONGEST_NAME, _NAME_SIGNS)
    words = {word for word in re.split(r"[^\w]+|_", text.casefold()) if word}
    looks = {skeleton(word) for word in words}
    if reserved := sorted(word for word in RESERVED if skeleton(word) in looks):
        raise ValueError(f"reserved word '{reserved[0]}'")
    return text


def check_person(text: str) -> str:
    """Return `text` if it can be the name of a person or an institution."""
    text = _check_line(text, 80, " .-',")
    if not text[0].isalpha():
        raise ValueError("must start with a letter")
    return text


def check_words(text: str, longest: int = 120, signs: str = _NAME_SIGNS + ",") -> str:
    """Return `text` if it can be a short phrase, such as a device or a family."""
    text = _check_line(text, longest, signs)
    if not text[0].isalnum():
        raise ValueError("must start with a letter or digit")
    return text


def check_notes(text: str) -> str:
    """Return `text` if it can be a paragraph; lines may be broken, nothing in it is markup."""
    _refuse_invisible(text, allowed="\n")
    _refuse_long(text, LONGEST_NOTES)
    lines = text.split("\n")
    if any(line.lstrip().startswith("::") for line in lines):
        raise ValueError("'::' at line start not allowed")
    if "://" in text:
        raise ValueError("addresses are not allowed here")
    if _SHORTCODE.search(text):
        raise ValueError("':word:' not allowed")
    _refuse_signs(text, _NOTE_SIGNS)
    if any(line.startswith(("=", "+", "-")) for line in lines):
        raise ValueError("a line must not start with '=', '+' or '-'")
    return unicodedata.normalize("NFC", text)


def check_contact(text: str) -> str:
    """Return `text` if it is an e-mail address or an https address."""
    _refuse_invisible(text)
    _refuse_long(text, LONGEST_URL)
    if _EMAIL.fullmatch(text):
        return text
    if text.startswith("https://"):
        return check_url(text)
    raise ValueError("want an e-mail address or an https address")


def check_url(text: str) -> str:
    """Return `text` if it is a plain https address of a named host.

    Example:
        >>> check_url("https://example.org/code")
        'https://example.org/code'
    """
    _refuse_invisible(text)
    _refuse_long(text, LONGEST_URL)
    scheme, colon, _ = text.partition(":")
    if not colon or scheme != "https":
        shown = "".join(sign for sign in scheme[:20] if sign.isascii() and sign.isalnum())
        wrong = f"scheme '{shown}' not allowed" if colon else "no scheme"
        raise ValueError(f"{wrong}, want https")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("no address") from None
    if "@" in parts.netloc:
        raise ValueError("user info not allowed")
    labels = host.split(".")
    if not host.isascii() or any(label.startswith("xn--") for label in labels):
        raise ValueError("host must be plain ASCII without xn--")
    private = labels[-1].isdigit() or labels[-1] in _PRIVATE_DOMAINS
    if private or len(labels) < 2 or not all(_SLUG.fullmatch(label) for label in labels):
        raise ValueError("host is no public name")
    if port is not None:
        raise ValueError("a port is not allowed")
    if not _URL.fullmatch(text):
        raise ValueError("character not allowed in an address")
    return text


def check_orcid(text: str) -> str:
    """Return `text` if it is an ORCID with its check digit (ISO 7064 mod 11-2).

    Example:
        >>> check_orcid("0000-0002-1825-0097")
        '0000-0002-1825-0097'
    """
    if not re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", text, re.ASCII):
        raise ValueError("want 0000-0000-0000-0000")
    total = 0
    for sign in text.replace("-", "")[:-1]:
        total = (total + int(sign)) * 2
    digit = (12 - total % 11) % 11
    if text[-1] != ("X" if digit == 10 else str(digit)) or text == "0000-0000-0000-0000":
        raise ValueError("check digit wrong")
    return text


def _check_line(text: str, longest: int, signs: str) -> str:
    _refuse_invisible(text)
    if not text.strip():
        raise ValueError("is empty")
    _refuse_long(text, longest)
    if text != text.strip() or "  " in text:
        raise ValueError("has spaces too many")
    _refuse_signs(text, signs)
    scripts = sorted({_script(sign) for sign in text if sign.isalpha()})
    others = [name for name in scripts if name not in _EAST_ASIAN]
    if len(others) > 1 or (others not in ([], ["LATIN"]) and len(scripts) > 1):
        order = sorted(scripts, key=lambda name: (name != "LATIN", name))
        raise ValueError(f"mixes scripts {' and '.join(order[:2])}")
    return unicodedata.normalize("NFC", text)


def _refuse_long(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValueError(f"{len(text)} characters, limit {longest}")


def _refuse_invisible(text: str, allowed: str = "") -> None:
    for sign in text:
        kind = unicodedata.category(sign)
        if sign in allowed:
            continue
        if kind == "Cc":
            raise ValueError(f"control character U+{ord(sign):04X} not allowed")
        if kind == "Cf":
            raise ValueError(f"U+{ord(sign):04X} (format character) not allowed")
        odd = kind in ("Co", "Cs", "Cn", "Zl", "Zp") or (kind == "Zs" and sign != " ")
        if odd or is_drawn_as_nothing(sign):
            raise ValueError(f"U+{ord(sign):04X} not allowed")


def _refuse_signs(text: str, signs: str) -> None:
    marks = 0
    for sign in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.category(sign) in ("Mn", "Mc", "Me") else 0
        if marks > 2:
            raise ValueError("more than 2 combining marks in a row")
        if marks or sign in signs or (sign.isascii() and sign.isalnum()):
            continue
        if not (sign.isalpha() and _is_plain_letter(sign)):
            shown = f"'{sign}'" if sign.isascii() else f"U+{ord(sign):04X}"
            raise ValueError(f"character {shown} not allowed")


def _is_plain_letter(sign: str) -> bool:
    if unicodedata.normalize("NFKC", sign) != sign or _script(sign) not in _SCRIPTS:
        return False
    if _script(sign) != "LATIN" or sign in _OTHER_LATIN:
        return True
    return unicodedata.normalize("NFKD", sign)[0].isascii()  # no phonetic or small capital twins


def _script(sign: str) -> str:
    return unicodedata.name(sign, "UNKNOWN").split()[0]
