"""What packages promise to export is there, and nothing private is promised."""

import importlib
import pkgutil
import re
from importlib.metadata import version

import pytest

import everest_kernel

PACKAGES = ["everest_kernel"] + [
    f"everest_kernel.{name}" for _, name, is_package in pkgutil.iter_modules(everest_kernel.__path__) if is_package
]


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_exist(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__, package
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert not re.match(r"_[^_]", name)


def test_version_is_that_of_the_distribution() -> None:
    assert everest_kernel.__version__ == version("everest-kernel")
