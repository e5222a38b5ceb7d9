# make test: everything that CI checks. It installs what is missing and says so.
.PHONY: set-up format lint pure test
.DEFAULT_GOAL := test

set-up:
	@tools/set-up

format: set-up
	cargo fmt --check

lint: set-up
	cargo clippy --all-targets -- -D warnings

# The pure half, alone: it builds and passes without a socket, a clock or an await in the tree.
pure: set-up
	@if cargo tree --no-default-features --edges normal --prefix none | grep -q '^tokio '; then \
		echo "tokio has come into the pure half: cargo tree --no-default-features -e normal -i tokio"; exit 1; fi
	cargo nextest run --no-default-features

test: format lint pure
	cargo nextest run
