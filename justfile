# Daily work; `just` alone lists it. The scripts do the work, so that `just` itself is not needed.

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

# What CI checks: format, lints, tests.
check:
    .ci/run

# Write again what is generated and kept in the repository.
generate:
    scripts/generate-sqlite.sh
    scripts/generate-postgres.sh
    scripts/generate-openapi.sh

# Bring the configured database up to date.
migrate:
    cargo run --locked -- migrate

# Measure beside direct calls and a bare gateway; `just bench --against COMMIT` says whether turns became slower.
bench *arguments:
    scripts/bench.sh {{arguments}}
