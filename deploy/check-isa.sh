#!/usr/bin/env bash
# Fails when code made for one instruction set could run where another one was chosen.
#
#   bash deploy/check-isa.sh [BUILD]     BUILD: what `swift build --show-bin-path` prints (.build/release)
#
# Swift emits specialisations of generic functions, value witnesses and the like as weak symbols whose name
# says nothing of the instruction set, and the linker keeps one copy for the whole program: a baseline build
# was seen calling AVX code. Therefore
#   1. objects of the four kernel targets define no weak code at all (they define no types either: the
#      vectors live in KernelSource);
#   2. objects of every other target of this project use no 256- or 512-bit register, and those of
#      KernelsAVX2 no 512-bit one;
#   3. the wide kernels are wide: a build that lost its flags would be slow instead of wrong.
# Packages from elsewhere are not looked at: BoringSSL, for one, chooses among its own kernels at run time.
#
# One line for each violation and exit code 1, or one `ok` line. 69: a tool or an object is missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${1:-$root/.build/release}

fail() { # EXIT-CODE MESSAGE
    printf 'check-isa: %s\n' "$2" >&2
    exit "$1"
}

if [ "$(uname -m)" != x86_64 ]; then
    echo "ok: nothing to check on $(uname -m), which has one set of kernels"
    exit 0
fi
for tool in nm objdump; do
    command -v "$tool" >/dev/null || fail 69 "$tool is missing (Debian: apt-get install binutils)"
done
demangle=(cat)
if command -v swift-demangle >/dev/null; then demangle=(swift-demangle --simplified); fi

# The objects of a target: one with whole-module optimisation, one for each file without. Those of source
# files that are gone stay in the folder and are not linked: `sources` names the present ones.
objects() {
    find "$build/$1.build/" -name '*.o' 2>/dev/null | sort | awk -v list="$build/$1.build/sources" '
        function name(path, parts, count) { count = split(path, parts, "/"); return parts[count] }
        BEGIN {
            while ((getline line < list) > 0) {
                gsub(/[\047"]/, "", line)
                present[name(line) ".o"] = 1
                known = 1
            }
        }
        !known || name($0) in present'
}

# Weak code: a symbol of kind W in nm's output is weak; V is a weak object, which is data unless it lies in a
# section of code, as objdump says.
weak_code() { # MODULE
    local object
    while read -r object; do
        objdump -t "$object" | awk -v module="$1" -v file="$(basename "$object")" '
            $1 ~ /^[0-9a-f]+$/ && substr($0, 18, 7) ~ /w/ && $0 ~ /[\t ]\.text[^\t]*\t/ {
                print module ": weak code in " file ", which the linker may give to the whole program: " $NF
            }'
    done < <(objects "$1")
}

# Functions that use a register, one line each.
registers() { # MODULE REGISTERS WORDS
    local object
    while read -r object; do
        objdump -d --no-show-raw-insn "$object" | awk -v wide="$2" -v words="$3" -v module="$1" \
            -v file="$(basename "$object")" '
            /^[0-9a-f]+ </ { symbol = substr($2, 2, length($2) - 3); next }
            $0 ~ wide && !(symbol in seen) {
                seen[symbol] = 1
                print module ": " words " register in " file ": " symbol
            }'
    done < <(objects "$1")
}

# Every target of this project; the parts of Kernels are targets of their own.
targets=(CKernels KernelSource Kernels KernelsBaseline)
for folder in "$root"/Sources/*/ "$root"/Tests/*/; do
    name=$(basename "$folder")
    [ "$name" = Kernels ] || targets+=("$name")
done
for name in KernelsBaseline KernelsAVX2 KernelsAVX512 KernelsAVX512BF16 Kernels TensorCore; do
    [ -n "$(objects "$name")" ] || fail 69 "no objects of $name in $build: build first (swift build -c release)"
done

violations=$(
    {
        weak_code KernelsBaseline
        weak_code KernelsAVX2
        weak_code KernelsAVX512
        weak_code KernelsAVX512BF16
        registers KernelsAVX2 '%zmm' '512-bit'
        for name in "${targets[@]}"; do registers "$name" '%[yz]mm' '256- or 512-bit'; done
    } | "${demangle[@]}"
)
wide() { # MODULE PATTERN
    local object found=
    while read -r object; do
        if objdump -d --no-show-raw-insn "$object" | grep -E "$2" >/dev/null; then found=yes; fi
    done < <(objects "$1")
    [ -n "$found" ] || violations+="${violations:+$'\n'}$1: no wide multiply-add; were its compiler flags lost?"
}
wide KernelsAVX2 'vfmadd.*%ymm'
wide KernelsAVX512 'vfmadd.*%zmm'
wide KernelsAVX512BF16 'vdpbf16ps.*%zmm'

if [ -n "$violations" ]; then
    printf '%s\n' "$violations"
    printf 'check-isa: %s violations in %s\n' "$(wc -l <<<"$violations")" "$build" >&2
    exit 1
fi
echo "ok: no shared weak code in the wide kernels, no wide register outside them ($build)"
