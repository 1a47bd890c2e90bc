-- Files that conversations were given, and stored objects that nobody needs any more.

-- Its files. First of all, so that the table is locked but once.
ALTER TABLE omnichat.conversations ADD COLUMN files integer NOT NULL DEFAULT 0;

CREATE TABLE omnichat.files (
    number          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES omnichat.conversations (id) ON DELETE CASCADE,
    created_at      timestamptz NOT NULL,
    size            bigint NOT NULL,
    pages           integer NOT NULL,
    -- Its stored object.
    blob_key        text NOT NULL UNIQUE,
    name            text NOT NULL,
    text            text NOT NULL
);

CREATE INDEX files_conversation ON omnichat.files (conversation_id, number);

-- Stored objects that no file needs: not yet, or not any more. Rows come and go.
CREATE TABLE omnichat.doomed_blobs (
    blob_key text PRIMARY KEY,
    -- From when on the object may be taken away.
    due_at   timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE INDEX doomed_blobs_due ON omnichat.doomed_blobs (due_at, blob_key);

-- However a file goes, with its conversation, its persona or its user, its object is doomed in the same transaction.
CREATE FUNCTION omnichat.doom_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO omnichat.doomed_blobs (blob_key, due_at) VALUES (OLD.blob_key, 'epoch')
    ON CONFLICT (blob_key) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER files_doom_blob AFTER DELETE ON omnichat.files
FOR EACH ROW EXECUTE FUNCTION omnichat.doom_blob();
