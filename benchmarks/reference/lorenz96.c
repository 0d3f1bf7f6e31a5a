/* Lorenz-96 with 5 sites in a ring: x_i' = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + F; parameter F. */
#define N 5
#define P 1
#define GROUPS 4
#include "benettin.h"

INLINE void velocity(const lanes *x, const lanes *p, lanes *dx) {
    UNROLLED for (int i = 0; i < N; i++)
        dx[i] = (x[(i + 1) % N] - x[(i + 3) % N]) * x[(i + 4) % N] - x[i] + p[0];
}

INLINE void tangent(const lanes *x, const lanes *p, const lanes *v, lanes *dv) {
    (void)p;
    UNROLLED for (int i = 0; i < N; i++)
        dv[i] = (v[(i + 1) % N] - v[(i + 3) % N]) * x[(i + 4) % N] + (x[(i + 1) % N] - x[(i + 3) % N]) * v[(i + 4) % N] - v[i];
}
