-- Sessions of one user, made in the course of 2025, with ten messages each. psql's variables: `owner`, the user;
-- `sessions`, how many; `updated`, whether they were last updated within three days of their making (`year`), or all on
-- the last day (`day`).

-- An id like those of the service: 48 bits of time, then chance.
CREATE FUNCTION pg_temp.uuid_at(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 19))::uuid
$$;

CREATE TEMPORARY TABLE session AS
SELECT n, pg_temp.uuid_at(made_at) AS id, made_at,
    CASE :'updated'
        WHEN 'day' THEN '2025-12-31 00:00Z'::timestamptz + n * 7919 % 86400 * interval '1 second'
        ELSE made_at + n * 7919 % 4320 * interval '1 minute'
    END AS updated_at
FROM generate_series(1::bigint, :sessions) AS n,
    LATERAL (SELECT '2025-01-01 00:00Z'::timestamptz + interval '365 days' * (n::float / :sessions) AS made_at) AS made;

INSERT INTO omnichat.conversations (
    id, owner, label, begun_by, model, last_model, title, created_at, updated_at, last_seq, head_seq, message_count,
    input_tokens, output_tokens, cost_nanos
)
SELECT id, :owner, 'bench', (ARRAY['chat_api', 'llm_chat', 'chat_service', 'chat_ai'])[1 + n % 4],
    CASE WHEN n % 4 = 0 THEN (ARRAY['gpt-4', 'gpt-4o', 'gpt-3.5-turbo'])[1 + n % 3] END,
    (ARRAY['gpt-4', 'gpt-4o', 'gpt-3.5-turbo'])[1 + n % 3], 'Is ' || n || ' a prime number?', made_at, updated_at, 10, 10,
    5, 5000, 2000, 100000
FROM session
ORDER BY n;

CREATE TEMPORARY TABLE turn AS
SELECT id AS conversation_id, pg_temp.uuid_at(at) AS id, at, turn
FROM session, generate_series(1, 5) AS turn, LATERAL (SELECT made_at + turn * interval '1 minute' AS at) AS started;

INSERT INTO omnichat.turns (
    id, conversation_id, runner, owner, question_seq, reply_seq, started_at, finished_at, input_tokens, output_tokens,
    state, contract, model, finish_reason
)
SELECT id, conversation_id, '00000000-0000-7000-8000-000000000000', :owner, 2 * turn - 1, 2 * turn, at, at, 1000, 400,
    'completed', 'chat_api', 'gpt-4', 'stop'
FROM turn
ORDER BY at;

INSERT INTO omnichat.messages (conversation_id, seq, id, turn_id, parent, created_at, token_count, role, parts)
SELECT conversation_id, 2 * turn - 1, pg_temp.uuid_at(at), id, nullif(2 * turn - 2, 0), at, 12, 'user',
    '{"v":1,"parts":[{"type":"text","text":"What about the numbers after it, are there any primes?"}]}'
FROM turn
UNION ALL
SELECT conversation_id, 2 * turn, pg_temp.uuid_at(at), id, 2 * turn - 1, at, 80, 'assistant',
    '{"v":1,"parts":[{"type":"text","text":"' || repeat('Some of them are, and others are not. ', 10) || '"}]}'
FROM turn
ORDER BY 1, 2;

VACUUM ANALYZE omnichat.conversations, omnichat.turns, omnichat.messages;
