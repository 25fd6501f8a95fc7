#!/usr/bin/env bash
# A user's mistakes: each ends with its own exit code and one line that names what is wrong; no rank's message twice.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_small_run 40 20

# Without mpirun: one rank. Standard error must be one line, with the given words in it.
mistake() { # TITLE EXIT-CODE WORDS COMMAND...
    local title=$1 code=$2 words=$3 status=0 lines
    shift 3
    "$@" >out.log 2>err.log </dev/null || status=$?
    lines=$(grep -c . err.log)
    if [ "$status" -ne "$code" ]; then
        not_ok "$title" "code $status, $code expected: $(last_line err.log)"
    elif ! grep -qF -- "$words" err.log; then
        not_ok "$title" "the message doesn't say '$words': $(last_line err.log)"
    elif [ "$code" -ne 64 ] && [ "$lines" -ne 1 ]; then
        not_ok "$title" "$lines lines on standard error, one expected: $(head -n 2 err.log | tr '\n' '|')"
    else
        ok "$title"
    fi
    rm -rf run
}
recipe() { # NAME SED-SCRIPT: a changed copy of the good recipe
    sed "$2" small.yaml >"$1.yaml"
}

mistake "unknown command" 64 "distil" "$retort" distil small.yaml
mistake "no such recipe" 66 "nowhere.yaml" "$retort" run nowhere.yaml
mistake "profile where nothing can be written" 74 "nowhere/trace.json" "$retort" run small.yaml --profile nowhere/trace.json
mistake "word for a precision" 78 "float32, bfloat16" "$retort" run small.yaml --set train.precision=half
mistake "override without a value" 64 "seed" "$retort" run small.yaml --set seed
mistake "override of an unknown key" 78 "learning_rate" "$retort" run small.yaml --set train.learning_rat=1e-3

recipe unknown-key 's/global_batch_size/global_bach_size/'
mistake "unknown key, nearest one named" 78 "global_batch_size" "$retort" run unknown-key.yaml
recipe wrong-type 's/epochs: 2/epochs: two/'
mistake "word for a number" 78 "epochs" "$retort" run wrong-type.yaml
recipe out-of-range 's/epochs: 2/epochs: -2/'
mistake "number out of range" 78 "epochs" "$retort" run out-of-range.yaml
recipe odd-leaves 's/micro_batches: 8/micro_batches: 6/'
mistake "micro-batches not a power of two" 78 "micro_batches" "$retort" run odd-leaves.yaml
recipe unknown-selection 's/selection: llkd/selection: lkd/'
mistake "unknown selection, nearest one named" 78 "llkd" "$retort" run unknown-selection.yaml
printf 'name: [broken\n' >broken.yaml
mistake "broken YAML" 78 "broken.yaml" "$retort" run broken.yaml

mistake "no such pool" 66 "nothing.jsonl" "$retort" run small.yaml --set data.pool=nothing.jsonl
mistake "no such model" 66 "no-model" "$retort" run small.yaml --set student.model=no-model
: >empty.jsonl
mistake "empty pool" 65 "empty.jsonl" "$retort" run small.yaml --set data.pool=empty.jsonl
sed '7s/.*/{"id": "seven", "text": /' pool.jsonl >cut.jsonl
mistake "bad row, file and line named" 65 "cut.jsonl:7" "$retort" run small.yaml --set data.pool=cut.jsonl
sed '9s/"text"/"txet"/' pool.jsonl >no-text.jsonl
mistake "row without text, file and line named" 65 "no-text.jsonl:9" "$retort" run small.yaml --set data.pool=no-text.jsonl

# Several ranks: the same code from mpirun, the message once.
status=0
ranks 3 "$retort" run small.yaml --set data.pool=cut.jsonl >out.log 2>err.log || status=$?
count=$(cat out.log err.log | grep -cF "cut.jsonl:7")
expect "bad row on 3 ranks" "code $status (65 expected), the message came $count times" [ "$status $count" = "65 1" ]
rm -rf run

# Asked to skip bad rows, the run goes on and counts them.
if attempt skip.log "$retort" run small.yaml --set data.pool=cut.jsonl --set data.on_bad_row=skip; then
    size=$(json_value pool_size run/report.json)
    expect "bad row skipped" "pool_size '$size', 39 expected" [ "$size" = 39 ]
else
    not_ok "bad row skipped" "$why"
fi
