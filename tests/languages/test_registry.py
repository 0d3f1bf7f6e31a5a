"""Languages of other packages, as entry points name them; a package is a folder with the files that pip would write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from everest_kernel.languages import find_language, language_names
from everest_kernel.languages import registry as module
from everest_kernel.routes import Configuration, find_route, load_configuration, route_table
from everest_kernel.wire import ConfigurationError

PLAIN = (Path(__file__).parent / "plain.py").read_text()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Make a package known that holds one language."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def forget() -> None:
        module._others.cache_clear()
        find_language.cache_clear()
        sys.modules.pop("other_language", None)

    def add(name: str, source: str) -> None:
        (folder / "other_language.py").write_text(source)
        information = folder / "other_package-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            f"[everest_kernel.languages]\n{name} = other_language:PlainLanguage\n"
        )
        forget()

    yield add
    forget()


def test_another_package_adds_a_language(install: Callable[[str, str], None]) -> None:
    install("plain", PLAIN)
    assert "plain" in language_names()
    assert route_table(Configuration())["plain"].language.name == "plain"


def test_another_packages_language_goes_before_ours(install: Callable[[str, str], None]) -> None:
    install("octave", PLAIN.replace('"plain"', '"octave"'))
    language = find_language("octave")
    assert type(language).__module__ == "other_language"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nonesuch", "No module named 'nonesuch'"),
        ("PlainLanguage = int", "has no attribute 'name'"),
        (PLAIN, "calls itself 'plain'"),
    ],
)
def test_a_language_that_cannot_be_loaded_stops_no_other(
    install: Callable[[str, str], None], source: str, said: str, tmp_path: Path
) -> None:
    install("broken", source)
    table = route_table(Configuration())
    assert "python" in table
    assert "broken" not in table
    with pytest.raises(ConfigurationError, match="the language 'broken' of other-package") as caught:
        find_route("broken", table)
    assert said in str(caught.value)
    (tmp_path / "everest.toml").write_text("[routes.mine]\nlanguage = 'broken'")
    with pytest.raises(ConfigurationError, match="other-package"):
        route_table(load_configuration(tmp_path))
