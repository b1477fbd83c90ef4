import importlib.util

import pytest

import rmrl


@pytest.mark.skipif(importlib.util.find_spec("lerobot") is not None, reason="lerobot is installed")
def test_without_lerobot_an_export_says_what_to_install_and_leaves_nothing(run, tmp_path):
    with pytest.raises(rmrl.RmrlError, match=r"pip install 'rmrl\[lerobot\]'.* has no lerobot"):
        rmrl.to_lerobot(run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
