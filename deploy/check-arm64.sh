#!/usr/bin/env bash
# Compiles the portable kernels for 64-bit ARM, on any machine, and looks whether they use its vectors.
#
#   bash deploy/check-arm64.sh [FOLDER]     FOLDER: where the objects go (work/arm64)
#
# The kernels need nothing of Swift's runtime, so the compiler's embedded mode, whose standard library for
# aarch64 comes with the toolchain, can build them without an ARM machine or its system libraries. With
# aarch64-linux-gnu-gcc and qemu-aarch64 installed they are run as well, against plain C loops.
#
# One `ok` line, or one line a failure and exit code 1. 77: the toolchain has no standard library for it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$root/work/arm64}
kernels=$root/Sources/Kernels
target=aarch64-none-none-elf

fail() { # EXIT-CODE MESSAGE
    printf 'check-arm64: %s\n' "$2" >&2
    exit "$1"
}

toolchain=$(dirname "$(dirname "$(readlink -f "$(command -v swiftc)")")")
[ -e "$toolchain/lib/swift/embedded/Swift.swiftmodule/$target.swiftmodule" ] ||
    [ -e "$toolchain/lib/swift/embedded/$target/Swift.swiftmodule" ] ||
    fail 77 "skipped: this toolchain has no embedded standard library for $target"

rm -rf "$out"
mkdir -p "$out/CKernels"
cp "$kernels"/CKernels/include/*.h "$out/CKernels/"
printf 'module CKernels { header "CKernels.h" export * }\n' >"$out/CKernels/module.modulemap"
compile=(swiftc -target "$target" -enable-experimental-feature Embedded -wmo -O -parse-as-library
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility
    -Xcc -ffreestanding -I "$out/CKernels" -I "$out")
"${compile[@]}" -module-name KernelSource "$kernels"/Source/*.swift -c -o "$out/KernelSource.o" \
    -emit-module -emit-module-path "$out/KernelSource.swiftmodule" >"$out/compile.log" 2>&1 ||
    fail 1 "KernelSource doesn't compile for $target: $(grep -m 1 error "$out/compile.log")"
"${compile[@]}" -module-name KernelsBaseline "$kernels"/Baseline/*.swift -c -o "$out/KernelsBaseline.o" \
    >"$out/compile.log" 2>&1 ||
    fail 1 "KernelsBaseline doesn't compile for $target: $(grep -m 1 error "$out/compile.log")"

disassembler=$toolchain/bin/llvm-objdump
[ -x "$disassembler" ] || disassembler=$(command -v llvm-objdump) ||
    fail 77 "skipped: compiled, but there is no llvm-objdump to look at it"
fused=$("$disassembler" -d "$out/KernelsBaseline.o" | grep -cE 'fmla[[:space:]]+v[0-9]+\.4s' || true)
[ "$fused" -gt 100 ] || fail 1 "only $fused fused multiply-adds of four floats: are the vectors lost?"

ran='not run (no aarch64-linux-gnu-gcc, or no qemu-aarch64)'
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
if [ -n "$emulator" ] && command -v aarch64-linux-gnu-gcc >/dev/null; then
    # gcc doesn't know clang's vectors: the test declares the few kernels that it calls itself.
    # The embedded runtime's own symbols are of a kind that GNU ld refuses in a program; nothing uses them.
    {
        # shellcheck disable=SC2016 # the dollar is part of the names
        aarch64-linux-gnu-objcopy --wildcard -L '$e*' "$out/KernelsBaseline.o" "$out/kernels.o" &&
            aarch64-linux-gnu-gcc -O1 -static -o "$out/check" "$root/deploy/arm64/check.c" "$out/kernels.o" -lm
    } >"$out/link.log" 2>&1 ||
        fail 1 "the kernels don't link: $(grep -m 1 -E 'undefined|error' "$out/link.log")"
    "$emulator" "$out/check" >"$out/run.log" 2>&1 || fail 1 "$(tail -n 1 "$out/run.log")"
    ran="run under $(basename "$emulator"): $(tail -n 1 "$out/run.log")"
fi
echo "ok: compiled for $target, $fused fused multiply-adds of four floats; $ran"
