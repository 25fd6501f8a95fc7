#!/usr/bin/env bash
# The exported student in `transformers`: it loads with no conversion, predicts the test set as the report says, and
# gives the same logits (and gradients) as ours, compared by `retort bench parity` on what PyTorch recorded.
#
#   RETORT_PYTHON=FILE   a python with torch and transformers, instead of making one in work/venv (kept for later runs)
# shellcheck source=deploy/e2e/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

python=${RETORT_PYTHON:-$work/venv/bin/python}
works() { "$python" -c 'import torch, transformers, safetensors' >/dev/null 2>&1; }
make_venv() {
    rm -rf "$work/venv"
    python3 -m venv "$work/venv" || return
    # The processor's build of torch where the configured index has it, else from PyTorch's own index.
    local pip=("$python" -m pip install -q --no-cache-dir transformers==5.23.0 numpy)
    "${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0+cpu --extra-index-url https://download.pytorch.org/whl/cpu
}
if ! works && { [ -n "${RETORT_PYTHON:-}" ] || ! make_venv >venv.log 2>&1 || ! works; }; then
    skip "export" "no python with torch and transformers: $(last_line venv.log 2>/dev/null)"
    exit
fi

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
