"""Configuration files, routes and lengths of time."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import CellRequest, language_names
from everest_kernel.routes import (
    CacheSettings,
    Configuration,
    find_route,
    load_configuration,
    parse_duration,
    parse_size,
    route_table,
)
from everest_kernel.wire import ConfigurationError


def write_user_file(text: str) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "everest-kernel"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)


# --- files


def test_without_files_there_is_a_route_of_the_embedded_hub_for_each_language(tmp_path: Path) -> None:
    table = route_table(load_configuration(tmp_path))
    assert set(table) == set(language_names()) >= {"python", "shell", "octave"}
    assert {route.server for route in table.values()} == {"embedded"}
    assert table["python"].command.startswith(sys.executable), "cells find what plain cells find"


def test_the_file_beside_the_notebook_wins_table_by_table(tmp_path: Path) -> None:
    write_user_file(
        "default_server = 'lab'\n[servers.lab]\nurl = 'https://a'\n"
        "[routes.x]\nlanguage = 'shell'\n[routes.y]\nlanguage = 'shell'"
    )
    (tmp_path / "everest.toml").write_text("[routes.x]\nlanguage = 'python'\ntime_limit = '1h'\nresources = ['r1']")
    configuration = load_configuration(tmp_path)
    assert configuration.default_server == "lab"
    table = route_table(configuration)
    assert (table["x"].language.name, table["x"].time_limit, table["x"].resources) == ("python", 3600, ("r1",))
    assert table["y"].language.name == "shell"
    assert {route.server for route in table.values()} == {"lab"}
    assert table["python"].command == "python3 program.py", "another machine has another interpreter"


def test_a_notebook_cannot_lead_a_server_of_the_users_elsewhere(tmp_path: Path) -> None:
    write_user_file("[servers.lab]\nurl = 'https://a'")
    (tmp_path / "everest.toml").write_text("[servers.lab]\nurl = 'https://a/'\n[servers.other]\nurl = 'https://b'")
    assert set(load_configuration(tmp_path).servers) == {"lab", "other"}
    (tmp_path / "everest.toml").write_text("[servers.lab]\nurl = 'https://evil'")
    with pytest.raises(ConfigurationError, match="another address than your own configuration: https://evil"):
        load_configuration(tmp_path)


def test_the_environment_wins_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_user_file("default_server = 'lab'\n[servers.lab]\nurl = 'https://a'")
    monkeypatch.setenv("EVEREST_DEFAULT_SERVER", "embedded")
    assert load_configuration(tmp_path).default_server == "embedded"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "is not TOML"),
        ("colour = 'red'", "colour"),
        ("[servers.a]\nurl = 5", "url"),
        ("[servers.a]\nurl = 'https://a'\ntoken = 't'", "token"),
        ("[routes.a]\nlanguage = ['python']", "language"),
        ("default_server = 'nowhere'", "'nowhere', which is not configured"),
        ("[routes.a]\nlanguage = 'shell'\nserver = 'nowhere'", "routes.a.server"),
    ],
)
def test_a_faulty_file_is_named_with_its_fault(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "everest.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path)
    assert said in str(caught.value)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_configuration(tmp_path)


# --- routes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[routes.a]\nlanguage = 'cobol'", "an unknown language 'cobol'"),
        ("[routes.a]\ncommand = 'x'", "no language"),
        ("[routes.a]\nlanguage = 'shell'\ntime_limit = 'soon'", "time_limit of route 'a'"),
    ],
)
def test_a_faulty_route_is_named_with_its_fault(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "everest.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        route_table(load_configuration(tmp_path))


def test_a_built_in_route_can_be_changed_without_naming_its_language(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text("[routes.python]\ncommand = '/opt/py/bin/python3 program.py'")
    route = route_table(load_configuration(tmp_path))["python"]
    assert (route.language.name, route.command) == ("python", "/opt/py/bin/python3 program.py")


def test_an_unknown_route_lists_the_routes_and_suggests_the_nearest() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_route("pyhton", route_table(Configuration()))
    assert "Did you mean 'python'?" in str(caught.value)
    assert f"Routes: {', '.join(language_names())}." in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        find_route("zzzzzz", route_table(Configuration()))
    assert "Did you mean" not in str(caught.value)


def test_an_applications_alias_depends_on_what_it_runs(tmp_path: Path) -> None:
    table = route_table(Configuration())
    aliases = {route.cell_application.alias for route in table.values()}
    (tmp_path / "everest.toml").write_text("[routes.python]\ncommand = 'other'\n[routes.p2]\nlanguage = 'python'")
    changed = route_table(load_configuration(tmp_path))
    assert changed["p2"].cell_application == table["python"].cell_application
    assert changed["python"].cell_application.alias not in aliases
    assert all(re.fullmatch(r"[a-zA-Z]+-cell-[0-9a-f]{16}", alias) for alias in aliases)


# --- durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("2d", 172800),
        ("0.5s", 0.5),
        ("1.5h", 5400),
        (" 1 H 1 s ", 3601),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5", "m", "5w", "1m30", "s5", "1e3", "inf", "nan", "٣", "1.", ".5", "5 minutes"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from("smhd")), min_size=1, max_size=4))
def test_parts_add_up(parts: list[tuple[int, str]]) -> None:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    assert parse_duration("".join(f"{n}{u}" for n, u in parts)) == sum(n * units[u] for n, u in parts)


# --- programs


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_route_of_the_embedded_hub_names_the_program_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path / "bin", "octave-cli")
    monkeypatch.setenv("PATH", str(path.parent))
    route = route_table(Configuration())["octave"]
    assert (route.missing, str(path) in route.language.render(CellRequest("1")).text) == ("", True)
    path.unlink()
    assert "GNU Octave" in route_table(Configuration())["octave"].missing


@pytest.mark.parametrize(
    "text", ["[routes.octave]\nserver = 'lab'\n[servers.lab]\nurl = 'https://a'", "[routes.octave]\ncommand = 'mine'"]
)
def test_what_is_missing_here_may_be_there(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "everest.toml").write_text(text)
    assert route_table(load_configuration(tmp_path))["octave"].missing == ""


def test_settings_of_a_route_are_its_languages(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text(
        "[routes.maxima]\nprogram = '/opt/maxima'\n[routes.maxima.options]\nencoding = 'cp1251'"
    )
    language = route_table(load_configuration(tmp_path))["maxima"].language
    assert (language.program, language.encoding) == ("/opt/maxima", "cp1251")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("syntax = 'maple'", "route 'octave': octave has no setting 'syntax'"),
        ("options = {progam = 'x'}", "Did you mean 'program'?"),
        ("platform = 'vms'", "platform of octave cannot be 'vms'"),
        ("encoding = 'cp1251'", "octave has no setting 'encoding'"),
        ("language = 'R'\nencoding = 'utf-9'", "there is no encoding 'utf-9'"),
    ],
)
def test_a_setting_that_a_language_does_not_have_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "everest.toml").write_text(f"[routes.octave]\n{text}")
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        route_table(load_configuration(tmp_path))


# --- whether a cell must run again, and for how long it waits


def test_cells_of_shells_are_there_for_what_they_do(tmp_path: Path) -> None:
    table = route_table(load_configuration(tmp_path))
    again = {name for name, route in table.items() if not route.repeatable}
    assert again == {"shell", "cmd", "powershell"}


def test_a_route_says_otherwise_and_has_a_queue_limit(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text(
        "[routes.shell]\nrepeatable = true\n[routes.dice]\nlanguage = 'python'\nrepeatable = false\nqueue_limit = '2m'"
    )
    table = route_table(load_configuration(tmp_path))
    assert (table["shell"].repeatable, table["dice"].repeatable, table["python"].repeatable) == (True, False, True)
    assert (table["dice"].queue_limit, table["shell"].queue_limit) == (120, None)
    (tmp_path / "everest.toml").write_text("[routes.dice]\nlanguage = 'python'\nqueue_limit = 'soon'")
    with pytest.raises(ConfigurationError, match="queue_limit of route 'dice': 'soon' is not a length"):
        route_table(load_configuration(tmp_path))


def test_the_cache_is_configured_setting_by_setting(tmp_path: Path) -> None:
    assert load_configuration(tmp_path).cache == CacheSettings(True, "1 GB")
    write_user_file("[cache]\nlimit = '50 MB'")
    (tmp_path / "everest.toml").write_text("[cache]\nenabled = false")
    cache = load_configuration(tmp_path).cache
    assert (cache.enabled, cache.limit_bytes) == (False, 50_000_000)


@pytest.mark.parametrize("text", ["[cache]\nlimit = 'much'", "[cache]\nlimit = 5", "[cache]\nsize = '1 GB'"])
def test_a_faulty_cache_is_refused_with_the_name_of_its_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "everest.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"everest\.toml: .*cache"):
        load_configuration(tmp_path)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("7", 7), ("1 GB", 10**9), ("1.5kb", 1500), ("2 KiB", 2048), ("1GiB", 2**30), ("3 TB", 3 * 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text(max_size=12) | st.sampled_from(["", "GB", "-1", "1 XB", "1e9", "nan", "1..5 MB", "٣ MB"]))
def test_other_texts_are_no_sizes(text: str) -> None:
    if re.fullmatch(r"[\d. ]+([kmgt]?i?b)?", text, re.I | re.A):
        return
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
