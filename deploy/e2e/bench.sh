#!/usr/bin/env bash
# deploy/bench.sh: its arithmetic, on stand-ins for the program and for the peer whose figures are known; what it does
# where one of them is absent, old or breaks off, or a signal arrives; and once with the real program.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

real=$retort
mkdir -p peer
touch peer/peer_gemm.py peer/peer_train.py

# Training: 20, 30 and 10 samples/s in the three rounds. FAKE_OPTIONS is what its help names.
cat >program <<'PROGRAM'
#!/bin/sh
[ "${OMPI_COMM_WORLD_RANK:-0}" = 0 ] || exit 0
case "$*" in
    --version) echo 9.9.9 ;;
    *--help) echo "$FAKE_OPTIONS" ;;
    doctor*) printf 'rank  host  cores  instruction set  bf16\n----  ----  -----  ---------------  ------\n   0  here      1  avx512           native\nall is well: 1 ranks, instruction set avx512\n' ;;
    *)
        [ -z "$FAKE_SLEEP" ] || sleep "$FAKE_SLEEP"
        dtype=float32
        case "$*" in *bfloat16*) dtype=bfloat16 ;; esac
        case "$*" in
            *gemm*) printf '{"peer":"retort","dtype":"%s","m":1,"n":2,"k":3,"gflops":50,"share":0.25}\n' $dtype ;;
            *)
                echo >>"$FAKE_FOLDER/calls-$dtype"
                case $(wc -l <"$FAKE_FOLDER/calls-$dtype") in 1) rate=20 ;; 2) rate=30 ;; *) rate=10 ;; esac
                printf '{"peer":"retort","ranks":2,"threads":1,"dtype":"%s","batch":32,"tokens":1280,"train_samples_per_s":%d,"infer_samples_per_s":80,"peak_rss_mib":600,"share":0.5}\n' $dtype $rate
                ;;
        esac
        ;;
esac
PROGRAM
cat >python <<'PYTHON'
#!/bin/sh
case "$*" in
    -*) ;;
    *peer_gemm.py)
        printf '{"peer": "pytorch", "dtype": "%s", "m": 1, "n": 2, "k": 3, "gflops": 100}\n' float32 bfloat16
        printf '{"peer": "openblas", "dtype": "float32", "m": 1, "n": 2, "k": 3, "gflops": 200}\n'
        ;;
    *)
        [ -z "$FAKE_BREAK" ] || { echo "out of luck" >&2; exit 3; }
        dtype=float32
        case "$*" in *bfloat16*) dtype=bfloat16 ;; esac
        printf '{"peer": "pytorch 1", "ranks": 2, "threads": 1, "dtype": "%s", "train_samples_per_s": 10.0, "infer_samples_per_s": 40, "peak_rss_mib": 1200}\n' $dtype
        ;;
esac
PYTHON
chmod +x program python
export FAKE_FOLDER=$PWD FAKE_OPTIONS='--dtype --mean-length' FAKE_SLEEP='' FAKE_BREAK=''

bench() { # OUT OPTIONS...: its words in OUT.log, its page in `page`, its code in `code`
    local out=$1
    shift
    rm -f calls-*
    code=0
    RETORT=$PWD/program RETORT_PYTHON=$PWD/python RETORT_PEER=${peer-$PWD/peer} timeout 200 \
        bash "$root/deploy/bench.sh" --output "$PWD/$out" "$@" >"$out.log" 2>&1 </dev/null || code=$?
    page=$(cat "$out"/*.md 2>/dev/null | tr -s ' ')
}
has() { [[ $page = *"$1"* ]]; }
why_of() { echo "code $code: $(tail -n 1 "$1.log")"; }

bench whole --rounds 3 gemm train ragged
expect "ends with 0" "$(why_of whole)" [ "$code" -eq 0 ]
expect "least, median and greatest ratio" "$(why_of whole)" \
    has '| float32, training samples/s | 1.00 | 2.00 | 3.00 | 20.00 | 10.00 | 50.0% |'
expect "rows of bfloat16" "$(why_of whole)" has '| bfloat16, peak resident MiB (less is better) | 0.50 |'
expect "a second peer for matrix products" "$(why_of whole)" has '| 1 x 2 x 3 | 0.25 | 0.25 | 0.25 | 50.0 | 200.0 | 25.0% |'
expect "native bf16 as doctor says" "$(why_of whole)" has '| bf16 (retort doctor) | native |'
expect "all raw lines beside the page" "$(why_of whole)" [ "$(cat whole/*.jsonl | wc -l)" -eq $((3 * (2 + 3) + 3 * 4 + 3 * 3)) ]

FAKE_OPTIONS='' bench old --rounds 1 gemm ragged
expect "an old program's rows are left out" "$(why_of old)" has "- skipped: gemm bfloat16"
expect "a part that it doesn't know too" "$(why_of old)" has "- skipped: ragged"

peer=$PWD/nowhere bench alone --rounds 1 train
expect "ours alone without the peer" "$(why_of alone)" [ "$code" -eq 0 ]
expect "and it says so" "$(why_of alone)" has '- ours alone: no peer_gemm.py'
expect "and still gives ours" "$(why_of alone)" has '| float32, training samples/s | - | - | - | 20.00 | - | 50.0% |'

FAKE_BREAK=yes bench broken --rounds 2 train
expect "a peer that breaks off: 69, and the page" "$(why_of broken)" [ "$code" -eq 69 ]
expect "the page says at what" "$(why_of broken)" has '- the peer'\''s peer_train.py ended with code 3 at train float32, round 1'

bench unknown --rounds 1 nothing
expect "an unknown part: 64" "$(why_of unknown)" [ "$code" -eq 64 ]

mkdir -p stopped
(
    export RETORT=$PWD/program RETORT_PEER=$PWD/nowhere FAKE_SLEEP=60
    exec bash "$root/deploy/bench.sh" --output "$PWD/stopped" --rounds 1 train
) >stopped.log 2>&1 </dev/null &
running=$!
for _ in {1..100}; do
    ! grep -q 'round 1' stopped.log || break
    sleep 0.2
done
kill -TERM "$running"
code=0
wait "$running" || code=$?
expect "a signal: 75" "$(why_of stopped)" [ "$code" -eq 75 ]
expect "and no file" "$(ls -A stopped)" [ -z "$(ls -A stopped)" ]

code=0
RETORT=$real timeout 120 bash "$root/deploy/bench.sh" --output "$PWD/real" --rounds 1 allreduce >real.log 2>&1 </dev/null || code=$?
expect "the real program" "$(why_of real)" [ "$code" -eq 0 ]
