"""The first cell of a kernel mentions jobs of its notebook that were left running by an earlier one."""

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
        found: list[tuple[JobRecord, str]] = []
        with anyio.move_on_after(_SECONDS):
            for record in records[:_MOST]:
                state = await self._state(record)
                if state:
                    found.append((record, state))
        if found:
            channel.display(_message(found, len(records) - _MOST))

    async def _state(self, record: JobRecord) -> str:
        """What the job does now, in words; empty when that is not known, or no news."""
        from ..client import running_hub

        if not record.job_id:
            return ""  # its acknowledgement was lost: the cell finds it when it is run again
        if record.server == EMBEDDED and await running_hub() is None:
            return "goes on when the hub runs again, which the next remote cell starts"
        try:
            job = await (await self._session.client(record.server)).job(record.job_id)
        except RefusedError as error:
            if error.status == 404:
                self._session.memory.gone(record.job_id)
            return ""
        except EverestError:
            return ""  # nobody asked for this server yet: `%jobs` says what is wrong with it
        self._session.memory.saw(job)
        return f"has ended ({str(job.state).lower()})" if job.state.is_final else "is still running"


def _message(found: list[tuple[JobRecord, str]], more: int) -> Display:
    head = "Jobs of this notebook that no cell waits for any more; %attach shows a job and sets its values:"
    lines = [
        f"%attach {record.job_id}   {record.name or record.route}, submitted "
        f"{format_age(time.time() - record.recorded)} ago, {state}"
        for record, state in found
    ]
    if more > 0:
        lines.append(f"%jobs --notebook this   lists {more} more")
    items = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in lines)
    data = {"text/plain": "\n".join([head, *lines]), "text/html": f"<div>{html.escape(head)}<ul>{items}</ul></div>"}
    return Display(data, {"everest_reminder": True})
