"""Generated statements compute what the equations say."""

from __future__ import annotations

import numpy as np
import pytest

from everest_kernel.lyapunov import System, spectrum, systems
from everest_kernel.lyapunov.codegen import numpy_text

SHORT = {"flow": {"T": 2.0, "transient": 1.0}, "map": {"T": 20.0, "transient": 5.0}}


@pytest.mark.parametrize("name", systems.names())
def test_every_system_of_the_catalogue_runs(name: str) -> None:
    system = systems.named(name)
    found = spectrum(system, code="numpy", **SHORT[system.kind])  # type: ignore[arg-type]
    assert np.isfinite(found.exponents).all()
    if found.exact_sum is not None:
        assert found.sum == pytest.approx(found.exact_sum, abs=1e-3)


@pytest.mark.parametrize("name", ["baker", "chua", "tent", "duffing"])
def test_pieces_and_drives_are_compiled(name: str) -> None:
    system = systems.named(name)
    one, other = (spectrum(system, code=code, **SHORT[system.kind]) for code in ("numba", "numpy"))  # type: ignore[arg-type]
    assert one.exponents == pytest.approx(other.exponents, abs=1e-9)


EXPRESSIONS = [
    ("x**5 - 3*x**-2 + y**0.5", lambda x, y: x**5 - 3 * x**-2 + y**0.5),
    ("-x/(1 + y^2)/3", lambda x, y: -x / (1 + y**2) / 3),
    ("abs(x - 1)*sign(x - 2) + floor(3*y)", lambda x, y: abs(x - 1) * np.sign(x - 2) + np.floor(3 * y)),
    ("mod(x, 0.3) + min(x, y, 0.5) + max(x, 2*y)", lambda x, y: np.mod(x, 0.3) + min(x, y, 0.5) + max(x, 2 * y)),
    ("where(x > 1, y, where(x > 0.5, 2*y, 3))", lambda x, y: y if x > 1 else 2 * y if x > 0.5 else 3),
    ("exp(-x)*sin(y) + atan2(x, y) + log(1 + y)", lambda x, y: np.exp(-x) * np.sin(y) + np.arctan2(x, y) + np.log1p(y)),
    ("tanh(x) + asin(y/3) + cosh(y) - pi", lambda x, y: np.tanh(x) + np.arcsin(y / 3) + np.cosh(y) - np.pi),
]


@pytest.mark.parametrize(("text", "exact"), EXPRESSIONS)
def test_expressions(text: str, exact: object) -> None:
    names: dict[str, object] = {}
    exec(numpy_text(System.flow(f"x' = {text}; y' = ({text})*x")), names)
    x = np.array([[0.4, 0.9, 1.7, 2.2], [0.3, 1.1, 0.7, 1.6]])
    f, d, none = np.empty_like(x), np.empty((2, 0, 4)), np.empty((2, 0, 4))
    names["evaluate"](x, none, np.empty((0, 4)), 0.0, f, d)  # type: ignore[operator]
    assert f[0] == pytest.approx([exact(*pair) for pair in x.T], rel=1e-13)  # type: ignore[operator]
    assert f[1] == pytest.approx(f[0] * x[0], rel=1e-13)


def test_what_two_pieces_share_is_computed_once() -> None:
    text = numpy_text(System.flow("x' = where(x > y, x, y); y' = where(x > y, y*y, x)"))
    for function in text.split("\ndef ")[1:]:
        assert function.count(" > ") == 1, text
