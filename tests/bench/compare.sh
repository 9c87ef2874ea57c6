#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare.sh BENCH_CORE - our time over PyTorch's, in turn A B A B, as a table of ratios.
#
# The baseline is VOXARCH_TORCH_BASELINE or ../shared/bench/torch_baseline.py beside the
# repository; without it, or without PyTorch, this says so and does nothing.
# COMPARE_ROUNDS (3), COMPARE_THREADS (2), COMPARE_CORES (a taskset list; all of them),
# COMPARE_ARCHS and COMPARE_MODES (all of them).
set -eu

bench=${1:?usage: compare.sh BENCH_CORE}
rounds=${COMPARE_ROUNDS:-3}
threads=${COMPARE_THREADS:-2}
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -x "$bench" ] || { echo "compare.sh: no program $bench" >&2; exit 1; }
baseline=${VOXARCH_TORCH_BASELINE:-$root/../shared/bench/torch_baseline.py}
python=${VOXARCH_PYTHON:-/usr/bin/python3}

if [ ! -f "$baseline" ] || ! "$python" -c 'import torch' 2>/dev/null; then
    echo "compare.sh: skipped, no baseline ($baseline) or no PyTorch" >&2
    exit 0
fi

run() {
    if [ -n "${COMPARE_CORES:-}" ]; then
        taskset -c "$COMPARE_CORES" "$@"
    else
        "$@"
    fi
}

# median_ms of a line of key=value
median_of() {
    sed -n 's/.*median_ms=\([0-9.]*\).*/\1/p'
}

rss_of() {
    sed -n 's/.*rss_mib=\([0-9.]*\).*/\1/p'
}

# the baseline's line, with the peak resident memory of its process
baseline() {
    run "$python" - "$python" "$baseline" "$@" <<'EOF'
import resource, subprocess, sys
line = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True).stdout.strip()
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f'{line} rss_mib={peak:.1f}')
EOF
}

# the median of the numbers on standard input
middle() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

compare() { # arch mode repeats
    pairs=$(
        i=0
        while [ "$i" -lt "$rounds" ]; do
            ours=$(run "$bench" --arch "$1" --mode "$2" --threads "$threads" \
                --repeats "$3")
            theirs=$(baseline "$1" --mode "$2" --threads "$threads" --repeats "$3")
            echo "$(echo "$ours" | median_of) $(echo "$theirs" | median_of)" \
                "$(echo "$ours" | rss_of) $(echo "$theirs" | rss_of)"
            i=$((i + 1))
        done
    )
    ours=$(echo "$pairs" | cut -d' ' -f1 | middle)
    theirs=$(echo "$pairs" | cut -d' ' -f2 | middle)
    ours_rss=$(echo "$pairs" | cut -d' ' -f3 | middle)
    theirs_rss=$(echo "$pairs" | cut -d' ' -f4 | middle)
    ratio=$(echo "$pairs" | awk '{ printf "%.3f\n", $1 / $2 }' | middle)
    echo "arch=$1 mode=$2 threads=$threads rounds=$rounds ours_ms=$ours" \
        "torch_ms=$theirs ratio=$ratio ours_rss_mib=$ours_rss torch_rss_mib=$theirs_rss"
}

archs=${COMPARE_ARCHS:-3-512-512-512-512-5-3-3-3-1536 2-256-256-256-3-3-3-400
2-128-128-128-1-1-1-384 4-64-64-64-64-64-5-5-5-5-5-192}
for arch in $archs; do
    for mode in ${COMPARE_MODES:-train forward latency}; do
        case $mode in
        train) compare "$arch" train 5 ;;
        latency) compare "$arch" latency 31 ;;
        *) compare "$arch" "$mode" 7 ;;
        esac
    done
done
