-- The tables that contracts S0 and S4 document, as views for reporting. Values are cut to the documented sizes, so that
-- no row can make a view fail. Where something of such a name exists already, it is left alone, with a warning.

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

-- What a person would read of a message: the same text that every contract shows. A row that cannot be read reads as empty.
CREATE FUNCTION omnichat.readable(parts text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce((
        SELECT string_agg(
            CASE part->>'type' WHEN 'image' THEN '[Image]' WHEN 'file' THEN part->>'name' ELSE part->>'text' END,
            E'\n' ORDER BY place
        )
        FROM jsonb_array_elements(parts::jsonb->'parts') WITH ORDINALITY AS listed(part, place)
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
