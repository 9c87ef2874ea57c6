#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# latency.sh BIN [SECONDS [HELD_OUT]] - how well this machine's latency table tells the
# latency of whole networks: a study measures a small space with one worker; what its
# results say of the table is printed, and the table and all measurements are left in
# ./latency.
set -euo pipefail
export PATH=$1:$PATH
seconds=${2:-120} holdout=${3:-24}
work=$(mktemp -d "${TMPDIR:-/tmp}/voxarch_latency_XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

make_corpus "$work/corpus" 8 4 4 >/dev/null
cat >"$work/study.yaml" <<YAML
name: latency
data:
  train: {manifest: corpus/manifest.tsv, split: train}
  eval: {manifest: corpus/manifest.tsv, split: eval}
  trials: corpus/trials.txt
space: {depth: [2, 3], width: [128, 256, 512], kernel: [1, 3, 5], cat: [384, 768, 1536]}
train: {batch: 2}
devices: [{name: here, measure: {budget_s: $seconds, holdout: $holdout}}]
YAML
voxarch-coordinator --dir "$work/run" --study "$work/study.yaml" \
    --worker-program "$1/voxarch-worker" 2>"$work/log" &
until [ -s "$work/run/endpoints" ]; do sleep 0.1; done
voxarch-worker --connect "$(sed -n 's/^worker=//p' "$work/run/endpoints")" \
    --dir "$work/worker" --device here --measure-only 2>"$work/worker.log" &

checked() { grep -q 'event=device.checked' "$work/log"; }
results=$work/run/results/latency
until checked && [ -s "$results/measured_here.csv" ]; do sleep 0.5; done
grep -E 'event=device\.(measuring|table|checked)' "$work/log" | sed 's/.*event=//'
grep '^#' "$results/latency_here.csv"
mkdir -p latency
cp "$results"/{latency,measured}_here.csv latency/
