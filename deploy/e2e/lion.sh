#!/usr/bin/env bash
# Lion end to end with an instructor behind HTTP: iterations over ranks, a kill in every stage, the budget over all roles,
# roles on servers of their own, the baseline, a judge, and the same figures whoever did it. With RETORT_LOOP=1 also the closed
# loop of docs/lion.md: a student that is pretrained here, and what the iterations give over imitation alone, three seeds.
#
#   RETORT_LOOP=1    the closed loop too (half an hour on two cores)
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# shellcheck source=deploy/e2e/double.sh
. "$root/deploy/e2e/double.sh"
start_instructor() { # NAME OPTION...: leaves its port in `port`
    local name=$1
    shift
    start_double "$name" --instructor "$@"
}
same_bits() { # RUN RUN: prints the first file that differs
    local file
    for file in $(cd "$1" && find data -name '*.jsonl' | sort) student/model.safetensors; do
        cmp -s "$1/$file" "$2/$file" || { echo "$file differs"; return 1; }
    done
}

"$double" --instructor-student student --student-width 64 --student-layers 2 || fail 70 "no student"
"$double" --instructor-data asked --count 24 --seed 1 >pool.jsonl
"$double" --instructor-data examination --count 16 --seed 900 >test.jsonl

recipe() { # NAME PORT [ROLES]: NAME.yaml
    cat >"$1.yaml" <<YAML
name: $1
seed: 3
output_dir: $1
data: {pool: pool.jsonl, test: test.jsonl, text_field: instruction, input_field: input, label_field: output, id_field: id}
teacher: {kind: openai, base_url: "http://127.0.0.1:$2/v1", model: instructor, timeout: 5, price: {input_per_million: 150, output_per_million: 600}}
student: {model: student, max_seq_length: 128, prompt_template: "{{prompt}}\nAnswer: "}
method:
  name: lion
  iterations: 2
  per_kind: 8
  similarity: 0.85
  decoding: {teacher: {max_tokens: 64}, referee: {max_tokens: 96}, generator: {max_tokens: 64}, student: {max_tokens: 12}}
  roles: ${3:-{\}}
train: {epochs: 1, global_batch_size: 8, micro_batches: 4, learning_rate: 1.0e-3}
checkpoint: {save_steps: 1}
evaluate: {eval_steps: 0, logging_steps: 1000, max_new_tokens: 12}
YAML
}

# --- Iterations over two ranks.
start_instructor whole --latency-ms 5 --instructor-breaks 0.2 --instructor-silences 0.2
recipe whole "$port"
if attempt whole.log ranks 2 "$retort" run whole.yaml; then
    ok "two iterations on two ranks"
    stats "$port"
    asked=$(counted "$port" answered)
    expect "nothing is paid for twice" "$(counted "$port" repeated_requests) repeated" [ "$(counted "$port" repeated_requests)" = 0 ]
    expect "the report counts the server's answers" "$(json_value teacher_requests whole/report.json) against $asked" \
        [ "$(json_value teacher_requests whole/report.json)" = "$asked" ]
    # A wrong order that says nothing new shares its answer: calls are at least the server's.
    expect "calls are counted by role" "$(json_value teacher_calls whole/report.json) against $asked" \
        [ "$(json_value teacher_calls whole/report.json)" -ge "$asked" ]
    expect "broken replies are counted" "none" grep -Eq '"rejected_(short|first_character|forbidden_word|similar)": [1-9]' whole/report.json
    expect "silent judgements are asked for again" "none" grep -Eq '"judge_unparsed": [1-9]' whole/report.json
    expect "the student loads" "no weights" [ -s whole/student/model.safetensors ]
else
    not_ok "two iterations on two ranks" "$why"
fi

# --- The same bits on one rank, and after kills in every stage.
recipe single "$port"
attempt single.log ranks 1 "$retort" run single.yaml || not_ok "one rank" "$why"
expect "the same bits on one rank" "$(same_bits whole single)" same_bits whole single

start_instructor slow --latency-ms 100 --instructor-breaks 0.2 --instructor-silences 0.2
recipe killed "$port"
kills=0
kill_at() { # RANKS PATTERN: as soon as a file is there that this call is the first to write
    local launched victim
    ranks "$1" "$retort" run killed.yaml >killed.log 2>&1 &
    launched=$!
    until compgen -G "killed/$2" >/dev/null; do
        kill -0 "$launched" 2>/dev/null || break
        sleep 0.02
    done
    victim=$(ps -e -o pid=,args= | awk -v program="$retort" '$2 == program && /run killed.yaml/ { pid = $1 } END { print pid }')
    kill -KILL "${victim:-none}" 2>/dev/null && kills=$((kills + 1))
    wait "$launched" 2>/dev/null
}
kill_at 2 'data/pool-0.jsonl'
kill_at 3 'iterations/0/checkpoints/step-*/manifest.json'
kill_at 1 'data/answers-0/0.jsonl'
kill_at 2 'data/judged-0.jsonl'
kill_at 3 'data/pool-1.jsonl'
kill_at 2 'iterations/1/checkpoints/step-*/manifest.json'
kill_at 1 'data/judged-1.jsonl'
expect "killed in seven places" "$kills kills; $(last_line killed.log)" [ "$kills" = 7 ]
expect "and not done before the last call" "a report is there" [ ! -e killed/report.json ]
if attempt killed.log ranks 3 "$retort" run killed.yaml; then
    expect "the same bits after kills" "$(same_bits whole killed)" same_bits whole killed
else
    not_ok "the same bits after kills" "$why"
fi

# --- Roles on servers of their own, one budget over all of them.
start_instructor judge --latency-ms 5 --seed 2
judge=$port
start_instructor writer --latency-ms 5 --seed 3
writer=$port
start_instructor answers --latency-ms 5
answers=$port
price='price: {input_per_million: 150, output_per_million: 600}'
recipe roles "$answers" "{referee: {kind: openai, base_url: \"http://127.0.0.1:$judge/v1\", model: judge, $price}, generator: {kind: openai, base_url: \"http://127.0.0.1:$writer/v1\", model: writer, $price}}"
attempt roles.log ranks 2 "$retort" run roles.yaml --set budget.requests=70
expect "the budget stops all roles" "$why" grep -q "budget is reached" roles.log
for server in "$answers" "$judge" "$writer"; do stats "$server"; done
spent=$(($(counted "$answers" answered) + $(counted "$judge" answered) + $(counted "$writer" answered)))
expect "at its cap" "$spent requests" [ "$spent" = 70 ]
if attempt roles.log ranks 2 "$retort" run roles.yaml; then
    for server in "$answers" "$judge" "$writer"; do stats "$server"; done
    asked=$(($(counted "$answers" answered) + $(counted "$judge" answered) + $(counted "$writer" answered)))
    expect "a higher budget goes on, and each role has its server" "$(json_value teacher_requests roles/report.json) against $asked" \
        [ "$(json_value teacher_requests roles/report.json)" = "$asked" ]
    expect "the judge's server judges" "$(counted "$judge" answered) answers" [ "$(counted "$judge" answered)" -ge 80 ]
else
    not_ok "a higher budget goes on, and each role has its server" "$why"
fi

# --- Imitation alone, and both students before a judge.
recipe imitation "$answers"
if attempt imitation.log ranks 2 "$retort" run imitation.yaml --set method.arm=imitation --set method.calls=60; then
    expect "imitation alone" "$(json_value teacher_calls imitation/report.json) calls" [ "$(json_value teacher_calls imitation/report.json)" = 60 ]
else
    not_ok "imitation alone" "$why"
fi
for count in 2 1; do
    attempt "judge-$count.log" ranks "$count" "$retort" judge roles.yaml roles/student imitation/student --output "judged-$count" \
        || not_ok "two students before a judge, $count ranks" "$why"
done
expect "two students before a judge, on any ranks" "the reports differ" cmp -s judged-2/judge.json judged-1/judge.json
asked=$(counted "$judge" answered)
stats "$judge"
before=$(counted "$judge" answered)
attempt judge-again.log ranks 2 "$retort" judge roles.yaml roles/student test.jsonl --answer-text output --output judged-file
expect "a student before the known answers" "$why" [ -s judged-file/judge.json ]
attempt judge-again.log ranks 2 "$retort" judge roles.yaml roles/student test.jsonl --answer-text output --output judged-again
stats "$judge"
expect "judged again for nothing" "$(counted "$judge" repeated_requests) repeated" [ "$(counted "$judge" repeated_requests)" = 0 ]
expect "and judged at all" "$asked, $before and $(counted "$judge" answered)" [ "$before" -gt "$asked" ]

# --- The closed loop.
if [ "${RETORT_LOOP:-0}" != 1 ]; then
    skip "closed loop" "RETORT_LOOP=1 runs it"
    exit
fi
bash "$root/deploy/e2e/loop/lion-instructor.sh" "$retort" "$double" | tee loop.txt
