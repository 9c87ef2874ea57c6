#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# enumerate.sh - `voxarch search enumerate` as people use it: answers as text and JSON,
# and a sentence for everything that is wrong in the question.
source "$(dirname "$0")/lib.sh"

enumerate() { voxarch search enumerate "$@"; }
json() { python3 -c "import json,sys; x = json.load(open(sys.argv[1])); print($1)" "$work/out"; }

cat >"$work/tiny.yaml" <<YAML
space:
  depth: [1, 2]
  width: [8, 16]
  kernel: [1, 3]
  cat: [24, 48]
YAML
cat >"$work/board.csv" <<CSV
section,k1,k2,k3,ms
# device: board
layer1,80,1,8,1
layer1,80,1,16,2
layer1,80,3,8,2
layer1,80,3,16,3
blocks,8,1,8,1
blocks,8,1,16,2
blocks,16,1,8,2
blocks,16,1,16,3
blocks,8,3,8,2
blocks,8,3,16,3
blocks,16,3,8,3
blocks,16,3,16,4
catconv,8,24,0,1
catconv,8,48,0,2
catconv,32,24,0,3
catconv,32,48,0,4
pool,24,0,0,1
pool,48,0,0,2
embed,48,192,0,1
embed,96,192,0,2
CSV

# The family.
expect 0 voxarch search --help
says 'enumerate'
expect 2 voxarch search
expect 2 voxarch search enumrate
says "did you mean: voxarch search enumerate"
expect 0 enumerate --help
says 'Examples:'

# Answers.
expect 0 enumerate --space coarse --objective params
says 'networks +4,066,875'
says 'architecture +2-128-128-128-1-1-1-384'
expect 0 enumerate --space "$work/tiny.yaml" --objective latency --objective params \
    --latency-table "$work/board.csv" --threads 3 --json
[ "$(json 'x["networks"]')" = 160 ] || fail "not 160 networks"
[ "$(json 'x["front"][0]["architecture"]')" = 1-8-8-1-1-24 ] || fail "not the smallest"
[ "$(json 'x["front"][0]["latency@board"]')" = 5.0 ] || fail "not 5 ms"
[ "$(json 'len(x["front"])')" = 1 ] || fail "more than one smallest"
expect 0 enumerate --space "$work/tiny.yaml" --objective params --json \
    --latency-table "phone=$work/board.csv" --constraint 'latency@phone < 5ms'
[ "$(json 'x["best"], x["admitted"]')" = '[] 0' ] || fail "something below 5 ms"
expect 0 enumerate --space "$work/tiny.yaml" --objective params \
    --latency-table "$work/board.csv" --constraint 'latency < 5ms'
says 'no network keeps all limits'

# Questions that make no sense.
refused() { # REGEX ARGUMENT...
    local regex=$1
    shift
    expect 2 enumerate "$@"
    says "^voxarch search enumerate: $regex"
}
refused 'eer needs a predictor' --space "$work/tiny.yaml"
refused 'the space has 10021183582095 networks; at most' --space fine --objective macs
refused '--space corse is neither a file nor one of coarse, fine' --space corse
refused 'constraint "macs > 1": a constraint is' --constraint 'macs > 1'
refused '--objective speed: there is no objective "speed"' --objective speed
refused 'latency needs a latency table' --objective latency
refused '--latency-table: cannot open .*nowhere.csv' --latency-table "$work/nowhere.csv"
refused 'there is no latency table for device "phone"; allowed: board' \
    --latency-table "$work/board.csv" --objective latency@phone
refused '--latency-table: device board has a table already' \
    --latency-table "$work/board.csv" --latency-table "$work/board.csv"
refused 'cannot open .*nowhere.safetensors' --predictor "$work/nowhere.safetensors"
sed -i 's/^pool,48.*/pool,48,0,0,slow/' "$work/board.csv"
refused '.*board.csv:20: ms is "slow"; allowed' --latency-table "$work/board.csv"
echo junk >"$work/bad.safetensors"
expect 1 enumerate --predictor "$work/bad.safetensors"
says 'bad.safetensors: not a safetensors file'
echo "ok: enumerate"
