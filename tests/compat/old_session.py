"""Drives a copy of everest.py against a hub: `python old_session.py FOLDER URL`. Runs on Python 2.7 and later."""

import json
import os
import sys

folder, url = sys.argv[1:]
sys.path.insert(0, os.environ["EVEREST_PY_FOLDER"])

import everest  # type: ignore[import-not-found]  # noqa: E402

found = {}
session = everest.Session("Old session", url, user="anna", password="pw")
try:
    append = everest.App("local/append", session)
    path = os.path.join(folder, "in.txt")
    with open(path, "w") as stream:
        stream.write("data")
    with open(path, "rb") as stream:
        first = append.run({"message": "1", "file": stream})
    second = append.run({"message": "2", "file": first.output("file")})
    fails = everest.App("local/fails", session).run({})
    result = second.result()
    target = os.path.join(folder, "out.txt")
    session.getFile(result["file"], target)
    with open(target) as stream:
        found["appended"] = stream.read()
    try:
        fails.result()
    except everest.JobException as error:
        found["failed"] = str(error)
    second.getLog(os.path.join(folder, "job.log"))
    with open(os.path.join(folder, "job.log")) as stream:
        found["log"] = stream.read()
    jobs = session.getJobs()
    found["jobs"] = sorted(job.name for job in jobs)
    jobs[0].delete()
    if hasattr(session, "deleteJobs"):  # since the end of 2017
        session.deleteJobs("Old session - Job 0")
    else:
        jobs[-1].delete()
    found["left"] = len(session.getJobs())
finally:
    session.close()
print("\n" + json.dumps(found))
