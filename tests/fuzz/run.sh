#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [SECONDS [TARGET...]] - fuzzes each target for so long (60), one a core.
#
# The programs are those of the preset `fuzz` (VOXARCH_FUZZ_BIN names another folder). New
# inputs are thrown away; one that fails is left in ./fuzz-failures with its target's name.
# Put it into tests/fuzz/corpus/TARGET with the repair.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
shift || true
bin=${VOXARCH_FUZZ_BIN:-../../build-fuzz/bin}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(corpus/*)
targets=("${targets[@]##*/}")
work=$(mktemp -d "${TMPDIR:-/tmp}/voxarch_fuzz_XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=$(cd ../.. && pwd)/fuzz-failures
export bin seconds work failures

fuzz_one() { # TARGET
    local target=$1 log=$work/$1.log
    mkdir -p "$work/$target"
    if "$bin/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="$work/$target-" \
        "$work/$target" "corpus/$target" >"$log" 2>&1; then
        printf '%-12s %s runs\n' "$target" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
        return
    fi
    mkdir -p "$failures"
    cp "$work/$target"-* "$failures/" 2>/dev/null || true
    tail -n 40 "$log"
    echo "FAILED: $target (inputs in $failures)"
    return 1
}
export -f fuzz_one

printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$0"'
