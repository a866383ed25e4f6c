"""A server on loopback that speaks the protocol of S3."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serve_bucket(name: str) -> Iterator[str]:
    """Serve an empty bucket and yield its address, keys included."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": "secret"}
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys
    )
    client.create_bucket(Bucket=name)
    client.close()
    try:
        yield (
            f"s3://somebody:secret@{name}/run"
            f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        )
    finally:
        server.stop()
