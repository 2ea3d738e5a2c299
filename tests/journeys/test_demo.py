"""The main job: the demo, as a newcomer runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_demo_plays_the_figures_and_every_cell_agrees(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KESSAI_", "DATABASE_", "REDIS_"))}
    environment["PYTHONPATH"] = str(ROOT)
    run = subprocess.run(
        [sys.executable, "-m", "kessai", "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=540, check=False
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    lines = run.stdout.splitlines()
    last = re.fullmatch(r"demo: (\d+) checks passed, 0 failed +\d+\.\d s", lines[-1])
    assert last is not None, lines[-1]
    assert int(last[1]) >= 150
    seen = " ".join(run.stdout.split())
    for cell in (
        "09-20 水 10:00 #100 #101 #102 #103 registered",
        "debit files for 09-24: B銀行 37,000 · C信用金庫 198,000 · D銀行 90,000",
        "carrier instructed: #101 #102",
        "F社 から見た 130/4102 の進捗 (figure 8)",
        "発送 00-09-27 未発送 00-09-28 +1",
        "B社 の清算状況 (figure 9)",
        "130/4112 00-09-25 00-09-30 30,000",
        "320/1544 00-09-26 未清算",
    ):
        assert cell in seen
    assert not list(tmp_path.iterdir()), "it leaves nothing behind"
