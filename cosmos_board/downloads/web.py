"""Opens web addresses: redirects and hosts are checked, and servers are told who asks."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from cosmos_board import __version__

USER_AGENT = f"cosmos-board/{__version__} (medical segmentation benchmark; python-urllib)"
SCHEMES = ("http", "https")


class RefusedAddressError(Exception):
    """An address, a redirect or a host that is not asked."""


def check_redirect(old: str, new: str) -> None:
    """Refuse to be sent from a secured address to an open one, or to another protocol.

    Raises:
        RefusedAddressError: If the new address is one of these, or holds a user's name.

    Example:
        >>> check_redirect("http://a.org/x", "https://b.org/x")
    """
    before, after = urlsplit(old), urlsplit(new)
    if after.scheme not in SCHEMES:
        raise RefusedAddressError(f"redirect to {after.scheme or 'no'} protocol refused")
    if before.scheme == "https" and after.scheme == "http":
        raise RefusedAddressError(f"redirect from https to http ({after.hostname}) refused")
    if "@" in after.netloc:
        raise RefusedAddressError(f"redirect with a user's name ({after.hostname}) refused")


def _check_peer(connection: HTTPConnection) -> None:
    """Refuse a host of a private network; nothing was asked of it yet."""
    host = ip_address(connection.sock.getpeername()[0])
    if not host.is_global:
        connection.close()
        raise RefusedAddressError(f"{connection.host} is a host of a private network ({host})")


class _PublicHTTPConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _PublicHTTPSConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class _PublicHTTPHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        # A proxy is a host of one's own network, and decides itself whom it asks.
        made = HTTPConnection if req.has_proxy() else _PublicHTTPConnection
        return self.do_open(made, req)


class _PublicHTTPSHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        tunnelled = getattr(req, "_tunnel_host", None)
        made = HTTPSConnection if tunnelled else _PublicHTTPSConnection
        return self.do_open(made, req, context=ssl.create_default_context())


class _CheckedRedirects(HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, req: Request, *words: Any) -> Request | None:  # noqa: ANN401
        """Return the next request, whose address comes last, or refuse."""
        check_redirect(req.full_url, words[-1])
        return super().redirect_request(req, *words)


_opener_lock = threading.Lock()
_openers: dict[bool, OpenerDirector] = {}


def open_web(
    url: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    private: bool = False,
    timeout_s: float = 60.0,
) -> HTTPResponse:
    """Ask a web address and return the answer, whose body is not read yet.

    Args:
        url: Address that starts with http or https.
        headers: Further headers of the request.
        method: `GET` or `HEAD`.
        private: Whether hosts of private networks and this machine may be asked.
        timeout_s: Seconds without a byte after which the connection fails.

    Raises:
        RefusedAddressError: If the address, a redirect or the host is refused.
        HTTPError: If the server answers with an error.
        OSError, HTTPException: If the connection fails.
    """
    if urlsplit(url).scheme not in SCHEMES:
        raise RefusedAddressError(f"{urlsplit(url).scheme or 'no'} protocol refused")
    request = Request(url, method=method, headers={"User-Agent": USER_AGENT, **headers})
    response: HTTPResponse = _get_opener(private).open(request, timeout=timeout_s)
    return response


def _get_opener(private: bool) -> OpenerDirector:
    with _opener_lock:
        if private not in _openers:
            checked = () if private else (_PublicHTTPHandler(), _PublicHTTPSHandler())
            _openers[private] = build_opener(_CheckedRedirects(), *checked)
        return _openers[private]
