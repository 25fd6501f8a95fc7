#!/usr/bin/env bash
# The exported student in `transformers`: it loads with no conversion, predicts the test set as the report says, and
# gives the same logits (and gradients) as ours, compared by `retort bench parity` on what PyTorch recorded.
#
#   RETORT_PYTHON=FILE   a python with torch and transformers, instead of making one in work/venv (kept for later runs)
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

if ! find_torch; then
    skip "export" "$torch_missing"
    exit
fi
python=$torch_python

make_small_run 320 160
if ! attempt run.log ranks 2 "$retort" run small.yaml; then
    not_ok "export" "the run ended with $why"
    exit
fi
export HF_HUB_OFFLINE=1
if ! attempt record.log "$python" "$root/deploy/e2e/record_student.py" run/student test.jsonl golden; then
    not_ok "loads in transformers" "$why"
    exit
fi
ok "loads in transformers"

reported=$(json_value student_accuracy run/report.json)
measured=$(json_value accuracy golden/measured.json)
expect "same accuracy in transformers" "transformers: $measured, report: $reported" \
    awk -v a="$reported" -v b="$measured" 'BEGIN { d = a - b; exit !(a != "" && d < 1e-6 && d > -1e-6) }'

"$retort" bench parity golden >parity.json 2>parity.log
expect "same logits and gradients as PyTorch" "$(head -c 200 parity.json) $(last_line parity.log)" \
    grep -qE '"pass"[[:space:]]*:[[:space:]]*true' parity.json
