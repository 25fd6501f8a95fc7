#!/bin/sh
# Writes the demonstration's unlabeled pool and its held-out test set from this machine's own Debian
# package index: the one-line description is the text, the archive section is the gold label.
#
#   deploy/demo-pool.sh [FOLDER]        default FOLDER: work/demo beside this script's repository
#
# Writes FOLDER/pool.jsonl and FOLDER/test.jsonl, one {"id","text","label"} a line.
#
# The same index gives the same bytes: one record a package and a description (the first package in
# byte order), the split by a hash of the package name, the output in byte order of the name.
# Needs apt-cache and POSIX sh, awk, sort and iconv; no Python. See docs/demo.md.
set -eu
LC_ALL=C
export LC_ALL

# Sections whose name is a topic. Left out: those that name a language or a kind of package (libs,
# devel, doc, python, ...), desktops (gnome, kde, x11) and the catch-alls (utils, misc).
sections='admin database editors electronics fonts games graphics hamradio localization mail math
net science sound text vcs video web'
test_count=2000
minimum_count=6000

fail() {
    printf 'demo-pool: %s\n' "$1" >&2
    exit "$2"
}

command -v apt-cache >/dev/null 2>&1 ||
    fail 'apt-cache is not here: this pool is made from a Debian package index, run it on Debian' 69

root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/work/demo}
mkdir -p "$folder" || fail "cannot make the folder $folder" 74
scratch=$(mktemp -d "$folder/pool.tmp.XXXXXX") || fail "cannot write in $folder" 74
trap 'rm -rf "$scratch"' EXIT
trap 'exit 75' HUP INT TERM

# 1. Package, section, description of every record of the wanted sections, in byte order of the name.
#    `contrib/mail` counts as `mail`. iconv -c drops bytes that aren't UTF-8, so the JSON is valid.
apt-cache dumpavail | iconv -c -f UTF-8 -t UTF-8 | awk -v wanted="$sections" '
    BEGIN { count = split(wanted, list); for (i = 1; i <= count; i++) want[list[i]] = 1 }
    function flush_record() {
        if (package != "" && text != "" && (section in want))
            print package "\t" section "\t" text
        package = section = text = ""
    }
    /^$/ { flush_record(); next }
    /^Package:/ { package = $2 }
    /^Section:/ { section = $2; sub(/.*\//, "", section) }
    /^Description(-en)?:/ && text == "" {
        text = $0; sub(/^[^:]*:/, "", text); gsub(/[[:space:]]+/, " ", text)
        sub(/^ /, "", text); sub(/ $/, "", text)
    }
    END { flush_record() }' | sort -u >"$scratch/index.tsv"

# 2. One record a package, one a description; a hash of the package name in front.
#    The hash is a polynomial modulo 2^31 - 1; all products stay below 2^53, exact in awk numbers.
awk -F '\t' '
    BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }
    !($1 in packages) && !($3 in texts) {
        packages[$1] = 1; texts[$3] = 1
        hash = 17
        for (i = 1; i <= length($1); i++)
            hash = (hash * 1048573 + code[substr($1, i, 1)]) % 2147483647
        for (i = 0; i < 3; i++) hash = (hash * 48271 + 11) % 2147483647
        printf "%010d\t%s\n", hash, $0
    }' "$scratch/index.tsv" | sort >"$scratch/hashed.tsv"

total=$(($(wc -l <"$scratch/hashed.tsv")))
if [ "$total" -lt "$minimum_count" ]; then
    fail "the package index is empty or cut ($total descriptions, about 12,000 expected): run apt-get update" 66
fi

# 3. The records with the smallest hashes are the test set, whatever order the mirror lists them in.
write_part() { # FIRST LAST FILE
    awk -v first="$1" -v last="$2" 'NR >= first && NR <= last' "$scratch/hashed.tsv" |
        cut -f 2- | sort | awk -F '\t' '
            BEGIN {
                for (i = 1; i < 32; i++) escape[sprintf("%c", i)] = sprintf("\\u%04x", i)
                escape["\""] = "\\\""; escape["\\"] = "\\\\"
            }
            function quoted(s,    out, i, c) {
                if (s !~ /[\\"]|[[:cntrl:]]/) return "\"" s "\""
                out = ""
                for (i = 1; i <= length(s); i++) {
                    c = substr(s, i, 1)
                    out = out ((c in escape) ? escape[c] : c)
                }
                return "\"" out "\""
            }
            { print "{\"id\":" quoted($1) ",\"text\":" quoted($3) ",\"label\":" quoted($2) "}" }
        ' >"$scratch/part"
    mv "$scratch/part" "$3"
}
write_part 1 "$test_count" "$folder/test.jsonl"
write_part "$((test_count + 1))" "$total" "$folder/pool.jsonl"

echo "demo pool: $total descriptions in $(cut -f 3 "$scratch/hashed.tsv" | sort -u | wc -l | tr -d ' ')" \
    "sections: $((total - test_count)) in $folder/pool.jsonl, $test_count in $folder/test.jsonl"
