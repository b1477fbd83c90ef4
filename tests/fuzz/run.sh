#!/bin/sh
# Runs every fuzz target for SECONDS (default 120) and prints one line each.
# Needs cargo-fuzz (`cargo install cargo-fuzz`). From anywhere: tests/fuzz/run.sh [SECONDS] [TARGET...]
set -eu
cd "$(dirname "$0")"
seconds=${1:-120}
[ $# -gt 0 ] && shift
# cargo-fuzz wants nightly flags; the stable compiler takes them like this.
export RUSTC_BOOTSTRAP=1

# Texts of ours to begin from.
for target in rtde primary states dashboard gripper script urdf; do mkdir -p "corpus/$target"; done
cp ../../src/real/ur/control.script corpus/script/
cp ../../robots/*.urdf corpus/urdf/
printf 'power on\nrobotmode\nRobotmode: RUNNING\nURSoftware 5.12.0\n' > corpus/dashboard/lines
printf 'SET ACT 1\nGET POS\nPOS 3\nack\n' > corpus/gripper/lines

status=0
for target in ${*:-rtde primary states dashboard gripper script urdf}; do
    log=$(mktemp)
    if ! cargo fuzz run --fuzz-dir . -s none "$target" -- \
        -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=768 -timeout=5 -print_final_stats=1 \
        >"$log" 2>&1; then
        status=1
        tail -30 "$log" >&2
    fi
    printf '%s: %s executions, %s slowest, %s peak\n' "$target" \
        "$(sed -n 's/stat::number_of_executed_units: *//p' "$log")" \
        "$(sed -n 's/stat::slowest_unit_time_sec: *//p' "$log") s" \
        "$(sed -n 's/stat::peak_rss_mb: *//p' "$log") MB"
    rm -f "$log"
done
exit $status
