"""What many stored jobs cost: one of them is asked for, and all of them are listed."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from everest_kernel.hub.contents import Contents
from everest_kernel.hub.database import Database
from everest_kernel.hub.files import Files
from everest_kernel.hub.identity import LOCAL_USER, new_id
from everest_kernel.hub.job_records import JobRecords
from everest_kernel.wire import Application, Job, JobRequest, JobState

from .figures import Figure, median_of
from .hub_rates import hub_process

__all__ = ["one_of_many"]


async def _fill(home: Path, count: int) -> str:
    """Put ended jobs into the store of a hub that does not run; the id of one in the middle."""
    database = Database(home / "hub.sqlite")
    records = JobRecords(database, Files(database, Contents(database, home / "files")))
    application, request, chosen = Application(name="filled"), JobRequest(inputs={"text": "x" * 100}), ""
    for number in range(count):
        job = Job(new_id(), JobState.DONE, name=f"job {number}", user=LOCAL_USER, result={"stdout": "y" * 100})
        written = records.insert(job, application, request, None, lambda connection: None)
        records.finish(job, {}, ["2024-01-01 00:00:00.000000 Done"], drop=False)
        if number % 1000 == 0:
            await written
        if number == count // 2:
            chosen = job.id
    database.close()
    return chosen


def one_of_many(few: int = 100, many: int = 100_000, rounds: int = 10) -> list[Figure]:
    """GET of one job with many in the store over the same with few, both hubs asked in turn."""
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        chosen = [asyncio.run(_fill(Path(small), few)), asyncio.run(_fill(Path(large), many))]
        with hub_process(0, small) as first, hub_process(0, large) as second:
            times: list[list[float]] = [[], []]
            hubs = []
            for url, token, _ in (first, second):
                address = urlsplit(url)
                connection = http.client.HTTPConnection(address.hostname or "", address.port)
                hubs.append((connection, {"Authorization": f"Bearer {token}"}))
            for turn in range(rounds * 2):
                connection, headers = hubs[turn % 2]
                for repeat in range(110):
                    began = time.perf_counter()
                    connection.request("GET", f"/api/jobs/{chosen[turn % 2]}", headers=headers)
                    answer = connection.getresponse()
                    body = answer.read()
                    if repeat >= 10:  # the first of a turn pay for the change
                        times[turn % 2].append(time.perf_counter() - began)
                    assert answer.status == 200, body
            connection, headers = hubs[1]
            began = time.perf_counter()
            connection.request("GET", "/api/jobs?pagesize=1000", headers=headers)
            listed = len(json.loads(connection.getresponse().read()))
            page = time.perf_counter() - began
            for connection, _ in hubs:
                connection.close()
    ratio = statistics.median(times[1]) / statistics.median(times[0])
    detail = f"{median_of(times[1])} against {median_of(times[0])}"
    what = f"GET of one job, {many:,} jobs in the store over {few}"
    return [
        Figure(what, ratio, "x", 1.2, detail=detail),
        Figure(f"a page of {listed} jobs of {many:,}", page * 1e3, "ms"),
    ]
