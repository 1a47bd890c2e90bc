-- Prompts: templates with variables (contract S1), and the earlier versions of each.

CREATE TABLE prompts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL for a system template, which an operator inserts (docs/OPERATIONS.md) and every user sees.
    user_id     INTEGER REFERENCES users (id) ON DELETE CASCADE,
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    -- Microseconds since 1970. Those beyond the year 9999 are refused.
    created_at  INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER) * 1000000)
                CHECK (created_at BETWEEN 0 AND 253402300799999999),
    -- When the current version was written.
    updated_at  INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER) * 1000000)
                CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    version     INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
    title       TEXT NOT NULL,
    scenario    TEXT NOT NULL,
    description TEXT,
    -- JSON.
    metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    -- What searches look in: title, content and description without regard to case, with U+0001 between them. NULL until
    -- the next search for a row that was not written by the service.
    search_text TEXT,
    content     TEXT NOT NULL
) STRICT;

-- Each entry ends with its row's id, so the index also has the order of lists.
CREATE INDEX prompts_user ON prompts (user_id);
CREATE INDEX prompts_without_search_text ON prompts (id) WHERE search_text IS NULL;

-- The versions before the current one.
CREATE TABLE prompt_versions (
    prompt_id   INTEGER NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    title       TEXT NOT NULL,
    scenario    TEXT NOT NULL,
    description TEXT,
    content     TEXT NOT NULL,
    metadata    TEXT NOT NULL,
    PRIMARY KEY (prompt_id, version)
) STRICT;
