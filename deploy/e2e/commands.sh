#!/usr/bin/env bash
# The commands around `run`: each does what it says on a small run.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_small_run 80 40

says() { # NAME LOG WORDS COMMAND...: ends with 0, and the words are in what it wrote
    local name=$1 log=$2 words=$3
    shift 3
    if ! attempt "$log" "$@"; then
        not_ok "$name" "$why"
    else
        expect "$name" "it doesn't say '$words': $(last_line "$log")" grep -qF -- "$words" "$log"
    fi
}

says "version or help" help.log "run" "$retort" --help
says "doctor" doctor.log "MPI" ranks 2 "$retort" doctor
says "plan" plan.log "80" "$retort" plan small.yaml
expect "plan changes nothing" "there is a folder run" [ ! -e run ]

# The stages alone, then the run: what is there isn't done again.
says "labels make" make.log "" ranks 2 "$retort" labels make small.yaml
says "labels show" show.log "120 answers" "$retort" labels show run/labels
says "run after labels make" run.log "accuracy" ranks 2 "$retort" run small.yaml
expect "labels aren't asked for twice" "labels_asked is '$(json_value labels_asked run/report.json)'" \
    [ "$(json_value labels_asked run/report.json)" = 0 ]

says "evaluate" evaluate.json "accuracy" "$retort" evaluate run/student test.jsonl --max-seq-length 32 --json
expect "evaluate agrees with the report" "$(json_value accuracy evaluate.json) against $(json_value student_accuracy run/report.json)" \
    [ "$(json_value accuracy evaluate.json)" = "$(json_value student_accuracy run/report.json)" ]
says "export" export.log "" "$retort" export small.yaml --output again
expect "export from the checkpoint is the run's" "the weights differ" cmp -s again/model.safetensors run/student/model.safetensors

says "compare" compare.log "random" ranks 2 "$retort" compare small.yaml --set method.selection=all,random,llkd --set output_dir=compared
sed 's/.*\("text":".*"\),"label".*/{\1}/' test.jsonl >texts.jsonl
if attempt tokenize.log sh -c "'$retort' tokenize --tokenizer '$student/tokenizer.json' --no-special <texts.jsonl >tokens.jsonl"; then
    expect "tokenize" "$(wc -l <tokens.jsonl) lines of $(wc -l <texts.jsonl)" \
        [ "$(grep -c '"ids"' tokens.jsonl)" = "$(grep -c . texts.jsonl)" ]
else
    not_ok "tokenize" "$why"
fi
says "bench gemm" gemm.json "gflop" "$retort" bench gemm --json
