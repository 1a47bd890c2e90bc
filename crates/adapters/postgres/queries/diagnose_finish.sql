-- Why turns were not closed. Returns a row for each turn that exists.
SELECT
    i.turn AS "turn!",
    t.runner = i.runner AS "is_ours!",
    t.state <> 'running' AS "has_ended!"
FROM unnest($1::uuid[], $2::uuid[]) AS i (turn, runner)
JOIN omnichat.turns t ON t.id = i.turn
