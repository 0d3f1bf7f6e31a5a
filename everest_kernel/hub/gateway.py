"""All connected agents: what they are sent, and when they count as lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import anyio

from ..wire import (
    AgentInfo,
    Frames,
    FramesClosed,
    TaskCancel,
    TaskDelete,
    TaskId,
    TaskInfo,
    TaskMessage,
    TaskResume,
    TaskState,
)
from .actions import Cancel, Delete, Resume, Send
from .contents import Contents
from .dialer import Dialer
from .fetching import Fetcher
from .files import Files
from .identity import Identity
from .job_log import JobLog
from .job_tasks import JobTasks
from .link import FULL_DIALECT, Link, greeting, task_ids
from .passive import PassiveAgents
from .plain import PlainTasks
from .reports import Reports
from .scheduler import Scheduler
from .submissions import Submissions

__all__ = ["Gateway", "SecondAgent"]

log = logging.getLogger(__name__)


class SecondAgent(Exception):  # noqa: N818 - it is somebody, not something that went wrong here
    """An agent with the token of another one, which is connected."""


class Gateway:
    """Between the scheduler and the agents.

    Args:
        hub_url: gives the hub's own address, for agents that it dials from this one.
        cancel_grace: seconds in which a plain agent must confirm a cancel; whether it knows the message is not known.

    Attributes:
        fetcher: downloads outputs of plain agents; the hub closes it.
        plain: prepares tasks for plain agents.
        dialer: keeps the connections to passive agents.
    """

    def __init__(
        self,
        jobs: JobTasks,
        scheduler: Scheduler,
        identity: Identity,
        submissions: Submissions,
        contents: Contents,
        files: Files,
        job_log: JobLog,
        plain: PlainTasks,
        passive: PassiveAgents,
        hub_url: Callable[[str], str],
        cancel_grace: float = 30.0,
    ) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._identity = identity
        self._log = job_log
        self._submissions = submissions
        self._passive = passive
        self._cancel_grace = cancel_grace
        self._links: dict[str, Link] = {}
        self._names: dict[str, str] = {}
        self._placed: dict[str, dict[int, tuple[TaskId, str]]] = {}  # of each job the tasks that run, and where
        self._ending: set[TaskId] = set()  # reported as over, and not on disk yet
        self._timer: asyncio.TimerHandle | None = None
        self._cancels: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self.plain = plain
        self.fetcher = Fetcher()
        self.dialer = Dialer(passive, self, hub_url)
        self._reports = Reports(jobs, scheduler, contents, files, job_log, self.fetcher, self)
        jobs.dispatcher = self
        jobs.on_task_end = self._on_task_end

    # --- what the jobs ask for

    def resource_name(self, resource: str) -> str:
        """The name of a resource."""
        return self._names.get(resource, resource)

    def carry_out(self, action: Send | Resume | Cancel | Delete) -> None:
        """Send one message to an agent; one that is gone learns of it when it comes back."""
        link = self._links.get(action.resource)
        if link is None:
            return
        if isinstance(action, Send):
            self._send(link, action.task)
        elif isinstance(action, Resume):
            self._place(link, action.task)
            link.put(TaskResume(str(action.task), self._jobs.outputs_of(action.task)))
        elif isinstance(action, Cancel):
            link.put(TaskCancel(str(action.task)))
            if link.plain:
                self._cancels[action.task[:2]] = asyncio.get_running_loop().call_later(
                    self._cancel_grace, self._cancel_unconfirmed, link, action.task
                )
        else:
            self.superseded(link, action.task)

    def _send(self, link: Link, task: TaskId) -> None:
        live = self._jobs.live(task.job_id)
        if live is None:
            return
        submit = self._submissions.build(live, task, link.hub)
        self._log.add(task.job_id, f"Task {task}: sent to {link.name}")
        self._place(link, task)
        link.put(self.plain.submission(submit, link.hub) if link.plain else submit)

    def _place(self, link: Link, task: TaskId) -> None:
        self._placed.setdefault(task.job_id, {})[task.number] = task, link.resource

    def _on_task_end(self, task: TaskId) -> None:
        self._submissions.forget(task)
        self.plain.forget(task)
        timer = self._cancels.pop(task[:2], None)
        if timer is not None:
            timer.cancel()
        placed = self._placed.get(task.job_id, {})
        placed.pop(task.number, None)
        if not placed:
            self._placed.pop(task.job_id, None)

    def _cancel_unconfirmed(self, link: Link, task: TaskId) -> None:
        self._cancels.pop(task[:2], None)
        if self._scheduler.is_current(link.resource, task):
            message = "cancelled; its agent did not confirm it and may still run it"
            self._reports.end(link, task, TaskState.CANCELED, TaskInfo(message=message))

    def connected(self) -> dict[str, AgentInfo]:
        """Connected resources and what their agents say of themselves."""
        return {resource: link.info for resource, link in self._links.items()}

    # --- what reports ask for

    def superseded(self, link: Link, task: TaskId) -> None:
        """The agent has an attempt that does not count."""
        if task in self._ending:
            return  # its end is being stored
        # a plain agent may not know either message; the one that could end a running program is worth the try
        link.put(TaskCancel(str(task)) if link.plain else TaskDelete(str(task)))

    def ending(self, task: TaskId) -> None:
        """A task is over, and that is not on disk yet."""
        self._ending.add(task)

    def stored(self, link: Link, task: TaskId) -> None:
        """A task's end is on disk: only now may its agent forget it, on whichever connection it has by now."""
        self._ending.discard(task)
        present = self._links.get(link.resource)
        if present is not None and not present.plain:
            present.put(TaskDelete(str(task)))

    def tell_others(self, task: TaskId, text: str) -> None:
        """Pass a text to the other running tasks of the same job."""
        for other, resource in self._placed.get(task.job_id, {}).values():
            link = self._links.get(resource)
            if other != task and link is not None and self._scheduler.is_current(resource, other):
                link.put(TaskMessage(str(other), text))

    # --- passive agents

    def add_passive(self, user: str, name: str, uri: str, client_token: str, slots: int | None = None) -> str:
        """Attach an agent that the hub dials, or change how it is dialled; the id of its resource.

        Raises:
            ConfigurationError: the address is not one, or the name is that of a resource which dials in itself.
        """
        agent = self._passive.add(user, name, uri, client_token, slots)
        self.dialer.dial(agent)
        return agent.resource

    def detach(self, resource: str) -> None:
        """Part from the agent of a resource that was deleted."""
        self.remove_passive(resource)
        link = self._links.get(resource)
        if link is not None:
            link.close()

    def remove_passive(self, resource: str) -> None:
        """Do not dial a resource any more; its tasks count as lost after the grace."""
        self._passive.remove(resource)
        self.dialer.hang_up(resource)

    # --- one agent

    async def welcome(self, frames: Frames, resource: str, name: str, otherwise: AgentInfo | None, hub: str) -> None:
        """Serve an agent that should greet first, until the connection is over.

        Args:
            frames: the connection.
            resource: whose agent it is.
            name: of the resource.
            otherwise: what to take it for when it does not greet; None: it must.
            hub: the hub's address as the agent reaches it.

        Raises:
            FramesClosed: the connection ended before.
            TimeoutError: the greeting that must come did not.
            SecondAgent: the resource has another agent.
        """
        hello, first = await greeting(frames, name)
        if hello is None:
            if otherwise is None:
                raise TimeoutError(f"the agent of {name} did not greet")
            await self._serve(Link(resource, name, otherwise, hub, plain=True), frames, None, first)
            return
        self._check_instance(resource, name, hello.info.instance)
        plain = not set(hello.info.extensions) >= FULL_DIALECT
        link = Link(resource, hello.info.name or name, hello.info, hub, plain)
        await self._serve(link, frames, None if plain else task_ids(hello))

    def _check_instance(self, resource: str, name: str, instance: str) -> None:
        """Two agents that take turns would each have the other's tasks started again: the first one stays."""
        present = self._links.get(resource)
        if present is not None and instance and present.info.instance not in ("", instance):
            log.warning("agent of %s: refused a second one with the same token", name)
            raise SecondAgent

    async def serve_plain(
        self, frames: Frames, resource: str, info: AgentInfo, hub: str, *, base: str, auth: str
    ) -> None:
        """Serve an agent that knows nothing of our dialect, and whose files are fetched at `base` with `auth`."""
        await self._serve(Link(resource, info.name, info, hub, True, base, auth), frames, None)

    async def _serve(
        self, link: Link, frames: Frames, has: Collection[TaskId] | None, first: str | None = None
    ) -> None:
        async with anyio.create_task_group() as group:
            link.group = group
            self._attach(link, has)
            try:
                group.start_soon(link.send_all, frames)
                if first is not None:
                    self._reports.receive(link, first)
                while True:
                    self._reports.receive(link, await frames.receive())
            except FramesClosed:
                group.cancel_scope.cancel()
            finally:
                self._detach(link)

    def _attach(self, link: Link, has: Collection[TaskId] | None) -> None:
        older = self._links.get(link.resource)
        if older is not None:
            older.close()
            self._jobs.act(self._scheduler.disconnected(link.resource, _now()))
        self._links[link.resource] = link
        self._names[link.resource] = link.name
        self._jobs.act(self._scheduler.connected(link.resource, link.info.slots, has, _now()))
        self.rearm()

    def _detach(self, link: Link) -> None:
        if self._links.get(link.resource) is link:
            del self._links[link.resource]
            self._jobs.act(self._scheduler.disconnected(link.resource, _now()))
            self.rearm()

    # --- time

    def rearm(self) -> None:
        """Wake when the scheduler has something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self._scheduler.wake_at()
        if wake is not None:
            self._timer = asyncio.get_running_loop().call_at(wake, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._jobs.act(self._scheduler.tick(_now()))
        self.rearm()

    def start(self) -> None:
        """Begin to watch for agents that stay away."""
        self.rearm()

    def stop(self) -> None:
        """The hub closes."""
        for timer in [self._timer, *self._cancels.values()]:
            if timer is not None:
                timer.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
