# Two commands do everything from a fresh clone: `make run` and `make test`.
# Needed: Rust (rustup reads rust-toolchain.toml) and Node 20.11 or newer; `make test` also wants
# PostgreSQL and Python 3.9 or newer, and installs them on Debian when run as root.

CARGO ?= cargo

.PHONY: run test check rust-tests js-tests entities

# Serve on http://localhost:3001. Settings: README.md, "Configuration".
run:
	$(CARGO) run --locked --release --bin sohbet

# Everything that must hold before a change lands.
test: check
	tests/support/with-postgres.sh $(MAKE) rust-tests js-tests

# Format, lints and documentation, warnings denied.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

# On SQLite and on the PostgreSQL that TEST_DATABASE_URL names.
rust-tests:
	$(CARGO) test --locked --workspace --all-features

# The real client libraries, those for JavaScript and the one for Python, against the real server.
js-tests:
	$(CARGO) build --locked --bin sohbet
	cd tests/js && npm ci --no-audit --no-fund && ../support/with-python.sh npm test

# Write entity/src/generated anew from the migrations.
entities:
	$(CARGO) run --locked -p sohbet-migration --features cli -- entities
