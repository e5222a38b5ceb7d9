# make demo: one meeting on loopback, to dial into with any softphone.
# make test: everything that CI checks. Both install what is missing and say so.
.PHONY: set-up demo format lint pure test unit interop
.DEFAULT_GOAL := test

set-up:
	@tools/set-up

demo: set-up
	cargo build
	target/debug/einwahl demo

format: set-up
	cargo fmt --check

lint: set-up
	cargo clippy --all-targets -- -D warnings

# The pure half, alone: it builds and passes without a socket, a clock or an await in the tree.
pure: set-up
	@if cargo tree --no-default-features --edges normal --prefix none | grep -q '^tokio '; then \
		echo "tokio has come into the pure half: cargo tree --no-default-features -e normal -i tokio"; exit 1; fi
	cargo nextest run --no-default-features

unit: set-up
	cargo nextest run

# Real clients against the real binary, on loopback.
interop: set-up
	cargo build
	interop-tests/three_phones.py target/debug/einwahl
	interop-tests/short_calls.sh target/debug/einwahl

test: format lint pure unit interop
