"""Jobs in processes of their own: failures, interruption, resumption, and a real Dask cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("joblib", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from train import jobs
from train.jobs import Job, run_all
from train.progress import Progress

CHECKOUT = Path(__file__).parents[2]
# Work with checkpoints, like training: it counts, and goes on from where it was cut short.
KINDS = """
import os, time
from pathlib import Path
from edge.errors import HeartenError

def count(folder, until, pause):
    with open(f"{folder}/starts.txt", "a") as file:
        file.write(f"{os.getppid()}\\n")
    place = Path(folder, "at.txt")
    at = int(place.read_text()) if place.exists() else 0
    while at < until:
        time.sleep(pause)
        at += 1
        place.with_suffix(".part").write_text(str(at))
        place.with_suffix(".part").replace(place)
    return {"counted": at, "threads": os.environ["OMP_NUM_THREADS"]}

def mistake():
    raise HeartenError("no such corpus")

def bug():
    return 1 / 0

def killed():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the jobs of this test where child processes find them."""
    (tmp_path / "kinds.py").write_text(KINDS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{CHECKOUT}")
    return tmp_path


def counting(folder: Path, number: int, until: int = 3, pause: float = 0.02) -> Job:
    place = folder / f"count-{number}"
    place.mkdir(exist_ok=True)
    arguments = {"folder": str(place), "until": until, "pause": pause}
    return Job(f"count {number}", "kinds:count", arguments, str(place / "result.json"))


def failing(folder: Path, kind: str) -> Job:
    return Job(kind, f"kinds:{kind}", {}, str(folder / kind / "result.json"))


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def results(work: list[Job]) -> list[int]:
    return [json.loads(Path(job.result).read_text())["counted"] for job in work]


def test_failures_are_told_and_cost_nothing_else(kinds: Path, capfd) -> None:
    good = [counting(kinds, n) for n in range(2)]
    bad = [failing(kinds, kind) for kind in ("mistake", "bug", "killed")]
    errors = run_all([bad[0], good[0], bad[1], bad[2], good[1]], 2)
    assert results(good) == [3, 3]
    assert json.loads(Path(good[0].result).read_text())["threads"] == "1"
    assert set(errors) == {"mistake", "bug", "killed"}
    assert errors["mistake"].startswith("no such corpus (exit code 2")
    assert errors["bug"].startswith("ZeroDivisionError: division by zero")
    assert "signal 9" in errors["killed"]
    lines = capfd.readouterr().err
    assert "2 of 5 jobs done, 3 failed" in lines and "0 waiting" in lines
    started = Path(good[0].result).parent / "starts.txt"
    before = started.read_text()
    assert set(run_all([*good, *bad], 2)) == set(errors)
    assert started.read_text() == before, "what is done is not done again"


def test_interrupted_jobs_end_and_go_on_later(kinds: Path) -> None:
    script = (
        "import json, sys; from train.jobs import Job, run_all;"
        "run_all([Job(**job) for job in json.loads(sys.argv[1])], 2)"
    )
    work = [counting(kinds, n, until=40, pause=0.05) for n in range(3)]
    rows = json.dumps([{k: getattr(job, k) for k in Job.__slots__} for job in work])
    process = subprocess.Popen([sys.executable, "-c", script, rows], stderr=subprocess.DEVNULL)
    checkpoints = [Path(job.result).parent / "at.txt" for job in work[:2]]
    wait_for(lambda: all(place.exists() for place in checkpoints))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    reached = [int(place.read_text()) for place in checkpoints]
    time.sleep(0.2)  # longer than three steps: nobody goes on counting
    assert [int(place.read_text()) for place in checkpoints] == reached
    assert all(0 < at < 40 for at in reached)
    quick = [counting(kinds, n, until=reached[n] + 1, pause=0.01) for n in range(2)]
    assert run_all(quick, 2) == {}
    assert results(quick) == [at + 1 for at in reached]


def test_children_end_with_a_parent_that_is_killed(kinds: Path) -> None:
    job = counting(kinds, 0, until=4000)
    rows = json.dumps({k: getattr(job, k) for k in Job.__slots__})
    script = "import json, sys; from train.jobs import *; attempt(Job(**json.loads(sys.argv[1])))"
    parent = subprocess.Popen([sys.executable, "-c", script, rows])
    place = Path(job.result).parent / "at.txt"
    wait_for(place.exists)
    parent.kill()
    parent.wait()

    def stands_still() -> bool:
        before = place.read_text()
        time.sleep(0.2)
        return place.read_text() == before

    wait_for(stands_still)


def dask(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def cluster(kinds: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A real scheduler and two workers of two threads each on loopback."""
    pytest.importorskip("distributed", reason="pip install 'hearten[train]'")
    place = kinds / "scheduler.json"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", place)
    running = [scheduler]
    try:
        wait_for(lambda: place.exists() and place.read_text().strip().endswith("}"))
        address = json.loads(place.read_text())["address"]
        work = ("--no-nanny", "--nthreads", 2, "--local-directory", kinds)
        running += [dask("worker", address, *work) for _ in range(2)]
        yield address, running[1:]
    finally:
        for process in running:
            process.kill()
            process.wait()


def start(work: list[Job], address: str) -> subprocess.Popen[bytes]:
    """Run jobs on a cluster as a command would: a process of its own, exit code = failures."""
    script = (
        "import json, sys; from train.jobs import Job, run_all;"
        "sys.exit(len(run_all([Job(**j) for j in json.loads(sys.argv[1])], 1, sys.argv[2])))"
    )
    rows = json.dumps([{k: getattr(job, k) for k in Job.__slots__} for job in work])
    return subprocess.Popen([sys.executable, "-c", script, rows, address])


def started_by(worker: subprocess.Popen[bytes], work: list[Job]) -> list[list[str]]:
    """Return, of each job that a worker began, the workers that began it, in order."""
    places = [Path(job.result).parent for job in work if Path(job.result).parent.exists()]
    rows = [p.joinpath("starts.txt").read_text().split() for p in places if (p / "at.txt").exists()]
    return [row for row in rows if str(worker.pid) in row]


def test_cluster_survives_interruption_and_a_killed_worker(kinds: Path, cluster) -> None:
    address, workers = cluster
    endless = [counting(kinds, 100, until=4000)]
    run = start(endless, address)
    place = Path(endless[0].result).parent / "at.txt"
    wait_for(place.exists)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=60) != 0
    before = place.read_text()
    time.sleep(0.2)  # ten steps
    assert place.read_text() == before, "a job goes on though nobody waits for it"

    work = [counting(kinds, n, until=15, pause=0.05) for n in range(5)]
    run = start(work, address)
    wait_for(lambda: started_by(workers[0], work) and started_by(workers[1], work))
    os.kill(workers[0].pid, signal.SIGKILL)
    workers[0].wait()
    assert run.wait(timeout=60) == 0
    assert results(work) == [15] * 5
    again = [row for row in started_by(workers[0], work) if len(row) > 1]
    assert again, "no job of the killed worker was taken up by the other"
    assert all(row[-1] == str(workers[1].pid) for row in again)


def test_no_scheduler_is_one_clear_line(kinds: Path, monkeypatch) -> None:
    pytest.importorskip("distributed", reason="pip install 'hearten[train]'")
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    with pytest.raises(HeartenError, match=r"no Dask scheduler.*127.0.0.1:9.*dask scheduler"):
        run_all([counting(kinds, 0)], 1, "tcp://127.0.0.1:9")
    with pytest.raises(HeartenError, match="no Dask scheduler"):
        run_all([counting(kinds, 0)], 1, "nonsense://x")


def test_estimate_rests_on_finished_jobs_alone() -> None:
    progress = Progress(total=10, before=2, width=lambda: 4)
    assert "2 of 10 jobs done, 4 running, 4 waiting" in progress.line()
    assert "no estimate" in progress.line()
    for _ in range(3):
        progress.finished("a", 600.0, None)
    progress.finished("b", 5.0, "broke at once")
    line = progress.line()
    assert "5 of 10 jobs done, 1 failed, 4 running, 0 waiting" in line
    assert "about 10 min to go (10 min a job)" in line, "a failure is no job done in 5 s"
    progress.finished("c", 600.0, None)
    assert "about 8 min to 10 min to go" in progress.line(), "three left in four places"
