#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# device.sh - a study whose latencies are measured while it trains, and imported ones:
# it ends with both tables, with what the measured one is worth, and within its limits.
source "$(dirname "$0")/lib.sh"

make_test_corpus
write_study 1 2
sed -i -e 's/width: \[16\]/width: [32, 96]/' -e '/^targets/d' "$work/study.yaml"
cat >"$work/bought.csv" <<CSV
section,k1,k2,k3,ms
# processor: none
layer1,80,1,32,1
pool,24,0,0,1
CSV
cat >>"$work/study.yaml" <<YAML
devices:
  - {name: here, measure: {frames: 50, budget_s: 12, holdout: 4}}
  - {name: bought, latency_table: bought.csv}
targets:
  - {name: fast, constraints: ["latency@here <= 1s"]}
YAML

# Nobody measures for a device that the study does not have.
expect 2 voxarch run "$work/study.yaml" --dir "$work/run" --device there
says 'measures no device of that name'

expect 0 voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 --device here
says '^devices'
no_process_left || fail "processes are left: $(ours)"
check_store "$work/run"
check_results "$work/run"

results=$work/run/results/tiny
for file in latency_here.csv measured_here.csv latency_bought.csv; do
    [ -s "$results/$file" ] || fail "$results/$file is missing"
done
grep -q '^# processor: ' "$results/latency_here.csv" || fail "no provenance"
grep -q '^# held-out Spearman: ' "$results/latency_here.csv" || fail "no quality"
for section in layer1 blocks2 blocks3 catconv pool embed; do
    grep -q "^$section," "$results/latency_here.csv" || fail "no $section"
done
is_zero "devices without a table" "$work/run" \
    "SELECT count(*) FROM device WHERE state != 3 OR latencies = ''"
is_zero "networks that could not be measured" "$work/run" \
    "SELECT sum(n_failed) FROM device"
[ "$(query "$work/run" "SELECT n_holdout FROM device WHERE name = 'here'")" -eq 4 ] ||
    fail "not all held-out networks were compared"
# A loose bound: other tests run beside this one.
is_zero "a table that says nothing" "$work/run" \
    "SELECT count(*) FROM device WHERE name = 'here' AND spearman < 0.5"
# Measurements were never given to a worker that is no such device.
is_zero "measurements elsewhere" "$work/run" "SELECT count(*) FROM task
    JOIN worker ON worker.id = task.worker_id WHERE task.stage >= 1000
    AND worker.device != 'here'"
grep -q '"spearman"' "$results/run.json" || fail "run.json does not tell the quality"

# A table that cannot be read fails the study, and says where.
echo 'layer1,80,1,32,fast' >>"$work/bought.csv"
expect 2 voxarch run "$work/study.yaml" --dir "$work/other" --set name=other --device here
says 'device bought: .*bought.csv:5'
