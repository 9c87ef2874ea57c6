-- schema.sql - version 1 of the coordinator's database (migrate.c runs it).
--
-- Rows are written in the order of their keys, so that every insert lands on the last
-- page. There is no index on a task's state: the queue lives in memory and is rebuilt
-- by one scan at start. Times are milliseconds since 1970 UTC; hashes are 64 hex digits.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    session      INTEGER NOT NULL UNIQUE, -- random per process start
    name         TEXT NOT NULL,
    capabilities INTEGER NOT NULL,
    slots        INTEGER NOT NULL,
    threads      INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL        -- last HELLO, not every beat
) STRICT;

-- A process that begins anew under its name finds its predecessors.
CREATE INDEX worker_of_name ON worker (name, id);

CREATE TABLE study (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    conf         TEXT NOT NULL,
    pack         TEXT NOT NULL,           -- '' until packed
    n_speakers   INTEGER NOT NULL,
    n_train_utts INTEGER NOT NULL,
    n_trials     INTEGER NOT NULL,
    state        INTEGER NOT NULL,        -- enum study_state
    stage        INTEGER NOT NULL,
    round        INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    checkpoint   TEXT NOT NULL,           -- '' = initial weights
    error        TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE task (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id      INTEGER NOT NULL REFERENCES study (id),
    state         INTEGER NOT NULL CHECK (state BETWEEN 1 AND 5), -- enum task_state
    token         INTEGER NOT NULL,       -- of the last grant; 0 = never granted
    worker_id     INTEGER NOT NULL,       -- holder while leased, winner when done
    n_charged     INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL,
    trial_id      INTEGER NOT NULL,       -- EVALUATE: the trial it fills; 0 otherwise
    stage         INTEGER NOT NULL,
    round         INTEGER NOT NULL,
    shard         INTEGER NOT NULL,
    spec          BLOB NOT NULL,          -- wire_encode_spec
    result        BLOB                    -- wire_encode_result, when done
) STRICT;

-- Training tasks by round; grows at its end like the table.
CREATE INDEX task_of_round ON task (study_id, stage, round, shard) WHERE trial_id = 0;

-- One row per grant. Its key is the fencing token: unique over all tasks, never used
-- again, growing with every grant.
CREATE TABLE attempt (
    token      INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id    INTEGER NOT NULL REFERENCES task (id),
    worker_id  INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    outcome    INTEGER,                   -- enum outcome; NULL while it runs or given back
    is_charged INTEGER NOT NULL DEFAULT 0,
    error      TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE trial (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    study_id     INTEGER NOT NULL REFERENCES study (id),
    origin       INTEGER NOT NULL,        -- enum trial_origin
    stage        INTEGER NOT NULL,
    proposal     INTEGER NOT NULL,
    architecture TEXT NOT NULL,
    checkpoint   TEXT NOT NULL,
    protocol     INTEGER NOT NULL,
    params       INTEGER NOT NULL,
    macs         INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0, -- 0 pending, 1 measured, 2 failed
    eer_percent  REAL,
    mindcf_p01   REAL,
    mindcf_p05   REAL,
    n_trials     INTEGER,
    network      TEXT,                    -- exported dense network, '' = none
    seconds      REAL,
    UNIQUE (study_id, architecture, checkpoint, protocol, origin)
) STRICT;

CREATE TABLE loss (
    id           INTEGER PRIMARY KEY,
    study_id     INTEGER NOT NULL REFERENCES study (id),
    stage        INTEGER NOT NULL,
    round        INTEGER NOT NULL,
    shard        INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    loss         REAL NOT NULL,
    accuracy     REAL NOT NULL,
    seconds      REAL NOT NULL,
    n_utterances INTEGER NOT NULL,
    at_ms        INTEGER NOT NULL
) STRICT;
