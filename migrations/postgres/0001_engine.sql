-- The engine: users, conversations, their messages, turns, and what model calls cost.
-- Money is nano-dollars, times are instants, seq is a message's place in its conversation.

CREATE SCHEMA IF NOT EXISTS omnichat;

CREATE TABLE omnichat.users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         text,
    username      text,
    full_name     text,
    password_hash text,
    issuer        text,
    subject       text,
    tier          text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
    active        boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL,
    -- Registered accounts have neither, and NULLs are distinct.
    UNIQUE (issuer, subject)
);

-- User names and email addresses in lower case: one may not be the other of another account.
CREATE TABLE omnichat.sign_in_names (
    name    text PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES omnichat.users (id) ON DELETE CASCADE
);

CREATE INDEX sign_in_names_user ON omnichat.sign_in_names (user_id);

CREATE TABLE omnichat.personas (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       bigint NOT NULL REFERENCES omnichat.users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    description   text,
    relation_type text NOT NULL,
    status        text NOT NULL DEFAULT 'active',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE INDEX personas_user ON omnichat.personas (user_id);

-- A row is updated twice in each turn. No index may name a column that a turn changes, and each page keeps room:
-- then the new version stays on its page and touches no index (a HOT update).
CREATE TABLE omnichat.conversations (
    id                    uuid PRIMARY KEY,
    number                bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    owner                 bigint NOT NULL REFERENCES omnichat.users (id) ON DELETE CASCADE,
    persona_id            bigint REFERENCES omnichat.personas (id) ON DELETE CASCADE,
    application_id        bigint,
    -- The turn that runs in it: the lock of the conversation.
    running_turn          uuid,
    last_seq              bigint NOT NULL DEFAULT 0,
    -- The last active message: the parent of the next one.
    head_seq              bigint NOT NULL DEFAULT 0,
    input_tokens          bigint NOT NULL DEFAULT 0,
    output_tokens         bigint NOT NULL DEFAULT 0,
    cost_nanos            bigint NOT NULL DEFAULT 0,
    created_at            timestamptz NOT NULL,
    updated_at            timestamptz NOT NULL,
    deleted_at            timestamptz,
    summary_updated_at    timestamptz,
    message_count         integer NOT NULL DEFAULT 0,
    summary_message_count integer NOT NULL DEFAULT 0,
    active                boolean NOT NULL DEFAULT true,
    begun_by              text NOT NULL,
    -- NULL: the messages live here.
    provider_id           text UNIQUE,
    model                 text,
    last_model            text,
    label                 text NOT NULL,
    project               text,
    title                 text,
    metadata              jsonb NOT NULL DEFAULT '{}',
    summary               text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX conversations_owner ON omnichat.conversations (owner) WHERE deleted_at IS NULL;
CREATE INDEX conversations_persona ON omnichat.conversations (persona_id) WHERE persona_id IS NOT NULL;

-- Grows at its end and is hardly ever changed. Vacuumed early, so that index scans need not look at each row's age.
CREATE TABLE omnichat.messages (
    conversation_id uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    -- Without gaps from 1.
    seq             bigint NOT NULL,
    id              uuid NOT NULL UNIQUE,
    turn_id         uuid,
    number          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    -- The message before it in the tree.
    parent          bigint,
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    token_count     integer NOT NULL,
    active          boolean NOT NULL DEFAULT true,
    role            text NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    state           text NOT NULL DEFAULT 'completed'
                    CHECK (state IN ('completed', 'failed', 'stopped', 'interrupted')),
    -- The lengths of a reply's deltas.
    lengths         bytea,
    -- JSON as text: nothing searches in it, it comes back as it went in, and it may hold \u0000, which jsonb refuses.
    parts           text NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE omnichat.turns (
    id               uuid PRIMARY KEY,
    conversation_id  uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    -- The process that runs it, or ended it.
    runner           uuid NOT NULL,
    owner            bigint NOT NULL,
    question_seq     bigint NOT NULL,
    reply_seq        bigint,
    started_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    retry_after_ms   bigint,
    input_tokens     bigint NOT NULL DEFAULT 0,
    cached_tokens    bigint NOT NULL DEFAULT 0,
    output_tokens    bigint NOT NULL DEFAULT 0,
    reasoning_tokens bigint NOT NULL DEFAULT 0,
    cost_nanos       bigint NOT NULL DEFAULT 0,
    response_time_ms bigint NOT NULL DEFAULT 0,
    usage_estimated  boolean NOT NULL DEFAULT false,
    stop_requested   boolean NOT NULL DEFAULT false,
    state            text NOT NULL DEFAULT 'running'
                     CHECK (state IN ('running', 'completed', 'failed', 'stopped', 'interrupted')),
    contract         text NOT NULL,
    model            text NOT NULL,
    finish_reason    text,
    failure          text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX turns_conversation ON omnichat.turns (conversation_id);
CREATE INDEX turns_running ON omnichat.turns (runner) WHERE state = 'running';

-- Partial text of running turns. Rows come and go, so the table is vacuumed by their count and not by its size.
CREATE TABLE omnichat.turn_chunks (
    turn_id uuid NOT NULL REFERENCES omnichat.turns (id) ON DELETE CASCADE,
    -- How many deltas stand before it.
    first   integer NOT NULL,
    lengths bytea NOT NULL,
    parts   text NOT NULL,
    PRIMARY KEY (turn_id, first)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The processes that run turns.
CREATE TABLE omnichat.runners (
    id         uuid PRIMARY KEY,
    renewed_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- One row for each model call. It points at nothing, so that it outlives what it was for.
CREATE TABLE omnichat.ledger (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id          bigint NOT NULL,
    conversation_id  uuid,
    turn_id          uuid,
    input_tokens     bigint NOT NULL,
    cached_tokens    bigint NOT NULL,
    output_tokens    bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanos       bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    usage_estimated  boolean NOT NULL,
    purpose          text NOT NULL,
    provider         text NOT NULL,
    model            text NOT NULL
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE INDEX ledger_user ON omnichat.ledger (user_id, created_at);

-- The active path before a place, newest first, within both limits; the newest message is in it whatever its size.
-- Where there are older ones, it may hold one message more than `row_limit`.
--
-- It must be VOLATILE. A query in such a function takes a snapshot of its own when it begins. A begin that comes to
-- hold a conversation's lock thereby sees the reply that was committed after the begin had started; the snapshot of
-- the begin itself would miss it. For the same reason it sees what the begin has written so far, so its caller bounds
-- it by a place.
CREATE FUNCTION omnichat.window_before(
    conversation uuid, place bigint, row_limit integer, byte_limit integer,
    OUT seqs bigint[], OUT turn_ids uuid[], OUT roles text[], OUT states text[], OUT token_counts integer[],
    OUT parts text[], OUT has_older boolean
) LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
    bytes bigint;
    largest integer;
BEGIN
    -- Nearly always all of them are small, and this is most of the work of a begin. Large ones are not even unpacked.
    SELECT
        coalesce(array_agg(n.seq), '{}'),
        coalesce(array_agg(n.turn_id), '{}'),
        coalesce(array_agg(n.role), '{}'),
        coalesce(array_agg(n.state), '{}'),
        coalesce(array_agg(n.token_count), '{}'),
        coalesce(array_agg(CASE WHEN octet_length(n.parts) <= 16384 THEN n.parts END), '{}'),
        count(*) > row_limit,
        coalesce(sum(octet_length(n.parts)), 0),
        coalesce(max(octet_length(n.parts)), 0)
    INTO seqs, turn_ids, roles, states, token_counts, parts, has_older, bytes, largest
    FROM (
        SELECT p.seq, p.turn_id, p.role, p.state, p.token_count, p.parts
        FROM omnichat.messages p
        WHERE p.conversation_id = conversation AND p.seq < place AND p.active AND p.deleted_at IS NULL
        ORDER BY p.seq DESC
        -- One more than asked for tells whether there are older ones.
        LIMIT row_limit + 1
    ) n;
    IF bytes <= byte_limit AND largest <= 16384 THEN
        RETURN;
    END IF;

    SELECT
        coalesce(array_agg(m.seq) FILTER (WHERE m.fits), '{}'),
        coalesce(array_agg(m.turn_id) FILTER (WHERE m.fits), '{}'),
        coalesce(array_agg(m.role) FILTER (WHERE m.fits), '{}'),
        coalesce(array_agg(m.state) FILTER (WHERE m.fits), '{}'),
        coalesce(array_agg(m.token_count) FILTER (WHERE m.fits), '{}'),
        coalesce(array_agg(m.parts) FILTER (WHERE m.fits), '{}'),
        coalesce(bool_or(NOT m.fits), false)
    INTO seqs, turn_ids, roles, states, token_counts, parts, has_older
    FROM (
        SELECT n.*,
            row_number() OVER newer = 1
            OR row_number() OVER newer <= row_limit AND sum(octet_length(n.parts)) OVER newer <= byte_limit AS fits
        FROM (
            SELECT p.seq, p.turn_id, p.role, p.state, p.token_count, p.parts
            FROM omnichat.messages p
            WHERE p.conversation_id = conversation AND p.seq < place AND p.active AND p.deleted_at IS NULL
            ORDER BY p.seq DESC
            LIMIT row_limit + 1
        ) n
        WINDOW newer AS (ORDER BY n.seq DESC ROWS UNBOUNDED PRECEDING)
    ) m;
END $$;

-- The conversation that another form of key names. Where a key is an id, this is not called.
CREATE FUNCTION omnichat.conversation_by(number bigint, provider_id text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM omnichat.conversations c WHERE c.number = $1
    UNION ALL
    SELECT c.id FROM omnichat.conversations c WHERE c.provider_id = $2
    LIMIT 1
$$;
