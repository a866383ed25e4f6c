from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cosmos_board.downloads import web
from cosmos_board.downloads.web import RefusedAddressError, check_redirect, open_web
from tests.downloads.server import Server


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


@pytest.fixture
def secured(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server behind TLS, with a certificate that this process trusts."""
    certificate = tmp_path / "server.pem"
    certificate.write_bytes(make_certificate())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(web, "_openers", {})
    server.secure(certificate)
    return server


def make_certificate() -> bytes:
    """Return the key and the self-signed certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key_pem + certificate.public_bytes(serialization.Encoding.PEM)


def test_a_secured_server_is_not_left_for_an_open_one(secured: Server) -> None:
    url = secured.serve("real", b"content")
    away = {"Location": url.replace("https:", "http:")}
    secured.serve("a", b"", answers=[(302, away), (302, {"Location": url})])

    with pytest.raises(RefusedAddressError, match="redirect from https to http"):
        open_web(f"{secured.url}/a", {}, private=True)
    with open_web(f"{secured.url}/a", {}, private=True) as response:
        assert response.read() == b"content"


def test_a_secured_server_in_a_private_network_is_refused_before_it_is_asked(
    secured: Server,
) -> None:
    url = secured.serve("a", b"content")

    with pytest.raises(RefusedAddressError, match="host of a private network"):
        open_web(url, {})

    assert secured.asked == []
