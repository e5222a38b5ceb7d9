# make demo: one meeting on loopback, to dial into with any softphone.
# make test: everything that CI checks. Both install what is missing and say so.
.PHONY: set-up demo demo-federation pages format lint deny pure test unit fuzz interop attack calls ringing federation publish bench bench-parts bench-browsers bench-federation speech
.DEFAULT_GOAL := test

set-up:
	@tools/set-up

# The pages, which the binary embeds.
PAGES = $(shell find web/src web/public -type f) web/index.html web/admin.html web/package.json web/vite.config.ts
pages: set-up web/dist/index.html

web/node_modules: web/package-lock.json
	cd web && npm ci
	@touch $@

web/dist/index.html: web/node_modules $(PAGES)
	cd web && npm run check && npm run build

demo: pages
	cargo build
	target/debug/einwahl demo

# Three institutions on three addresses of loopback, one meeting, and a citizen who phones each. With SECONDS=20 it ends by itself.
demo-federation: pages
	cargo build
	interop-tests/demo_federation.py target/debug/einwahl $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS))

format: set-up
	cargo fmt --check

lint: pages
	cargo clippy --all-targets -- -D warnings

# Licences, crates that must not come in, and where all come from (deny.toml says what is not looked up).
deny: set-up
	cargo deny --all-features check --hide-inclusion-graph bans licenses sources

# The pure half, alone: it builds and passes without a socket, a clock or an await in the tree.
pure: pages
	@if cargo tree --no-default-features --edges normal --prefix none | grep -q '^tokio '; then \
		echo "tokio has come into the pure half: cargo tree --no-default-features -e normal -i tokio"; exit 1; fi
	cargo nextest run --no-tests=fail --no-default-features

unit: pages
	cargo nextest run --no-tests=fail

# Arbitrary bytes for every reader, each for so many seconds.
SECONDS = 10
fuzz: set-up
	@tools/fuzz $(SECONDS)

# The server as the tests build it, so that nothing is built twice: without a test the crates beneath get other features.
BUILD = cargo build --bin einwahl --test house

# Real clients against the real binary, on loopback.
interop: pages interop-tests/.venv
	$(BUILD)
	interop-tests/.venv/bin/python tools/interop target/debug/einwahl

interop-tests/.venv: interop-tests/requirements.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --requirement $<
	@touch $@

# Hostile datagrams while people talk; the tests do a tenth of it.
attack: pages interop-tests/.venv
	$(BUILD)
	interop-tests/.venv/bin/python interop-tests/attack.py target/debug/einwahl

# Every way in which the dialplan places calls, and calls back; the tests take those that differ most.
ringing: set-up interop-tests/.venv
	$(BUILD)
	interop-tests/ringing.py target/debug/einwahl
	interop-tests/.venv/bin/python interop-tests/calling_back.py target/debug/einwahl

# Meetings between institutions: what breaks and heals, who is refused, speech over a bad link, scored (a busy machine stutters, and the
# scores with it), and a member of another make; the tests take less of it.
federation: pages interop-tests/.venv
	$(BUILD)
	interop-tests/.venv/bin/python interop-tests/three_towns.py target/debug/einwahl
	interop-tests/.venv/bin/python interop-tests/another_gateway.py target/debug/einwahl
	interop-tests/.venv/bin/python interop-tests/federation_attacked.py target/debug/einwahl
	interop-tests/.venv/bin/python interop-tests/every_address.py target/debug/einwahl

# What memory is left of 20,000 short calls; the tests make a tenth of it.
calls: set-up
	$(BUILD)
	interop-tests/many_calls.py target/debug/einwahl

# A plan of 10,000 rules and 100,000 numbers, published again and again under 50 calls a second: no call is lost, each is decided by one
# whole plan, and each publishing takes a second at most. Optimised, as it is served.
publish: pages
	cargo build --release
	interop-tests/dialplans.py target/release/einwahl 1

# What a leg costs, beside the bare cost of its datagrams.
bench: pages
	cargo bench --bench legs

# What a link to another institution costs: it grows with speakers, not with participants.
bench-federation: pages
	cargo bench --bench federation

# What the parts cost: parsing, deciding, jitter buffer, mixer, codecs, keys.
bench-parts: pages
	cargo bench --bench parts

# What browsers cost, beside str0m forwarding the same packets.
bench-browsers: pages
	cargo run --release --manifest-path benches/browsers/Cargo.toml --target-dir target

# Speech through the gateway, scored. Not part of the tests: a busy machine stutters, and the scores with it.
speech: pages interop-tests/.venv
	$(BUILD)
	interop-tests/.venv/bin/python interop-tests/speech.py target/debug/einwahl

test: format lint deny pure unit fuzz interop
