#!/usr/bin/env bash
# Measures Retort beside PyTorch on this machine: the two in turn, several rounds, and the ratio of each round.
#
#   bash deploy/bench.sh [--rounds N] [--steps N] [--output FOLDER] [PART...]
#
#   parts: gemm train infer threads ragged (these by default), allreduce, decoder, encoder
#   --rounds N       rounds (5); a row's ratio is given with its least, median and greatest over them
#   --steps N        timed training steps of a measurement (12)
#   --output FOLDER  where the page and the raw lines go (docs/benchmarks)
#
#   RETORT=FILE            the program to measure, instead of building it
#   RETORT_PYTHON=FILE     a python with torch and transformers, instead of making one in work/venv
#   RETORT_STUDENT=FOLDER  a model folder to use instead of fetching all-MiniLM-L6-v2
#   RETORT_DECODER=FOLDER  a decoder to train in the part "decoder", instead of a random Llama of 34 million weights
#   RETORT_ENCODER=FOLDER  an encoder to train in the part "encoder", instead of a random one of DeBERTa-v3-base's shape
#   RETORT_PEER=FOLDER     where peer_gemm.py and peer_train.py are (../shared/reference beside this clone)
#
# Without the peer's scripts or torch, ours is measured alone. All of it takes about half an hour on two cores; nothing
# else should run meanwhile. How to read what comes out: docs/benchmarks/README.md. Logs and the raw lines of the last
# call are in work/bench/. Ends with 0, or 69 where the peer broke off (the page says at what, and has the rest).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=bench
# shellcheck source=deploy/machine.sh
. "$root/deploy/machine.sh"

all_parts=(gemm train infer threads ragged allreduce decoder encoder)
rounds=5 steps=12 output=$root/docs/benchmarks parts=()
while [ $# -gt 0 ]; do
    case $1 in
        --rounds | --steps)
            case ${2:-} in '' | 0* | *[!0-9]* | ??????*) fail 64 "$1 ${2:-}: give a number from 1 on" ;; esac
            if [ "$1" = --rounds ]; then rounds=$2; else steps=$2; fi
            shift
            ;;
        --output)
            [ -n "${2:-}" ] || fail 64 "--output: give a folder"
            case $2 in /*) output=$2 ;; *) output=$PWD/$2 ;; esac
            shift
            ;;
        -h | --help)
            sed -n '2,/^set /{/^# \{0,1\}/s///p}' "${BASH_SOURCE[0]}"
            exit 0
            ;;
        -*) fail 64 "no such option: $1 (--rounds --steps --output)" ;;
        *)
            [[ " ${all_parts[*]} " = *" $1 "* ]] || fail 64 "no such part: $1 (${all_parts[*]})"
            parts+=("$1")
            ;;
    esac
    shift
done
[ ${#parts[@]} -gt 0 ] || parts=(gemm train infer threads ragged)
wanted() { [[ " ${parts[*]} " = *" $1 "* ]]; }
cd "$root"

scratch=$work/bench
raw=$scratch/raw.jsonl
# The longest that one measurement may take, seconds: the peer's ranks wait for ever for one that died.
patience=900
batch=32 length=128 shortest=8 mean_length=40

# ---------------------------------------------------------------------------------------------------------------------
# Ends. What is measured runs in a process group of its own, so that a signal here stops the whole of it.

running='' page_temporary='' lines_temporary=''
leave() {
    [ -z "$page_temporary" ] || rm -f "$page_temporary" "$lines_temporary"
}
stop() {
    trap '' HUP INT TERM
    if [ -n "$running" ]; then
        kill -TERM -- "-$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
        kill -KILL -- "-$running" 2>/dev/null || true
    fi
    fail 75 "interrupted: no page was written; the raw lines so far are in work/bench/raw.jsonl"
}
trap leave EXIT
trap stop HUP INT TERM

# ---------------------------------------------------------------------------------------------------------------------
# Measuring. Every JSON line goes to the raw lines with the part, the round, the side, the time and the load
# average before it in front.

note() { # SENTENCE: on the page, and here; once
    ! grep -qxF "$1" "$scratch/notes.txt" || return 0
    printf '%s\n' "$1" >>"$scratch/notes.txt"
    say "$1"
}

load_average() { cut -d ' ' -f 1 /proc/loadavg; }

measure() { # SIDE NAME COMMAND...: the command's code; its JSON lines are kept
    local side=$1 name=$2 log=$scratch/$1-${2// /-}.log lines=$scratch/lines head status=0
    shift 2
    head=$(printf '{"part":"%s","round":%d,"side":"%s","at":"%s","load":%s,' \
        "$part" "$round" "$side" "$(date -u +%FT%TZ)" "$(load_average)")
    set -m
    timeout --kill-after=10 "$patience" "$@" >"$lines" 2>"$log" </dev/null 9>&- &
    running=$!
    set +m
    wait "$running" || status=$?
    running=
    if [ "$status" -eq 0 ] && ! grep -q '^{' "$lines"; then
        echo "it printed no JSON line" >>"$log"
        status=70
    fi
    [ "$status" -ne 124 ] || echo "no end after $patience seconds" >>"$log"
    [ "$status" -ne 0 ] || sed -n "s/^{[[:space:]]*/$head/p" "$lines" >>"$raw"
    return "$status"
}

reason() { grep -m 1 '^error: ' "$1" || grep -vE '^[[:space:]-]*$' "$1" | tail -n 1; }

# The one place that asks what this build of the program can do.
knows() { # COMMAND OPTION
    local help
    help=$("$retort" bench "$1" --help 2>&1) || true
    grep -q -e "$2" <<<"$help"
}

can_measure() { # COMMAND DTYPE
    [ "$2" = float32 ] || knows "$1" --dtype || {
        note "skipped: $part $2 (this program's 'bench $1' has no --dtype)"
        return 1
    }
}

ours() { # DTYPE RANKS COMMAND OPTIONS...: a failure of ours ends the benchmark with its code
    local dtype=$1 ranks=$2 command=$3 status=0 words launch=()
    shift 3
    if [ "$ranks" -eq 1 ]; then launch=("${one_rank[@]}"); else launch=("${two_ranks[@]}"); fi
    words=("$retort" bench "$command" "$@")
    ! knows "$command" --dtype || words+=(--dtype "$dtype")
    measure ours "$part $dtype $ranks" "${launch[@]}" "${words[@]}" || status=$?
    [ "$status" -eq 0 ] || fail "$status" "'retort bench $command' ended with code $status at $part $dtype, no page was \
written: $(reason "$scratch/ours-$part-$dtype-$ranks.log")"
}

peer_failures=0
peer() { # DTYPE RANKS SCRIPT OPTIONS...: on the cores that ours has; one that fails isn't tried again
    local dtype=$1 ranks=$2 script=$3 cores=$cores_of_two status=0 failed=$scratch/failed-$part-$1-$2
    shift 3
    case $script in /*) ;; *) script=$peer_folder/$script ;; esac
    [ -n "$torch_python" ] && [ ! -e "$failed" ] || return 0
    [ "$ranks" -ne 1 ] || cores=$cores_of_one
    measure peer "$part $dtype $ranks" env HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE=1 taskset -c "$cores" \
        "$torch_python" "$script" "$@" || status=$?
    [ "$status" -ne 0 ] || return 0
    peer_failures=$((peer_failures + 1))
    : >"$failed"
    note "the peer's ${script##*/} ended with code $status at $part $dtype, round $round; later rounds go without it"
    say "its last line: $(reason "$scratch/peer-$part-$dtype-$ranks.log")"
}

peer_train() { # DTYPE STEPS
    peer "$1" 2 peer_train.py --model "$student" --ranks 2 --threads 1 --batch "$batch" --length "$length" \
        --dtype "$1" --steps "$2"
}

our_step() { # DTYPE RANKS COMMAND STEPS OPTIONS...
    local dtype=$1 ranks=$2 command=$3 count=$4
    shift 4
    ours "$dtype" "$ranks" "$command" --model "$student" --batch "$batch" --length "$length" --steps "$count" "$@"
}

# ---------------------------------------------------------------------------------------------------------------------
# The parts; each is one round.

round_of_gemm() {
    ours float32 1 gemm --threads 1
    ! can_measure gemm bfloat16 || ours bfloat16 1 gemm --threads 1
    peer all 1 peer_gemm.py
}

round_of_train() {
    local dtype
    for dtype in float32 bfloat16; do
        can_measure train "$dtype" || continue
        our_step "$dtype" 2 train "$steps" --threads 1
        peer_train "$dtype" "$steps"
    done
}

# The peer's script has no inference alone; after one step of training it times four batches. So do we.
round_of_infer() {
    local dtype
    for dtype in float32 bfloat16; do
        can_measure infer "$dtype" || continue
        our_step "$dtype" 2 infer 4 --threads 1
        peer_train "$dtype" 1
    done
}

round_of_threads() {
    local dtype
    for dtype in float32 bfloat16; do
        can_measure train "$dtype" || continue
        our_step "$dtype" 1 train "$steps" --threads 2
        our_step "$dtype" 2 train "$steps" --threads 1
    done
}

round_of_ragged() {
    if ! knows train --mean-length; then
        note "skipped: ragged (this program's 'bench train' has no --mean-length)"
        return 0
    fi
    our_step float32 2 train "$steps" --threads 1 --shortest "$shortest" --mean-length "$mean_length"
    peer_train float32 "$steps"
    ! can_measure train bfloat16 ||
        our_step bfloat16 2 train "$steps" --threads 1 --shortest "$shortest" --mean-length "$mean_length"
}

round_of_allreduce() { ours float32 2 allreduce; }

decoder_script=$root/deploy/bench/peer_decoder.py
round_of_decoder() {
    local dtype
    for dtype in float32 bfloat16; do
        can_measure train "$dtype" || continue
        ours "$dtype" 1 train --model "$decoder" --batch 8 --length 256 --steps "$steps" --threads 1
        peer "$dtype" 1 "$decoder_script" --model "$decoder" --threads 1 --batch 8 --length 256 --dtype "$dtype" \
            --steps "$steps"
    done
}

encoder_script=$root/deploy/bench/peer_encoder.py
round_of_encoder() {
    local dtype
    for dtype in float32 bfloat16; do
        can_measure train "$dtype" || continue
        ours "$dtype" 1 train --model "$encoder" --batch 8 --length 128 --steps "$steps" --threads 1
        peer "$dtype" 1 "$encoder_script" --model "$encoder" --threads 1 --batch 8 --length 128 --dtype "$dtype" \
            --steps "$steps"
    done
}

# ---------------------------------------------------------------------------------------------------------------------
# What the page says of the machine: `key<TAB>value` lines.

fact() { printf '%s\t%s\n' "$1" "${2:-unknown}" >>"$scratch/facts.tsv"; }

cpu_field() { LC_ALL=C lscpu | sed -n "s/^[[:space:]]*$1:[[:space:]]*//p" | head -n 1; }

# The instruction set, and what `doctor` says of bf16: a column of its table, or a line.
ask_doctor() {
    "${one_rank[@]}" "$retort" doctor "$scratch" >"$scratch/doctor.txt" 2>/dev/null </dev/null || true
    fact "instruction set (retort doctor)" "$(sed -n 's/.*instruction set \([^ ,;]*\).*/\1/p' "$scratch/doctor.txt" | tail -n 1)"
    fact "bf16 (retort doctor)" "$(awk -F '  +' '
        { gsub(/^ +| +$/, "") }
        column && /^[0-9]/ { print $column; found = 1; exit }
        !column { for (i = 1; i <= NF; i++) if (tolower($i) ~ /^(native )?(bf16|bfloat16)( native)?$/ && NF > 3) column = i }
        !column && tolower($0) ~ /bf16|bfloat16/ { print; found = 1; exit }
        END { if (!found) print "this version does not say" }' "$scratch/doctor.txt")"
}

write_facts() {
    local flag flags='' folder path
    fact CPU "$cpu"
    fact architecture "$(uname -m)"
    fact "cores here" "$(nproc), $(cpu_field 'Thread(s) per core') threads a core, $(cpu_field 'Socket(s)') sockets"
    fact caches "L1d $(cpu_field 'L1d cache'), L2 $(cpu_field 'L2 cache'), L3 $(cpu_field 'L3 cache')"
    for flag in avx2 fma avx512f avx512_vnni avx512_bf16 amx_tile amx_bf16 asimd sve bf16; do
        ! grep -m 1 -E '^(flags|Features)[[:space:]]*:' /proc/cpuinfo | grep -qw "$flag" || flags+=" $flag"
    done
    fact "CPU flags, of those that matter" "${flags:- none}"
    ask_doctor
    fact virtualisation "$(cpu_field 'Hypervisor vendor' | grep . || echo none)"
    fact memory "$(awk '/^MemTotal/ { t = $2 } /^MemAvailable/ { a = $2 } END { printf "%d MiB, %d MiB of it free", t / 1024, a / 1024 }' /proc/meminfo)"
    fact "transparent large pages" "$(sed -n 's/.*\[\(.*\)\].*/\1/p' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)"
    fact kernel "$(uname -sr)"
    path=$(readlink -f "${RETORT:-$root/.build/release/retort}") folder=$(dirname "$path")
    fact retort "$("$retort" --version), commit $(git -C "$folder" describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null ||
        echo unknown), sha256 of the program $(sha256sum "$retort" | cut -c 1-16)"
    fact Swift "$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([^ ]*\).*/\1/p' | head -n 1 | grep . || echo "not on the PATH")"
    fact "Open MPI" "$(mpirun --version | sed -n 's/.*(Open MPI) *//p' | head -n 1)"
    fact "cores of 1 rank, of 2 ranks" "$cores_of_one; $cores_of_two (${two_ranks[*]/--allow-run-as-root/})"
    [ -z "$torch_python" ] || "$torch_python" - >>"$scratch/facts.tsv" 2>/dev/null <<'PYTHON' || true
import platform, torch, transformers, numpy
print("Python", platform.python_version(), sep="\t")
print("torch", torch.__version__, sep="\t")
print("torch's instruction set", torch.backends.cpu.get_cpu_capability(), sep="\t")
print("transformers", transformers.__version__, sep="\t")
print("numpy", numpy.__version__, sep="\t")
PYTHON
}

# The cores that the ranks of an mpirun line are bound to, as taskset wants them.
cores_of() { # LAUNCHER...
    "$@" grep Cpus_allowed_list /proc/self/status </dev/null 2>/dev/null | cut -f 2 | sort -u | paste -s -d , -
}

# ---------------------------------------------------------------------------------------------------------------------
# Preparing

# Nothing else may be measured meanwhile, and work/bench is written by one at a time.
mkdir -p "$work" || fail 74 "cannot write in $work"
require_packages util-linux # flock, taskset, lscpu
exec 9>"$work/bench.lock"
flock -n 9 || fail 75 "another bench.sh runs in this clone: two at a time would measure each other"
rm -rf "$scratch"
mkdir -p "$scratch" "$work/logs" || fail 74 "cannot write in $work"
if ! mkdir -p "$output" 2>/dev/null || [ ! -w "$output" ]; then fail 74 "cannot write in $output"; fi
touch "$raw" "$scratch"/{notes.txt,facts.tsv,parts.tsv}

if [ -n "${RETORT:-}" ]; then
    if [ ! -x "$RETORT" ] || [ -d "$RETORT" ]; then fail 66 "RETORT=$RETORT: no such program"; fi
    require_packages openmpi-bin unzip
else
    require_packages "${build_packages[@]}"
    require_swift
    say "building"
    swift build -c release --product retort ||
        fail 70 "the build failed, see above (the first one fetches Swift packages from github.com)"
fi
command -v python3 >/dev/null 2>&1 || require_packages python3
# A copy: a build in the middle must not change what is measured.
retort=$scratch/retort
cp "${RETORT:-$root/.build/release/retort}" "$retort" || fail 74 "cannot copy the program to $scratch"
"$retort" --version >/dev/null 2>&1 || fail 66 "the program does not start: $("$retort" --version 2>&1 | tail -n 1)"

student=$work/demo/student
for part in "${parts[@]}"; do
    case $part in gemm | allreduce | decoder | encoder) ;; *) require_student ;; esac
done

peer_folder=${RETORT_PEER:-$root/../shared/reference} torch_python=
wants_peer_scripts() { wanted gemm || wanted train || wanted infer || wanted ragged; }
wants_peer() { wants_peer_scripts || wanted decoder || wanted encoder; }
if wants_peer_scripts && { [ ! -f "$peer_folder/peer_gemm.py" ] || [ ! -f "$peer_folder/peer_train.py" ]; }; then
    note "ours alone: no peer_gemm.py and peer_train.py where RETORT_PEER says"
elif wants_peer; then
    if [ -z "${RETORT_PYTHON:-}" ] && [ ! -x "$work/venv/bin/python" ]; then
        say "making a python with torch in work/venv"
        python3 -c 'import ensurepip' >/dev/null 2>&1 || (require_packages python3-venv) || true
    fi
    find_torch || {
        torch_python=
        say "$torch_missing" # a path of this machine may be in it: not for the page
        note "ours alone: no python with torch"
    }
fi

decoder=${RETORT_DECODER:-$scratch/decoder}
if wanted decoder && [ -z "${RETORT_DECODER:-}" ]; then
    [ -n "$torch_python" ] || fail 69 "the part decoder wants a python with torch, or RETORT_DECODER=FOLDER"
    "$torch_python" "$decoder_script" --make "$decoder" >"$scratch/decoder.log" 2>&1 ||
        fail 70 "no random decoder could be made: $(tail -n 1 "$scratch/decoder.log")"
fi
encoder=${RETORT_ENCODER:-$scratch/encoder}
if wanted encoder && [ -z "${RETORT_ENCODER:-}" ]; then
    [ -n "$torch_python" ] || fail 69 "the part encoder wants a python with torch, or RETORT_ENCODER=FOLDER"
    "$torch_python" "$encoder_script" --make "$encoder" >"$scratch/encoder.log" 2>&1 ||
        fail 70 "no random encoder could be made: $(tail -n 1 "$scratch/encoder.log")"
fi

choose_launcher 1
one_rank=("${launcher[@]}") cores_of_one=$(cores_of "${launcher[@]}")
choose_launcher 2
two_ranks=("${launcher[@]}") cores_of_two=$(cores_of "${launcher[@]}")
if [ -z "$cores_of_one" ] || [ -z "$cores_of_two" ]; then fail 69 "can't tell which cores mpirun binds to"; fi

cpu=$(cpu_field 'Model name')
case $cpu in '' | -) cpu=$(uname -m) ;; esac
started=$(date +%Y-%m-%d)
write_facts

# ---------------------------------------------------------------------------------------------------------------------
# Running, and the page at the end

for part in "${all_parts[@]}"; do
    wanted "$part" || continue
    load=$(cut -d ' ' -f 1-3 /proc/loadavg) began=$SECONDS
    for ((round = 1; round <= rounds; round++)); do
        say "$part, round $round of $rounds (load average $(load_average))"
        "round_of_$part"
    done
    printf '%s\t%s\t%s\n' "$part" "$load" "$((SECONDS - began))" >>"$scratch/parts.tsv"
done
[ -s "$raw" ] || fail 69 "nothing was measured: $(tail -n 1 "$scratch/notes.txt")"

slug=$(printf '%s' "$cpu" | tr '[:upper:]' '[:lower:]' | sed -E 's/\((r|tm)\)//g; s/@.*//; s/[^a-z0-9]+/-/g; s/^-+|-+$//g')
name=$started-$slug number=1
while [ -e "$output/$name.md" ] || [ -e "$output/$name.jsonl" ]; do
    number=$((number + 1)) name=$started-$slug-$number
done
python3 "$root/deploy/bench/report.py" "$scratch" --date "$started" --rounds "$rounds" --steps "$steps" \
    --raw "$name.jsonl" || fail 70 "the page could not be made; the raw lines are in work/bench/raw.jsonl"
page_temporary=$output/.$name.md.$$ lines_temporary=$output/.$name.jsonl.$$
cp "$scratch/page.md" "$page_temporary" || fail 74 "cannot write in $output"
cp "$raw" "$lines_temporary" || fail 74 "cannot write in $output"
trap '' HUP INT TERM # from here on both files, or none
mv "$lines_temporary" "$output/$name.jsonl"
mv "$page_temporary" "$output/$name.md"
page_temporary=
say "written: ${output#"$root"/}/$name.md and .jsonl"
[ "$peer_failures" -eq 0 ] || fail 69 "the peer broke off at $peer_failures measurements, see the page and work/bench/peer-*.log"
