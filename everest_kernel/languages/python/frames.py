"""pandas frames, series and indexes as values: column by column, each dtype in a form that keeps it exact.

The part of `values` that is loaded only when a frame is met; shipped with it.
"""

from __future__ import annotations

import importlib
from typing import Any

from .decoding import Decoder
from .encoding import CannotTravelError, Encoder, encode_timezone, kind_of


def encode(value: Any, encoder: Encoder) -> dict[str, Any]:
    """The tree of a pandas object.

    Raises:
        CannotTravelError: of a type or with a dtype that cannot travel exactly.
    """
    pandas, kind = importlib.import_module("pandas"), type(value)
    part = encoder.part
    if kind is pandas.DataFrame:
        columns = [_column(value.iloc[:, i].array, encoder) for i in range(value.shape[1])]
        return {
            "t": "frame",
            "v": columns,
            "columns": part(value.columns),
            "index": part(value.index),
            "attrs": part(dict(value.attrs)),
        }
    if kind is pandas.Series:
        data = _column(value.array, encoder)
        return {"t": "series", "v": data, "name": part(value.name), "index": part(value.index)}
    if kind is pandas.RangeIndex:
        return {"t": "rangeindex", "v": [value.start, value.stop, value.step], "name": part(value.name)}
    if kind is pandas.MultiIndex:
        codes = [part([int(code) for code in level]) for level in value.codes]
        return {
            "t": "multiindex",
            "v": [part(level) for level in value.levels],
            "codes": codes,
            "names": part(list(value.names)),
        }
    if kind in (pandas.Index, pandas.DatetimeIndex, pandas.TimedeltaIndex, pandas.CategoricalIndex):
        data = _column(value.array, encoder)
        return {"t": "index", "v": data, "name": part(value.name), "freq": getattr(value, "freqstr", None)}
    if kind is pandas.Timestamp:
        zone = None if value.tzinfo is None else encode_timezone(value.tzinfo)
        return {"t": "timestamp", "v": int(value.asm8.view("i8")), "unit": value.unit, "zone": zone}
    if kind is pandas.Timedelta:
        return {"t": "tick", "v": int(value.asm8.view("i8")), "unit": value.unit}
    if value is pandas.NaT or value is pandas.NA:
        return {"t": "NaT" if value is pandas.NaT else "NA"}
    raise CannotTravelError(f"a value of type {kind_of(value)} cannot travel")


def _column(array: Any, encoder: Encoder) -> dict[str, Any]:
    numpy, pandas = importlib.import_module("numpy"), importlib.import_module("pandas")
    dtype = array.dtype
    if isinstance(dtype, pandas.StringDtype):  # first: its arrays are NumpyExtensionArrays too
        texts = [None if gone else str(text) for text, gone in zip(array, array.isna())]  # noqa: B905 - Python 3.8
        return {"kind": "string", "v": texts, "nan": dtype.na_value is not pandas.NA, "storage": dtype.storage}
    if isinstance(array, pandas.arrays.NumpyExtensionArray):
        if dtype.numpy_dtype.hasobject:
            return {"kind": "object", "v": [encoder.part(item) for item in array]}
        return {"kind": "numpy", "m": encoder.array(numpy.asarray(array))}
    if isinstance(dtype, numpy.dtype):  # datetime64 and timedelta64 without a time zone
        return {"kind": "numpy", "m": encoder.array(numpy.asarray(array))}
    if isinstance(dtype, pandas.CategoricalDtype):
        codes = encoder.array(numpy.asarray(array.codes))
        return {
            "kind": "categories",
            "m": codes,
            "v": encoder.part(dtype.categories),
            "ordered": bool(dtype.ordered),
        }
    if isinstance(dtype, pandas.DatetimeTZDtype):
        ticks = encoder.array(numpy.asarray(array.tz_convert("UTC").tz_localize(None)))
        return {"kind": "datetimetz", "m": ticks, "zone": encode_timezone(dtype.tz)}
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if numpy_dtype is not None and hasattr(array, "_mask"):  # the nullable Int64, boolean, Float64
        missing = numpy.asarray(array.isna())
        data = array.to_numpy(dtype=numpy_dtype, na_value=numpy.zeros((), numpy_dtype)[()])
        return {"kind": "masked", "m": encoder.array(data), "mask": encoder.array(missing), "v": str(dtype)}
    raise CannotTravelError(f"a column of dtype {dtype} cannot travel")


def decode(tree: Any, decoder: Decoder) -> Any:
    """The pandas object of a tree.

    Raises:
        CannotTravelError: an unknown tag, or pandas is not installed here.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise CannotTravelError("pandas is needed for this value and is not installed here") from error
    tag, part = tree["t"], decoder.part
    if tag == "frame":
        return _frame(tree, decoder)
    if tag == "series":
        return pandas.Series(_values(tree["v"], decoder), index=part(tree["index"]), name=part(tree["name"]))
    if tag == "rangeindex":
        return pandas.RangeIndex(*tree["v"], name=part(tree["name"]))
    if tag == "multiindex":
        levels = [part(level) for level in tree["v"]]
        codes = [part(code) for code in tree["codes"]]
        return pandas.MultiIndex(levels=levels, codes=codes, names=part(tree["names"]), verify_integrity=True)
    if tag == "index":
        index = pandas.Index(_values(tree["v"], decoder), name=part(tree["name"]))
        if tree["freq"] is not None:
            index.freq = tree["freq"]
        return index
    if tag == "timestamp":
        numpy = importlib.import_module("numpy")
        stamp = pandas.Timestamp(numpy.datetime64(tree["v"], tree["unit"]))
        return stamp if tree["zone"] is None else stamp.tz_localize("UTC").tz_convert(part(tree["zone"]))
    if tag == "tick":
        return pandas.Timedelta(tree["v"], unit=tree["unit"]).as_unit(tree["unit"])
    if tag in ("NaT", "NA"):
        return getattr(pandas, tag)
    raise CannotTravelError(f"unknown kind of value {tag!r}")


def _frame(tree: Any, decoder: Decoder) -> Any:
    pandas = importlib.import_module("pandas")
    index = decoder.part(tree["index"])
    columns = {i: pandas.Series(_values(column, decoder), index=index) for i, column in enumerate(tree["v"])}
    frame = pandas.DataFrame(columns, index=index)
    frame.columns = decoder.part(tree["columns"])
    frame.attrs.update(decoder.part(tree["attrs"]))
    return frame


def _values(column: Any, decoder: Decoder) -> Any:
    pandas, kind = importlib.import_module("pandas"), column["kind"]
    if kind == "numpy":
        return pandas.Series(decoder.array(column["m"])).array
    if kind == "object":
        return pandas.Series([decoder.part(item) for item in column["v"]], dtype=object).array
    if kind == "categories":
        categories = decoder.part(column["v"])
        return pandas.Categorical.from_codes(decoder.array(column["m"]), categories, ordered=column["ordered"])
    if kind == "datetimetz":
        ticks = pandas.DatetimeIndex(decoder.array(column["m"]))
        return ticks.tz_localize("UTC").tz_convert(decoder.part(column["zone"])).array
    if kind == "string":
        return pandas.array(column["v"], dtype=_string_dtype(column))
    if kind == "masked":
        array = pandas.array(decoder.array(column["m"]), dtype=column["v"])
        array[decoder.array(column["mask"])] = pandas.NA
        return array
    raise CannotTravelError(f"unknown kind of column {kind!r}")


def _string_dtype(column: Any) -> Any:
    pandas = importlib.import_module("pandas")
    if not column["nan"]:
        return pandas.StringDtype(column["storage"])
    return pandas.StringDtype(column["storage"], na_value=float("nan"))
