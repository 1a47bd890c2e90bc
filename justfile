# Commands for daily work; `just` alone lists them. They only call scripts and cargo, so `just` itself is not needed.

_list:
    @just --list --unsorted

# Install what building and testing need.
setup:
    scripts/setup.sh

# Start the service.
run *arguments:
    cargo run --locked -- {{arguments}}

# Run every test; arguments go to `cargo test`.
test *arguments:
    scripts/test.sh {{arguments}}

# Count the statements of 1,000 watchers of one turn on another process; `--program FILE` takes another build.
watchers *arguments:
    scripts/watchers.sh {{arguments}}

# Kill a process in the middle of a turn, 50 times or COUNT times, and print how soon its conversation goes on.
kill-9 *count:
    scripts/kill-9.sh {{count}}

# Measure a search among 100,000 prompts on both stores; `just prompt-search 1000` takes fewer.
prompt-search *count:
    scripts/prompt-search.sh {{count}}

# Change streams of provider APIs at random, 100,000 times unless a number is given; each gives its text or fails.
wire-cases *arguments:
    scripts/wire-cases.sh {{arguments}}

# Resend whole conversations at random, 2,000 times on each store or COUNT times; none of their messages is doubled or lost.
transcripts *count:
    scripts/transcripts.sh {{count}}

# Change PDFs at random, 10,000 times or COUNT times from SEED on; each is read or refused, and none is a failure.
pdf-mutations *arguments:
    scripts/pdf-mutations.sh {{arguments}}

# Upload 20 bad PDFs at the same time, five times or ROUNDS times, and print the memory of the server.
bad-files *rounds:
    scripts/bad-files.sh {{rounds}}

# Run turns over real servers of other projects, and print what became of them; `just real-servers 50` runs fewer.
real-servers *turns:
    scripts/real-servers.sh {{turns}}

# What CI checks: format, lints, tests.
check:
    .ci/run

# Write the generated files of the repository again: queries of both stores, OpenAPI document.
generate:
    scripts/generate-sqlite.sh
    scripts/generate-postgres.sh
    scripts/generate-openapi.sh

# Bring the schema of the configured database up to date.
migrate:
    cargo run --locked -- migrate

# Measure how long prompts with many variables take, by the size of the template.
bench-prompts *arguments:
    scripts/bench-prompts.sh {{arguments}}

# Measure OmniChat beside direct calls and a bare gateway; `--against COMMIT` tells whether turns became slower.
bench *arguments:
    scripts/bench.sh {{arguments}}

# Measure pages of the history of a user with 100,000 sessions; `--sessions N` makes it smaller.
history-bench *arguments:
    scripts/bench.sh --history {{arguments}}

# Print how many words of the PDFs of a directory are read, against pdftotext.
pdf-corpus directory:
    scripts/pdf-corpus.sh {{directory}}

# Make the fixtures of the PDF reader again; their README lists the programs.
pdf-fixtures:
    crates/adapters/pdf/tests/fixtures/make/make.sh
