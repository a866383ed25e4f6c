"""Numbers as text: scores, intervals, counts and shares."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, isfinite

DASH = "–"
"""What stands where a number is unknown."""


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


def percent(share: float | None) -> str:
    """Return a share in percent: whole, but never 0 or 100 unless it is.

    Example:
        >>> percent(0.5), percent(0.001), percent(1.0), percent(None)
        ('50 %', '< 1 %', '100 %', '–')
    """
    if share is None or not isfinite(share):
        return DASH
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def percent_interval(value: float, low: float, high: float) -> str:
    """Return a share with its interval in percent, the ends rounded outwards.

    Example:
        >>> percent_interval(0.0, 0.0, 0.168), percent_interval(0.0042, 0.001, 0.0121)
        ('0 % (0–17 %)', '0.4 % (0.1–1.3 %)')
    """
    digits = 0 if high >= 0.1 else 1
    size = 10**digits
    least, most = (round(end * 100 * size, 6) for end in (low, high))  # 0.07 · 100 is above 7
    ends = (floor(least) / size, ceil(most) / size)
    middle = f"{value * 100:.{digits}f}" if value else "0"
    return f"{middle} % ({'–'.join(f'{end:.{digits}f}' for end in ends)} %)"


def with_interval(text: str, low: float | None, high: float | None) -> str:
    """Return `text`, followed by an interval in brackets where there is one.

    Example:
        >>> with_interval("0.9", 0.85, 0.95), with_interval("0.9", None, None)
        ('0.9 (0.850–0.950)', '0.9')
    """
    interval = span(low, high)
    return f"{text} ({interval})" if interval else text
