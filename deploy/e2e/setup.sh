# shellcheck shell=bash
# What the end-to-end scripts share; sourced by each, it runs nothing by itself. A script works in its own
# emptied folder below work/e2e/, and prints `ok NAME`, `not ok NAME: why` or `skip NAME: why`.
#
#   RETORT=FILE   the program under test (deploy/test.sh gives its own build)
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$(basename "$0" .sh)
# shellcheck source=deploy/machine.sh
. "$root/deploy/machine.sh"

retort=${RETORT:-$root/.build/release/retort}
folder=$work/e2e/$program
student=$work/demo/student
rm -rf "$folder"
mkdir -p "$folder" || fail 74 "cannot write in $work"
cd "$folder" || exit
[ -x "$retort" ] || fail 66 "no program at $retort: run 'swift build -c release --product retort'"
is_student "$student" || (require_student) || exit

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; }
skip() { echo "skip $1: $2"; }

expect() { # NAME WHY-NOT COMMAND...
    local name=$1 why=$2
    shift 2
    if "$@"; then ok "$name"; else not_ok "$name" "$why"; fi
}

ranks() { # COUNT COMMAND...: under mpirun, never longer than four minutes
    choose_launcher "$1"
    shift
    timeout 240 "${launcher[@]}" "$@" </dev/null
}

# The program's own message in a log, else the last line: mpirun ends with a page about exit codes.
last_line() { grep -m 1 '^error: ' "$1" || grep -v '^[[:space:]-]*$' "$1" | tail -n 1; }

attempt() { # LOG COMMAND...: runs it; where it fails, `why` has the code and the message
    local log=$1 code=0
    shift
    "$@" >"$log" 2>&1 </dev/null || code=$?
    # shellcheck disable=SC2034 # for the scripts
    why="code $code: $(last_line "$log")"
    return "$code"
}

# The number or string of a key in a JSON file; the files have one object, and unique keys.
json_value() { # KEY FILE
    sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p' "$2" 2>/dev/null | head -n 1
}

# The figures of a run that don't depend on its ranks, its speed or where it broke off.
figures() { # RUN-FOLDER
    local key
    for key in teacher_accuracy student_accuracy student_macro_f1 pool_size sample_visits distinct_used; do
        printf '%s %s\n' "$key" "$(json_value "$key" "$1/report.json")"
    done
}

expect_same_figures() { # NAME RUN-FOLDER RUN-FOLDER: all there, and equal to 1e-5
    local difference
    difference=$(paste -d ' ' <(figures "$2") <(figures "$3") | awk '
        NF != 4 { print $1 " is missing"; next }
        { difference = $2 - $4; if (difference < 0) difference = -difference }
        difference > 1e-5 { print $1 " " $2 " against " $4 }')
    expect "$1" "${difference//$'\n'/, }" [ -z "$difference" ]
}

# pool.jsonl, test.jsonl and small.yaml here: four easy classes, small enough for many runs.
make_small_run() { # POOL-ROWS TEST-ROWS
    (require_pool) || exit
    local part rows class
    for part in pool test; do
        [ $part = pool ] && rows=$1 || rows=$2
        for class in fonts games mail sound; do
            grep "\"label\":\"$class\"}" "$work/demo/$part.jsonl" | awk -v n=$((rows / 4)) 'NR <= n'
        done >$part.jsonl
    done
    cat >small.yaml <<YAML
name: small
seed: 7
output_dir: run
data: {pool: pool.jsonl, test: test.jsonl, text_field: text, label_field: label, id_field: id, on_bad_row: refuse}
teacher:
  kind: encoder
  model: $student
  temperature: 0.05
  lease_size: 16
  label_sentences:
    fonts: "Fonts: typefaces for the screen and for print."
    games: "Games to play."
    mail: "Mail: programs to send, receive, filter and read email."
    sound: "Sound: music players, recorders, mixers and synthesizers."
student: {model: $student, max_seq_length: 32}
method: {name: llkd, selection: llkd, momentum: 0.9, warmup_steps: 4}
train: {epochs: 2, global_batch_size: 16, micro_batches: 8, optimizer: adamw, learning_rate: 1.0e-4, schedule: linear, warmup_ratio: 0.1, weight_decay: 0.01, max_grad_norm: 1.0}
checkpoint: {save_steps: 4, keep_latest_k: 2}
evaluate: {eval_steps: 20}
YAML
}
