-- The schema: users, personas, conversations with their messages and files, turns, and what model calls cost.
-- Ids are UUIDs as 16 bytes. Times are microseconds since 1970 in UTC. Money is in nano-dollars. `seq` is the position
-- of a message in its conversation. Wide columns come last in their tables, because SQLite reads a row from its start.

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

-- User names and email addresses in lower case, in one table: the name of one account cannot be the email of another.
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
    -- The turn that runs in the conversation. It locks the conversation against other turns.
    running_turn          BLOB,
    last_seq              INTEGER NOT NULL DEFAULT 0,
    -- The last active message: the parent of the next one.
    head_seq              INTEGER NOT NULL DEFAULT 0,
    message_count         INTEGER NOT NULL DEFAULT 0,
    input_tokens          INTEGER NOT NULL DEFAULT 0,
    output_tokens         INTEGER NOT NULL DEFAULT 0,
    cost_nanos            INTEGER NOT NULL DEFAULT 0,
    -- The number of its files.
    files                 INTEGER NOT NULL DEFAULT 0,
    active                INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    persona_id            INTEGER REFERENCES personas (id) ON DELETE CASCADE,
    application_id        INTEGER,
    begun_by              TEXT NOT NULL,
    -- NULL where the messages are stored here.
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
    -- From 1, without gaps.
    seq             INTEGER NOT NULL,
    -- The seq of the message before it in the tree.
    parent          INTEGER,
    active          INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    deleted_at      INTEGER,
    created_at      INTEGER NOT NULL,
    token_count     INTEGER NOT NULL,
    turn_id         BLOB,
    role            TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    state           TEXT NOT NULL DEFAULT 'completed'
                    CHECK (state IN ('completed', 'failed', 'stopped', 'interrupted')),
    -- The lengths of the deltas of a reply.
    lengths         BLOB,
    -- JSON as text.
    parts           TEXT NOT NULL,
    UNIQUE (conversation_id, seq)
) STRICT;

CREATE TABLE turns (
    id               BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    conversation_id  BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    owner            INTEGER NOT NULL,
    -- The process that runs the turn, or the one that ended it.
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
    -- The number of deltas before this chunk.
    first   INTEGER NOT NULL,
    lengths BLOB NOT NULL,
    parts   TEXT NOT NULL,
    PRIMARY KEY (turn_id, first)
) STRICT, WITHOUT ROWID;

-- The processes that run turns, with their leases.
CREATE TABLE runners (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    renewed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each model call. There are no foreign keys: rows outlive the conversations and users that they name.
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

-- Files of conversations.
CREATE TABLE files (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    size            INTEGER NOT NULL,
    pages           INTEGER NOT NULL,
    -- The key of the stored object.
    blob_key        TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    text            TEXT NOT NULL
) STRICT;

-- Each entry ends with its row's number, so the index also gives the newest file.
CREATE INDEX files_conversation ON files (conversation_id);

-- Stored objects that no file refers to, because the file is not there yet or was deleted.
CREATE TABLE pending_deletions (
    blob_key TEXT NOT NULL PRIMARY KEY,
    -- From when on the object may be deleted.
    due_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX pending_deletions_due ON pending_deletions (due_at);

-- When a file's row is deleted, also by a cascade from its conversation, persona or user, its object is to be deleted.
CREATE TRIGGER files_pending_deletion AFTER DELETE ON files FOR EACH ROW
BEGIN
    INSERT INTO pending_deletions (blob_key, due_at) VALUES (OLD.blob_key, 0) ON CONFLICT (blob_key) DO NOTHING;
END;
