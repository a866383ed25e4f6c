"""A web server on this machine that understands ranges and can fail in the ways servers do."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Served:
    """One file, and what goes wrong with it."""

    content: bytes
    tag: str = ""
    """Entity tag; empty for a server that sends none."""

    break_after: list[int] = field(default_factory=list)
    """Bytes to send before breaking off, for the next answers."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the next answers, in place of the file."""

    ranges_work: bool = True
    says_length: bool = True
    claims_length: int | None = None
    stall_s: float = 0.0
    """Pause after half of the file, in the next answer."""

    chunk_s: float = 0.0
    """Pause after every 64 KiB."""

    media_type: str = "application/octet-stream"


class Server:
    """Serves files by path and remembers who asked for what."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        """(method, path, range)."""

        self.agents: set[str] = set()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def secure(self, certificate: Path) -> None:
        """Speak TLS from now on, with the key and certificate of a file."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def serve(self, path: str, content: bytes, **how: object) -> str:
        """Serve a file and return its address."""
        self.files[path] = Served(content, **how)  # type: ignore[arg-type]
        return f"{self.url}/{path}"

    def ranges(self, path: str) -> list[str | None]:
        """Return the ranges that were asked for of a file."""
        return [one for method, name, one in self.asked if (method, name) == ("GET", path)]

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @contextmanager
    def count(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def _make_handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                _answer(server, self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        return Handler


def _answer(server: Server, request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    path = request.path.lstrip("/").partition("?")[0]
    asked = request.headers.get("Range")
    server.asked.append((request.command, path, asked))
    server.agents.add(request.headers.get("User-Agent", ""))
    file = server.files.get(path)
    if file is None or (file.answers and request.command == "GET"):
        status, headers = file.answers.pop(0) if file else (404, {})
        request.send_response(status)
        for name, value in {**headers, "Content-Length": "0", "Connection": "close"}.items():
            request.send_header(name, value)
        request.end_headers()
        return
    start = _find_start(request, file, asked)
    if start and start >= len(file.content):  # a range that begins at the end is empty: RFC 9110
        request.send_error(416)
        return
    request.send_response(206 if start else 200)
    if start:
        size = len(file.content)
        request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    if file.says_length:
        length = len(file.content) if file.claims_length is None else file.claims_length
        request.send_header("Content-Length", str(length - start))
    if file.tag:
        request.send_header("ETag", file.tag)
    request.send_header("Content-Type", file.media_type)
    request.send_header("Connection", "close")
    request.end_headers()
    if request.command == "GET":
        _send(server, request, file, start)


def _find_start(request: BaseHTTPRequestHandler, file: Served, asked: str | None) -> int:
    wanted = request.headers.get("If-Range")
    if not asked or not file.ranges_work or (wanted is not None and wanted != file.tag):
        return 0
    return int(asked.removeprefix("bytes=").partition("-")[0])


def _send(server: Server, request: BaseHTTPRequestHandler, file: Served, start: int) -> None:
    limit = file.break_after.pop(0) if file.break_after else len(file.content)
    body = file.content[start : start + limit]
    stall_s, file.stall_s = file.stall_s, 0.0
    try:
        if stall_s:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            time.sleep(stall_s)
            return
        step = 1 << 16 if file.chunk_s else max(len(body), 1)
        *firsts, last = range(0, max(len(body), 1), step)
        with server.count():  # the client may be gone as soon as it has the last byte
            for at in firsts:
                request.wfile.write(body[at : at + step])
                time.sleep(file.chunk_s)
        request.wfile.write(body[last:])
    except OSError:
        pass  # the client left


def sha256(content: bytes) -> str:
    """Return the sha256 in hex."""
    return hashlib.sha256(content).hexdigest()
