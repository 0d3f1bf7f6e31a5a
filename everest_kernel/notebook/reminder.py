"""The first cell of a kernel mentions jobs of its notebook that are still running."""

from __future__ import annotations

import html
import time
from typing import TYPE_CHECKING, Any

import anyio

from ..languages import Display
from ..routes import EMBEDDED
from ..wire import EverestError, RefusedError
from .caller import caller_of
from .channels import Channel, channel_for
from .header import format_age
from .session import NotebookSession

if TYPE_CHECKING:
    from ..records import JobRecord

__all__ = ["Reminder"]

_MOST = 10
_SECONDS = 10.0


class Reminder:
    """Looks once. The cell does not wait for it; what is found is shown under it."""

    def __init__(self, shell: Any, session: NotebookSession) -> None:
        self._shell = shell
        self._session = session
        self._done = False

    def first_cell(self, *_: object) -> None:
        """IPython is about to run a cell."""
        if self._done:
            return
        self._done = True
        channel, notebook = channel_for(self._shell), caller_of(self._shell).notebook

        def found(records: list[JobRecord]) -> None:
            if not self._session.closing:
                self._session.thread.start(self._remind(records, channel))

        self._session.memory.look_for_unfinished(notebook, found)

    async def _remind(self, records: list[JobRecord], channel: Channel) -> None:
        running: list[JobRecord] = []
        with anyio.move_on_after(_SECONDS):
            for record in records[:_MOST]:
                if await self._runs(record):
                    running.append(record)
        if running:
            channel.display(_message(running))

    async def _runs(self, record: JobRecord) -> bool:
        from ..client import running_hub

        if not record.job_id or (record.server == EMBEDDED and await running_hub() is None):
            return False  # nothing runs where no hub does; `%jobs` lists it
        try:
            job = await (await self._session.client(record.server)).job(record.job_id)
        except RefusedError as error:
            if error.status == 404:
                self._session.memory.gone(record.job_id)
            return False
        except EverestError:
            return False  # nobody asked for this server yet: `%jobs` says what is wrong with it
        self._session.memory.saw(job)
        return not job.state.is_final


def _message(running: list[JobRecord]) -> Display:
    one = len(running) == 1
    head = f"{'A job' if one else f'{len(running)} jobs'} of this notebook {'is' if one else 'are'} still running:"
    lines = [
        f"%attach {record.job_id}  follows {record.name or record.route}, submitted "
        f"{format_age(time.time() - record.recorded)} ago"
        for record in running
    ]
    items = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in lines)
    data = {"text/plain": "\n".join([head, *lines]), "text/html": f"<div>{html.escape(head)}<ul>{items}</ul></div>"}
    return Display(data, {"everest_reminder": True})
