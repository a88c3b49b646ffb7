# The recipes of every day. `just --list` shows them.

# Format, lints and tests: what CI runs.
check:
    bash .ci/run

# See it work: locks, stages and Kafka on this machine.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# All tests.
test *ARGS:
    cargo test --workspace {{ARGS}}

# The scenarios over real processes alone.
it *ARGS:
    cargo test -p it {{ARGS}}

# Micro-benchmarks of the hot path.
bench:
    cargo bench --workspace

# Licences, duplicates and sources of the dependencies.
deny:
    cargo deny check licenses bans sources
