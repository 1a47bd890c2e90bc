-- Makes conversations together with their first turns: any number, in one statement and one commit.
WITH
item AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::integer[],
        $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::text[], $13::text[], $14::bigint[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[]
    ) WITH ORDINALITY AS i (
        turn, conversation, owner, runner, contract, asked_model, default_model, appended, replies,
        at, made_at, label, project, persona_id, begun_by, provider_id,
        title, model, metadata, application_id, position
    )
),
made AS (
    INSERT INTO omnichat.conversations (
        id, owner, persona_id, application_id, running_turn, last_seq, head_seq, message_count, created_at,
        updated_at, begun_by, provider_id, model, label, project, title, metadata
    )
    SELECT
        i.conversation, i.owner, i.persona_id, i.application_id, i.turn, i.appended, i.appended, i.replies,
        i.made_at, i.at, i.begun_by, i.provider_id, i.model, i.label, i.project, i.title, i.metadata::jsonb
    FROM item i
    -- Numbers rise with the order in which the turns came.
    ORDER BY i.position
    RETURNING *
),
appended AS (
    INSERT INTO omnichat.messages (conversation_id, seq, id, turn_id, parent, created_at, token_count, role, parts)
    SELECT i.conversation, m.ordinal, m.id, i.turn, nullif(m.ordinal - 1, 0), i.at, m.token_count, m.role, m.parts
    FROM unnest($21::uuid[], $22::bigint[], $23::uuid[], $24::text[], $25::integer[], $26::text[])
        AS m (turn, ordinal, id, role, token_count, parts)
    JOIN item i ON i.turn = m.turn
    ORDER BY i.position, m.ordinal
    RETURNING turn_id, seq, number
),
numbered AS (
    SELECT a.turn_id, array_agg(a.number ORDER BY a.seq) AS numbers FROM appended a GROUP BY a.turn_id
),
started AS (
    INSERT INTO omnichat.turns (id, conversation_id, runner, owner, question_seq, started_at, contract, model)
    SELECT
        i.turn, i.conversation, i.runner, i.owner, i.appended, i.at, i.contract,
        coalesce(i.asked_model, i.model, i.default_model)
    FROM item i
)
SELECT
    o.id, o.number, o.owner, o.persona_id, o.application_id, o.running_turn, o.last_seq, o.input_tokens,
    o.output_tokens, o.cost_nanos, o.created_at, o.updated_at, o.summary_updated_at,
    o.message_count::bigint AS "message_count!", o.summary_message_count::bigint AS "summary_message_count!", o.active, o.begun_by, o.provider_id, o.model, o.last_model, o.label, o.project, o.title,
    o.metadata::text AS "metadata!", o.summary,
    i.turn AS "turn!", o.head_seq AS "question!",
    coalesce(n.numbers, '{}') AS "numbers!",
    coalesce(i.asked_model, i.model, i.default_model) AS "turn_model!",
    p.name AS "persona_name?", p.description AS "persona_description?", p.relation_type AS "persona_relation?"
FROM made o
JOIN item i ON i.conversation = o.id
LEFT JOIN numbered n ON n.turn_id = i.turn
LEFT JOIN omnichat.personas p ON p.id = o.persona_id
