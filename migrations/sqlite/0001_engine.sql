-- The engine: users, conversations, their messages, turns, and what model calls cost.
-- Ids are UUIDs as 16 bytes, times are microseconds since 1970 in UTC, money is nano-dollars.
-- Wide columns stand last in their tables: SQLite reads a row from its front.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    email         TEXT,
    username      TEXT,
    full_name     TEXT,
    password_hash TEXT,
    issuer        TEXT,
    subject       TEXT,
    tier          TEXT NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
    active        INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at    INTEGER NOT NULL,
    UNIQUE (issuer, subject)
) STRICT;

-- User names and email addresses in lower case: one may not be the other of another account.
CREATE TABLE sign_in_names (
    name    TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_names_user ON sign_in_names (user_id);

CREATE TABLE personas (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT,
    relation_type TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'active',
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX personas_user ON personas (user_id);

CREATE TABLE conversations (
    number                INTEGER PRIMARY KEY AUTOINCREMENT,
    id                    BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    owner                 INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    deleted_at            INTEGER,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    -- The turn that runs in it: the lock of the conversation.
    running_turn          BLOB,
    last_seq              INTEGER NOT NULL DEFAULT 0,
    -- The last active message: the parent of the next one.
    head_seq              INTEGER NOT NULL DEFAULT 0,
    message_count         INTEGER NOT NULL DEFAULT 0,
    input_tokens          INTEGER NOT NULL DEFAULT 0,
    output_tokens         INTEGER NOT NULL DEFAULT 0,
    cost_nanos            INTEGER NOT NULL DEFAULT 0,
    active                INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    persona_id            INTEGER REFERENCES personas (id) ON DELETE CASCADE,
    application_id        INTEGER,
    begun_by              TEXT NOT NULL,
    -- NULL: the messages live here.
    provider_id           TEXT UNIQUE,
    model                 TEXT,
    last_model            TEXT,
    label                 TEXT NOT NULL,
    project               TEXT,
    title                 TEXT,
    summary_message_count INTEGER NOT NULL DEFAULT 0,
    summary_updated_at    INTEGER,
    metadata              TEXT NOT NULL DEFAULT '{}',
    summary               TEXT
) STRICT;

CREATE INDEX conversations_owner ON conversations (owner) WHERE deleted_at IS NULL;
CREATE INDEX conversations_persona ON conversations (persona_id) WHERE persona_id IS NOT NULL;

CREATE TABLE messages (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Without gaps from 1.
    seq             INTEGER NOT NULL,
    parent          INTEGER,
    active          INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    deleted_at      INTEGER,
    created_at      INTEGER NOT NULL,
    token_count     INTEGER NOT NULL,
    turn_id         BLOB,
    role            TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    state           TEXT NOT NULL DEFAULT 'completed'
                    CHECK (state IN ('completed', 'failed', 'stopped', 'interrupted')),
    -- The lengths of a reply's deltas.
    lengths         BLOB,
    parts           TEXT NOT NULL,
    UNIQUE (conversation_id, seq)
) STRICT;

CREATE TABLE turns (
    id               BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    conversation_id  BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    owner            INTEGER NOT NULL,
    -- The process that runs it, or ended it.
    runner           BLOB NOT NULL,
    contract         TEXT NOT NULL,
    model            TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'stopped', 'interrupted')),
    question_seq     INTEGER NOT NULL,
    reply_seq        INTEGER,
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER,
    finish_reason    TEXT,
    failure          TEXT,
    retry_after_ms   INTEGER,
    input_tokens     INTEGER NOT NULL DEFAULT 0,
    cached_tokens    INTEGER NOT NULL DEFAULT 0,
    output_tokens    INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    usage_estimated  INTEGER NOT NULL DEFAULT 0 CHECK (usage_estimated IN (0, 1)),
    cost_nanos       INTEGER NOT NULL DEFAULT 0,
    response_time_ms INTEGER NOT NULL DEFAULT 0,
    stop_requested   INTEGER NOT NULL DEFAULT 0 CHECK (stop_requested IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX turns_conversation ON turns (conversation_id);
CREATE INDEX turns_running ON turns (runner) WHERE state = 'running';

-- Partial text of running turns.
CREATE TABLE turn_chunks (
    turn_id BLOB NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    -- How many deltas stand before it.
    first   INTEGER NOT NULL,
    lengths BLOB NOT NULL,
    parts   TEXT NOT NULL,
    PRIMARY KEY (turn_id, first)
) STRICT, WITHOUT ROWID;

-- The processes that run turns.
CREATE TABLE runners (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    renewed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each model call. It points at nothing, so that it outlives what it was for.
CREATE TABLE ledger (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id          INTEGER NOT NULL,
    conversation_id  BLOB,
    turn_id          BLOB,
    purpose          TEXT NOT NULL,
    provider         TEXT NOT NULL,
    model            TEXT NOT NULL,
    input_tokens     INTEGER NOT NULL,
    cached_tokens    INTEGER NOT NULL,
    output_tokens    INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    usage_estimated  INTEGER NOT NULL CHECK (usage_estimated IN (0, 1)),
    cost_nanos       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_user ON ledger (user_id, created_at);
