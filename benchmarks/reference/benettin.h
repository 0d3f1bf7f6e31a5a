/* Lyapunov spectra by Benettin's algorithm (Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9), as fast as
 * plain C goes: what the benchmark measures generated code against.
 *
 * A file that includes this one gives N (states), P (parameters), and
 *     velocity(x, p, dx): the right-hand sides;
 *     tangent(x, p, v, dv): the Jacobian times a vector.
 * Each double of the mathematics is a `lanes` here: that many parameter points side by side in one register. The
 * classical Runge-Kutta method of fourth order moves the state first and keeps its four stages, with which each tangent
 * vector is then moved alone, so that a step stays in registers. All N vectors are carried and orthonormalised by
 * modified Gram-Schmidt; one logarithm is taken for BATCH products of norms. No option assumes finite numbers: a point
 * that escapes becomes NaN in its own lane.
 */
#include <math.h>
#include <stddef.h>

#if defined __AVX512F__
#define WIDTH 8
#elif defined __AVX__
#define WIDTH 4
#else
#define WIDTH 2
#endif
#ifndef GROUPS
#define GROUPS 2 /* registers of points whose steps are independent of each other, taken in turn */
#endif
#define POINTS (WIDTH * GROUPS)
#define BATCH 8
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 16")

typedef double lanes __attribute__((vector_size(8 * WIDTH)));

INLINE void velocity(const lanes *x, const lanes *p, lanes *dx);
INLINE void tangent(const lanes *x, const lanes *p, const lanes *v, lanes *dv);

INLINE lanes root(lanes a) {
    lanes r;
    UNROLLED for (int i = 0; i < WIDTH; i++) r[i] = sqrt(a[i]);
    return r;
}

INLINE void step(lanes *x, lanes v[N][N], const lanes *p, double h) {
    const double half = h / 2, third = h / 3, sixth = h / 6;
    lanes a[N], b[N], c[N], k[N], end[N];
    velocity(x, p, k);
    UNROLLED for (int i = 0; i < N; i++) { end[i] = x[i] + sixth * k[i]; a[i] = x[i] + half * k[i]; }
    velocity(a, p, k);
    UNROLLED for (int i = 0; i < N; i++) { end[i] += third * k[i]; b[i] = x[i] + half * k[i]; }
    velocity(b, p, k);
    UNROLLED for (int i = 0; i < N; i++) { end[i] += third * k[i]; c[i] = x[i] + h * k[i]; }
    velocity(c, p, k);
    UNROLLED for (int i = 0; i < N; i++) end[i] += sixth * k[i];
    UNROLLED for (int j = 0; j < N; j++) {
        lanes u[N], w[N];
        tangent(x, p, v[j], k);
        UNROLLED for (int i = 0; i < N; i++) { w[i] = v[j][i] + sixth * k[i]; u[i] = v[j][i] + half * k[i]; }
        tangent(a, p, u, k);
        UNROLLED for (int i = 0; i < N; i++) { w[i] += third * k[i]; u[i] = v[j][i] + half * k[i]; }
        tangent(b, p, u, k);
        UNROLLED for (int i = 0; i < N; i++) { w[i] += third * k[i]; u[i] = v[j][i] + h * k[i]; }
        tangent(c, p, u, k);
        UNROLLED for (int i = 0; i < N; i++) v[j][i] = w[i] + sixth * k[i];
    }
    UNROLLED for (int i = 0; i < N; i++) x[i] = end[i];
}

INLINE void orthonormalise(lanes v[N][N], lanes *product) {
    UNROLLED for (int j = 0; j < N; j++) {
        lanes square = v[j][0] * v[j][0];
        UNROLLED for (int i = 1; i < N; i++) square += v[j][i] * v[j][i];
        const lanes norm = root(square), inverse = 1.0 / norm;
        product[j] *= norm;
        UNROLLED for (int i = 0; i < N; i++) v[j][i] *= inverse;
        UNROLLED for (int m = j + 1; m < N; m++) {
            lanes dot = v[j][0] * v[m][0];
            UNROLLED for (int i = 1; i < N; i++) dot += v[j][i] * v[m][i];
            UNROLLED for (int i = 0; i < N; i++) v[m][i] -= dot * v[j][i];
        }
    }
}

/* How many points are side by side; `spectrum` takes multiples of it. */
int side_by_side(void) { return POINTS; }

/* Exponents of `count` points from one start.
 *   parameters: P rows of `count` numbers; start: N numbers; exponents (out): N rows of `count`, in Gram-Schmidt order.
 *   h: step; renormalisations: how many, `steps` steps apart. */
void spectrum(ptrdiff_t count, const double *parameters, const double *start, double h, long renormalisations, long steps,
              double *exponents) {
    for (ptrdiff_t first = 0; first < count; first += POINTS) {
        lanes x[GROUPS][N], v[GROUPS][N][N], p[GROUPS][P], product[GROUPS][N], sum[GROUPS][N];
        for (int g = 0; g < GROUPS; g++)
            for (int l = 0; l < WIDTH; l++) {
                for (int q = 0; q < P; q++) p[g][q][l] = parameters[q * count + first + g * WIDTH + l];
                for (int j = 0; j < N; j++) {
                    x[g][j][l] = start[j];
                    product[g][j][l] = 1;
                    sum[g][j][l] = 0;
                    for (int i = 0; i < N; i++) v[g][j][i][l] = i == j;
                }
            }
        for (long done = 1; done <= renormalisations; done++) {
            for (long s = 0; s < steps; s++)
                UNROLLED for (int g = 0; g < GROUPS; g++) step(x[g], v[g], p[g], h);
            UNROLLED for (int g = 0; g < GROUPS; g++) orthonormalise(v[g], product[g]);
            if (done % BATCH == 0 || done == renormalisations)
                for (int g = 0; g < GROUPS; g++)
                    for (int j = 0; j < N; j++)
                        for (int l = 0; l < WIDTH; l++) {
                            sum[g][j][l] += log(product[g][j][l]);
                            product[g][j][l] = 1;
                        }
        }
        const double time = (double)renormalisations * (double)steps * h;
        for (int g = 0; g < GROUPS; g++)
            for (int j = 0; j < N; j++)
                for (int l = 0; l < WIDTH; l++) exponents[j * count + first + g * WIDTH + l] = sum[g][j][l] / time;
    }
}
