#!/usr/bin/env bash
# `evaluate`: a run's student, its teacher and a folder, on any number of ranks; files for machines; mistakes.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_small_run 80 40
attempt run.log ranks 2 "$retort" run small.yaml || fail 70 "the run failed: $why"

same() { # NAME FILE FILE
    expect "$1" "the files differ" cmp -s "$2" "$3"
}

attempt one.txt "$retort" evaluate run/student test.jsonl --max-seq-length 32 --json one.json --predictions one.jsonl ||
    not_ok "a model folder" "$why"
expect "tables for people beside the file" "no table: $(last_line one.txt)" grep -q 'macro F1' one.txt
expect "the figure is the report's" "$(json_value accuracy one.json) against $(json_value student_accuracy run/report.json)" \
    [ "$(json_value accuracy one.json)" = "$(json_value student_accuracy run/report.json)" ]
expect "a line for each text" "$(grep -c . one.jsonl) lines" [ "$(grep -c . one.jsonl)" = "$(grep -c . test.jsonl)" ]

attempt three.txt ranks 3 "$retort" evaluate run/student test.jsonl --max-seq-length 32 --json three.json --predictions three.jsonl ||
    not_ok "three ranks" "$why"
same "figures and intervals are the same on three ranks" one.json three.json
same "predictions are the same on three ranks" one.jsonl three.jsonl

attempt folder.txt "$retort" evaluate run test.jsonl --max-seq-length 32 || not_ok "a run's folder" "$why"
same "a run's folder is its student" one.txt folder.txt
attempt recipe.txt "$retort" evaluate small.yaml || not_ok "a recipe" "$why"
same "a recipe is its run's student on its test" one.txt recipe.txt

if attempt teacher.json "$retort" evaluate small.yaml --teacher --json; then
    expect "the teacher's figure is the report's" "$(json_value accuracy teacher.json) against $(json_value teacher_accuracy run/report.json)" \
        [ "$(json_value accuracy teacher.json)" = "$(json_value teacher_accuracy run/report.json)" ]
else
    not_ok "a recipe's teacher" "$why"
fi

nothing_written() { [ ! -e mistake.json ] && [ ! -e mistake.jsonl ]; }
mistake() { # NAME CODE WORDS COMMAND...: nothing is written, and one line says what is wrong
    local name=$1 code=$2 words=$3 status=0
    shift 3
    "$@" --json mistake.json --predictions mistake.jsonl >out.log 2>err.log </dev/null || status=$?
    if [ "$status" -ne "$code" ]; then
        not_ok "$name" "code $status, $code expected: $(last_line err.log)"
    elif ! grep -qF -- "$words" err.log; then
        not_ok "$name" "the message doesn't say '$words': $(last_line err.log)"
    else
        expect "$name" "something was written" nothing_written
    fi
}
: >empty.jsonl
mistake "an empty file" 65 "empty.jsonl" "$retort" evaluate run/student empty.jsonl
sed '3s/,"label":.*/}/' test.jsonl >missing.jsonl
mistake "a row without a label" 65 "missing.jsonl:3" "$retort" evaluate run/student missing.jsonl
sed '5s/"label":".*"/"label":"whales"/' test.jsonl >unknown.jsonl
mistake "a label that the model doesn't know" 65 "whales" "$retort" evaluate run/student unknown.jsonl
mistake "no such file" 66 "nowhere.jsonl" "$retort" evaluate run/student nowhere.jsonl
mistake "an encoder that is to answer" 78 "decoder" "$retort" evaluate run/student test.jsonl --task answer

cp test.jsonl more.jsonl
"$retort" evaluate run/student test.jsonl --json more.jsonl >out.log 2>err.log </dev/null
expect "data behind --json isn't written over" "more.jsonl is another file now" cmp -s test.jsonl more.jsonl
