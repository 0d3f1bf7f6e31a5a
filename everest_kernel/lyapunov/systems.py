"""Catalogue of standard systems. Each function takes the standard parameters, which become the defaults.

Exponents of these systems at their defaults are in the literature named with each; the equations are as written there
up to the names of variables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .names import EquationError, suggestion
from .system import System

__all__ = [
    *("arnold_cat", "baker", "chen", "chua", "delayed_logistic", "duffing", "halvorsen", "henon", "henon_heiles"),
    *("hyperchaotic_roessler", "logistic", "lorenz", "lorenz_96", "moore_spiegel", "named", "names"),
    *("quadratic_jerk", "rabinovich_fabrikant", "roessler", "rucklidge", "sprott_b", "standard_map", "tent"),
    *("thomas", "tinkerbell", "ueda", "van_der_pol"),
]


def names() -> tuple[str, ...]:
    """The names of all systems of the catalogue, in alphabetical order."""
    return tuple(name for name in __all__ if name not in ("named", "names"))


def named(name: str, **values: float) -> System:
    """The system of that name.

    Args:
        name: a name of `names()`; capitals, spaces and hyphens do not matter ("Lorenz-96").
        values: passed on to the function of the catalogue, as `N=36`.

    Raises:
        EquationError: there is no such system, or it has no such parameter.
    """
    known: dict[str, Callable[..., System]] = {_bare(own): globals()[own] for own in names()}
    make = known.get(_bare(name))
    if make is None:
        near = suggestion(_bare(name), known)
        for own in names():
            near = near.replace(repr(_bare(own)), repr(own))
        raise EquationError(f"there is no system {name!r} in the catalogue.{near or ' It has ' + ', '.join(names())}")
    allowed = make.__code__.co_varnames[: make.__code__.co_argcount]
    for value in values:
        if value not in allowed:
            listed = ", ".join(allowed) or "none"
            raise EquationError(f"{name} has no parameter {value!r} (it has {listed}).{suggestion(value, allowed)}")
    return make(**values)


def _bare(name: str) -> str:
    return "".join(character for character in str(name).lower() if character.isalnum())


def _flow(name: str, equations: str, start: Sequence[float], dt: float, **defaults: float) -> System:
    return System.flow(equations, parameters=list(defaults), start=start, name=name, dt=dt, defaults=defaults)


def _map(name: str, equations: str, start: Sequence[float], **defaults: float) -> System:
    return System.map(equations, parameters=list(defaults), start=start, name=name, defaults=defaults)


def lorenz(sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3) -> System:
    """Lorenz flow: x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z.

    E. N. Lorenz, J. Atmos. Sci. 20 (1963) 130. Wolf et al., Physica D 16 (1985) 285, use (16, 45.92, 4).
    """
    equations = "x' = sigma*(y - x); y' = x*(rho - z) - y; z' = x*y - beta*z"
    return _flow("Lorenz", equations, (0.5, 1.0, 1.5), 0.005, sigma=sigma, rho=rho, beta=beta)


def roessler(a: float = 0.2, b: float = 0.2, c: float = 5.7) -> System:
    """Rössler flow: x' = -y - z, y' = x + a y, z' = b + z (x - c).

    O. E. Rössler, Phys. Lett. A 57 (1976) 397. Wolf et al. use (0.15, 0.2, 10).
    """
    equations = "x' = -y - z; y' = x + a*y; z' = b + z*(x - c)"
    return _flow("Rössler", equations, (1.0, 1.0, 0.1), 0.02, a=a, b=b, c=c)


def hyperchaotic_roessler(a: float = 0.25, b: float = 3.0, c: float = 0.5, d: float = 0.05) -> System:
    """Hyperchaotic Rössler flow: x' = -y - z, y' = x + a y + w, z' = b + x z, w' = -c z + d w.

    O. E. Rössler, Phys. Lett. A 71 (1979) 155. Two positive exponents.
    """
    equations = "x' = -y - z; y' = x + a*y + w; z' = b + x*z; w' = -c*z + d*w"
    return _flow("hyperchaotic Rössler", equations, (-20.0, 0.0, 0.0, 15.0), 0.005, a=a, b=b, c=c, d=d)


def halvorsen(a: float = 1.27) -> System:
    """Halvorsen flow: x' = -a x - 4 y - 4 z - y^2, and cyclic.

    J. C. Sprott, Chaos and Time-Series Analysis (Oxford, 2003), appendix A.
    """
    equations = "x' = -a*x - 4*y - 4*z - y^2; y' = -a*y - 4*z - 4*x - z^2; z' = -a*z - 4*x - 4*y - x^2"
    return _flow("Halvorsen", equations, (-5.0, 0.0, 0.0), 0.01, a=a)


def thomas(b: float = 0.18) -> System:
    """Thomas flow: x' = sin y - b x, and cyclic.

    R. Thomas, Int. J. Bifurcation and Chaos 9 (1999) 1889.
    """
    equations = "x' = sin(y) - b*x; y' = sin(z) - b*y; z' = sin(x) - b*z"
    return _flow("Thomas", equations, (0.1, 0.0, 0.2), 0.05, b=b)


def rabinovich_fabrikant(alpha: float = 1.1, gamma: float = 0.87) -> System:
    """Rabinovich-Fabrikant: x' = y (z - 1 + x^2) + gamma x, y' = x (3 z + 1 - x^2) + gamma y, z' = -2 z (alpha + x y).

    M. I. Rabinovich and A. L. Fabrikant, Sov. Phys. JETP 50 (1979) 311.
    """
    equations = "x' = y*(z - 1 + x^2) + gamma*x; y' = x*(3*z + 1 - x^2) + gamma*y; z' = -2*z*(alpha + x*y)"
    return _flow("Rabinovich-Fabrikant", equations, (-1.0, 0.0, 0.5), 0.005, alpha=alpha, gamma=gamma)


def chen(a: float = 35.0, b: float = 3.0, c: float = 28.0) -> System:
    """Chen flow: x' = a (y - x), y' = (c - a) x - x z + c y, z' = x y - b z.

    G. Chen and T. Ueta, Int. J. Bifurcation and Chaos 9 (1999) 1465.
    """
    equations = "x' = a*(y - x); y' = (c - a)*x - x*z + c*y; z' = x*y - b*z"
    return _flow("Chen", equations, (-10.0, 0.0, 37.0), 0.002, a=a, b=b, c=c)


def sprott_b() -> System:
    """Sprott B: x' = y z, y' = x - y, z' = 1 - x y.

    J. C. Sprott, Phys. Rev. E 50 (1994) R647, case B.
    """
    return _flow("Sprott B", "x' = y*z; y' = x - y; z' = 1 - x*y", (0.05, 0.05, 0.05), 0.02)


def quadratic_jerk(A: float = 2.017) -> System:  # noqa: N803 - the letter of the source
    """Jerk flow: x' = y, y' = z, z' = -A z + y^2 - x, the simplest chaotic flow with a quadratic term.

    J. C. Sprott, Phys. Lett. A 228 (1997) 271.
    """
    return _flow("simplest quadratic jerk", "x' = y; y' = z; z' = -A*z + y^2 - x", (0.0, 0.0, 1.0), 0.02, A=A)


def rucklidge(k: float = 2.0, l: float = 6.7) -> System:  # noqa: E741 - the letter of the source
    """Rucklidge flow: x' = -k x + l y - y z, y' = x, z' = -z + y^2.

    A. M. Rucklidge, J. Fluid Mech. 237 (1992) 209.
    """
    return _flow("Rucklidge", "x' = -k*x + l*y - y*z; y' = x; z' = -z + y^2", (1.0, 0.0, 4.5), 0.01, k=k, l=l)


def moore_spiegel(T: float = 6.0, R: float = 20.0) -> System:  # noqa: N803 - the letters of the source
    """Moore-Spiegel flow: x' = y, y' = z, z' = -z - (T - R + R x^2) y - T x.

    D. W. Moore and E. A. Spiegel, Astrophys. J. 143 (1966) 871.
    """
    equations = "x' = y; y' = z; z' = -z - (T - R + R*x^2)*y - T*x"
    return _flow("Moore-Spiegel", equations, (0.1, 0.0, 0.0), 0.01, T=T, R=R)


def chua(alpha: float = 9.0, beta: float = 100 / 7, a: float = -8 / 7, b: float = -5 / 7) -> System:
    """Chua: x' = alpha (y - x - g(x)), y' = x - y + z, z' = -beta y, g = b x + (a - b) (abs(x + 1) - abs(x - 1)) / 2.

    T. Matsumoto, L. O. Chua and M. Komuro, IEEE Trans. Circuits Syst. 32 (1985) 797. The Jacobian jumps at x = ±1.
    """
    equations = "x' = alpha*(y - x - b*x - (a - b)*(abs(x + 1) - abs(x - 1))/2); y' = x - y + z; z' = -beta*y"
    return _flow("Chua", equations, (0.1, 0.0, 0.0), 0.01, alpha=alpha, beta=beta, a=a, b=b)


def duffing(d: float = 0.25, g: float = 0.4, w: float = 1.0) -> System:
    """Duffing-Holmes flow: x'' + d x' - x + x^3 = g cos(w t), as x' = v.

    P. Holmes, Phil. Trans. R. Soc. A 292 (1979) 419. Textbooks also use d = 0.2, g = 0.3.
    """
    equations = "x' = v; v' = -d*v + x - x^3 + g*cos(w*t)"
    return _flow("Duffing-Holmes", equations, (0.2, 0.0), 0.02, d=d, g=g, w=w)


def ueda(d: float = 0.05, g: float = 7.5) -> System:
    """Ueda flow: x'' + d x' + x^3 = g cos t, as x' = v.

    Y. Ueda, J. Stat. Phys. 20 (1979) 181.
    """
    return _flow("Ueda", "x' = v; v' = -d*v - x^3 + g*cos(t)", (2.5, 0.0), 0.01, d=d, g=g)


def van_der_pol(mu: float = 3.0, g: float = 5.0, w: float = 1.788) -> System:
    """Driven van der Pol flow: x'' - mu (1 - x^2) x' + x = g sin(w t), as x' = v.

    B. van der Pol, Phil. Mag. 3 (1927) 65; parameters: Sprott, Chaos and Time-Series Analysis (2003), appendix A.
    """
    equations = "x' = v; v' = mu*(1 - x^2)*v - x + g*sin(w*t)"
    return _flow("driven van der Pol", equations, (-1.9, 0.0), 0.01, mu=mu, g=g, w=w)


def lorenz_96(N: int = 40, F: float = 8.0) -> System:  # noqa: N803 - the letters of the source
    """Lorenz-96: x_i' = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + F on a ring of N >= 4 sites, states x0 … x(N-1).

    E. N. Lorenz and K. A. Emanuel, J. Atmos. Sci. 55 (1998) 399. The start is x_i = F + sin(1 + 2.4 i), far from the
    uniform state, which is a fixed point.

    Raises:
        EquationError: N is not a whole number of at least 4.
    """
    if int(N) != N or N < 4:
        raise EquationError(f"Lorenz-96 needs N, a whole number of at least 4, not {N!r}")
    n = int(N)
    sites = range(n)
    equations = "; ".join(f"x{i}' = (x{(i + 1) % n} - x{(i - 2) % n})*x{(i - 1) % n} - x{i} + F" for i in sites)
    start = [F + math.sin(1.0 + 2.4 * i) for i in sites]
    return _flow(f"Lorenz-96, N = {n}", equations, start, 0.02, F=F)


def henon_heiles(E: float = 1 / 8, y: float = -0.25) -> System:  # noqa: N803 - the letter of the source
    """Hénon-Heiles flow: x'' = -x - 2 x y, y'' = -y - x^2 + y^2, states x, y, u = x', v = y'.

    M. Hénon and C. Heiles, Astron. J. 69 (1964) 73. No parameters: the energy E belongs to the start.

    Args:
        E: energy, up to 1/6 for bounded orbits; sets the start (0, y, u, 0) with u > 0.
        y: start.

    Raises:
        EquationError: no orbit of this energy passes x = 0, y with v = 0.
    """
    twice = 2 * E - y**2 + 2 * y**3 / 3
    if not twice >= 0:
        raise EquationError(f"Hénon-Heiles: no orbit of energy {E} passes x = 0, y = {y} with v = 0; take y nearer 0")
    equations = "x' = u; y' = v; u' = -x - 2*x*y; v' = -y - x^2 + y^2"
    return _flow("Hénon-Heiles", equations, (0.0, y, math.sqrt(twice), 0.0), 0.02)


def logistic(r: float = 4.0) -> System:
    """Logistic map: x -> r x (1 - x).

    R. M. May, Nature 261 (1976) 459. At r = 4 the exponent is ln 2.
    """
    return _map("logistic", "x -> r*x*(1 - x)", (0.3,), r=r)


def tent(s: float = 1.999999) -> System:
    """Tent map: x -> s min(x, 1 - x), of slope s; the exponent is ln s.

    Sprott, Chaos and Time-Series Analysis (2003), section 2.6. At s = 2 binary numbers lose every orbit to 0.
    """
    return _map("tent", "x -> s*min(x, 1 - x)", (0.3,), s=s)


def baker(al: float = 0.4, la: float = 0.4, lb: float = 0.6) -> System:
    """Generalised baker's map: y < al: x -> la x, y -> y / al; else x -> 1 - lb + lb x, y -> (y - al) / (1 - al).

    J. D. Farmer, E. Ott and J. A. Yorke, Physica D 7 (1983) 153. At al = 1/2 binary numbers lose the orbit.
    """
    equations = "x -> where(y < al, la*x, 1 - lb + lb*x); y -> where(y < al, y/al, (y - al)/(1 - al))"
    return _map("baker", equations, (0.3, 0.2345), al=al, la=la, lb=lb)


def arnold_cat() -> System:
    """Arnold's cat map: x -> 2 x + y, y -> x + y, both mod 1; the exponents are ±ln((3 + sqrt 5) / 2).

    V. I. Arnold and A. Avez, Ergodic Problems of Classical Mechanics (Benjamin, 1968).
    """
    return _map("Arnold's cat", "x -> mod(2*x + y, 1); y -> mod(x + y, 1)", (0.3, 0.4142135623730951))


def henon(a: float = 1.4, b: float = 0.3) -> System:
    """Hénon map: x -> 1 - a x^2 + y, y -> b x.

    M. Hénon, Commun. Math. Phys. 50 (1976) 69.
    """
    return _map("Hénon", "x -> 1 - a*x^2 + y; y -> b*x", (0.1, 0.1), a=a, b=b)


def standard_map(k: float = 6.0) -> System:
    """Standard map: p -> p + k sin x, x -> x + p (the new p), both mod 2 pi.

    B. V. Chirikov, Phys. Rep. 52 (1979) 263. L1 is near ln(k / 2) for large k.
    """
    equations = "p -> mod(p + k*sin(x), 2*pi); x -> mod(x + p + k*sin(x), 2*pi)"
    return _map("standard", equations, (0.5, 1.0), k=k)


def delayed_logistic(a: float = 2.27) -> System:
    """Delayed logistic map: x -> a x (1 - y), y -> x.

    D. G. Aronson et al., Commun. Math. Phys. 83 (1982) 303.
    """
    return _map("delayed logistic", "x -> a*x*(1 - y); y -> x", (0.5, 0.5), a=a)


def tinkerbell(a: float = 0.9, b: float = -0.6013, c: float = 2.0, d: float = 0.5) -> System:
    """Tinkerbell map: x -> x^2 - y^2 + a x + b y, y -> 2 x y + c x + d y.

    H. E. Nusse and J. A. Yorke, Dynamics: Numerical Explorations (Springer, 1994).
    """
    equations = "x -> x^2 - y^2 + a*x + b*y; y -> 2*x*y + c*x + d*y"
    return _map("Tinkerbell", equations, (-0.72, -0.64), a=a, b=b, c=c, d=d)
