-- A database that was away for longer than a lease makes every process look dead when it is back, and the first one to
-- renew would end the turns of all others while they still run. So a process has to have renewed for a while without a
-- gap before it may take another one for dead: by then every living one has renewed, too.

ALTER TABLE omnichat.runners ADD COLUMN since timestamptz NOT NULL DEFAULT now();
