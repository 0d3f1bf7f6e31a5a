/* Lorenz: x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z; parameters sigma, rho, beta. */
#define N 3
#define P 3
#include "benettin.h"

INLINE void velocity(const lanes *x, const lanes *p, lanes *dx) {
    dx[0] = p[0] * (x[1] - x[0]);
    dx[1] = x[0] * (p[1] - x[2]) - x[1];
    dx[2] = x[0] * x[1] - p[2] * x[2];
}

INLINE void tangent(const lanes *x, const lanes *p, const lanes *v, lanes *dv) {
    dv[0] = p[0] * (v[1] - v[0]);
    dv[1] = (p[1] - x[2]) * v[0] - v[1] - x[0] * v[2];
    dv[2] = x[1] * v[0] + x[0] * v[1] - p[2] * v[2];
}
