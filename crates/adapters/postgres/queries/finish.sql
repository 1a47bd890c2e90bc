-- Closes turns: any number, in one statement and one commit.
-- Returns a row for each turn that was closed. For the others, diagnose_finish.sql finds out why.
WITH
item AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[],
        $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[], $14::bigint[], $15::bigint[],
        $16::timestamptz[], $17::text[], $18::uuid[], $19::text[], $20::bytea[], $21::integer[]
    ) AS i (
        turn, conversation, runner, closer, state, finish_reason, failure, retry_after_ms,
        input, cached, output, reasoning, estimated, cost, response_time_ms,
        at, title, reply, parts, lengths, token_count
    )
),
-- Locks as in begin_existing.sql.
locked AS (
    SELECT c.id, c.running_turn
    FROM omnichat.conversations c
    WHERE c.id = ANY ($2)
    ORDER BY c.id
    FOR NO KEY UPDATE SKIP LOCKED
),
-- The row of the conversation decides: the statement that sets its running turn to NULL has closed the turn, no other.
closed AS (
    UPDATE omnichat.conversations c
    SET running_turn = NULL,
        last_seq = c.last_seq + CASE WHEN i.reply IS NULL THEN 0 ELSE 1 END,
        head_seq = CASE WHEN i.reply IS NULL THEN c.head_seq ELSE c.last_seq + 1 END,
        message_count = c.message_count + CASE WHEN i.reply IS NULL THEN 0 ELSE 1 END,
        last_model = CASE WHEN i.reply IS NULL THEN c.last_model ELSE t.model END,
        -- Sums stay within their type: a finish that fails would leave the conversation locked.
        input_tokens = least(c.input_tokens::numeric + i.input, 9223372036854775807)::bigint,
        output_tokens = least(c.output_tokens::numeric + i.output, 9223372036854775807)::bigint,
        cost_nanos = greatest(least(c.cost_nanos::numeric + i.cost, 9223372036854775807), -9223372036854775808)::bigint,
        title = coalesce(c.title, i.title),
        updated_at = i.at
    FROM item i
    JOIN locked l ON l.id = i.conversation AND l.running_turn = i.turn
    JOIN omnichat.turns t ON t.id = i.turn AND t.runner = i.runner AND t.state = 'running'
    WHERE c.id = l.id
    RETURNING
        c.id, c.last_seq, c.message_count, c.input_tokens, c.output_tokens, c.cost_nanos, c.persona_id, c.last_model,
        c.title, i.turn, t.question_seq
),
ended AS (
    UPDATE omnichat.turns t
    SET runner = i.closer,
        state = i.state,
        finish_reason = i.finish_reason,
        failure = i.failure,
        retry_after_ms = i.retry_after_ms,
        input_tokens = i.input,
        cached_tokens = i.cached,
        output_tokens = i.output,
        reasoning_tokens = i.reasoning,
        usage_estimated = i.estimated,
        cost_nanos = i.cost,
        response_time_ms = i.response_time_ms,
        finished_at = i.at,
        reply_seq = CASE WHEN i.reply IS NULL THEN NULL ELSE o.last_seq END
    FROM closed o
    JOIN item i ON i.turn = o.turn
    WHERE t.id = o.turn
),
replied AS (
    INSERT INTO omnichat.messages (
        conversation_id, seq, id, turn_id, parent, created_at, token_count, role, state, lengths, parts
    )
    SELECT
        o.id, o.last_seq, i.reply, o.turn, o.question_seq, i.at, i.token_count, 'assistant', i.state, i.lengths, i.parts
    FROM closed o
    JOIN item i ON i.turn = o.turn
    WHERE i.reply IS NOT NULL
    ORDER BY o.turn
    RETURNING turn_id, number
),
paid AS (
    INSERT INTO omnichat.ledger (
        user_id, conversation_id, turn_id, purpose, provider, model, input_tokens, cached_tokens, output_tokens,
        reasoning_tokens, usage_estimated, cost_nanos, created_at
    )
    SELECT
        b.user_id, b.conversation_id, b.turn_id, b.purpose, b.provider, b.model, b.input, b.cached, b.output,
        b.reasoning, b.estimated, b.cost, b.at
    FROM unnest(
        $22::uuid[], $23::bigint[], $24::uuid[], $25::uuid[], $26::text[], $27::text[], $28::text[], $29::bigint[],
        $30::bigint[], $31::bigint[], $32::bigint[], $33::boolean[], $34::bigint[], $35::timestamptz[]
    ) AS b (
        closed_turn, user_id, conversation_id, turn_id, purpose, provider, model, input,
        cached, output, reasoning, estimated, cost, at
    )
    JOIN closed o ON o.turn = b.closed_turn
    ORDER BY b.closed_turn
),
-- The reply's row has the whole text now.
cleared AS (
    DELETE FROM omnichat.turn_chunks k USING closed o WHERE k.turn_id = o.turn
)
SELECT
    o.turn AS "turn!", r.number AS "reply_number?", o.last_seq, o.message_count, o.input_tokens, o.output_tokens,
    o.cost_nanos, o.persona_id, o.last_model, o.title
FROM closed o
LEFT JOIN replied r ON r.turn_id = o.turn
