// The kernel tables, the choice of instruction set and what a thread knows of itself. What Swift has
// no word for, and nothing else.
#define _GNU_SOURCE
#include "CKernels.h"

#if defined(__linux__)
#include <sched.h>
#include <stdlib.h>
#else
#include <unistd.h>
#endif

// The baseline tile has three rows, not four: without three-operand instructions eight accumulators
// and their products spill (21 GFLOP/s against 34).
// The depth limits keep a B panel of KC x NR floats in two thirds of a 48 KiB (AVX-512) or in half of
// a 32 KiB first-level cache.
#define RETORT_ENTRY(result, name, arguments) .name = retort_baseline_##name,
static const struct retort_kernels baseline = {
    3, 8, 4, 256, 1, 256, RETORT_KERNELS(RETORT_ENTRY) RETORT_BFLOAT16_KERNELS(RETORT_ENTRY)};
#undef RETORT_ENTRY
#if defined(__x86_64__)
#define RETORT_ENTRY(result, name, arguments) .name = retort_avx2_##name,
static const struct retort_kernels avx2 = {
    6, 16, 8, 256, 1, 256, RETORT_KERNELS(RETORT_ENTRY) RETORT_BFLOAT16_KERNELS(RETORT_ENTRY)};
#undef RETORT_ENTRY
#define RETORT_ENTRY(result, name, arguments) .name = retort_avx512_##name,
static const struct retort_kernels avx512 = {
    12, 32, 16, 256, 1, 256, RETORT_KERNELS(RETORT_ENTRY) RETORT_BFLOAT16_KERNELS(RETORT_ENTRY)};
// The same but for products of bfloat16, whose panels take half the memory and may be twice as deep.
#define RETORT_OWN(result, name, arguments) .name = retort_avx512bf16_##name,
static const struct retort_kernels avx512bf16 = {
    12, 32, 16, 256, 2, 512, RETORT_KERNELS(RETORT_ENTRY) RETORT_BFLOAT16_KERNELS(RETORT_OWN)};
#undef RETORT_OWN
#undef RETORT_ENTRY
#endif

int32_t retort_detect(void) {
#if defined(__x86_64__)
    // These also ask whether the operating system saves the wide registers (XCR0).
    if (__builtin_cpu_supports("x86-64-v4")) {
        return __builtin_cpu_supports("avx512bf16") ? RETORT_AVX512BF16 : RETORT_AVX512;
    }
    if (__builtin_cpu_supports("x86-64-v3")) return RETORT_AVX2;
#endif
    return RETORT_BASELINE;
}

const struct retort_kernels *retort_kernel_table(int32_t instruction_set) {
    switch (instruction_set) {
    case RETORT_BASELINE: return &baseline;
#if defined(__x86_64__)
    case RETORT_AVX2: return &avx2;
    case RETORT_AVX512: return &avx512;
    case RETORT_AVX512BF16: return &avx512bf16;
#endif
    default: return NULL;
    }
}

int32_t retort_processor_count(void) {
#if defined(__linux__)
    // A fixed cpu_set_t holds 1024 processors; larger machines need a larger set.
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 4) {
        cpu_set_t *set = CPU_ALLOC(capacity);
        if (!set) return 1;
        size_t bytes = CPU_ALLOC_SIZE(capacity);
        CPU_ZERO_S(bytes, set);
        int failed = sched_getaffinity(0, bytes, set);
        int count = failed ? 0 : CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int32_t)count : 1;
#endif
}

static _Thread_local int32_t worker_slot = 0;
static _Thread_local int32_t inside_work = 0;

int32_t retort_worker_slot(void) { return worker_slot; }
int32_t retort_inside_work(void) { return inside_work; }
void retort_set_worker_slot(int32_t slot) { worker_slot = slot; }

int32_t retort_enter_work(int32_t inside) {
    int32_t before = inside_work;
    inside_work = inside;
    return before;
}
