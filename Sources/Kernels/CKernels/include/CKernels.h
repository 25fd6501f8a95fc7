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

#include "CVectors.h"

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

/// Dropout of rows of attention probabilities: `row.position` is that of the first row, the others
/// follow; each row has its mask, `mask_stride` bytes after the one before.
struct retort_rows_dropout {
    struct retort_random_row row;
    uint32_t threshold;
    float scale;
    uint8_t *mask;
    ptrdiff_t mask_stride;
};

/// What a divergence needs to know of two rows of scores, a student's and a teacher's.
struct retort_row_pair {
    float student_maximum, teacher_maximum;
    float student_factor, teacher_factor; // 1 / sum(e^(x - maximum))
    float log_ratio;                      // log of the student's sum less that of the teacher's
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
    /* mask: null, or a bit a column in ceil(n / 32) words, column c bit c % 8 of byte c / 8 */     \
    X(void, dropout, (const float *x, float *y, ptrdiff_t n, uint32_t threshold, float scale,      \
        const struct retort_random_row *row, uint8_t *_Nullable mask))                             \
    X(void, dropout_masked, (const float *x, float *y, ptrdiff_t n, float scale,                   \
        const uint8_t *mask))                                                                      \
    /* One row. */                                                                                 \
    X(float, row_sum, (const float *x, ptrdiff_t n))                                               \
    X(float, row_maximum, (const float *x, ptrdiff_t n))                                           \
    X(float, dot, (const float *x, const float *y, ptrdiff_t n))                                   \
    X(float, exp_shifted, (const float *x, float *y, ptrdiff_t n, float shift))                    \
    X(void, softmax, (const float *x, float *y, ptrdiff_t n, float *maximum, float *sum))          \
    X(void, log_softmax, (const float *x, float *y, ptrdiff_t n))                                  \
    X(void, softmax_backward, (const float *y, const float *dy, float *dx, ptrdiff_t n))           \
    X(float, entropy, (const float *probabilities, ptrdiff_t n))                                   \
    /* Rows of one head's scores, without gaps; row r's statistics lie at r * stride. With dropout,   \
       attention_rows fills the masks and attention_rows_again writes what they kept to `dropped`. */ \
    X(void, attention_rows, (float *scores, ptrdiff_t rows, ptrdiff_t n, float *maximum,           \
        float *sum, ptrdiff_t stride, const struct retort_rows_dropout *_Nullable dropout))        \
    X(void, attention_rows_again, (float *scores, float *dropped, ptrdiff_t rows, ptrdiff_t n,     \
        const float *maximum, const float *sum, ptrdiff_t stride,                                  \
        const struct retort_rows_dropout *_Nullable dropout))                                      \
    X(void, attention_rows_backward, (const float *probabilities, float *gradient, ptrdiff_t rows, \
        ptrdiff_t n, const struct retort_rows_dropout *_Nullable dropout))                         \
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
    X(void, rms_norm, (const float *x, const float *gamma, float *y, ptrdiff_t n, float epsilon,   \
        float *reciprocal))                                                                        \
    X(void, rms_norm_backward, (const float *x, const float *gamma, const float *dy, float *dx,    \
        ptrdiff_t n, float reciprocal, int32_t accumulate, float *gradient_gamma))                 \
    X(void, gated_unit, (const float *gate, const float *up, float *y, ptrdiff_t n))               \
    X(void, gated_unit_backward, (const float *gate, const float *up, const float *dy,             \
        float *gradient_gate, float *gradient_up, ptrdiff_t n))                                    \
    /* In place; the row holds `heads` heads of 2 * half elements, the tables half. */             \
    X(void, rotary, (float *x, ptrdiff_t heads, ptrdiff_t half, const float *cosine,               \
        const float *sine, float direction))                                                       \
    /* Terms of relative attention of one head: see Source/RelativeScores.swift. `places` points at the\
       middle of 2 n - 1 numbers, that of distance 0. Backward, the terms are overwritten. */      \
    X(void, relative_scores, (float *scores, ptrdiff_t n, const float *query_terms,                \
        const float *key_terms, ptrdiff_t stride, const int32_t *places))                          \
    X(void, relative_scores_backward, (const float *gradient, ptrdiff_t n, float *query_terms,     \
        float *key_terms, ptrdiff_t stride, ptrdiff_t columns, const int32_t *places))             \
    /* Divergences of two rows, already times 1 / temperature: see Source/Divergence.swift. Terms of   \
       `divergence_terms`: the sums of e^(x - maximum) of student and teacher, and those times the     \
       rows' difference. A gradient may lie where the student's row does. */                         \
    X(void, divergence_inputs, (const float *scores, const float *teacher, float *student,         \
        float *other, ptrdiff_t n, float scale, int32_t masks, struct retort_row_pair *pair))      \
    X(void, divergence_terms, (const float *student, const float *teacher, ptrdiff_t n,            \
        const struct retort_row_pair *pair, double *terms))                                        \
    X(void, forward_gradient, (const float *student, const float *teacher, float *gradient,        \
        ptrdiff_t n, const struct retort_row_pair *pair, float scale))                             \
    X(void, reverse_gradient, (const float *student, const float *teacher, float *gradient,        \
        ptrdiff_t n, const struct retort_row_pair *pair, float center, float scale))               \
    X(void, mixture_terms, (const float *student, const float *teacher, ptrdiff_t n,               \
        const struct retort_row_pair *pair, float beta, double *terms))                            \
    X(void, mixture_gradient, (const float *student, const float *teacher, float *gradient,        \
        ptrdiff_t n, const struct retort_row_pair *pair, float beta, float center, float scale))   \
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

/// Which worker of a thread pool the calling thread is: 0 outside every pool's work.
int32_t retort_worker_slot(void);
/// Marks the calling thread as inside (`inside` != 0) or outside a pool's work; returns what it was.
int32_t retort_enter_work(int32_t inside);
/// Whether the calling thread is inside a pool's work.
int32_t retort_inside_work(void);
/// Gives the calling thread its slot.
void retort_set_worker_slot(int32_t slot);

#pragma clang assume_nonnull end
