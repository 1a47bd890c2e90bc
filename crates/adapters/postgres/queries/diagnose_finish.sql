-- Why turns were not closed: a row for each that is there.
SELECT
    i.turn AS "turn!",
    t.runner = i.runner AS "is_ours!",
    t.state <> 'running' AS "has_ended!"
FROM unnest($1::uuid[], $2::uuid[]) AS i (turn, runner)
JOIN omnichat.turns t ON t.id = i.turn
