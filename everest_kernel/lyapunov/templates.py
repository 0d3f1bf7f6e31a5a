"""The parts of generated modules that are the same for all systems.

`integrate(x, p, B, Q, first, blocks, per_block, steps, dt)` advances one group of points. Inside, all numbers are in
one flat array `w`, at places that are constants: only so does the compiler know that no two rows overlap, and computes
many at a time without asking that first.

* `x`: states and tangent vectors, of the layout's shape; changed in place.
* `p`: parameters, of shape (parameters, points).
* `B`: sums of the logarithms of the norms, shape (blocks, k points); written.
* `Q`: integral of the divergence over all of it, shape (points,); added to.
* `first`: number of the first interval between orthonormalisations, from which the time follows.
* `blocks`, `per_block`: how many blocks, and intervals in each.
* `steps`, `dt`: steps in an interval, and their length.
"""

from __future__ import annotations

__all__ = [
    "ADVANCE_FLOW",
    "ADVANCE_MAP",
    "EVALUATE_VECTORS",
    "INTEGRATE",
    "NUMBA",
    "NUMPY",
    "ORTHONORMAL_VECTORS",
]

_FUNCTIONS = "atan2, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, exp, log, sqrt, nan"

NUMBA = f'''\
"""Generated code: the tangent flow of one system, for numba."""

import numba
import numpy as np
from math import {_FUNCTIONS}
from numpy import floor

# sizes


def compiled(function):
    # reordering and fusing are allowed, and not to assume that numbers are finite
    rules = {{"contract", "arcp", "nsz", "reassoc", "afn"}}
    return numba.njit(fastmath=rules, error_model="numpy", nogil=True, cache=True)(function)


@compiled
def where(condition, yes, no):
    return yes if condition else no


'''

NUMPY = '''\
"""Generated code: the tangent flow of one system, for numpy."""

from numpy import arccos as acos, arccosh as acosh, arcsin as asin, arcsinh as asinh, arctan as atan
from numpy import arctan2 as atan2, arctanh as atanh
from numpy import add, cos, cosh, empty_like, exp, floor, log, multiply, nan, sin, sinh, sqrt, subtract, tan, tanh
from numpy import where


'''

EVALUATE_VECTORS = """\
@compiled
def evaluate(Y, p, Q, t_, weight, D):
    # body"""

ADVANCE_FLOW = """\
@compiled
def advance(w, t, steps, dt):
    h, d3, d6 = 0.5*dt, dt/3.0, dt/6.0
    x, p, Q = w[:P_], w[P_:J_], w[Q_:]
    d, y, a = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for step in range(steps):
        t0 = t + step*dt
        evaluate(x, p, Q, t0, d6, d)
        for i in range(x.size):
            a[i] = x[i] + d6*d[i]
            y[i] = x[i] + h*d[i]
        evaluate(y, p, Q, t0 + h, d3, d)
        for i in range(x.size):
            a[i] = a[i] + d3*d[i]
            y[i] = x[i] + h*d[i]
        evaluate(y, p, Q, t0 + h, d3, d)
        for i in range(x.size):
            a[i] = a[i] + d3*d[i]
            y[i] = x[i] + dt*d[i]
        evaluate(y, p, Q, t0 + dt, d6, d)
        for i in range(x.size):
            x[i] = a[i] + d6*d[i]"""

ADVANCE_MAP = """\
@compiled
def advance(w, t, steps, dt):
    x, p, Q = w[:P_], w[P_:J_], w[Q_:]
    d = np.empty_like(x)
    for step in range(steps):
        evaluate(x, p, Q, 0.0, 0.0, d)
        for i in range(x.size):
            x[i] = d[i]"""

ORTHONORMAL_VECTORS = """\
@compiled
def orthonormalize(w):
    X, R = w[:P_].reshape((N_, K_ + 1)), w[R_:Q_]
    dots = np.empty(K_ + 1)
    for j in range(1, K_ + 1):
        total = 0.0
        for r in range(N_):
            total += X[r, j]*X[r, j]
        q = sqrt(total)
        R[j - 1] *= q
        g = 1.0/where(q == 0.0, 1.0, q)
        for r in range(N_):
            X[r, j] *= g
        if q == 0.0:
            X[j - 1, j] = 1.0
        # the others lose their part along this one: modified Gram-Schmidt, row after row of the array
        for c in range(j + 1, K_ + 1):
            dots[c] = 0.0
        for r in range(N_):
            along = X[r, j]
            for c in range(j + 1, K_ + 1):
                dots[c] += along*X[r, c]
        for r in range(N_):
            along = X[r, j]
            for c in range(j + 1, K_ + 1):
                X[r, c] -= dots[c]*along"""

INTEGRATE = """\
@compiled
def integrate(x, p, B, Q, first, blocks, per_block, steps, dt):
    h, d3, d6 = 0.5*dt, dt/3.0, dt/6.0
    w = np.zeros(W_)
    # loops, because numba takes seconds to compile the assignment of a slice
    for m in range(P_):
        w[m] = x[m]
    for m in range(P_, J_):
        w[m] = p[m - P_]
    for m in range(R_, Q_):
        w[m] = 1.0
    done = first
    for b in range(blocks):
        for m in range(K_*L_):
            B[b, m] = 0.0
        for r in range(per_block):
            t = done*steps*dt
            # advance
            # orthonormalize
            done += 1
            due = r % 8 == 7 or r + 1 == per_block
            far = 0
            for m in range(R_, Q_):
                # whether a product of norms comes near the ends of what a number can hold
                far += (w[m] < 1e-75) | (w[m] > 1e75)
            if due or far:
                for m in range(R_, Q_):
                    # each lane by itself: when one is taken must not depend on its neighbours
                    if due or w[m] < 1e-75 or w[m] > 1e75:
                        B[b, m - R_] += log(w[m])
                        w[m] = 1.0
    for m in range(P_):
        x[m] = w[m]
    for m in range(Q_, W_):
        Q[m - Q_] += w[m]
"""
