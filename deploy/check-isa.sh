<<<<<<< HEAD
#!/bin/sh
# Fails when code for one instruction set could run where another was chosen.
#
#   deploy/check-isa.sh [BUILD_FOLDER]     default: .build/release
#
# Swift emits a specialisation of a generic function (of Array, say, or a SIMD initialiser) as a weak
# symbol under a name that says nothing of the instruction set it was compiled for, and the linker
# keeps one copy for the whole program: a baseline build was seen calling AVX code. So:
#   1. an object of an instruction set defines no weak code symbol, and no global one but its
#      retort_* functions (a module's own mangled names are let pass: debug builds have some);
#   2. objects that must run everywhere use no 256- or 512-bit register, and AVX2 no 512-bit one;
#   3. the wide kernels are wide: a build whose flags were lost would be slow, not wrong.
set -eu

build=${1:-.build/release}
failures=0

fail() {
    echo "check-isa: $*" >&2
    failures=$((failures + 1))
}

objects() { find "$build/$1.build/" -name '*.o' 2>/dev/null; }

for tool in nm objdump; do
    command -v "$tool" >/dev/null || {
        echo "check-isa: $tool is missing (Debian: apt-get install binutils)" >&2
        exit 2
    }
done
if [ "$(uname -m)" != x86_64 ]; then
    echo "check-isa: nothing to check on $(uname -m): it has one set of kernels"
    exit 0
fi

# Names of code symbols of a kind (a set of nm letters) in one object.
symbols() { nm --defined-only "$2" | awk -v kinds="$1" 'index(kinds, $2) { print $3 }'; }

check_symbols() { # module, prefix of its C functions
    for object in $(objects "$1"); do
        for symbol in $(symbols W "$object"); do
            fail "$1: weak symbol $symbol in $(basename "$object"): the linker may give it to code" \
                "for other processors. Use pointers, integers, floats and vectors alone there."
        done
        for symbol in $(symbols T "$object"); do
            case $symbol in
            "$2"* | *"$1"* | __swift_reflection_version) ;;
            *) fail "$1: global function $symbol in $(basename "$object") isn't one of $2*" ;;
            esac
        done
    done
}

# Disassembly of one object holds a register pattern.
uses() { objdump -d --no-show-raw-insn "$1" | grep -Eq "$2"; }

check_registers() { # module, pattern of forbidden registers, their name
    for object in $(objects "$1"); do
        if uses "$object" "$2"; then fail "$1: $(basename "$object") uses $3 registers"; fi
    done
}

for module in KernelsBaseline KernelsAVX2 KernelsAVX512 TensorCore; do
    [ -n "$(objects $module)" ] || {
        echo "check-isa: no objects of $module under $build: build first (swift build -c release)" >&2
        exit 2
    }
done

check_symbols KernelsBaseline retort_baseline_
check_symbols KernelsAVX2 retort_avx2_
check_symbols KernelsAVX512 retort_avx512_

# The program's own modules are the folders of Sources; a missing one is one not yet built.
root=$(cd "$(dirname "$0")/.." && pwd)
narrow="KernelsBaseline KernelSource CKernels Kernels"
for folder in "$root"/Sources/*/; do narrow="$narrow $(basename "$folder")"; done
for module in $(printf '%s\n' $narrow | sort -u); do
    check_registers "$module" '%[yz]mm[0-9]' '256- or 512-bit'
done
check_registers KernelsAVX2 '%zmm[0-9]' '512-bit'

wide() { # module, pattern
    for object in $(objects "$1"); do
        if uses "$object" "$2"; then return 0; fi
    done
    fail "$1 has no wide instruction: were its compiler flags lost?"
=======
#!/usr/bin/env bash
# Fails when code made for one instruction set could run where another one was chosen.
#
#   bash deploy/check-isa.sh [BUILD]     BUILD: what `swift build --show-bin-path` prints (.build/release)
#
# Swift emits specialisations of generic functions, value witnesses and the like as weak symbols whose name
# says nothing of the instruction set, and the linker keeps one copy for the whole program: a baseline build
# was seen calling AVX code. Therefore
#   1. objects of KernelsAVX2 and KernelsAVX512 define no weak code, except under names that contain the
#      module's own (protocol witnesses of its types): no other object can define those;
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

# The objects of a target: one with whole-module optimisation, one for each file without.
objects() { find "$build/$1.build/" -name '*.o' 2>/dev/null | sort; }

# Weak code: a symbol of kind W in nm's output is weak; V is a weak object, which is data unless it lies in a
# section of code, as objdump says.
weak_code() { # MODULE
    local own=${#1}$1 object
    while read -r object; do
        objdump -t "$object" | awk -v own="$own" -v module="$1" -v file="$(basename "$object")" '
            $1 ~ /^[0-9a-f]+$/ && substr($0, 18, 7) ~ /w/ && $0 ~ /[\t ]\.text[^\t]*\t/ && index($NF, own) == 0 {
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
for name in KernelsBaseline KernelsAVX2 KernelsAVX512 Kernels TensorCore; do
    [ -n "$(objects "$name")" ] || fail 69 "no objects of $name in $build: build first (swift build -c release)"
done

violations=$(
    {
        weak_code KernelsAVX2
        weak_code KernelsAVX512
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
>>>>>>> 21dc87dcfb6c4c6abe48ee3a8c04678aaf853696
}
wide KernelsAVX2 'vfmadd.*%ymm'
wide KernelsAVX512 'vfmadd.*%zmm'

<<<<<<< HEAD
if [ "$failures" -gt 0 ]; then
    echo "check-isa: FAILED, $failures violation(s) in $build" >&2
    exit 1
fi
echo "check-isa: ok ($build: no shared weak code, no wide register outside its instruction set)"
=======
if [ -n "$violations" ]; then
    printf '%s\n' "$violations"
    printf 'check-isa: %s violations in %s\n' "$(wc -l <<<"$violations")" "$build" >&2
    exit 1
fi
echo "ok: no shared weak code in the wide kernels, no wide register outside them ($build)"
>>>>>>> 21dc87dcfb6c4c6abe48ee3a8c04678aaf853696
