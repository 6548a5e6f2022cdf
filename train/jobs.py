"""Jobs that take minutes to hours: each in a process of its own, here or on a Dask cluster.

A job is a function of plain arguments that returns JSON. Its result goes to a file of its own;
what is there is not done again. joblib hands the jobs out on this machine; with ``scheduler`` they
go to the workers of a Dask cluster. Either way the work itself is a child process, so
that TensorFlow starts fresh, a crash ends one job alone, and the child ends with whoever started
it. Results come back over the wire and are stored here: workers need a checkout and the corpora,
but no shared folder. With a shared folder a job of a killed worker goes on from its checkpoint.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

from edge.errors import HeartenError
from train.progress import Progress

CHECKOUT = Path(__file__).resolve().parents[1]
PATIENCE = 15  # seconds for a scheduler to answer
LOG = "log.txt"
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ),
    "1",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One job: ``function`` is "module:name", ``arguments`` and what it returns are JSON.

    The result goes to the file ``result``, whose folder is the job's own; a relative path is
    relative to where the worker runs.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    result: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: the text of its result, or the reason why there is none."""

    name: str
    seconds: float
    text: str | None = None
    error: str | None = None


Runner = Callable[[Sequence[Job]], Iterator[Outcome]]


@dataclass(slots=True)
class _Children:
    """The child processes of this process and their jobs' names, so that Ctrl-C can end them."""

    running: dict[subprocess.Popen[bytes], str] = field(default_factory=dict)
    stopping: bool = False


_children = _Children()


def end_children(names: Sequence[str] | None = None) -> None:
    """End the child processes of jobs by name, or of all; called on workers too."""
    for child, name in tuple(_children.running.items()):
        if names is None or name in names:
            child.terminate()


def run_all(jobs: Sequence[Job], count: int, scheduler: str | None = None) -> dict[str, str]:
    """Run jobs, ``count`` at a time here or all that a cluster takes; return {name: error}.

    Every result is in its file when this returns, except those named. Progress is on stderr.

    Raises:
        HeartenError: the scheduler cannot be reached or has no worker.
        KeyboardInterrupt: after Ctrl-C, with every child ended, here and on the workers.
    """
    left = [job for job in jobs if not Path(job.result).exists()]
    errors: dict[str, str] = {}
    if not left:
        return errors
    places = {job.name: Path(job.result) for job in left}
    with (
        _pool(count, scheduler) as (width, run),
        _interruptible(),
        Progress(len(jobs), len(jobs) - len(left), width) as progress,
    ):
        for outcome in run(left):
            if outcome.text is not None:
                _store(places[outcome.name], outcome.text)
            else:
                errors[outcome.name] = str(outcome.error)
            progress.finished(outcome.name, outcome.seconds, outcome.error)
    return errors


def attempt(job: Job) -> Outcome:
    """Do one job in a child process and wait for it; errors come back as text, never raised.

    A worker that was killed may have left the child of this very job behind for a moment: the
    child holds a lock on the folder, so a second one waits and then goes on from the checkpoint.
    """
    started = time.monotonic()
    place = Path(job.result)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        error = None if place.exists() else _child(job, place.parent / LOG)
        text = place.read_text(encoding="utf-8") if error is None else None
    except OSError as problem:
        text, error = None, f"{problem.strerror}: {problem.filename}"
    return Outcome(job.name, time.monotonic() - started, text, error)


@contextmanager
def _pool(count: int, scheduler: str | None) -> Iterator[tuple[Callable[[], int], Runner]]:
    """Give where jobs run: how many at a time, and a function that runs them."""
    if scheduler is None:
        yield lambda: count, lambda jobs: _here(jobs, count)
        return
    with _client(scheduler) as client:
        yield lambda: sum(client.nthreads().values()), lambda jobs: _there(jobs, client)


def _here(jobs: Sequence[Job], count: int) -> Iterator[Outcome]:
    """Run jobs on this machine.

    joblib's threads wait for a child each: a pool of processes around the children would gain
    nothing, and one of them killed would break the whole pool.
    """
    import joblib

    parallel = joblib.Parallel(
        count, "threading", batch_size=1, pre_dispatch="all", return_as="generator_unordered"
    )
    return iter(parallel(joblib.delayed(attempt)(job) for job in jobs))


def _there(jobs: Sequence[Job], client: Any) -> Iterator[Outcome]:
    """Run jobs on a cluster. What a lost worker had is done by another; workers may join.

    Not through joblib: its Dask backend runs everything here when one thread is all there is.
    """
    import distributed

    futures = {
        client.submit(attempt, job, key=f"{job.name} {uuid4()}", pure=False): job.name
        for job in jobs
    }
    try:
        for future in distributed.as_completed(futures):
            error = future.exception()  # of the cluster itself: such as too many workers killed
            name = futures[future]
            yield Outcome(name, 0.0, error=repr(error)) if error else future.result()
    except BaseException:
        client.cancel(list(futures))
        client.run(end_children, list(futures.values()))
        raise


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Connect to a Dask scheduler that has workers."""
    try:
        import distributed
    except ImportError as error:
        raise HeartenError(f"{error}: pip install 'hearten[train]'") from error
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise HeartenError(
            f"no Dask scheduler with workers at {scheduler} ({error}): start `dask scheduler`, "
            "and `python -m dask worker ADDRESS` in a checkout of hearten"
        ) from error
    with client:
        yield client


@contextmanager
def _interruptible() -> Iterator[None]:
    """End the children at Ctrl-C or SIGTERM before anything waits for them."""

    def stop(number: int, frame: FrameType | None) -> None:
        _children.stopping = True
        end_children()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _children.stopping = False
    before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _child(job: Job, log: Path) -> str | None:
    """Run a job in a child process; return the reason if it failed."""
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    with log.open("ab") as file:
        begins = file.tell()
        if _children.stopping:
            return "interrupted"
        child = subprocess.Popen(
            [sys.executable, "-m", "train.jobs", json.dumps(asdict(job))],
            stdin=subprocess.PIPE,  # closes when this process ends, however it ends
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C is ours to pass on
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
        )
        _children.running[child] = job.name
        code = child.wait()
        del _children.running[child]
    if child.stdin:
        child.stdin.close()
    if code == 0:
        return None
    if _children.stopping:
        return "interrupted"
    cause = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{_last_line(log, begins) or cause} ({cause}; all of it in {log})"


def _last_line(log: Path, begins: int) -> str:
    text = log.read_bytes()[begins:].decode("utf-8", "replace")
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _store(place: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(place)


def _work(job: Job) -> None:
    """Do a job in this process, unless somebody else did it while we waited for the folder."""
    place = Path(job.result)
    with (place.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists():
            return
        module, _, name = job.function.partition(":")
        result = getattr(importlib.import_module(module), name)(**job.arguments)
        _store(place, json.dumps(result))


def _end_with_parent() -> None:
    """End this process when its parent ends: its end of the pipe is then closed."""

    def watch() -> None:
        os.read(0, 1)  # not sys.stdin: a thread that holds its lock aborts a normal exit
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _main() -> int:
    """Do the job that the command line holds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _end_with_parent()
    try:
        _work(Job(**json.loads(sys.argv[1])))
    except HeartenError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
