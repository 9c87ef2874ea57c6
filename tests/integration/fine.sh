#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fine.sh - in the fine space, 10^13 networks, mpea with the paper's budget ends at
# something at least as good as the coarse space's exact optimum, under a predictor that
# says of coarse networks what the coarse one says (tests/bench/widen_predictor.py).
source "$(dirname "$0")/lib.sh"
bench=$(dirname "$0")/../bench
need_fixtures surrogate_eer_predictor.safetensors latency_table_v100_b64.csv

expect 0 python3 "$bench/widen_predictor.py" \
    "$VOXARCH_FIXTURES/surrogate_eer_predictor.safetensors" "$work/fine.safetensors"
expect 0 sh "$bench/fine.sh" voxarch "$work/fine.safetensors" \
    "$VOXARCH_FIXTURES/latency_table_v100_b64.csv" 1
cat "$work/out"
