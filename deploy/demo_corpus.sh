#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo_corpus.sh OUT_DIR - speaks a small corpus with espeak-ng: 84 distinct voices
# (language x variant x pitch x speed), 12 different sentences each, every recording in
# a room of its own with noise, hum or babble behind it.
#
# Writes OUT_DIR/speech/VOICE/NN.flac, noise/*.flac, manifest.tsv (64 training voices,
# 20 for trials, disjoint) and trials.txt (1|0 file file). The same seed gives the same
# corpus. Takes about a minute on 2 cores.
set -euo pipefail

usage="usage: demo_corpus.sh OUT_DIR   (VOICES=84 UTTERANCES=12 SEED=1 in the environment)"
case "${1:-}" in -h | --help) echo "$usage"; exit 0 ;; '') echo "$usage" >&2; exit 2 ;; esac
out=$1
voices=${VOICES:-84} utterances=${UTTERANCES:-12} seed=${SEED:-1} eval_voices=20
for tool in espeak-ng sox; do
    command -v "$tool" >/dev/null || { echo "demo_corpus: $tool is not installed" >&2; exit 1; }
done
mkdir -p "$out/speech" "$out/noise" "$out/plan"

# Noises, a minute each: two colours, a mains hum, and four voices talking at once.
make_noises() {
    local n=$out/noise babble=()
    sox -R -n -r 16000 -b 16 "$n/pink.flac" synth 60 pinknoise gain -12
    sox -R -n -r 16000 -b 16 "$n/brown.flac" synth 60 brownnoise gain -9
    sox -R -n -r 16000 -b 16 "$n/hum.flac" synth 60 sine 50 sine 150 sine 350 remix - gain -15
    for v in en-us+m3 de+f2 fr-fr+m5 es+f4; do
        espeak-ng -v "$v" -s 170 -w "$out/plan/babble_$v.wav" "$(yes "$words" | head -n 8 | tr '\n' ' ')"
        babble+=("$out/plan/babble_$v.wav")
    done
    sox -m "${babble[@]}" -r 16000 -b 16 -c 1 "$n/babble.flac" gain -6 trim 0 60
    # Pieces of 4 s at the synthesiser's rate, to mix in without another process each.
    for v in pink brown hum babble; do
        sox "$n/$v.flac" -r 22050 "$out/plan/$v.wav" trim 0 4 : newfile : restart
    done
}

words="amber river window seven market yellow garden paper northern station quiet \
mountain eleven silver engine harbour little teacher morning velvet bridge thunder \
orange village forty winter candle doctor island purple railway summer letter copper \
meadow anchor basket temple thirty orchard pepper lantern valley rocket button castle \
feather hammer jungle kitchen ladder mirror needle ocean pocket rabbit saddle table \
umbrella violin wagon zebra autumn blanket cherry desert"

# One line a recording: voice, speaker, pitch, speed, text, and what happens in the room.
awk -v n_voices="$voices" -v n_utts="$utterances" -v seed="$seed" -v words="$words" '
function pick(n) { return int(rand() * n) }
BEGIN {
    srand(seed)
    n_words = split(words, word, " ")
    n_langs = split("en-us en-gb-scotland en-gb de fr-fr es it nl sv pl pt fi ro cs hu tr", lang, " ")
    n_kinds = split("m1 f1 m2 f2 m3 f3 m4 f4 m5 f5 m6 m7 croak klatt2", kind, " ")
    n_noises = split("pink brown hum babble", noise, " ")
    for (v = 0; v < n_voices; v++) {
        voice = lang[v % n_langs + 1] "+" kind[(v * 5 + int(v / n_langs)) % n_kinds + 1]
        pitch = 15 + (v * 37) % 75
        speed = 130 + (v * 23) % 70
        for (u = 0; u < n_utts; u++) {
            text = word[(v * 7 + u * 11) % n_words + 1]
            for (w = 0; w < 6; w++) text = text " " word[pick(n_words) + 1]
            printf "%03d\t%02d\t%s\t%d\t%d\t%s\t%d\t%s\t%02d\t%.3f\n", v, u, voice,
                pitch + pick(9) - 4, speed + pick(21) - 10, text,
                5 + pick(60), noise[pick(n_noises) + 1], 1 + pick(14),
                exp(log(10) * -(4 + pick(14)) / 20)
        }
    }
}' >"$out/plan/recordings.tsv"

# All recordings of one voice. Noise lasts as long as the recording: 4 s, like a tap.
speak() {
    local speaker utt voice pitch speed text room noise piece level dry
    while IFS=$'\t' read -r speaker utt voice pitch speed text room noise piece level; do
        dry=$2/plan/$speaker.wav
        espeak-ng -v "$voice" -p "$pitch" -s "$speed" -w "$dry" "$text"
        sox -V1 -R -m -v 0.6 "$dry" -v "$level" "$2/plan/${noise}0$piece.wav" -r 16000 -b 16 \
            "$2/speech/v$speaker/$utt.flac" gain -3 reverb "$room" 50 "$room" trim 0 4
    done <"$1"
}
export -f speak

make_noises
awk -F'\t' -v dir="$out/plan" '{ print > (dir "/v" $1 ".voice") }' "$out/plan/recordings.tsv"
for plan in "$out"/plan/*.voice; do
    mkdir -p "$out/speech/$(basename "$plan" .voice)"
done
printf '%s\0' "$out"/plan/*.voice |
    xargs -0 -P "$(nproc)" -I{} bash -c 'speak "$1" "$2"' _ {} "$out"

awk -F'\t' -v first_eval=$((voices - eval_voices)) '
BEGIN { OFS = "\t"; print "split", "speaker", "language", "file" }
{ print ($1 + 0 < first_eval ? "train" : "dev"), "v" $1, $3, "v" $1 "/" $2 ".flac" }
' "$out/plan/recordings.tsv" >"$out/manifest.tsv"

# Trials: each recording of a trial voice against two of its own and eight of others.
awk -F'\t' -v seed="$seed" '
NR > 1 && $1 == "dev" { n++; speaker[n] = $2; file[n] = $4 }
END {
    srand(seed + 1)
    for (i = 1; i <= n; i++) {
        own = other = 0
        delete seen
        while (own < 2 || other < 8) {
            j = int(rand() * n) + 1
            if (j == i || j in seen) continue
            seen[j]
            if (speaker[i] == speaker[j] ? own++ < 2 : other++ < 8)
                print (speaker[i] == speaker[j] ? 1 : 0), file[i], file[j]
        }
    }
}' "$out/manifest.tsv" >"$out/trials.txt"
rm -r "$out/plan"
echo "demo corpus: $voices voices, $((voices * utterances)) recordings, $(wc -l <"$out/trials.txt") trials in $out"
