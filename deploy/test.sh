#!/usr/bin/env bash
# Everything that must hold before a change is merged, from a clean clone, in one command:
# build without warnings, format, instruction-set gate, unit tests, tests under mpirun, end-to-end runs.
#
#   bash deploy/test.sh [PART...]      parts: build lint isa unit mpi e2e (all of them; build is always done)
#
#   RETORT_PYTHON=FILE   a python with torch and transformers to use instead of making one in work/venv
#   RETORT_STUDENT=FOLDER  a model folder to use instead of fetching all-MiniLM-L6-v2
#
# Ends with one line, `N passed, N failed` (`, N skipped` may follow), and a code other than 0 if anything
# failed. Logs are in work/test/. Only work/ and .build/ of this clone are written.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program='test'
# shellcheck source=deploy/machine.sh
. "$root/deploy/machine.sh"
cd "$root"

logs=$work/test
passed=0 failed=0 skipped=0 finished=

# The summary is printed however the script ends; an end before the last part is a failure itself.
summarise() {
    if [ -z "$finished" ]; then
        echo "not ok test.sh: stopped before its end"
        failed=$((failed + 1))
    fi
    printf '%d passed, %d failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
    printf '\n'
    [ "$failed" -eq 0 ] || exit 1
}
trap summarise EXIT
trap 'exit 75' HUP INT TERM

ok() { passed=$((passed + 1)); echo "ok $1"; }
not_ok() { failed=$((failed + 1)); echo "not ok $1: $2"; }
skip() { skipped=$((skipped + 1)); echo "skip $1: $2"; }

check() { # NAME COMMAND...: one check, its output in a log
    local name=$1 log=$logs/${1// /-}.log
    shift
    if "$@" >"$log" 2>&1; then ok "$name"; else not_ok "$name" "see ${log#"$root"/}; its end: $(tail -n 1 "$log")"; fi
}

wanted() { [ ${#parts[@]} -eq 0 ] || [[ " ${parts[*]} " = *" $1 "* ]]; }

# Adds the counts of a test run. A runner that dies, hangs or runs nothing is a failure of its own.
count_events() { # NAME STATUS LOG EVENTS...
    local name=$1 status=$2 log=$3 counts output
    shift 3
    output=$(awk -f deploy/count-tests.awk "$@" 2>/dev/null) || output="0 0 0"
    counts=$(tail -n 1 <<<"$output")
    grep '^not ok' <<<"$output" || true
    local p f s
    read -r p f s <<<"$counts"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$name: $p passed, $f failed, $s skipped"
    if [ "$f" -eq 0 ] && [ "$status" -ne 0 ]; then
        not_ok "$name" "the runner ended with code $status, see ${log#"$root"/}; its end: $(tail -n 1 "$log")"
    elif [ $((p + f)) -eq 0 ]; then
        not_ok "$name" "no test ran, see ${log#"$root"/}"
    fi
}

parts=("$@")
for part in "$@"; do
    case $part in build | lint | isa | unit | mpi | e2e) ;; *) fail 64 "no such part: $part (build lint isa unit mpi e2e)" ;; esac
done
rm -rf "$logs"
mkdir -p "$logs" || fail 74 "cannot write in $work"

say "machine"
require_packages "${build_packages[@]}" shellcheck python3-venv
require_swift

# A folder of its own: the tests need testable modules, and changing a flag in .build rebuilds everything.
say "build"
scratch=$root/.build/tests
swift_flags=(-c release -Xswiftc -enable-testing --scratch-path "$scratch")
export RETORT_STRICT=1 # Package.swift: warnings in our own targets are errors
if swift build "${swift_flags[@]}" --build-tests --explicit-target-dependency-import-check error 2>&1 | tee "$logs/build.log"; then
    ok build
else
    not_ok build "see ${logs#"$root"/}/build.log"
    finished=yes
    exit 1
fi
# What RETORT_STRICT doesn't reach: warnings about the manifest, and of C headers.
sed 's/\x1b\[[0-9;]*m//g' "$logs/build.log" | grep -E "^($root/(Sources|Tests|Package.swift)|warning: ).*warning: |^warning: " |
    grep -v "^warning: 'swift-" | # packages that we use, not ours
    sort -u >"$logs/warnings.txt" || true
if [ -s "$logs/warnings.txt" ]; then
    not_ok warnings "$(wc -l <"$logs/warnings.txt") in work/test/warnings.txt, first: $(head -n 1 "$logs/warnings.txt")"
else
    ok warnings
fi
binaries=$(swift build "${swift_flags[@]}" --show-bin-path)
bundle=$binaries/retortPackageTests.xctest

if wanted lint; then
    say "lint"
    check "format" swift format lint --strict --recursive --parallel Sources Tests Package.swift
    check "shellcheck" shellcheck -x .ci/run deploy/*.sh deploy/e2e/*.sh deploy/e2e/loop/*.sh deploy/slurm/*
fi

if wanted isa; then
    say "instruction sets"
    if [ ! -x deploy/check-isa.sh ]; then
        skip "isa" "deploy/check-isa.sh is not there"
    elif [ "$(uname -m)" != x86_64 ]; then
        skip "isa" "this is $(uname -m), the gate is about x86_64"
    else
        check "isa" deploy/check-isa.sh "$binaries"
    fi
    status=0
    output=$(deploy/check-arm64.sh 2>&1) || status=$?
    case $status in
        0) ok "arm64: ${output#ok: }" ;;
        77) skip "arm64" "${output#*skipped: }" ;;
        *) not_ok "arm64" "$output" ;;
    esac
fi

if wanted unit; then
    say "unit tests"
    status=0
    timeout 1500 swift test "${swift_flags[@]}" --skip-build --disable-xctest \
        --event-stream-output-path "$logs/unit.jsonl" >"$logs/unit.log" 2>&1 || status=$?
    count_events "unit tests" "$status" "$logs/unit.log" "$logs/unit.jsonl"
fi

if wanted mpi; then
    for ranks in 1 2 3 4; do
        say "tests under mpirun, $ranks ranks"
        choose_launcher "$ranks"
        status=0
        # shellcheck disable=SC2016 # each rank names its own stream
        timeout 300 "${launcher[@]}" --tag-output sh -c \
            'exec "$0" --testing-library swift-testing --filter MPI --event-stream-output-path "$1-$OMPI_COMM_WORLD_RANK.jsonl"' \
            "$bundle" "$logs/mpi-$ranks" >"$logs/mpi-$ranks.log" 2>&1 </dev/null || status=$?
        streams=()
        for ((rank = 0; rank < ranks; rank++)); do streams+=("$logs/mpi-$ranks-$rank.jsonl"); done
        count_events "mpirun -n $ranks" "$status" "$logs/mpi-$ranks.log" "${streams[@]}"
    done
fi

if wanted e2e; then
    say "end to end"
    (require_student && require_pool) || {
        not_ok "end to end" "no student or no pool, see above"
        finished=yes
        exit 1
    }
    for script in deploy/e2e/*.sh; do
        name=$(basename "$script" .sh)
        # These two are sourced by the others.
        case $name in setup | double) continue ;; esac
        say "$name"
        status=0
        RETORT=$binaries/retort timeout 900 bash "$script" 2>"$logs/e2e-$name.log" | tee "$logs/e2e-$name.txt" || status=$?
        p=$(grep -c '^ok ' "$logs/e2e-$name.txt" || true)
        f=$(grep -c '^not ok ' "$logs/e2e-$name.txt" || true)
        s=$(grep -c '^skip ' "$logs/e2e-$name.txt" || true)
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        if [ "$f" -eq 0 ] && [ "$status" -ne 0 ]; then
            not_ok "$name" "the script ended with code $status, see work/test/e2e-$name.log: $(tail -n 1 "$logs/e2e-$name.log")"
        elif [ $((p + f + s)) -eq 0 ]; then
            not_ok "$name" "the script checked nothing"
        fi
    done
fi
finished=yes
