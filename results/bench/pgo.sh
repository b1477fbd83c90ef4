#!/usr/bin/env bash
# A release binary optimised by a profile of itself: target-pgo/release/rmrl. Needs an llvm-profdata that reads what
# rustc writes (`rustup component add llvm-tools`, or LLVM's own). Two builds from nothing, some twenty minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=$(mktemp -d)
RUSTFLAGS="-Cprofile-generate=$profile" CARGO_TARGET_DIR=target-pgo-made cargo build --release
target-pgo-made/release/rmrl compare narrow --methods no-correction,rm-rl --seeds 1 --trials 400 --jobs 2 --out "$profile/run"
"${LLVM_PROFDATA:-llvm-profdata}" merge -o "$profile/rmrl.profdata" "$profile"/*.profraw
RUSTFLAGS="-Cprofile-use=$profile/rmrl.profdata" CARGO_TARGET_DIR=target-pgo cargo build --release
