#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# enumerate.sh VOXARCH FIXTURES - the exact optima of the paper's coarse space under the
# published predictor and table, each with the seconds it took.
set -eu

voxarch=${1:?usage: enumerate.sh VOXARCH FIXTURES}
fixtures=${2:?usage: enumerate.sh VOXARCH FIXTURES}
status=0

# check LIMIT EER: fails unless the best network's EER is that one.
check() {
    found=$("$voxarch" search enumerate --constraint "$1" \
        --predictor "$fixtures/surrogate_eer_predictor.safetensors" \
        --latency-table "v100=$fixtures/latency_table_v100_b64.csv")
    echo "$found" | awk -v limit="$1" -v want="$2" '
        $1 == "within" { admitted = $3 } $1 == "seconds" { seconds = $2 }
        $1 == "eer" { eer = $2 } $1 == "architecture" { arch = $2 }
        END {
            printf "%-16s %10s networks %6s s  eer %s  %s\n", limit, admitted, seconds, eer, arch
            exit eer == want ? 0 : 1
        }' || status=1
}

check 'latency < 8ms' 2.1760
check 'latency < 10ms' 1.7861
check 'latency < 15ms' 1.5080
check 'macs <= 571M' 1.6129
check 'macs <= 1000M' 1.4454
check 'params <= 8M' 1.3890
exit $status
