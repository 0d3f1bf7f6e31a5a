"""A grid as a file: netCDF 4 or Zarr, through xarray.

Other programs see ordinary variables with coordinates, units and fill values. `Grid.load` reads the same file without
any conversion, and with the notes in the attribute `everest_grid` gives back exactly what was saved: kinds that these
formats do not know (truth values, complex numbers), points that failed and why, and how long everything took.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..wire import CellOptionError, ConfigurationError
from .ledger import FLAGS, Ledger, Names, Status
from .optional import have, need
from .outputs import OutputColumn
from .selection import axis_values
from .spaces import ListedAxis, ListedSpace

if TYPE_CHECKING:
    import xarray  # type: ignore[import-not-found, unused-ignore]

    from .results import SweepResults

__all__ = ["SavedGrid", "load", "save"]

_NOTES = "everest_grid"
_FORM = 1
_POINTS = ("seconds", "resource", "job", "error", "computed")
_NAMES = ("resources", "jobs", "errors")
_ENGINES = {"netCDF4": "netcdf4", "h5py": "h5netcdf"}
"""What writes netCDF 4, by the package that it cannot do without; recent versions of h5netcdf come without h5py."""


@dataclass(frozen=True)
class SavedGrid:
    """What a file holds.

    Attributes:
        space: the values of the parameters.
        outputs: names of the results.
        data: output to its raw results, of shape (points, *point_shape); none where nothing had come.
        first: number of a point that has results.
        ledger: state, times and errors of the points.
        fixed: parameters that the grid is a slice at.
    """

    space: ListedSpace
    outputs: tuple[str, ...]
    data: dict[str, NDArray[Any]]
    first: int
    ledger: Ledger
    fixed: dict[str, Any]


def save(grid: SweepResults, ledger: Ledger, columns: Mapping[str, OutputColumn], path: Path) -> Path:
    """Write a grid; an existing file is replaced only when the new one is complete.

    Args:
        grid: names, space and what it is a slice of.
        ledger: what is known of its points.
        columns: its results.
        path: ends with `.nc` or `.zarr`.

    Raises:
        ConfigurationError: xarray, or what writes this format, is not installed.
        CellOptionError: another ending.
    """
    engine = _engine(path)
    dataset = _dataset(grid, ledger, columns)
    part = path.with_name(f".{path.stem}-part{path.suffix}")
    _remove(part)
    try:
        if engine == "zarr":
            dataset.to_zarr(part, mode="w", zarr_format=2)
            _remove(path)
        else:
            dataset.to_netcdf(part, engine=engine)  # type: ignore[call-overload, unused-ignore]
        os.replace(part, path)
    finally:
        _remove(part)
    return path


def load(path: Path) -> SavedGrid:
    """Read what `save` wrote.

    Raises:
        ConfigurationError: xarray, or what reads this format, is not installed.
        CellOptionError: no such file, or not written by `save`.
    """
    engine = _engine(path)
    if not path.exists():
        raise CellOptionError(f"there is no {path}")
    package = need("xarray", "reading a grid")
    with package.open_dataset(path, engine=engine, decode_cf=False) as dataset:
        notes = json.loads(dataset.attrs.get(_NOTES, "null"))
        if not notes or notes["form"] != _FORM:
            raise CellOptionError(
                f"{path} was not written by Grid.save of this version", hint="xarray.open_dataset reads any such file."
            )
        return _read(dataset, notes)


def _engine(path: Path) -> str:
    if path.suffix == ".zarr":
        need("zarr", "a .zarr file", "xarray zarr")
        need("xarray", "a .zarr file", "xarray zarr")
        return "zarr"
    if path.suffix != ".nc":
        raise CellOptionError(f"{path.name!r} has no known ending", hint="Name it .nc (netCDF) or .zarr.")
    need("xarray", "a .nc file", "xarray netCDF4")
    for package, engine in _ENGINES.items():
        if have(package) and (package == "netCDF4" or have(engine)):
            return engine
    raise ConfigurationError("a .nc file needs the package netCDF4 (or h5netcdf with h5py)", hint="pip install netCDF4")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# ---- writing ---------------------------------------------------------------------------------------------------


def _dataset(grid: SweepResults, ledger: Ledger, columns: Mapping[str, OutputColumn]) -> xarray.Dataset:
    from .labelled import dimension_names

    package, space = need("xarray", "saving a grid"), grid.space
    dims = dimension_names(space, grid.outputs)
    data: dict[str, Any] = {}
    outputs: list[dict[str, Any]] = []
    missing = ledger.status != Status.DONE
    for name, column in columns.items():
        raw = column.raw
        if raw is None:
            outputs.append({"name": name, "kind": None})
            continue
        outputs.append({"name": name, "kind": raw.dtype.str, "shape": list(raw.shape[1:])})
        inner = [f"{name}_{number}" for number in range(raw.ndim - 1)]
        for part, (values, attributes) in _encoded(raw, missing).items():
            if raw.size:
                data[name + part] = ([*dims, *inner], values.reshape((*space.shape, *raw.shape[1:])), attributes)
    data["everest_status"] = (dims, ledger.status.reshape(space.shape), FLAGS)
    for what in _POINTS:
        values = getattr(ledger, what).reshape(space.shape)
        data[f"everest_{what}"] = (dims, values.astype(np.int8) if what == "computed" else values)
    for what in _NAMES:
        names = getattr(ledger, what).names
        if names:
            values, attributes = _texts(names)
            data[f"everest_{what}"] = ((f"everest_{what}_number",), values, attributes)
    axes, coordinates = [], {}
    for dim, axis in zip(dims, space.axes, strict=True):
        axes.append({"label": axis.label, "names": list(axis.names), "unit": axis.unit})
        for name in axis.names:
            values, attributes = _parameter(axis_values(axis, name))
            unit = {"units": axis.unit[name]} if axis.unit.get(name) else {}
            coordinates[name] = (dim, values, {**attributes, **unit})
    notes = {"form": _FORM, "outputs": outputs, "axes": axes, "where": space.where, "fixed": grid.fixed}
    attributes = {_NOTES: json.dumps(notes, default=str)}
    dataset: xarray.Dataset = package.Dataset(data, coords=coordinates, attrs=attributes)
    return dataset


def _encoded(raw: NDArray[Any], missing: NDArray[np.bool_]) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    """One output in kinds that netCDF knows: ending of the variable's name to values and attributes."""
    kind = raw.dtype.kind
    if kind == "c":
        return {"_real": (raw.real, {}), "_imag": (raw.imag, {})}
    if kind == "O":
        values, attributes = _texts(raw.reshape(-1).tolist())
        return {"": (values, attributes)}
    if kind == "f":
        return {"": (raw.astype(np.float32) if raw.dtype.itemsize < 4 else raw, {})}
    values = raw.astype(np.int8) if kind == "b" else raw
    if not missing.any():
        return {"": (values, {})}
    if kind != "b" and values.dtype.itemsize < 8:  # the value that stands for a missing one must not be a result
        values = values.astype(np.int64)
    limits = np.iinfo(values.dtype)
    fill = values.dtype.type(limits.max if values.dtype.kind == "u" else limits.min)
    values = values.copy()
    values[missing] = fill
    return {"": (values, {"_FillValue": fill})}


def _texts(texts: Sequence[str]) -> tuple[NDArray[Any], dict[str, Any]]:
    """Texts as they are, or escaped when they hold what the formats cannot: zero bytes, halves of surrogate pairs."""
    plain = all(text.isprintable() or _storable(text) for text in texts)
    values = np.empty(len(texts), dtype=object)
    values[:] = list(texts) if plain else [json.dumps(text) for text in texts]
    return values, {} if plain else {"everest_form": "json"}


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _parameter(values: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    if values.dtype.kind == "b":
        return values.astype(np.int8), {"everest_form": "bool"}
    if values.dtype.kind == "c":
        values = values.astype(object)
    if values.dtype.kind == "O":
        encoded, _ = _texts([json.dumps(repr(value)) for value in values.tolist()])
        return encoded, {"everest_form": "literal"}
    if values.dtype.kind == "U":
        return _texts(values.tolist())
    return values, {}


# ---- reading ---------------------------------------------------------------------------------------------------


def _read(dataset: xarray.Dataset, notes: dict[str, Any]) -> SavedGrid:
    axes = [
        ListedAxis({name: _decoded(dataset[name]) for name in axis["names"]}, axis["label"], axis["unit"])
        for axis in notes["axes"]
    ]
    ledger = Ledger(dataset["everest_status"].values.reshape(-1).astype(np.int8))
    for what in _POINTS:
        kept = getattr(ledger, what)
        setattr(ledger, what, dataset[f"everest_{what}"].values.reshape(-1).astype(kept.dtype))
    for what in _NAMES:
        if f"everest_{what}" in dataset:
            setattr(ledger, what, Names(_strings(dataset[f"everest_{what}"])))
    missing = ledger.status != Status.DONE
    data = {
        output["name"]: _output(dataset, output, len(missing), missing)
        for output in notes["outputs"]
        if output["kind"] is not None
    }
    space = ListedSpace(axes, notes["where"], ledger.status != Status.LEFT_OUT)
    first = int(np.argmin(missing)) if len(missing) else 0
    names = tuple(output["name"] for output in notes["outputs"])
    return SavedGrid(space, names, data, first, ledger, notes["fixed"])


def _output(dataset: Any, output: dict[str, Any], size: int, missing: NDArray[np.bool_]) -> NDArray[Any]:
    name, kind, shape = output["name"], np.dtype(output["kind"]), (size, *output["shape"])
    if 0 in shape:
        return np.zeros(shape, kind)
    if kind.kind == "c":
        result = np.empty(shape, kind)
        result.real = dataset[f"{name}_real"].values.reshape(shape)
        result.imag = dataset[f"{name}_imag"].values.reshape(shape)
        return result
    if kind.kind == "O":
        texts = np.empty(int(np.prod(shape)), dtype=object)
        texts[:] = _strings(dataset[name])
        return texts.reshape(shape)
    values: NDArray[Any] = dataset[name].values.reshape(shape).astype(kind)
    if kind.kind in "biu" and missing.any():
        values[missing] = 0
    return values


def _strings(variable: Any) -> list[str]:
    """Texts exactly: an array of fixed width would lose zero bytes at their ends."""
    texts: list[str] = np.asarray(variable.values).reshape(-1).tolist()
    return [json.loads(text) for text in texts] if variable.attrs.get("everest_form") == "json" else texts


def _decoded(variable: Any) -> NDArray[Any]:
    form, values = variable.attrs.get("everest_form"), np.asarray(variable.values)
    if form == "bool":
        return values.astype(np.bool_)
    if form is None:
        return np.array(values.tolist(), dtype=str) if values.dtype.kind in "OT" else values
    texts = [json.loads(text) for text in values.reshape(-1).tolist()]
    if form == "json":
        return np.array(texts, dtype=str).reshape(values.shape)
    objects = np.empty(len(texts), dtype=object)
    objects[:] = [_literal(text) for text in texts]
    return objects


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # an object of the user's own: its text is what can be kept
        return text
