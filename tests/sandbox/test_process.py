"""The process: it says when it is ready, takes files by itself, and ends cleanly."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from sandbox.__main__ import main
from tests.sandbox.worlds import configuration, debit_file, debit_name

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_from_ready_to_the_end(tmp_path: Path, how: signal.Signals):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(configuration(sftp={"port": 0})))
    command = [sys.executable, "-m", "sandbox", "--dir", str(tmp_path / "world"), "--config", str(config), "--print-ready"]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(process.kill)  # whatever goes wrong here, nobody waits for a process that nobody has told to end
        assert process.stdout is not None
        assert process.stderr is not None
        ready = json.loads(process.stdout.readline())
        with httpx2.Client(base_url=ready["url"], trust_env=False) as client:
            name = debit_name("09-24")
            (Path(ready["banks"]["9991"]) / "in" / name).write_bytes(debit_file("09-24", [("9000008", 1)]))
            while not client.get("/status").json()["idle"]:
                time.sleep(0.01)
            receipt = json.loads((Path(ready["banks"]["9991"]) / "out" / f"{name}.receipt.json").read_text())
            assert receipt["status"] == "accepted"
            moved = client.post("/clock", json={"now": "2000-09-25T06:00:00+09:00"}).json()
            assert moved["now"] == "2000-09-25T06:00:00+09:00"
        process.send_signal(how)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in errors
    assert ready["sftp"]["users"].keys() == {"9990", "9991"}
    for number in ("9130001", "9000008"):  # no account number whole in what it logs
        assert number not in errors
    assert f"9991: took {name}" in errors


def test_the_scenario_as_a_file(tmp_path: Path):
    file = tmp_path / "scenario.json"
    assert main(["--write-scenario", str(file), "--play"]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    config = json.loads(file.read_text(encoding="utf-8"))
    assert sum(len(entry["contracts"]) for site in config["sites"] for entry in site["agenda"]) == 9
    assert main(["--write-scenario", str(file)]) == 0
    assert all(site["agenda"] == [] for site in json.loads(file.read_text(encoding="utf-8"))["sites"])


@pytest.mark.parametrize(
    "content, problem",
    [(None, "No such file"), ("{", "Expecting"), ("{}", "clock: now is missing")],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, problem: str):
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content)
    assert main(["--dir", str(tmp_path / "world"), "--config", str(file)]) == 2
    errors = capsys.readouterr().err
    assert (errors.count("\n"), errors.startswith("sandbox: ")) == (1, True)
    assert problem in errors
