// The seam between TensorCore and the kernels: one table of C function pointers per instruction set.
//
// RETORT_KERNELS is the single list. It yields the fields of `struct retort_kernels`, the prototypes
// that each satellite's `@c @implementation` functions are checked against by the Swift compiler, and
// (in ckernels.c) the tables themselves. Nothing here computes.
//
// Conventions: float32, row-major; `n` counts elements; `stride` counts elements between rows; an
// output may be the same memory as an input of the same shape unless said otherwise; sizes of 0 are
// allowed. Everything is single-threaded, and the value of a row depends on that row alone.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Settings of one AdamW step; what depends on the step number is worked out by the caller.
struct retort_adamw {
    float decay;           // 1 - learning rate * weight decay
    float keep1, keep2;    // beta1, beta2
    float take1, take2;    // 1 - beta1, 1 - beta2
    float step_size;       // learning rate / (1 - beta1^step)
    float deviation_scale; // 1 / sqrt(1 - beta2^step)
    float epsilon;
    float gradient_scale;
};

/// Settings of one SGD step with momentum, in PyTorch's sense.
struct retort_sgd {
    float learning_rate, momentum;
    float take;       // 1 - dampening, or 1 in the first step
    float weight_decay, gradient_scale;
    int32_t first;    // the momentum buffer is set, not decayed
    int32_t nesterov;
};

/// Identity of one row's random numbers: Philox key, and counter words 1 to 3.
struct retort_random_row {
    uint32_t key0, key1;
    uint32_t position, site, sample;
};

#define RETORT_KERNELS(X)                                                                          \
    /* Matrix product. A is packed a block at a time, in even panels of at most row_tile rows, with \
       up to a vector written beyond their end; B a panel of column_tile columns at a time. */     \
    X(void, pack_a, (const float *source, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t depth,       \
        float *panels))                                                                            \
    X(void, pack_a_transposed, (const float *source, ptrdiff_t stride, ptrdiff_t rows,             \
        ptrdiff_t depth, float *panels))                                                           \
    X(void, pack_b, (const float *source, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t depth,    \
        float *panel))                                                                             \
    X(void, pack_b_transposed, (const float *source, ptrdiff_t stride, ptrdiff_t columns,          \
        ptrdiff_t depth, float *panel))                                                            \
    /* C = scale * A B + (accumulate ? C : bias or 0); scratch: row_tile + 1 rows of column_tile */\
    X(void, gemm_block, (const float *a, const float *b, ptrdiff_t rows, ptrdiff_t columns,        \
        ptrdiff_t depth, float *c, ptrdiff_t stride, int32_t accumulate,                           \
        const float *_Nullable bias, float scale, float *scratch))                                 \
    /* To bfloat16, to the nearest and ties to even, and back. */                                  \
    X(void, narrow_bfloat16, (const float *x, uint16_t *y, ptrdiff_t n))                           \
    X(void, widen_bfloat16, (const uint16_t *x, float *y, ptrdiff_t n))                            \
    /* Element by element. */                                                                      \
    X(void, exp, (const float *x, float *y, ptrdiff_t n))                                          \
    X(void, log, (const float *x, float *y, ptrdiff_t n))                                          \
    X(void, tanh, (const float *x, float *y, ptrdiff_t n))                                         \
    X(void, gelu, (const float *x, float *y, ptrdiff_t n))                                         \
    X(void, relu, (const float *x, float *y, ptrdiff_t n))                                         \
    X(void, tanh_backward, (const float *y, const float *dy, float *dx, ptrdiff_t n))              \
    X(void, gelu_backward, (const float *x, const float *dy, float *dx, ptrdiff_t n))              \
    X(void, relu_backward, (const float *y, const float *dy, float *dx, ptrdiff_t n))              \
    X(void, add, (const float *x, const float *y, float *z, ptrdiff_t n))                          \
    X(void, multiply, (const float *x, const float *y, float *z, ptrdiff_t n))                     \
    X(void, axpy, (float alpha, const float *x, float *y, ptrdiff_t n))                            \
    X(void, scale, (float alpha, const float *x, float *y, ptrdiff_t n))                           \
    X(void, dropout, (const float *x, float *y, ptrdiff_t n, uint32_t threshold, float scale,      \
        const struct retort_random_row *row))                                                      \
    /* One row. */                                                                                 \
    X(float, row_sum, (const float *x, ptrdiff_t n))                                               \
    X(float, row_maximum, (const float *x, ptrdiff_t n))                                           \
    X(float, dot, (const float *x, const float *y, ptrdiff_t n))                                   \
    X(float, exp_shifted, (const float *x, float *y, ptrdiff_t n, float shift))                    \
    X(void, softmax, (const float *x, float *y, ptrdiff_t n, float *maximum, float *sum))          \
    X(void, log_softmax, (const float *x, float *y, ptrdiff_t n))                                  \
    X(void, softmax_backward, (const float *y, const float *dy, float *dx, ptrdiff_t n))           \
    X(float, entropy, (const float *probabilities, ptrdiff_t n))                                   \
    X(void, entropy_terms, (const float *logits, ptrdiff_t n, float *maximum, double *sum,         \
        double *weighted))                                                                         \
    X(void, target_terms, (const float *targets, const float *logits, ptrdiff_t n, float maximum,  \
        double *mass, double *weighted))                                                           \
    X(void, cross_entropy_gradient, (const float *probabilities, const float *targets,             \
        float *gradient, ptrdiff_t n, float mass, float factor))                                   \
    X(void, layer_norm, (const float *x, const float *gamma, const float *beta, float *y,          \
        ptrdiff_t n, float epsilon, float *mean, float *reciprocal_deviation))                     \
    X(void, layer_norm_backward, (const float *x, const float *gamma, const float *dy, float *dx,  \
        ptrdiff_t n, float mean, float reciprocal_deviation, int32_t accumulate,                   \
        float *gradient_gamma, float *gradient_beta))                                              \
    /* Whole buffers. */                                                                           \
    X(void, column_sum, (const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns,      \
        float *sums, int32_t accumulate))                                                          \
    X(double, sum, (const float *x, ptrdiff_t n))                                                  \
    X(double, sum_of_squares, (const float *x, ptrdiff_t n))                                       \
    X(float, maximum_magnitude, (const float *x, ptrdiff_t n))                                     \
    X(int32_t, all_finite, (const float *x, ptrdiff_t n))                                          \
    X(void, adamw, (float *parameters, const float *gradients, float *m, float *v, ptrdiff_t n,    \
        const struct retort_adamw *settings))                                                      \
    X(void, sgd, (float *parameters, const float *gradients, float *momentum, ptrdiff_t n,         \
        const struct retort_sgd *settings))

/// The packers of bfloat16 products, which differ between sets with and without the instruction:
/// from floats that are rounded on the way, and from bfloat16. Panels, their places and what is
/// written beyond them are as above, in slots of 32 bits of `bfloat16_depth` values of k: one value
/// widened, or two (the even k in the low half; a missing odd one is zero).
#define RETORT_BFLOAT16_KERNELS(X)                                                                 \
    X(void, pack_a_narrowed, (const float *source, ptrdiff_t stride, ptrdiff_t rows,               \
        ptrdiff_t depth, float *panels))                                                           \
    X(void, pack_a_transposed_narrowed, (const float *source, ptrdiff_t stride, ptrdiff_t rows,    \
        ptrdiff_t depth, float *panels))                                                           \
    X(void, pack_b_narrowed, (const float *source, ptrdiff_t stride, ptrdiff_t columns,            \
        ptrdiff_t depth, float *panel))                                                            \
    X(void, pack_b_transposed_narrowed, (const float *source, ptrdiff_t stride, ptrdiff_t columns, \
        ptrdiff_t depth, float *panel))                                                            \
    X(void, pack_a_bfloat16, (const uint16_t *source, ptrdiff_t stride, ptrdiff_t rows,            \
        ptrdiff_t depth, float *panels))                                                           \
    X(void, pack_a_transposed_bfloat16, (const uint16_t *source, ptrdiff_t stride, ptrdiff_t rows, \
        ptrdiff_t depth, float *panels))                                                           \
    X(void, pack_b_bfloat16, (const uint16_t *source, ptrdiff_t stride, ptrdiff_t columns,         \
        ptrdiff_t depth, float *panel))                                                            \
    X(void, pack_b_transposed_bfloat16, (const uint16_t *source, ptrdiff_t stride,                 \
        ptrdiff_t columns, ptrdiff_t depth, float *panel))                                         \
    /* As gemm_block; `depth` counts slots. */                                                     \
    X(void, gemm_block_bfloat16, (const float *a, const float *b, ptrdiff_t rows,                  \
        ptrdiff_t columns, ptrdiff_t depth, float *c, ptrdiff_t stride, int32_t accumulate,        \
        const float *_Nullable bias, float scale, float *scratch))

#define RETORT_FIELD(result, name, arguments) result (*name) arguments;
/// Every kernel of one instruction set, with the tile that its panels are packed for.
struct retort_kernels {
    ptrdiff_t row_tile;    // MR
    ptrdiff_t column_tile; // NR
    ptrdiff_t lanes;       // floats in a vector
    ptrdiff_t depth_limit; // KC: the longest run of k that is summed in registers
    ptrdiff_t bfloat16_depth; // values of k in a slot of a bfloat16 panel: 2 where the hardware has
                              // the product of pairs, else 1
    ptrdiff_t bfloat16_depth_limit; // KC of bfloat16 products, in values
    RETORT_KERNELS(RETORT_FIELD)
    RETORT_BFLOAT16_KERNELS(RETORT_FIELD)
};
#undef RETORT_FIELD

#define RETORT_PROTOTYPE(result, name, arguments) result retort_baseline_##name arguments;
RETORT_KERNELS(RETORT_PROTOTYPE)
RETORT_BFLOAT16_KERNELS(RETORT_PROTOTYPE)
#undef RETORT_PROTOTYPE
#if defined(__x86_64__)
#define RETORT_PROTOTYPE(result, name, arguments) result retort_avx2_##name arguments;
RETORT_KERNELS(RETORT_PROTOTYPE)
RETORT_BFLOAT16_KERNELS(RETORT_PROTOTYPE)
#undef RETORT_PROTOTYPE
#define RETORT_PROTOTYPE(result, name, arguments) result retort_avx512_##name arguments;
RETORT_KERNELS(RETORT_PROTOTYPE)
RETORT_BFLOAT16_KERNELS(RETORT_PROTOTYPE)
#undef RETORT_PROTOTYPE
#define RETORT_PROTOTYPE(result, name, arguments) result retort_avx512bf16_##name arguments;
RETORT_BFLOAT16_KERNELS(RETORT_PROTOTYPE)
#undef RETORT_PROTOTYPE
#endif

enum { RETORT_BASELINE = 0, RETORT_AVX2 = 1, RETORT_AVX512 = 2, RETORT_AVX512BF16 = 3 };

/// The best instruction set that this processor and its operating system run.
int32_t retort_detect(void);

/// The table of an instruction set, or null where this build doesn't have it. Asking is always safe;
/// calling into a set above `retort_detect()` is not.
const struct retort_kernels *_Nullable retort_kernel_table(int32_t instruction_set);

/// Processors that this process may run on (sched_getaffinity), which under mpirun is fewer than the
/// machine has; at least 1.
int32_t retort_processor_count(void);

/// Tells the core that this thread spins.
static inline void retort_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Asks for the cache line at an address that will be written or read soon.
static inline void retort_prefetch(const float *address) { __builtin_prefetch(address, 1, 3); }

/// The same, for what is read a little later: into the second-level cache.
static inline void retort_prefetch_far(const float *address) { __builtin_prefetch(address, 0, 2); }

// Square roots of whole vectors. Swift's `squareRoot()` keeps a call into the C library for negative
// lanes (errno), which undoes the vector.
typedef float retort_float4 __attribute__((ext_vector_type(4)));
typedef float retort_float8 __attribute__((ext_vector_type(8)));
typedef float retort_float16 __attribute__((ext_vector_type(16)));
static inline __attribute__((always_inline)) retort_float4 retort_square_root4(retort_float4 x) {
    return __builtin_elementwise_sqrt(x);
}
static inline __attribute__((always_inline)) retort_float8 retort_square_root8(retort_float8 x) {
    return __builtin_elementwise_sqrt(x);
}
static inline __attribute__((always_inline)) retort_float16 retort_square_root16(retort_float16 x) {
    return __builtin_elementwise_sqrt(x);
}

// Loads and stores at any address. The standard library's are sometimes emitted on their own, under one
// name for all instruction sets.
#define RETORT_MEMORY(lanes)                                                                       \
    static inline __attribute__((always_inline)) retort_float##lanes retort_load##lanes(           \
        const float *source) {                                                                     \
        retort_float##lanes x;                                                                     \
        __builtin_memcpy(&x, source, sizeof x);                                                    \
        return x;                                                                                  \
    }                                                                                              \
    static inline __attribute__((always_inline)) void retort_store##lanes(                         \
        retort_float##lanes x, float *target) {                                                    \
        __builtin_memcpy(target, &x, sizeof x);                                                    \
    }
RETORT_MEMORY(4)
RETORT_MEMORY(8)
RETORT_MEMORY(16)
#undef RETORT_MEMORY

// Shuffles for the transposition of panels: within each quad of lanes, the lower (upper) elements of
// two vectors in turn, singly and in pairs.
#define RETORT_INTERLEAVE(lanes, name, ...)                                                        \
    static inline __attribute__((always_inline)) retort_float##lanes retort_##name##lanes(         \
        retort_float##lanes a, retort_float##lanes b) {                                            \
        return __builtin_shufflevector(a, b, __VA_ARGS__);                                         \
    }
RETORT_INTERLEAVE(4, interleave_low, 0, 4, 1, 5)
RETORT_INTERLEAVE(4, interleave_high, 2, 6, 3, 7)
RETORT_INTERLEAVE(4, interleave_low_pairs, 0, 1, 4, 5)
RETORT_INTERLEAVE(4, interleave_high_pairs, 2, 3, 6, 7)
RETORT_INTERLEAVE(8, interleave_low, 0, 8, 1, 9, 4, 12, 5, 13)
RETORT_INTERLEAVE(8, interleave_high, 2, 10, 3, 11, 6, 14, 7, 15)
RETORT_INTERLEAVE(8, interleave_low_pairs, 0, 1, 8, 9, 4, 5, 12, 13)
RETORT_INTERLEAVE(8, interleave_high_pairs, 2, 3, 10, 11, 6, 7, 14, 15)
RETORT_INTERLEAVE(16, interleave_low, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
RETORT_INTERLEAVE(16, interleave_high, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
RETORT_INTERLEAVE(16, interleave_low_pairs, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
RETORT_INTERLEAVE(
    16, interleave_high_pairs, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#undef RETORT_INTERLEAVE

// bfloat16 is the upper half of a float. Rounding to the nearest, ties to even; NaN stays NaN, quiet.
// `narrow` leaves the result in the upper halves, `pair` puts the even k below the odd one.
#define RETORT_BFLOAT16(lanes)                                                                     \
    typedef uint32_t retort_word##lanes __attribute__((ext_vector_type(lanes)));                   \
    typedef uint16_t retort_half##lanes __attribute__((ext_vector_type(lanes)));                   \
    static inline __attribute__((always_inline)) retort_float##lanes retort_round_bfloat16_##lanes(\
        retort_float##lanes x) {                                                                   \
        retort_word##lanes bits = (retort_word##lanes)x;                                           \
        retort_word##lanes rounded = bits + 0x7FFFu + ((bits >> 16) & 1u);                         \
        retort_word##lanes isNaN =                                                                 \
            (retort_word##lanes)((bits & 0x7FFFFFFFu) > 0x7F800000u);                              \
        retort_word##lanes quiet = bits | 0x00400000u;                                             \
        return (retort_float##lanes)(((quiet & isNaN) | (rounded & ~isNaN)) & 0xFFFF0000u);        \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_float##lanes retort_pair_bfloat16_##lanes( \
        retort_float##lanes even, retort_float##lanes odd) {                                       \
        return (retort_float##lanes)(((retort_word##lanes)even >> 16) | (retort_word##lanes)odd);  \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_float##lanes retort_load_bfloat16_##lanes( \
        const uint16_t *source) {                                                                  \
        retort_half##lanes halves;                                                                 \
        __builtin_memcpy(&halves, source, sizeof halves);                                          \
        return (retort_float##lanes)(                                                              \
            __builtin_convertvector(halves, retort_word##lanes) << 16);                            \
    }                                                                                              \
    static inline __attribute__((always_inline)) void retort_store_bfloat16_##lanes(               \
        retort_float##lanes rounded, uint16_t *target) {                                           \
        retort_half##lanes halves =                                                                \
            __builtin_convertvector((retort_word##lanes)rounded >> 16, retort_half##lanes);        \
        __builtin_memcpy(target, &halves, sizeof halves);                                          \
    }
RETORT_BFLOAT16(4)
RETORT_BFLOAT16(8)
RETORT_BFLOAT16(16)
#undef RETORT_BFLOAT16

/// sum + the products of pairs of bfloat16, as AVX512-BF16 adds them up: in the code of the satellite
/// that is compiled for it. Elsewhere it is never called.
static inline __attribute__((always_inline)) retort_float16 retort_add_products_of_pairs(
    retort_float16 sum, retort_float16 a, retort_float16 b) {
#if defined(__AVX512BF16__)
    typedef __bf16 halves __attribute__((vector_size(64)));
    return (retort_float16)__builtin_ia32_dpbf16ps_512(sum, (halves)a, (halves)b);
#else
    (void)a, (void)b;
    __builtin_trap();
    return sum;
#endif
}

/// Which worker of a thread pool the calling thread is: 0 outside every pool's work.
int32_t retort_worker_slot(void);
/// Marks the calling thread as inside (`inside` != 0) or outside a pool's work; returns what it was.
int32_t retort_enter_work(int32_t inside);
/// Whether the calling thread is inside a pool's work.
int32_t retort_inside_work(void);
/// Gives the calling thread its slot.
void retort_set_worker_slot(int32_t slot);

#pragma clang assume_nonnull end
