from __future__ import annotations

import pytest

from cosmos_board.downloads.web import RefusedAddressError, check_redirect, open_web


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("http://a.org/x", "from https to http"),
        ("ftp://a.org/x", "to ftp protocol"),
        ("file:///etc/passwd", "to file protocol"),
        ("https://user:word@a.org/x", "with a user's name"),
    ],
)
def test_a_redirect_that_could_harm_is_refused(new: str, reason: str) -> None:
    with pytest.raises(RefusedAddressError, match=reason):
        check_redirect("https://a.org/y", new)


def test_a_redirect_to_another_secured_host_is_followed() -> None:
    check_redirect("https://a.org/y", "https://b.org/x")
    check_redirect("http://a.org/y", "http://a.org/x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.org/x", "data:,x", "x"])
def test_only_web_addresses_are_opened(url: str) -> None:
    with pytest.raises(RefusedAddressError, match="protocol refused"):
        open_web(url, {}, private=True)
