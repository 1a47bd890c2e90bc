-- Prompts: templates with variables (contract S1), and the earlier versions of each.

CREATE TABLE omnichat.prompts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL for a system template, which an operator inserts (docs/OPERATIONS.md) and every user sees.
    user_id     bigint REFERENCES omnichat.users (id) ON DELETE CASCADE,
    usage_count bigint NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
    -- Times that the service cannot read, such as infinity, are refused.
    created_at  timestamptz NOT NULL DEFAULT now() CHECK (created_at BETWEEN '1970-01-01 00:00Z' AND '9999-12-31 00:00Z'),
    -- When the current version was written.
    updated_at  timestamptz NOT NULL DEFAULT now() CHECK (updated_at BETWEEN '1970-01-01 00:00Z' AND '9999-12-31 00:00Z'),
    version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    title       text NOT NULL,
    scenario    text NOT NULL,
    description text,
    content     text NOT NULL,
    -- JSON as text: nothing searches in it, and it is read back exactly as written.
    metadata    text NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata::jsonb) = 'object'),
    -- What searches look in: title, content and description without regard to case, with U+0001 between them. NULL until
    -- the next search for a row that was not written by the service.
    search_text text COLLATE "C"
);

CREATE INDEX prompts_user ON omnichat.prompts (user_id, id);
CREATE INDEX prompts_without_search_text ON omnichat.prompts (id) WHERE search_text IS NULL;

-- The versions before the current one.
CREATE TABLE omnichat.prompt_versions (
    prompt_id   bigint NOT NULL REFERENCES omnichat.prompts (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    created_at  timestamptz NOT NULL,
    title       text NOT NULL,
    scenario    text NOT NULL,
    description text,
    content     text NOT NULL,
    metadata    text NOT NULL,
    PRIMARY KEY (prompt_id, version)
);
