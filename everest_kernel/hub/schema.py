"""The hub's database."""

__all__ = ["SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, password_hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    hash BLOB PRIMARY KEY, user TEXT NOT NULL, label TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS resources (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, token_hash BLOB NOT NULL, UNIQUE (user, name)
);
CREATE TABLE IF NOT EXISTS passive_agents (
    resource TEXT PRIMARY KEY, uri TEXT NOT NULL, client_token TEXT NOT NULL, slots INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS applications (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, alias TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (user, alias)
);
-- further ids and `user/alias` names to which an application answers
CREATE TABLE IF NOT EXISTS application_names (name TEXT PRIMARY KEY, application TEXT NOT NULL) WITHOUT ROWID;
-- cancelling: 1 when its owner wants it to end, 2 when it is to be deleted then
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, submission_key TEXT, name TEXT NOT NULL, final INTEGER NOT NULL,
    attempt INTEGER NOT NULL, cancelling INTEGER NOT NULL,
    application BLOB NOT NULL, request BLOB NOT NULL, status BLOB NOT NULL
);
-- partial: each index that a job enters is one more page of its commit
CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_key ON jobs (user, submission_key) WHERE submission_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_by_user ON jobs (user, id);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (final) WHERE final = 0;
CREATE TABLE IF NOT EXISTS sweep_tasks (
    job_id TEXT NOT NULL, number INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,
    message TEXT NOT NULL, outputs BLOB, PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job_log (job_id TEXT NOT NULL, line TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS log_by_job ON job_log (job_id);
CREATE TABLE IF NOT EXISTS contents (sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB) WITHOUT ROWID;
-- job_id: the job, or the application, with which the file goes; none for an upload
CREATE TABLE IF NOT EXISTS files (
    uri TEXT PRIMARY KEY, user TEXT NOT NULL, job_id TEXT, name TEXT NOT NULL, sha256 BLOB NOT NULL,
    size INTEGER NOT NULL, created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS files_by_job ON files (job_id);
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256);
"""
