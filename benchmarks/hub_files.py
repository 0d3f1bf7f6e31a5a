"""Large files through the hub: upload in both forms, and download, with the memory that they take."""

from __future__ import annotations

import http.client
import json
import os
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from .figures import Figure, peak_memory
from .hub_rates import hub_process

__all__ = ["large_files"]

_BLOCK = 1 << 20
_BOUNDARY = b"benchmark-boundary"


def _upload(connection: http.client.HTTPConnection, token: str, source: IO[bytes], *, multipart: bool) -> str:
    size = os.fstat(source.fileno()).st_size
    head, tail, kind = b"", b"", "application/octet-stream"
    if multipart:
        disposition = b'Content-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
        head, tail = b"--" + _BOUNDARY + b"\r\n" + disposition, b"\r\n--" + _BOUNDARY + b"--\r\n"
        kind = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
    connection.putrequest("POST", "/api/files/temp")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", kind)
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders(head or None)
    source.seek(0)
    while block := source.read(_BLOCK):
        connection.send(block)
    connection.send(tail)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(content)
    uri: str = content["uri"]
    return uri


def _download(connection: http.client.HTTPConnection, token: str, uri: str) -> int:
    connection.request("GET", uri, headers={"Authorization": f"Bearer {token}"})
    answer, buffer, count = connection.getresponse(), bytearray(_BLOCK), 0
    while read := answer.readinto(buffer):
        count += read
    return count


def large_files(megabytes: int = 1000) -> list[Figure]:
    """One file of a gigabyte, up as a raw body and as a form, and down again."""
    figures, size = [], megabytes * 1_000_000
    with tempfile.TemporaryDirectory() as folder, hub_process(0) as (url, token, pid):
        path = Path(folder) / "large.bin"
        with path.open("wb") as stream:  # not compressible, and not the same twice
            for _ in range(0, size, _BLOCK):
                stream.write(os.urandom(_BLOCK))
            stream.truncate(size)
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        uri = ""
        os.sync()
        for what in ("multipart upload", "raw upload", "download"):
            with path.open("rb") as source, peak_memory(pid) as grown:
                began = time.perf_counter()
                if what == "download":
                    if _download(connection, token, uri) != size:
                        raise RuntimeError("the download is not whole")
                else:
                    uri = _upload(connection, token, source, multipart=what.startswith("multi"))
                taken = time.perf_counter() - began
            if what.startswith("multi"):  # or the next would pay for its removal
                connection.request("DELETE", uri, headers={"Authorization": f"Bearer {token}"})
                connection.getresponse().read()
                os.sync()
            rate = Figure(f"{what} of {size / 1e9:g} GB", size / taken / 1e6, "MB/s", 300, at_most=False)
            figures += [rate, Figure(f"{what}: growth of the hub's memory", grown[0] / 1e6, "MB", 50)]
        connection.close()
    return figures
