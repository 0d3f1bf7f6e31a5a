"""`%job`: everything that is known of one job."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from ..languages import find_language
from ..wire import ConfigurationError, JobState
from .dry_run import fenced
from .header import format_age, format_seconds, format_size
from .job_servers import FoundJob

__all__ = ["job_bundle", "job_facts"]


def job_bundle(found: FoundJob, now: float) -> dict[str, str]:
    """The page as text and as Markdown, in which a front end colours the code.

    Args:
        found: what is known.
        now: seconds since the epoch.
    """
    facts = job_facts(found, now)
    width = max(len(label) for label, _ in facts)
    lines = "\n".join(f"{label:<{width}}  {_printable(text)}" for label, text in facts)
    code, lexer = _code(found)
    if not code:
        return {"text/plain": lines, "text/markdown": fenced(lines, "")}
    return {
        "text/plain": f"{lines}\n\n--- code\n{code}",
        "text/markdown": f"{fenced(lines, '')}\n\n{fenced(code, lexer)}",
    }


def job_facts(found: FoundJob, now: float) -> list[tuple[str, str]]:
    """What is known, as label and text; what is not known is left out."""
    record, job = found.record, found.job
    state = str(job.state) if job is not None else record.state if record is not None else ""
    told = "gone" if found.gone else state.lower() or "not confirmed by its server"
    facts = [
        ("job", job.id if job is not None else record.job_id if record is not None else ""),
        ("name", (job.name if job is not None else "") or (record.name if record is not None else "")),
        ("state", f"{told} (last seen; {found.problem})" if found.problem and not found.gone else told),
    ]
    if found.gone and record is not None:
        facts.append(("", f"{found.problem} any more; this is what the journal knows"))
    facts += [
        ("route", record.route if record is not None else ""),
        ("language", _language(found)),
        ("application", (job.app_alias or job.app_name) if job is not None else ""),
        ("server", _server(found)),
        ("resource", (job.resource_name if job is not None else "") or (record.resource if record is not None else "")),
        *_times(found, now),
        ("exit code", _exit_code(found)),
        ("error", _error(found, state)),
    ]
    if record is not None:
        outputs = record.outputs_found if record.outputs_named is None else record.outputs_named
        facts += [
            ("notebook", record.notebook),
            ("cell", record.cell),
            ("line", record.line),
            ("sent", ", ".join(f"{name} ({format_size(size)})" for name, size in record.sent.items())),
            ("outputs", ", ".join(outputs)),
            ("fetch", ", ".join(record.fetch)),
            ("content", record.content),
        ]
    if job is not None:
        facts.append(("results", ", ".join(sorted(job.result))))
    if record is None:
        facts.append(("", "the journal of this machine does not know it; this is what its server says"))
    return [(label, text) for label, text in facts if text]


def _language(found: FoundJob) -> str:
    if found.record is None or not found.record.language:
        return ""
    settings = ", ".join(f"{name}={value}" for name, value in found.record.settings.items())
    return f"{found.record.language} ({settings})" if settings else found.record.language


def _server(found: FoundJob) -> str:
    url = found.url or (found.record.url if found.record is not None else "")
    host = urlsplit(url).netloc.rpartition("@")[2]  # a name and a password could stand before it
    return f"{found.server} ({urlsplit(url).scheme}://{host})" if host else found.server


def _times(found: FoundJob, now: float) -> list[tuple[str, str]]:
    """When it was submitted, how long it waited, and how long it ran, in the server's milliseconds."""
    record, job = found.record, found.job

    def known(name: str) -> int:
        return int(getattr(job, name, 0) or getattr(record, name, 0))

    submitted, started, finished = known("submitted"), known("started"), known("finished")
    begun = submitted / 1000 or (record.recorded if record is not None else 0)
    facts = []
    if begun:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(begun))
        facts.append(("submitted", f"{moment}, {format_age(now - begun)} ago"))
    if submitted and started:
        facts.append(("queued", format_seconds(max(0, started - submitted) / 1000)))
    if started and finished:
        facts.append(("ran", format_seconds(max(0, finished - started) / 1000)))
    elif started and job is not None and job.state is JobState.RUNNING:
        facts.append(("running", format_seconds(max(0.0, now - started / 1000))))
    return facts


def _exit_code(found: FoundJob) -> str:
    code = found.job.exit_code if found.job is not None else None
    if code is None and found.record is not None:
        code = found.record.exit_code
    return "" if code is None else str(code)


def _error(found: FoundJob, state: str) -> str:
    """The server's words: only of a job that did not succeed are they about an error."""
    if state not in (JobState.FAILED.value, JobState.CANCELLED.value):
        return ""
    said = found.job.info if found.job is not None else ""
    return said or (found.record.info if found.record is not None else "")


def _code(found: FoundJob) -> tuple[str, str]:
    """The user's text, and the name of its lexer."""
    record, job = found.record, found.job
    code = record.code if record is not None else ""
    name = record.language if record is not None else ""
    if not code and job is not None:
        cell = job.inputs.get("cell")
        code = cell if isinstance(cell, str) else ""
        name = name or job.app_name.removesuffix(" cell")  # as the applications of cells are called
    try:
        language = find_language(name)
    except ConfigurationError:
        language = None  # the colours are lost, no more
    return code.rstrip("\n"), language.editing.lexer if language is not None else ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
