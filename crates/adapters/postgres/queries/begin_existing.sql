-- Opens turns in conversations that exist: any number, in one statement and one commit.
-- Returns a row for each turn that was opened. For the others, diagnose_begin.sql finds out why.
WITH
item AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::bigint[], $10::bigint[], $11::integer[], $12::bigint[], $13::timestamptz[], $14::boolean[]
    ) AS i (
        turn, conversation, owner, runner, contract, asked_model, default_model, own_model,
        expect_last, keep_to, appended, replies, at, only_with_persona
    )
),
-- All locks are taken first and in one order, and rows that another statement has locked are skipped: batches of several
-- processes can neither deadlock nor wait for each other. This returns the newest version of each row, which the
-- statement's own snapshot may not have. So the conditions below are checked on it, and not on the row of the update.
locked AS (
    SELECT c.id, c.owner, c.running_turn, c.last_seq, c.head_seq, c.persona_id
    FROM omnichat.conversations c
    WHERE c.id = ANY ($2) AND c.deleted_at IS NULL
    ORDER BY c.id
    FOR NO KEY UPDATE SKIP LOCKED
),
-- Where two turns are for one conversation, only one of them updates the row; the other one is left out.
opened AS (
    UPDATE omnichat.conversations c
    SET running_turn = i.turn,
        last_seq = l.last_seq + i.appended,
        head_seq = CASE WHEN i.appended > 0 THEN l.last_seq + i.appended ELSE coalesce(i.keep_to, l.head_seq) END,
        -- Replies that are appended count as exchanges; those that leave the path do so no longer.
        message_count = c.message_count + i.replies - CASE WHEN i.keep_to IS NULL THEN 0 ELSE (
            SELECT count(*) FROM omnichat.messages m
            WHERE m.conversation_id = i.conversation AND m.seq > i.keep_to AND m.active AND m.role = 'assistant'
        ) END,
        model = coalesce(c.model, i.own_model),
        updated_at = i.at
    FROM item i
    JOIN locked l ON l.id = i.conversation
    WHERE c.id = l.id
        AND l.owner = i.owner
        AND l.running_turn IS NULL
        AND (l.persona_id IS NOT NULL OR NOT i.only_with_persona)
        AND (i.expect_last IS NULL OR i.expect_last = l.last_seq)
    RETURNING
        c.*, i.turn, i.runner, i.contract, i.keep_to, i.at, i.appended,
        l.last_seq AS last_before,
        -- The position of the message that the new ones follow.
        coalesce(i.keep_to, l.head_seq) AS base,
        coalesce(i.asked_model, c.model, i.default_model) AS turn_model
),
branched AS (
    UPDATE omnichat.messages m
    SET active = false
    FROM opened o
    WHERE o.keep_to IS NOT NULL
        AND m.conversation_id = o.id
        AND m.seq > o.keep_to
        AND m.active
),
appended AS (
    INSERT INTO omnichat.messages (conversation_id, seq, id, turn_id, parent, created_at, token_count, role, parts)
    SELECT
        o.id, o.last_before + m.ordinal, m.id, o.turn,
        CASE WHEN m.ordinal > 1 THEN o.last_before + m.ordinal - 1 ELSE nullif(o.base, 0) END,
        o.at, m.token_count, m.role, m.parts
    FROM unnest($15::uuid[], $16::bigint[], $17::uuid[], $18::text[], $19::integer[], $20::text[])
        AS m (turn, ordinal, id, role, token_count, parts)
    JOIN opened o ON o.turn = m.turn
    -- Numbers rise with the order of the messages.
    ORDER BY m.turn, m.ordinal
    RETURNING turn_id, seq, number
),
numbered AS (
    SELECT a.turn_id, array_agg(a.number ORDER BY a.seq) AS numbers FROM appended a GROUP BY a.turn_id
),
started AS (
    INSERT INTO omnichat.turns (id, conversation_id, runner, owner, question_seq, started_at, contract, model)
    SELECT o.turn, o.id, o.runner, o.owner, o.head_seq, o.at, o.contract, o.turn_model
    FROM opened o
)
SELECT
    o.id, o.number, o.owner, o.persona_id, o.application_id, o.running_turn, o.last_seq, o.input_tokens,
    o.output_tokens, o.cost_nanos, o.created_at, o.updated_at, o.summary_updated_at,
    o.message_count::bigint AS "message_count!", o.summary_message_count::bigint AS "summary_message_count!", o.active, o.begun_by, o.provider_id, o.model, o.last_model, o.label, o.project, o.title,
    o.metadata::text AS "metadata!", o.summary,
    o.turn AS "turn!", o.head_seq AS "question!", o.last_before AS "last_before!",
    coalesce(n.numbers, '{}') AS "numbers!", o.turn_model AS "turn_model!",
    o.files > 0 AS "has_files!",
    p.name AS "persona_name?", p.description AS "persona_description?", p.relation_type AS "persona_relation?",
    w.seqs AS "seqs!", w.turn_ids AS "turn_ids!: Vec<Option<Uuid>>", w.roles AS "roles!", w.states AS "states!",
    w.token_counts AS "token_counts!", w.parts AS "parts!", w.has_older AS "has_older!"
FROM opened o
LEFT JOIN numbered n ON n.turn_id = o.turn
LEFT JOIN omnichat.personas p ON p.id = o.persona_id
CROSS JOIN LATERAL omnichat.window_before(
    o.id, CASE WHEN o.appended > 0 THEN o.base + 1 ELSE o.head_seq END, $21, $22
) w
