"""Badges: what a model's own page may show of its place, as a small SVG."""

from __future__ import annotations

from markupsafe import escape

_LEFT = "COSMOS board"
_LETTER = 6.6


def render_badge(text: str) -> bytes:
    """Return a badge that says `text`."""
    left = len(_LEFT) * _LETTER + 14
    right = len(text) * _LETTER + 14
    name = escape(f"{_LEFT}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="20" '
        f'role="img" aria-label="{name}"><title>{name}</title>'
        f'<rect width="{left + right:.0f}" height="20" rx="3" fill="#0a6f78"/>'
        f'<path d="M3 0h{left - 3:.0f}v20h-{left - 3:.0f}a3 3 0 0 1-3-3v-14a3 3 0 0 1 3-3z" '
        f'fill="#2b333c"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11" text-anchor="middle"><text x="{left / 2:.1f}" y="14">{_LEFT}</text>'
        f'<text x="{left + right / 2:.1f}" y="14">{escape(text)}</text></g></svg>\n'
    ).encode()
