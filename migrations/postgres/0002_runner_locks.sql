-- A process holds an advisory lock while it lives, on a connection of its own. The server gives the lock back when that
-- connection ends, so a killed process is known at once, before its lease expires.

ALTER TABLE omnichat.runners
    -- The run of the server in which the process took its lock; NULL where it holds none, so that its lease alone decides.
    ADD COLUMN locked_in   timestamptz,
    -- When the lock was first seen free.
    ADD COLUMN unlocked_at timestamptz;

-- The time since which the server has kept its locks. It changes with a restart; with a restart of all connections after
-- one of them crashed, which throws the statistics away; and with the change to a standby, which has a start of its own.
-- Whoever resets these statistics by hand changes it too: locks then count again once their processes have confirmed them.
CREATE FUNCTION omnichat.server_run() RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT greatest(pg_postmaster_start_time(), b.stats_reset) FROM pg_stat_bgwriter b
$$;

-- The key of a process's lock: the last 64 bits of its id. A UUID has a 1 before them, so the key is negative and cannot
-- be that of the lock for migrations. Should two processes have the same key, the second one gets no lock.
CREATE FUNCTION omnichat.lock_key(runner uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT ('x' || right(replace(runner::text, '-', ''), 16))::bit(64)::bigint
$$;

-- The advisory locks of this database that have one number as their key, with the connections that hold them.
CREATE FUNCTION omnichat.held_locks() RETURNS TABLE (key bigint, pid integer)
LANGUAGE sql STABLE
AS $$
    SELECT l.classid::bigint << 32 | l.objid::bigint, l.pid
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;

-- The processes whose lock is free although they took it in this run of the server, and when that was first seen. One that
-- has renewed its lease since then is alive, so it has to be seen anew.
CREATE FUNCTION omnichat.unlocked_runners() RETURNS TABLE (id uuid, renewed_at timestamptz, unlocked_at timestamptz)
LANGUAGE sql STABLE
AS $$
    SELECT r.id, r.renewed_at, CASE WHEN r.unlocked_at > r.renewed_at THEN r.unlocked_at END
    FROM omnichat.runners r
    WHERE r.locked_in = omnichat.server_run()
        AND NOT EXISTS (SELECT FROM omnichat.held_locks() h WHERE h.key = omnichat.lock_key(r.id))
$$;
