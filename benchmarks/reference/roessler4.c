/* Hyperchaotic Roessler: x' = -y - z, y' = x + a y + w, z' = b + x z, w' = d w - c z; parameters a, b, c, d. */
#define N 4
#define P 4
#include "benettin.h"

INLINE void velocity(const lanes *x, const lanes *p, lanes *dx) {
    dx[0] = -x[1] - x[2];
    dx[1] = x[0] + p[0] * x[1] + x[3];
    dx[2] = p[1] + x[0] * x[2];
    dx[3] = p[3] * x[3] - p[2] * x[2];
}

INLINE void tangent(const lanes *x, const lanes *p, const lanes *v, lanes *dv) {
    dv[0] = -v[1] - v[2];
    dv[1] = v[0] + p[0] * v[1] + v[3];
    dv[2] = x[2] * v[0] + x[0] * v[2];
    dv[3] = p[3] * v[3] - p[2] * v[2];
}
