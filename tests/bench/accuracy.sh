#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# accuracy.sh [STUDY.yaml] [bench_accuracy options] - trains a study's first stage on real
# speech in one process and prints loss, EER, minDCF, utterances/s and seconds.
#
# The study is tests/bench/accuracy.yaml unless named: the recipe of the PyTorch reference,
# to compare with it. tests/bench/accuracy_free.yaml is the best recipe known for the same
# recordings. A pack is made once and kept in PACK_DIR (default /tmp/voxarch-bench);
# studies whose names begin alike, up to the first _, share it. Not part of the tests: it
# takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."

study=tests/bench/accuracy.yaml
case "${1:-}" in
    -h | --help) sed -n '3,10p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *.yaml) study=$1; shift ;;
esac
dir=${PACK_DIR:-/tmp/voxarch-bench}
name=$(basename "$study" .yaml)
pack=$dir/${name%%_*}.pack
mkdir -p "$dir"
cmake --preset release >/dev/null
cmake --build build --target bench_accuracy voxarch-worker | tail -n 1
[ -f "$pack" ] || build/bin/voxarch-worker data pack --study "$study" -o "$pack"
time build/bin/bench_accuracy "$study" "$pack" "$@"
