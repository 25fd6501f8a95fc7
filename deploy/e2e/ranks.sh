#!/usr/bin/env bash
# The same recipe on 1, 2, 3 and 4 ranks ends with the same figures; a second call on another count says that all is done.
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
make_small_run 320 160

for count in 1 2 3 4; do
    if attempt "$count.log" ranks "$count" "$retort" run small.yaml --set output_dir="run-$count"; then
        expect_same_figures "run on $count ranks" run-1 "run-$count"
        reported=$(json_value ranks "run-$count/report.json")
        expect "report of $count ranks" "it says '$reported'" [ "$reported" = "$count" ]
    else
        not_ok "run on $count ranks" "$why"
    fi
done

# A run that is done isn't done again.
before=$(cksum run-1/report.json run-1/metrics.jsonl)
if attempt again.log ranks 3 "$retort" run small.yaml --set output_dir=run-1; then
    expect "second call" "it wrote the report or the metrics again" \
        [ "$before" = "$(cksum run-1/report.json run-1/metrics.jsonl)" ]
else
    not_ok "second call" "$why"
fi

student_accuracy=$(json_value student_accuracy run-1/report.json)
expect "the student learns" "accuracy '$student_accuracy' on four easy classes" \
    awk -v accuracy="$student_accuracy" 'BEGIN { exit !(accuracy > 0.6) }'
