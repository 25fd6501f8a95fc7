#!/usr/bin/env bash
# LLM2LLM end to end with a tutor of word problems behind HTTP: rounds over ranks, a kill in the middle, the budget, and the
# same figures whoever did it. With RETORT_LOOP=1 also the closed loop of docs/llm2llm.md: a student that is pretrained here,
# and what the rounds give over the seeds alone and over bulk augmentation at equal calls, three seeds.
#
#   RETORT_LOOP=1    the closed loop too (an hour on two cores)
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# shellcheck source=deploy/e2e/double.sh
. "$root/deploy/e2e/double.sh"
count() { grep -c . "$1" 2>/dev/null || true; }

"$double" --tutor-student student --student-width 64 --student-layers 2 || fail 70 "no student"
"$double" --tutor-data examination --count 24 --seed 1 >seeds.jsonl
"$double" --tutor-data examination --count 24 --seed 900 >test.jsonl

recipe() { # NAME PORT: NAME.yaml
    cat >"$1.yaml" <<YAML
name: $1
seed: 3
output_dir: $1
data: {pool: seeds.jsonl, test: test.jsonl, text_field: question, label_field: answer, id_field: id}
teacher: {kind: openai, base_url: "http://127.0.0.1:$2/v1", model: tutor, timeout: 5, price: {input_per_million: 150, output_per_million: 600}}
student: {model: student, max_seq_length: 256, prompt_template: "Question: {{prompt}}\nAnswer:"}
method: {name: llm2llm, task: numeric, rounds: 3, per_seed: 2, attempts: 3, agreement_samples: 1}
train: {epochs: 1, global_batch_size: 8, micro_batches: 4, learning_rate: 1.0e-3}
checkpoint: {save_steps: 2}
evaluate: {eval_steps: 0, logging_steps: 1000, max_new_tokens: 24, compare: number}
YAML
}

# --- Rounds over two ranks.
start_double whole --tutor --latency-ms 5
recipe whole "$port"
if attempt whole.log ranks 2 "$retort" run whole.yaml; then
    ok "three rounds on two ranks"
    stats "$port"
    # Each answer that was paid for is one that the rounds asked for.
    expect "no question is paid for twice" "$(counted "$port" repeated_requests) repeated" [ "$(counted "$port" repeated_requests)" = 0 ]
    expect "the data grows" "$(count whole/data/round-2.jsonl) items" [ "$(count whole/data/round-2.jsonl)" -gt 100 ]
    expect "the student loads" "no weights" [ -s whole/student/model.safetensors ]
    asked=$(counted "$port" answered)
    expect "the report counts the calls" "$(json_value teacher_requests whole/report.json) against $asked" \
        [ "$(json_value teacher_requests whole/report.json)" = "$asked" ]
else
    not_ok "three rounds on two ranks" "$why"
fi

# --- The same bits on one rank, and after kills.
recipe single "$port"
attempt single.log ranks 1 "$retort" run single.yaml || not_ok "one rank" "$why"
same=yes
for file in data/round-0.jsonl data/round-1.jsonl data/round-2.jsonl student/model.safetensors; do
    cmp -s "whole/$file" "single/$file" || same=$file
done
expect "the same bits on one rank" "$same differs" [ "$same" = yes ]

# Kills a rank as soon as a file is there; each time the run is in another round or stage.
start_double slow --tutor --latency-ms 150
recipe killed "$port"
kills=0
kill_at() { # PATTERN: of files that this call is the first to write
    local launched victim
    ranks 2 "$retort" run killed.yaml >killed.log 2>&1 &
    launched=$!
    until compgen -G "killed/$1" >/dev/null; do
        kill -0 "$launched" 2>/dev/null || break
        sleep 0.02
    done
    victim=$(ps -e -o pid=,args= | awk -v program="$retort" '$2 == program && /run killed.yaml/ { pid = $1 } END { print pid }')
    kill -KILL "${victim:-none}" 2>/dev/null && kills=$((kills + 1))
    wait "$launched" 2>/dev/null
}
kill_at 'rounds/0/checkpoints/step-*/manifest.json'
kill_at 'data/round-0.json'
kill_at 'rounds/1/checkpoints/step-*/manifest.json'
kill_at 'data/round-1.json'
kill_at 'rounds/2/checkpoints/step-*/manifest.json'
expect "killed in five places" "$kills kills; $(last_line killed.log)" [ "$kills" = 5 ]
expect "and not done before the last call" "a report is there" [ ! -e killed/report.json ]
if attempt killed.log ranks 2 "$retort" run killed.yaml; then
    same=yes
    for file in data/round-1.jsonl data/round-2.jsonl student/model.safetensors; do
        cmp -s "whole/$file" "killed/$file" || same=$file
    done
    expect "the same bits after kills" "$same differs" [ "$same" = yes ]
else
    not_ok "the same bits after kills" "$why"
fi

# --- The budget holds over all rounds, and a higher one goes on.
start_double again --tutor --latency-ms 5
recipe capped "$port"
attempt capped.log ranks 2 "$retort" run capped.yaml --set budget.requests=60
expect "the budget stops it" "$why" grep -q "budget is reached" capped.log
if attempt capped.log ranks 2 "$retort" run capped.yaml; then
    expect "and a higher one goes on to the same bits" "the students differ" cmp -s whole/student/model.safetensors capped/student/model.safetensors
else
    not_ok "and a higher one goes on to the same bits" "$why"
fi

# --- The baselines of the same program.
for source in none bulk; do
    recipe "$source" "$port"
    if attempt "$source.log" ranks 2 "$retort" run "$source.yaml" --set method.augmentation=$source --set method.calls=20; then
        ok "baseline $source"
    else
        not_ok "baseline $source" "$why"
    fi
done

# --- The closed loop.
if [ "${RETORT_LOOP:-0}" != 1 ]; then
    skip "closed loop" "RETORT_LOOP=1 runs it"
    exit
fi
bash "$root/deploy/e2e/loop/llm2llm-tutor.sh" "$retort" "$double" | tee loop.txt
