/* Some of the portable kernels on 64-bit ARM against plain loops; see deploy/check-arm64.sh. The seam is
   C, so a C program can call them. Every comparison is relative to the sum of magnitudes. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct random_row {
    uint32_t key0, key1, position, site, sample;
};

void retort_baseline_pack_a(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
void retort_baseline_pack_b_transposed(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
void retort_baseline_gemm_block(
    const float *, const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *, ptrdiff_t, int32_t,
    const float *, float, float *);
void retort_baseline_gelu(const float *, float *, ptrdiff_t);
void retort_baseline_softmax(const float *, float *, ptrdiff_t, float *, float *);
void retort_baseline_layer_norm(
    const float *, const float *, const float *, float *, ptrdiff_t, float, float *, float *);
void retort_baseline_dropout(
    const float *, float *, ptrdiff_t, uint32_t, float, const struct random_row *, uint8_t *);

static int failures;

static void expect(const char *what, int n, double ours, double wanted, double scale) {
    if (fabs(ours - wanted) <= 4e-7 * scale) return;
    printf("%s, %d elements: %.9g instead of %.9g\n", what, n, ours, wanted);
    failures++;
}

static float number(void) { return (float)rand() / (float)RAND_MAX * 2 - 1; }

/* Philox4x32-10, word by word. */
static uint32_t philox(struct random_row row, uint32_t column) {
    uint32_t c[4] = {column / 4, row.position, row.site, row.sample};
    uint32_t k0 = row.key0, k1 = row.key1;
    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)c[0] * 0xD2511F53u, second = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t next[4] = {
            (uint32_t)(second >> 32) ^ c[1] ^ k0, (uint32_t)second,
            (uint32_t)(first >> 32) ^ c[3] ^ k1, (uint32_t)first};
        for (int i = 0; i < 4; i++) c[i] = next[i];
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c[column % 4];
}

int main(void) {
    srand(1);
    enum { most = 100, depth = 40 };
    static float x[most * most], w[most * most], y[most * most], a[8192], b[65536], scratch[4096];
    for (int n = 1; n <= most; n += 3) {
        for (int i = 0; i < most * most; i++) x[i] = number(), w[i] = number();
        /* C = A B^T, one row block; panels of 8 columns are packed one after another */
        int rows = 1 + n % 12;
        retort_baseline_pack_a(x, depth, rows, depth, a);
        for (int column = 0; column < n; column += 8)
            retort_baseline_pack_b_transposed(
                w + column * depth, depth, n - column < 8 ? n - column : 8, depth,
                b + column * depth);
        retort_baseline_gemm_block(a, b, rows, n, depth, y, n, 0, NULL, 1, scratch);
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < n; c++) {
                double sum = 0, size = 0;
                for (int k = 0; k < depth; k++) {
                    double term = (double)x[r * depth + k] * w[c * depth + k];
                    sum += term;
                    size += fabs(term);
                }
                expect("gemm", n, y[r * n + c], sum, size);
            }
        retort_baseline_gelu(x, y, n);
        for (int i = 0; i < n; i++)
            expect("gelu", n, y[i], x[i] * 0.5 * erfc(-x[i] / sqrt(2)), 1);
        float maximum, total;
        retort_baseline_softmax(x, y, n, &maximum, &total);
        double sum = 0;
        for (int i = 0; i < n; i++) sum += exp(x[i]);
        for (int i = 0; i < n; i++) expect("softmax", n, y[i], exp(x[i]) / sum, 1);
        float mean, deviation;
        retort_baseline_layer_norm(x, w, w + n, y, n, 1e-5f, &mean, &deviation);
        double m = 0, v = 0;
        for (int i = 0; i < n; i++) m += x[i] / (double)n;
        for (int i = 0; i < n; i++) v += (x[i] - m) * (x[i] - m) / n;
        for (int i = 0; i < n; i++)
            expect("layer_norm", n, y[i], (x[i] - m) / sqrt(v + 1e-5) * w[i] + w[n + i], 8);
        struct random_row row = {11, 12, (uint32_t)n, 14, 15};
        uint8_t mask[64] = {0};
        retort_baseline_dropout(x, y, n, 0xC0000000u, 2, &row, mask);
        for (int i = 0; i < n; i++) {
            int keeps = philox(row, (uint32_t)i) < 0xC0000000u;
            expect("dropout", n, y[i], keeps ? 2 * x[i] : 0, 1);
            expect("dropout mask", n, mask[i / 8] >> (i % 8) & 1, keeps, 1);
        }
    }
    if (failures == 0) printf("gemm, gelu, softmax, layer_norm and dropout agree with plain loops\n");
    return failures != 0;
}
