from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.agent.output import Output


@given(st.lists(st.binary(max_size=50_000), max_size=6), st.data())
def test_it_is_the_bytes_by_offset(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("out") / "stdout"
    output = Output(path)
    for part in parts:
        output.append(part)
    whole = b"".join(parts)
    offset = data.draw(st.integers(0, len(whole)))
    assert output.length == len(whole)
    assert output.read(offset, len(whole) + 1) == whole[offset:]
    assert output.read(offset, 7) == whole[offset : offset + 7]
    assert path.exists() == (len(whole) > 65_536)
    assert output.small() == (None if path.exists() else whole)
    assert output.save().read_bytes() == whole
    output.remove()
    assert not path.exists()


def test_a_task_without_output_makes_no_file(tmp_path: Path) -> None:
    output = Output(tmp_path / "stdout")
    assert output.read(0, 10) == b""
    output.remove()
    assert list(tmp_path.iterdir()) == []
