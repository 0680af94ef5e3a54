#!/usr/bin/env bash
# Fuzzes targets one after the other: fuzz.sh SECONDS TARGET...
#
# What a run finds stays in fuzz/artifacts; the way to see it again is printed. Inputs that reach new
# code stay in fuzz/corpus/TARGET, to be made few again with `cargo +nightly fuzz cmin TARGET`.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly CARGO_FUZZ=0.13.2
readonly FOLDER="$PWD/target/fuzz"
export PATH="$FOLDER/bin:$PATH"

seconds=$1
shift

cargo +nightly --version >/dev/null 2>&1 || {
  echo "Fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal" >&2
  exit 3
}
if [ "$(cargo-fuzz --version 2>/dev/null)" != "cargo-fuzz $CARGO_FUZZ" ]; then
  cargo +nightly install --quiet --locked --root "$FOLDER" --version "=$CARGO_FUZZ" cargo-fuzz
fi

# The versions that are served are those that are fuzzed.
cp Cargo.lock fuzz/Cargo.lock

for target in "$@"; do
  echo "== $target, $seconds s"
  cargo +nightly fuzz run --target-dir target/fuzz/build "$target" -- \
    -max_total_time="$seconds" -timeout=60 -rss_limit_mb=4096 -dict="$PWD/fuzz/dictionary" -print_final_stats=1
done
