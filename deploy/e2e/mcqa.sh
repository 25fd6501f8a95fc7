#!/usr/bin/env bash
# Few-shot multiple choice end to end with an examiner behind HTTP: items written in both ways over ranks and gated as the
# examiner counts its own flaws, scores by letters, kills in every stage, the budget, recorded scores, a student per subject.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# shellcheck source=deploy/e2e/double.sh
. "$root/deploy/e2e/double.sh"

start_examiner() { # NAME OPTION...: leaves its port in `port`
    local name=$1
    shift
    start_double "$name" --examiner --examiner-test test.jsonl "$@"
}
way_value() { # REPORT WAY KEY: of the report's list of ways
    awk -v way="\"$2\"" -v key="\"$3\"" '
        index($0, "\"way\"") { inside = index($0, way) > 0 }
        inside && index($0, key ":") { gsub(/[^0-9]/, "", $NF); print $NF; exit }' "$1"
}

"$double" --examiner-data 5 --seed 1 >examples.jsonl
"$double" --examiner-data 30 --seed 900 >test.jsonl

recipe() { # NAME PORT: NAME.yaml
    cat >"$1.yaml" <<YAML
name: $1
seed: 3
output_dir: $1
data: {pool: examples.jsonl, test: test.jsonl}
teacher: {kind: openai, base_url: "http://127.0.0.1:$2/v1", model: examiner, timeout: 5, price: {input_per_million: 150, output_per_million: 600}}
student: {model: $student, max_seq_length: 48}
method: {name: mcqa, generation: both, per_subject: 12, attempts: 6, similarity: 0.95, students: [soft, hard, few_shot], temperature: 2, hard_weight: 0.2}
train: {epochs: 1, global_batch_size: 16, micro_batches: 2, learning_rate: 1.0e-4, schedule: linear}
checkpoint: {save_steps: 2}
evaluate: {logging_steps: 1000}
YAML
}

# --- Both ways over two ranks; what the gates counted is what the examiner did.
start_examiner whole --latency-ms 5
recipe whole "$port"
if attempt whole.log ranks 2 "$retort" run whole.yaml; then
    ok "both ways, scores and three students on two ranks"
    stats "$port"
    report=whole/report.json
    expect "no question is paid for twice" "$(counted "$port" repeated_requests) repeated" [ "$(counted "$port" repeated_requests)" = 0 ]
    expect "the report counts the requests" "$(json_value teacher_requests $report)" [ "$(json_value teacher_requests $report)" = "$(counted "$port" answered)" ]
    asked=$(($(way_value $report direct calls) + $(way_value $report decomposed calls) + $(json_value scoring_calls $report)))
    expect "each stage's calls add up to them" "$asked" [ "$asked" = "$(counted "$port" answered)" ]
    for way in direct decomposed; do
        compare() { # GATE FLAW
            local gate flaw
            gate=$(way_value $report $way "$1")
            flaw=$(counted "$port" "${way}_$2")
            expect "$way: $1 is what the examiner did" "$gate against $flaw" [ "$gate" = "$flaw" ]
            sum=$((sum + gate))
        }
        sum=0
        compare parse_failures broken
        compare refused_choices doubled
        compare refused_test_overlap leaked
        compare refused_example_overlap repeated
        sum=$((sum + $(way_value $report $way accepted) + $(way_value $report $way refused_answer) + $(way_value $report $way refused_duplicate)))
        expect "$way: every item begun is accounted for" "$sum" [ "$sum" = "$(way_value $report $way begun)" ]
        expect "$way: all that was wanted came" "$(way_value $report $way accepted)" [ "$(way_value $report $way accepted)" = 36 ]
    done
    wrong=$(($(counted "$port" direct_wrong) + $(counted "$port" decomposed_wrong)))
    expect "the teacher disputes the wrong answers alone" "$(json_value disputed $report) against $wrong" [ "$(json_value disputed $report)" = "$wrong" ]
    leaked=$(grep -c -F -f <(sed -n 's/.*"question": "\([^"]*\)".*/"question":"\1"/p' test.jsonl examples.jsonl) whole/data/scored.jsonl)
    expect "no test item and no example is learnt" "$leaked" [ "$leaked" = 0 ]
    expect "the student loads" "no weights" [ -s whole/student/model.safetensors ]
else
    not_ok "both ways, scores and three students on two ranks" "$why"
fi

# --- The same bits on one rank, and after kills.
files="data/direct.jsonl data/decomposed.jsonl data/scored.jsonl data/answers-soft.jsonl data/answers-few_shot.jsonl student/model.safetensors"
expect_same() { # NAME FOLDER
    local same=yes file
    for file in $files; do
        cmp -s "whole/$file" "$2/$file" || same=$file
    done
    expect "$1" "$same differs" [ "$same" = yes ]
}
recipe single "$port"
attempt single.log ranks 1 "$retort" run single.yaml || not_ok "one rank" "$why"
expect_same "the same bits on one rank" single

# Kills a rank as soon as the server has answered so many requests, or a file is there.
start_examiner slow --latency-ms 60
recipe killed "$port"
kills=0
kill_when() { # COMMAND...: true when it is time
    local launched victim
    ranks 2 "$retort" run killed.yaml >killed.log 2>&1 &
    launched=$!
    until "$@"; do
        kill -0 "$launched" 2>/dev/null || break
        sleep 0.02
    done
    victim=$(ps -e -o pid=,args= | awk -v program="$retort" '$2 == program && /run killed.yaml/ { pid = $1 } END { print pid }')
    kill -KILL "${victim:-none}" 2>/dev/null && kills=$((kills + 1))
    wait "$launched" 2>/dev/null
}
answered() { stats "$port" && [ "$(counted "$port" answered)" -ge "$1" ]; }
there() { compgen -G "killed/$1" >/dev/null; }
kill_when answered 15
kill_when there data/direct.json
kill_when answered 100
kill_when there data/decomposed.json
kill_when there data/scoring.json
kill_when there 'students/soft/checkpoints/step-*/manifest.json'
kill_when there data/answers-soft.jsonl
expect "killed in seven places" "$kills kills; $(last_line killed.log)" [ "$kills" = 7 ]
expect "and not done before the last call" "a report is there" [ ! -e killed/report.json ]
if attempt killed.log ranks 2 "$retort" run killed.yaml; then
    expect_same "the same bits after kills" killed
else
    not_ok "the same bits after kills" "$why"
fi

# --- The budget holds over all stages, and a higher one goes on.
start_examiner again --latency-ms 5
recipe capped "$port"
attempt capped.log ranks 2 "$retort" run capped.yaml --set budget.requests=100
expect "the budget stops it" "$why" grep -q "budget is reached" capped.log
if attempt capped.log ranks 2 "$retort" run capped.yaml; then
    expect_same "and a higher one goes on to the same bits" capped
else
    not_ok "and a higher one goes on to the same bits" "$why"
fi

# --- Scores that were recorded, offline: the items of the run above with its own scores.
recipe recorded 1
if attempt recorded.log ranks 2 "$retort" run recorded.yaml --set 'teacher={kind: recorded, path: whole/data/scored.jsonl}' \
    --set 'method={name: mcqa, generation: none, items: whole/data/scored.jsonl, students: [soft], temperature: 2, hard_weight: 0.2, hard_label: answer}'; then
    expect "recorded scores teach the same student" "the students differ" cmp -s whole/student/model.safetensors recorded/student/model.safetensors
else
    not_ok "recorded scores teach the same student" "$why"
fi

# --- A teacher that likes the letter A: all orders of the choices take it out again.
start_examiner biased --latency-ms 2 --examiner-bias 3
biased() { # NAME CYCLES
    recipe "$1" "$port"
    attempt "$1.log" ranks 2 "$retort" run "$1.yaml" --set method.cycle_choices="$2" --set method.generation=direct --set method.students=soft ||
        not_ok "$1" "$why"
}
biased liking false
biased cycled true
expect "cyclic orders take a liking for a letter out" "$(json_value disputed liking/report.json) against $(json_value disputed cycled/report.json) disputed" \
    [ "$(json_value disputed liking/report.json)" -gt "$((2 * $(json_value disputed cycled/report.json)))" ]

# --- A student for each subject.
recipe subjects "$port"
if attempt subjects.log ranks 2 "$retort" run subjects.yaml --set method.joint=false --set method.generation=direct --set method.students=soft; then
    for subject in arithmetic dates words; do
        expect "a student of $subject" "no weights" [ -s "subjects/student/$subject/model.safetensors" ]
    done
else
    not_ok "a student for each subject" "$why"
fi
