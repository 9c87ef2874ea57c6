#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bad_input.sh - wrong study files, recordings and trial lists: each is exit status 2 and
# a sentence that names the file and what is wrong in it; nothing is started or crashes.
source "$(dirname "$0")/lib.sh"

n=0
check_refused() { # REGEX COMMAND...
    local regex=$1
    shift
    n=$((n + 1))
    expect 2 "$@"
    says "$regex"
    ! grep -Eq 'Sanitizer|event=bug|Aborted|runtime error' "$work/err" || {
        cat "$work/err"
        fail "a crash instead of a sentence"
    }
}

# bad_study SED-SCRIPT REGEX: the good study, spoilt; nothing may be started for it.
bad_study() {
    sed "$1" "$work/study.yaml" >"$work/bad.yaml"
    ! cmp -s "$work/study.yaml" "$work/bad.yaml" || fail "'$1' spoils nothing"
    check_refused "$2" voxarch run "$work/bad.yaml" --dir "$work/bad_run"
    [ ! -e "$work/bad_run" ] || fail "something was started for '$1'"
}

# bad_data NAME REGEX: $work/corpus, spoilt by the caller; told before anything trains.
bad_data() {
    check_refused "$2" voxarch data check --study "$work/study.yaml"
    local status=0
    voxarch run "$work/study.yaml" --dir "$work/$1" --workers 1 >"$work/out" 2>"$work/err" ||
        status=$?
    says "$2"
    [ $status -eq 2 ] || fail "voxarch run: exit status $status instead of 2 for $1"
    is_zero "tasks although the data is bad" "$work/$1" 'SELECT count(*) FROM task'
    no_process_left || fail "processes are left: $(ours)"
}

fresh_corpus() {
    rm -rf "$work/corpus"
    cp -r "$work/good" "$work/corpus"
}

make_test_corpus
mv "$work/corpus" "$work/good"
fresh_corpus
write_study 1 1

# Study files.
check_refused 'nowhere.yaml' voxarch run "$work/nowhere.yaml"
bad_study 's/^name: tiny/name: /' 'bad.yaml:1: name'
bad_study 's/^name: tiny/name: ..\/up/' 'bad.yaml:1: name'
bad_study '/^name:/d' 'bad.yaml:.*name'
bad_study 's/^seed: 5/seed: five/' 'bad.yaml:2: seed'
bad_study 's/^seed: 5/seed: -1/' 'bad.yaml:2: seed'
bad_study 's/^seed: 5/sede: 5/' 'bad.yaml:2: .*sede'
bad_study 's/^seed: 5/name: again/' 'bad.yaml:2: .*name'
bad_study 's/depth: \[1, 2\]/depth: [2, 1]/' 'bad.yaml:9: space.depth'
bad_study 's/depth: \[1, 2\]/depth: [1, 99]/' 'bad.yaml:9: space.depth'
bad_study 's/depth: \[1, 2\]/depth: []/' 'bad.yaml:9: space.depth'
bad_study 's/width: \[16\]/width: [15]/' 'bad.yaml:10: space.width'
bad_study 's/kernel: \[1, 3\]/kernel: [2]/' 'bad.yaml:11: space.kernel'
bad_study 's/cat: \[24, 48\]/cat: {from: 24}/' 'bad.yaml:12: space.cat'
bad_study 's/batch: 8/batch: 0/' 'bad.yaml:14: train.batch'
bad_study 's/lr_max: 0.01/lr_max: nan/' 'bad.yaml:19: train.lr_max'
bad_study 's/stage: kernel/stage: kernels/' 'bad.yaml:21: train.stages'
bad_study 's/{stage: largest}, {stage: kernel}/{stage: kernel}, {stage: largest}/' \
    'bad.yaml:21: train.stages'
bad_study 's/params: 30000/params: 3/' 'bad.yaml:24: targets'
bad_study 's/params: 30000/parms: 30000/' 'bad.yaml:24: .*parms'
bad_study 's/candidates: 4/candidates: [4]/' 'bad.yaml:23: search.candidates'
bad_study 's/^  trials: .*//' 'bad.yaml:.*data.*trials'
bad_study 's/^space:/\tspace:/' 'bad.yaml:8'
bad_study 's/embedding: 16}/embedding: 16/' 'bad.yaml:'
head -c 3000 /dev/zero >"$work/zeros.yaml"
check_refused 'zeros.yaml' voxarch run "$work/zeros.yaml"
head -c 2000000 /dev/zero | tr '\0' '#' >"$work/large.yaml"
check_refused 'large.yaml' voxarch run "$work/large.yaml"
check_refused 'search.candidats' voxarch run "$work/study.yaml" --set search.candidats=4
check_refused 'workers' voxarch run "$work/study.yaml" --workers 0

# Options and outputs of the data commands.
check_refused '--study stands alone' \
    voxarch data check --study "$work/study.yaml" --root "$work"
check_refused '--threads is "2x"; allowed' \
    voxarch data check --study "$work/study.yaml" --threads 2x
printf 'a b 1 target\na c 0 nontarget\n' >"$work/scores"
expect 0 voxarch metrics "$work/scores"
expect 1 bash -c "voxarch metrics '$work/scores' >/dev/full"

# Recordings.
printf 'RIFF' >"$work/corpus/wav/s01/0.wav"
bad_data truncated 's01/0.wav'
fresh_corpus
head -c 5000 /dev/urandom >"$work/corpus/wav/s02/1.wav"
bad_data noise 's02/1.wav'
fresh_corpus
rm "$work/corpus/wav/s03/2.wav"
bad_data missing 's03/2.wav'
fresh_corpus
head -c 44 "$work/good/wav/s00/0.wav" >"$work/corpus/wav/s09/0.wav"
bad_data empty 's09/0.wav'

# Lists.
fresh_corpus
: >"$work/corpus/trials.txt"
bad_data no_trials 'trials.txt'
fresh_corpus
echo '1 wav/s08/0.wav wav/s77/0.wav' >>"$work/corpus/trials.txt"
bad_data unknown_file 'trials.txt:.*s77/0.wav'
fresh_corpus
sed -i '3s/.*/maybe wav\/s08\/0.wav/' "$work/corpus/trials.txt"
bad_data malformed_trial 'trials.txt:3'
fresh_corpus
grep '^1' "$work/good/trials.txt" >"$work/corpus/trials.txt"
bad_data only_targets 'trials.txt'
fresh_corpus
sed -i 's/^split\tspeaker\tfile/split\tspeaker/' "$work/corpus/manifest.tsv"
bad_data no_file_column 'manifest.tsv'
fresh_corpus
sed -i 's/^eval\ts08/eval\ts00/' "$work/corpus/manifest.tsv"
bad_data overlap 's00'

# The same study is fine once the corpus is.
fresh_corpus
expect 0 voxarch data check --study "$work/study.yaml"
echo "$n inputs refused"
