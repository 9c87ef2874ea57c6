#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fine.sh VOXARCH FINE.safetensors TABLE.csv [SEEDS] - mpea in the fine space, 5,100
# evaluations a run, against the coarse space's exact optimum under the same limit. Fails
# unless every run ends at something at least as good. widen_predictor.py makes the
# predictor.
set -eu

usage="usage: fine.sh VOXARCH FINE.safetensors TABLE.csv [SEEDS]"
voxarch=${1:?$usage} predictor=${2:?$usage} table=${3:?$usage} seeds=${4:-10}
status=0

# check LIMIT EER: as good, to the four decimals that the optimum is written with.
check() {
    "$voxarch" search bench --space fine --predictor "$predictor" \
        --latency-table "v100=$table" --constraint "$1" --optimum "$2" \
        --strategy mpea --seeds "$seeds" --json | python3 -c '
import json, statistics, sys
limit, coarse = sys.argv[1], float(sys.argv[2])
mpea, random = (s["runs"] for s in json.load(sys.stdin)["strategies"])
best, chance = [run["best"] for run in mpea], [run["best"] for run in random]
cpu = [run["cpu_seconds"] for run in mpea]
good = sum(b < coarse + 5.1e-5 for b in best)
print(f"{limit:15} coarse {coarse:.4f}  as good {good} of {len(best)}  median {statistics.median(best):.4f}"
      f"  worst {max(best):.4f}  random {statistics.median(chance):.4f}"
      f"  cpu s {statistics.median(cpu):.3f}")
sys.exit(good < len(best))' "$1" "$2" || status=1
}

check 'latency < 10ms' 1.7861
check 'latency < 12ms' 1.6904
check 'latency < 15ms' 1.5080
check 'latency < 18ms' 1.4236
check 'latency < 20ms' 1.4236
check 'latency < 24ms' 1.3964
check 'macs <= 571M' 1.6129
check 'macs <= 1000M' 1.4454
exit $status
