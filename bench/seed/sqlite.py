"""Makes sessions of one user in the course of 2025, with ten messages each.

sqlite.py DATABASE OWNER SESSIONS
"""

import os
import sqlite3
import sys

path, owner, sessions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
MODELS = ["gpt-4", "gpt-4o", "gpt-3.5-turbo"]
CONTRACTS = ["chat_api", "llm_chat", "chat_service", "chat_ai"]
NEW_YEAR = 1_735_689_600_000_000  # 2025, in microseconds
YEAR = 365 * 86_400_000_000
MINUTE = 60_000_000
QUESTION = '{"v":1,"parts":[{"type":"text","text":"What about the numbers after it, are there any primes?"}]}'
REPLY = '{"v":1,"parts":[{"type":"text","text":"%s"}]}' % ("Some of them are, and others are not. " * 10)


def uuid_at(at):
    """An id like those of the service: 48 bits of time, then chance."""
    return (at // 1000).to_bytes(6, "big") + b"\x70" + os.urandom(9)


database = sqlite3.connect(path)
for n in range(1, sessions + 1):
    made = NEW_YEAR + YEAR * n // sessions
    conversation = uuid_at(made)
    database.execute(
        "INSERT INTO conversations (id, owner, label, begun_by, model, last_model, title, created_at, updated_at, "
        "last_seq, head_seq, message_count) VALUES (?, ?, 'bench', ?, ?, ?, ?, ?, ?, 10, 10, 5)",
        (
            conversation,
            owner,
            CONTRACTS[n % 4],
            MODELS[n % 3] if n % 4 == 0 else None,
            MODELS[n % 3],
            f"Is {n} a prime number?",
            made,
            made + n * 7919 % 4320 * MINUTE,
        ),
    )
    for turn in range(1, 6):
        at, turn_id, asked = made + turn * MINUTE, uuid_at(made + turn * MINUTE), 2 * turn - 1
        database.execute(
            "INSERT INTO turns (id, conversation_id, owner, runner, contract, model, state, question_seq, reply_seq, "
            "started_at, finished_at, finish_reason) "
            "VALUES (?, ?, ?, zeroblob(16), 'chat_api', 'gpt-4', 'completed', ?, ?, ?, ?, 'stop')",
            (turn_id, conversation, owner, asked, asked + 1, at, at),
        )
        database.executemany(
            "INSERT INTO messages (id, conversation_id, seq, parent, created_at, token_count, turn_id, role, parts) "
            "VALUES (?, ?, ?, ?, ?, 12, ?, ?, ?)",
            [
                (uuid_at(at), conversation, asked, asked - 1 or None, at, turn_id, "user", QUESTION),
                (uuid_at(at), conversation, asked + 1, asked, at, turn_id, "assistant", REPLY),
            ],
        )
database.commit()
database.execute("ANALYZE")
database.commit()
database.close()
