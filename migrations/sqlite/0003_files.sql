-- Files that conversations were given, and stored objects that nobody needs any more.

-- Its files.
ALTER TABLE conversations ADD COLUMN files INTEGER NOT NULL DEFAULT 0;

CREATE TABLE files (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    size            INTEGER NOT NULL,
    pages           INTEGER NOT NULL,
    -- Its stored object.
    blob_key        TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    text            TEXT NOT NULL
) STRICT;

-- Each entry ends with its row's number, so it also tells the newest.
CREATE INDEX files_conversation ON files (conversation_id);

-- Stored objects that no file needs: not yet, or not any more.
CREATE TABLE doomed_blobs (
    blob_key TEXT NOT NULL PRIMARY KEY,
    -- From when on the object may be taken away.
    due_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX doomed_blobs_due ON doomed_blobs (due_at);

-- However a file goes, with its conversation, its persona or its user, its object is doomed in the same transaction.
CREATE TRIGGER files_doom_blob AFTER DELETE ON files FOR EACH ROW
BEGIN
    INSERT INTO doomed_blobs (blob_key, due_at) VALUES (OLD.blob_key, 0) ON CONFLICT (blob_key) DO NOTHING;
END;
