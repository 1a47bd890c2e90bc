-- The schema: users, personas, conversations with their messages and files, turns, and what model calls cost.
-- Money is in nano-dollars. `seq` is the position of a message in its conversation.

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
    -- Both are NULL for registered accounts; NULLs count as distinct.
    UNIQUE (issuer, subject)
);

-- User names and email addresses in lower case, in one table: the name of one account cannot be the email of another.
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

-- A row is updated twice in each turn. No index may name a column that a turn changes, and each page keeps free space:
-- then the new version of the row stays on its page and no index is touched (a HOT update).
CREATE TABLE omnichat.conversations (
    id                    uuid PRIMARY KEY,
    number                bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    owner                 bigint NOT NULL REFERENCES omnichat.users (id) ON DELETE CASCADE,
    persona_id            bigint REFERENCES omnichat.personas (id) ON DELETE CASCADE,
    application_id        bigint,
    -- The turn that runs in the conversation. It locks the conversation against other turns.
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
    -- The number of its files.
    files                 integer NOT NULL DEFAULT 0,
    active                boolean NOT NULL DEFAULT true,
    begun_by              text NOT NULL,
    -- NULL where the messages are stored here.
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

-- Rows are added and hardly ever changed. Vacuumed early, so that index scans need not check each row's visibility.
CREATE TABLE omnichat.messages (
    conversation_id uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    -- From 1, without gaps.
    seq             bigint NOT NULL,
    id              uuid NOT NULL UNIQUE,
    turn_id         uuid,
    number          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    -- The seq of the message before it in the tree.
    parent          bigint,
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    token_count     integer NOT NULL,
    active          boolean NOT NULL DEFAULT true,
    role            text NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    state           text NOT NULL DEFAULT 'completed'
                    CHECK (state IN ('completed', 'failed', 'stopped', 'interrupted')),
    -- The lengths of the deltas of a reply.
    lengths         bytea,
    -- JSON as text: nothing searches in it, it is read back exactly as written, and it may contain \u0000, which jsonb refuses.
    parts           text NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE omnichat.turns (
    id               uuid PRIMARY KEY,
    conversation_id  uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    -- The process that runs the turn, or the one that ended it.
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

-- Partial text of running turns. Rows are short-lived, so vacuum runs after a fixed number of dead rows.
CREATE TABLE omnichat.turn_chunks (
    turn_id uuid NOT NULL REFERENCES omnichat.turns (id) ON DELETE CASCADE,
    -- The number of deltas before this chunk.
    first   integer NOT NULL,
    lengths bytea NOT NULL,
    parts   text NOT NULL,
    PRIMARY KEY (turn_id, first)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The processes that run turns, with their leases.
CREATE TABLE omnichat.runners (
    id         uuid PRIMARY KEY,
    renewed_at timestamptz NOT NULL,
    -- Since when the lease has been renewed without a gap. After an outage of the database that lasted longer than a
    -- lease, every process looks dead, and the first one to renew would end the running turns of all others. So only a
    -- process that has renewed for a while may treat another one as dead: by then every living process has renewed too.
    since      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- One row for each model call. There are no foreign keys: rows outlive the conversations and users that they name.
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

-- Files of conversations.
CREATE TABLE omnichat.files (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    size            bigint NOT NULL,
    pages           integer NOT NULL,
    -- The key of the stored object.
    blob_key        text NOT NULL UNIQUE,
    name            text NOT NULL,
    text            text NOT NULL
);

CREATE INDEX files_conversation ON omnichat.files (conversation_id, number);

-- Stored objects that no file refers to, because the file is not there yet or was deleted. Rows are short-lived.
CREATE TABLE omnichat.pending_deletions (
    blob_key text PRIMARY KEY,
    -- From when on the object may be deleted.
    due_at   timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX pending_deletions_due ON omnichat.pending_deletions (due_at, blob_key);

-- When a file's row is deleted, also by a cascade from its conversation, persona or user, its object is to be deleted.
CREATE FUNCTION omnichat.add_pending_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO omnichat.pending_deletions (blob_key, due_at) VALUES (OLD.blob_key, 'epoch')
    ON CONFLICT (blob_key) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER files_pending_deletion AFTER DELETE ON omnichat.files
FOR EACH ROW EXECUTE FUNCTION omnichat.add_pending_deletion();

-- The active path before a position, newest first, within both limits; the newest message is included whatever its
-- size. Where there are older messages, the result may hold one message more than `row_limit`.
--
-- The function must be VOLATILE: then each query in it takes a snapshot of its own. A begin that has just got the lock
-- of a conversation thereby sees a reply that was committed after the begin's statement had started; the snapshot of
-- that statement would miss it. The function also sees the rows that the begin has inserted so far, therefore its
-- caller bounds it by `before_seq`.
CREATE FUNCTION omnichat.window_before(
    conversation uuid, before_seq bigint, row_limit integer, byte_limit integer,
    OUT seqs bigint[], OUT turn_ids uuid[], OUT roles text[], OUT states text[], OUT token_counts integer[],
    OUT parts text[], OUT has_older boolean
) LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
    bytes bigint;
    largest integer;
BEGIN
    -- This is most of the work of a begin. Nearly always all messages are small; large ones are not decompressed here.
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
        WHERE p.conversation_id = conversation AND p.seq < before_seq AND p.active AND p.deleted_at IS NULL
        ORDER BY p.seq DESC
        -- One row more than asked for shows whether there are older ones.
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
            WHERE p.conversation_id = conversation AND p.seq < before_seq AND p.active AND p.deleted_at IS NULL
            ORDER BY p.seq DESC
            LIMIT row_limit + 1
        ) n
        WINDOW newer AS (ORDER BY n.seq DESC ROWS UNBOUNDED PRECEDING)
    ) m;
END $$;

-- The id of the conversation with this number or provider id. Not called where the key is the id itself.
CREATE FUNCTION omnichat.conversation_by(number bigint, provider_id text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM omnichat.conversations c WHERE c.number = $1
    UNION ALL
    SELECT c.id FROM omnichat.conversations c WHERE c.provider_id = $2
    LIMIT 1
$$;

-- Views for reporting: the tables that contracts S0 and S4 document. Values are cut to the documented sizes, so that no
-- row can make a view fail. Where a table or view of that name exists already, it is left alone, with a warning.

-- Millionths of a dollar, rounded half to even, within DECIMAL(10, 6).
CREATE FUNCTION omnichat.dollars(nanos bigint) RETURNS numeric(10, 6)
LANGUAGE sql IMMUTABLE AS $$
    SELECT least(
        (nanos / 1000 + CASE
            WHEN nanos % 1000 > 500 THEN 1
            WHEN nanos % 1000 = 500 THEN (nanos / 1000) % 2
            ELSE 0
        END)::numeric / 1000000,
        9999.999999
    )::numeric(10, 6)
$$;

CREATE FUNCTION omnichat.within_integer(number bigint) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT least(number, 2147483647)::integer $$;

-- The text of a message as every contract shows it; empty where the row cannot be read.
CREATE FUNCTION omnichat.readable(parts text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce((
        SELECT string_agg(
            CASE part->>'type' WHEN 'image' THEN '[Image]' WHEN 'file' THEN part->>'name' ELSE part->>'text' END,
            E'\n' ORDER BY position
        )
        FROM jsonb_array_elements(parts::jsonb->'parts') WITH ORDINALITY AS listed(part, position)
        WHERE part->>'type' IN ('text', 'refusal', 'image', 'file')
    ), '');
EXCEPTION WHEN OTHERS THEN
    RETURN '';
END
$$;

DO $$
BEGIN
    IF to_regclass('textllm.conversations') IS NOT NULL THEN
        RAISE WARNING 'textllm.conversations exists already and is left alone: the view of contract S0 is not made';
    ELSE
        CREATE SCHEMA IF NOT EXISTS textllm;
        CREATE VIEW textllm.conversations AS
        SELECT
            coalesce(provider_id, 'conv_' || replace(id::text, '-', ''))::varchar(255) AS id,
            label::varchar(255) AS user_id,
            title::varchar(500) AS title,
            summary,
            message_count,
            summary_message_count,
            (summary_updated_at AT TIME ZONE 'UTC')::timestamp AS summary_updated_at,
            omnichat.within_integer(input_tokens) AS total_tokens_input,
            omnichat.within_integer(output_tokens) AS total_tokens_output,
            omnichat.dollars(cost_nanos)::numeric(10, 6) AS total_cost,
            (created_at AT TIME ZONE 'UTC')::timestamp AS created_at,
            (updated_at AT TIME ZONE 'UTC')::timestamp AS updated_at,
            deleted_at IS NOT NULL AS is_deleted,
            metadata
        FROM omnichat.conversations;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the view textllm.conversations is not made: the database user may not';
END
$$;

DO $$
BEGIN
    IF to_regclass('public.conversations') IS NOT NULL THEN
        RAISE WARNING 'public.conversations exists already and is left alone: the view of contract S4 is not made';
    ELSE
        CREATE VIEW public.conversations AS
        SELECT
            number::integer AS id,
            coalesce(title, 'New conversation')::varchar(255) AS title,
            persona_id::integer AS persona_id,
            owner::integer AS user_id,
            active AS is_active,
            (created_at AT TIME ZONE 'UTC')::timestamp AS created_at,
            (updated_at AT TIME ZONE 'UTC')::timestamp AS updated_at
        FROM omnichat.conversations
        WHERE persona_id <= 2147483647 AND owner <= 2147483647 AND number <= 2147483647 AND deleted_at IS NULL;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the view public.conversations is not made: the database user may not';
END
$$;

DO $$
BEGIN
    IF to_regclass('public.chat_messages') IS NOT NULL THEN
        RAISE WARNING 'public.chat_messages exists already and is left alone: the view of contract S4 is not made';
    ELSE
        CREATE VIEW public.chat_messages AS
        SELECT
            m.number::integer AS id,
            c.number::integer AS conversation_id,
            m.role::varchar(20) AS role,
            omnichat.readable(m.parts) AS content,
            CASE WHEN m.role = 'assistant' THEN omnichat.within_integer(t.input_tokens + t.output_tokens) END
                AS tokens_used,
            (CASE WHEN m.role = 'assistant' THEN t.model END)::varchar(50) AS model_used,
            CASE WHEN m.role = 'assistant' THEN omnichat.within_integer(t.response_time_ms) END AS response_time_ms,
            (m.created_at AT TIME ZONE 'UTC')::timestamp AS created_at
        FROM omnichat.messages m
        JOIN omnichat.conversations c ON c.id = m.conversation_id
        LEFT JOIN omnichat.turns t ON t.id = m.turn_id
        WHERE c.persona_id IS NOT NULL AND c.deleted_at IS NULL AND m.active AND m.deleted_at IS NULL
            AND m.number <= 2147483647 AND c.number <= 2147483647;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'the view public.chat_messages is not made: the database user may not';
END
$$;
