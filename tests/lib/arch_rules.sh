#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# arch_rules.sh SOURCE BUILD - who may include what, who may call what, and how exported
# functions are named. Every violation is printed; any is a failure.
#
#   common knows neither side; coordinator and worker never include or call each other;
#   sqlite3 is seen by coordinator/store alone, cblas by worker/kernels and
#   coordinator/predict/matrix.c alone, protobuf-c by proto alone, sound files by
#   worker/data alone, YAML by common/conf alone;
#   kernels are reached through their table, never by the folder of one of them;
#   what a file exports begins with the file's name, or a word of its room's headers.
set -euo pipefail
source_dir=$1
build_dir=$2
cd "$source_dir"
violations=$(mktemp)
trap 'rm -f "$violations"' EXIT

# ---- includes: lines of "FILE INCLUDED" for every #include of our own and of libraries

includes() {
    grep -rEo --include='*.[ch]' '^ *# *include +["<][^">]+[">]' common proto coordinator worker tests |
        sed -E 's/: *# *include +/ /'
}

check_includes() {
    includes | awk '
        function side(path) { return substr(path, 1, index(path, "/") - 1) }
        function bad(why) { print "include: " $1 " includes " $2 ": " why }
        function only(pattern, room) {
            if ($2 ~ pattern && index($1, room) != 1) bad("only " room " may")
        }
        BEGIN {
            allowed["common"] = "common"; allowed["proto"] = "common proto"
            allowed["coordinator"] = "common proto coordinator"
            allowed["worker"] = "common proto worker"
            allowed["tests"] = "common proto coordinator worker tests"
        }
        # Tests may look at everything but the libraries behind the rooms.
        {
            only("^<sqlite3[.]h>", $1 ~ /^tests/ ? "tests/unit/coordinator/store/" : "coordinator/store/")
            only("^<cblas[.]h>", $1 ~ /^coordinator/ ? "coordinator/predict/matrix.c" : "worker/kernels/")
            only("^[<\"](protobuf-c/|.*[.]pb-c[.]h)", "proto/")
            only("^<(sndfile|soxr)[.]h>", $1 ~ /^tests/ ? "tests/" : "worker/data/")
            only("^<yaml[.]h>", "common/conf/")
        }
        $2 ~ /^"worker\/kernels\/(ref|blas)\// && $1 !~ /^(tests|worker\/kernels)\// {
            bad("kernels are reached through worker/kernels/*.h")
        }
        $2 ~ /^"/ {
            name = substr($2, 2, length($2) - 2)
            if (name !~ /\// && name !~ /_sql[.]h$/ && name !~ /[.]pb-c[.]h$/) {
                bad("write it from the repository root")
            } else if (name ~ /\// && index(" " allowed[side($1)] " ", " " side(name) " ") == 0) {
                bad(side($1) " may include " allowed[side($1)])
            }
        }' >>"$violations"
}

# ---- symbols: lines of "ROOM OBJECT TYPE SYMBOL" for every object of every room

symbols() {
    find "$build_dir"/{common,proto,coordinator,worker} -name 'lib*.a' -print0 | xargs -0 nm -A |
        awk 'NF > 1 {
            n = split($1, at, ":"); room = at[1]; sub(/^.*\/lib/, "", room)
            sub(/[.]a$/, "", room)
            print room, at[2], $(NF - 1), $NF
        }'
}

check_symbols() {
    awk '
        function bad(why) { print "symbol: " $1 "/" $2 " uses " $4 ": " why }
        function only(pattern, room) {
            if ($4 ~ pattern && $1 !~ ("^" room)) bad("only " room " may")
        }
        $3 == "U" {
            only("^sqlite3_", "coordinator_store")
            only("^(cblas_|openblas_)", $2 == "matrix.c.o" ? "coordinator_predict" : "worker_kernels")
            only("^protobuf_c_", "proto")
            only("^(sf_|soxr_)", "worker_data")
            only("^yaml_", "common_conf")
        }
        # Two passes: who defines a symbol, then who uses one that only others define.
        NR == FNR {
            if ($3 ~ /^[TDBRV]$/) homes[$4] = homes[$4] " " $1
            next
        }
        $3 == "U" && ($4 in homes) {
            split($1, user, "_")
            n = split(homes[$4], home, " "); ok = 0
            for (i = 1; i <= n; i++) {
                split(home[i], owner, "_")
                ok = ok || owner[1] == user[1] || owner[1] == "common" ||
                     (owner[1] == "proto" && user[1] != "common")
            }
            if (!ok) bad("it belongs to" homes[$4])
        }' "$1" "$1" | sort -u >>"$violations"
}

# "ROOM WORD": the names a room has given to its headers, folders, structs and enums.
words_of_rooms() {
    find common proto coordinator worker -name '*.h' -print0 | xargs -0 awk '
        FNR == 1 {
            n = split(FILENAME, at, "/"); room = n > 2 ? at[1] "_" at[2] : at[1]
            stem = at[n]; sub(/[.]h$/, "", stem)
            print room, stem; print room, at[n - 1]
        }
        /^(struct|enum) [a-z0-9_]+ *([{;]|$)/ { sub(/[;{].*/, "", $2); print room, $2 }' | sort -u
}

# An exported name begins with its file's (results_csv.c: results_csv_* or results_*) or
# with such a word of its room (tensorfile.c: tensor_reader_*).
check_names() {
    awk '
        function begins(name, prefix) {
            return name == prefix || index(name, prefix "_") == 1
        }
        function is_word(room, name) {
            for (; name != ""; sub(/(^|_)[^_]*$/, "", name)) {
                if ((room, name) in word) return 1
            }
            return 0
        }
        NR == FNR { word[$1, $2] = 1; next }
        $3 ~ /^[TDBR]$/ && $4 !~ /^_/ && $2 !~ /[.]pb-c[.]c[.]o$/ {
            stem = $2; sub(/[.]c[.]o$/, "", stem)
            ok = is_word($1, $4)
            for (; !ok && stem != ""; sub(/(^|_)[^_]*$/, "", stem)) ok = begins($4, stem)
            if (!ok) print "name: " $1 "/" $2 " exports " $4
        }' <(words_of_rooms) "$1" >>"$violations"
}

# ---- what the programs link

check_libraries() {
    local program=$1 pattern=$2
    [ -x "$build_dir/bin/$program" ] || return 0
    ldd "$build_dir/bin/$program" | awk -v program="$program" -v pattern="$pattern" '
        $1 ~ pattern { print "link: " program " links " $1 }' >>"$violations"
}

check_includes
table=$(mktemp)
symbols >"$table"
check_symbols "$table"
check_names "$table"
[ -s "$table" ] || echo "symbol: no objects found in $build_dir" >>"$violations"
rm -f "$table"
check_libraries voxarch '^lib(sndfile|soxr|kissfft)'
check_libraries voxarch-coordinator '^lib(sndfile|soxr|kissfft)'
check_libraries voxarch-worker '^libsqlite3'

sort -u "$violations"
n=$(sort -u "$violations" | wc -l)
echo "$n violations of the architecture"
[ "$n" -eq 0 ]
