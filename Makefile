# Two commands do everything from a fresh clone: `make run` and `make test`.
# Needed: Rust (rustup reads rust-toolchain.toml) and Node 20.14 or newer; `make test` also wants
# PostgreSQL, Redis, nginx, a C compiler and Python 3.9 or newer, and installs the first three and the last on
# Debian when run as root.

CARGO ?= cargo
# Of `make torture`: which plans of faults, for how long each, and on what (sqlite, postgres, cluster, pair).
SEEDS ?= 1..50
SECONDS ?= 30
SETUPS ?= sqlite,postgres,cluster
# Of `make fuzz`: how long each target, and which.
FUZZ_SECONDS ?= 20
FUZZ_TARGETS ?= bodies bus cursors door events rest tokens uploads
# Of `make bench`: further options, such as `--rounds 1` or `--only pairs,rooms`; see docs/performance.md.
BENCH ?=
# Of the programs that are measured and that measure.
BENCH_PACKAGES = --package sohbet --package sohbet-bench-floor --package sohbet-bench-suite
# Debug for a smoke, because it is built already; release for what is measured.
TORTURE = $(CARGO) run --locked --package sohbet-torture --bin torture

.PHONY: run test check audit rust-tests js-tests smoke torture planted attack bench bench-smoke bench-peers fuzz entities

# Serve on http://localhost:3001. Settings: README.md, "Configuration".
run:
	$(CARGO) run --locked --release --bin sohbet

# Everything that must hold before a change lands.
test: check audit
	tests/support/with-memory.sh \
	  tests/support/with-nginx.sh tests/support/with-redis.sh tests/support/with-postgres.sh \
	  $(MAKE) rust-tests js-tests
	$(MAKE) smoke bench-smoke

# Format, lints and documentation, warnings denied.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

# The crates that we use: licences, sources, known holes.
audit:
	tests/support/audit.sh

# On SQLite and on the PostgreSQL that TEST_DATABASE_URL names.
rust-tests:
	$(CARGO) test --locked --workspace --all-features

# The real client libraries, those for JavaScript and the one for Python, against the real server; then some
# dialects again, with every other client on a second server. Many servers share the machine, so what comes may
# take ten seconds.
js-tests: export SOHBET_GETS_MS = 10000
js-tests:
	$(CARGO) build --locked --bin sohbet
	cd tests/js && npm ci --no-audit --no-fund && ../support/with-python.sh npm test && npm run test-nodes

# A minute of faults (docs/reliability.md).
smoke:
	$(CARGO) build --locked --bin sohbet
	tests/support/with-redis.sh $(TORTURE) -- --smoke

# Many plans of faults; what a run finds is kept in target/torture.
torture:
	$(CARGO) build --locked --release --bin sohbet
	tests/support/with-redis.sh $(TORTURE) --release -- --seeds $(SEEDS) --seconds $(SECONDS) --setup $(SETUPS) \
	  --out target/torture

# Each bug that can be planted into the server must be found.
planted:
	$(CARGO) build --locked --bin sohbet --features planted-bugs
	$(TORTURE) -- --planted
	$(CARGO) build --locked --bin sohbet

# Honest clients beside 500 that are stuck and one that attacks: at most so many times the quiet latency.
attack:
	ATTACK_MAX_RATIO=2 $(CARGO) test --locked --release --test it attack -- --nocapture

# Sohbet beside its peers, an hour long; writes docs/performance.md. Nothing else should run meanwhile.
bench: bench-peers
	$(CARGO) build --locked --release $(BENCH_PACKAGES)
	tests/support/with-postgres.sh $(CARGO) run --locked --release --package sohbet-bench-suite -- $(BENCH)

# The same with small loads: does it run, and does it count right? Says nothing about times.
bench-smoke: bench-peers
	$(CARGO) build --locked $(BENCH_PACKAGES)
	mkdir -p target/bench-smoke && cp docs/performance.md target/bench-smoke/
	tests/support/with-postgres.sh $(CARGO) run --locked --package sohbet-bench-suite -- \
	  --smoke --out target/bench-smoke

# What the servers on Node need.
bench-peers:
	cd benches/peers/node && npm ci --ignore-scripts --no-audit --no-fund && npm run generate

# Inputs that nobody thought of; wants a nightly compiler: `rustup toolchain install nightly`.
fuzz:
	tests/support/with-memory.sh tests/support/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Write entity/src/generated anew from the migrations.
entities:
	$(CARGO) run --locked -p sohbet-migration --features cli -- entities
