// Operations on whole vectors that Swift has no word for, or no word that stays one instruction. Everything
// is inlined into the satellites, whose flags say which registers there are.
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

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

// Comparisons of whole vectors as a bit a lane, for which Swift's masks have no word, and choices lane by
// lane: with Swift's masks, which are vectors of integers, the compiler takes wide vectors apart in longer
// functions (a softmax ran at a fifth of its speed).
#define RETORT_CHOICES(lanes, bits, present, ...)                                                  \
    typedef uint32_t retort_word##lanes __attribute__((ext_vector_type(lanes)));                   \
    static inline __attribute__((always_inline)) uint32_t retort_bits_below##lanes(                \
        retort_word##lanes a, retort_word##lanes b) {                                              \
        typedef _Bool mask __attribute__((ext_vector_type(lanes)));                                \
        mask below = __builtin_convertvector(a < b, mask);                                         \
        bits word = 0;                                                                             \
        __builtin_memcpy(&word, &below, sizeof word);                                              \
        return word & present;                                                                     \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_float##lanes retort_where_less##lanes(     \
        retort_float##lanes a, retort_float##lanes b, retort_float##lanes x,                       \
        retort_float##lanes y) {                                                                   \
        return a < b ? x : y;                                                                      \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_float##lanes retort_kept##lanes(           \
        retort_float##lanes x, uint32_t word) {                                                    \
        const retort_word##lanes places = {__VA_ARGS__};                                           \
        return (places & word) != 0 ? x : 0;                                                       \
    }
RETORT_CHOICES(4, uint8_t, 0xF, 1, 2, 4, 8)
RETORT_CHOICES(8, uint8_t, 0xFF, 1, 2, 4, 8, 16, 32, 64, 128)
RETORT_CHOICES(
    16, uint16_t, 0xFFFF, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
#undef RETORT_CHOICES

// Products of the low halves of 64-bit words: written as masks and a product, the compiler loses sight of
// the masks as soon as it moves them, and multiplies 64-bit words at a quarter of the speed. And words that
// it may not look behind: it would move a shuffle that comes after a loop into the loop.
#if defined(__AVX512F__)
#define RETORT_REGISTER "+v"
#else
#define RETORT_REGISTER "+x"
#endif
#define RETORT_WORDS(count, bytes, builtin)                                                        \
    typedef uint64_t retort_long##count __attribute__((ext_vector_type(count)));                   \
    static inline __attribute__((always_inline)) retort_long##count retort_multiply_low##count(    \
        retort_long##count a, retort_long##count b) {                                              \
        typedef int words __attribute__((vector_size(bytes)));                                     \
        return (retort_long##count)builtin((words)a, (words)b);                                    \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_long##count retort_opaque##count(          \
        retort_long##count x) {                                                                    \
        __asm__("" : RETORT_REGISTER(x));                                                          \
        return x;                                                                                  \
    }
// Wider than the registers that this is compiled for: never called, but the generic source names it.
#define RETORT_NO_WORDS(count)                                                                     \
    typedef uint64_t retort_long##count __attribute__((ext_vector_type(count)));                   \
    static inline __attribute__((always_inline)) retort_long##count retort_multiply_low##count(    \
        retort_long##count a, retort_long##count b) {                                              \
        return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);                                                \
    }                                                                                              \
    static inline __attribute__((always_inline)) retort_long##count retort_opaque##count(          \
        retort_long##count x) {                                                                    \
        return x;                                                                                  \
    }
#if defined(__SSE2__)
RETORT_WORDS(2, 16, __builtin_ia32_pmuludq128)
#else
RETORT_NO_WORDS(2)
#endif
#if defined(__AVX2__)
RETORT_WORDS(4, 32, __builtin_ia32_pmuludq256)
#else
RETORT_NO_WORDS(4)
#endif
#if defined(__AVX512F__)
RETORT_WORDS(8, 64, __builtin_ia32_pmuludq512)
#else
RETORT_NO_WORDS(8)
#endif
#undef RETORT_WORDS
#undef RETORT_NO_WORDS
#undef RETORT_REGISTER

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

#pragma clang assume_nonnull end
