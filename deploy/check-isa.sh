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
}
wide KernelsAVX2 'vfmadd.*%ymm'
wide KernelsAVX512 'vfmadd.*%zmm'

if [ "$failures" -gt 0 ]; then
    echo "check-isa: FAILED, $failures violation(s) in $build" >&2
    exit 1
fi
echo "check-isa: ok ($build: no shared weak code, no wide register outside its instruction set)"
