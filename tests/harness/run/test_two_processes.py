# SPDX-License-Identifier: Apache-2.0
"""Two processes on one run, leaderboard, cache entry, download or serial port: one waits or is refused by name."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlperf_tiny.errors import HeldElsewhere, PortInUse
from mlperf_tiny.file_lock import locked, locked_name
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.harness.run.run import resume_benchmark
from mlperf_tiny.progress import Listener
from mlperf_tiny.results.leaderboard.file import only_writer, read_leaderboard
from mlperf_tiny.runners.transports.serial_port import SerialTransport
from tests.fakes.data_sets import kws_folder
from tests.fakes.device import FakeDevice
from tests.fakes.holder import PORT, at_once, held_elsewhere
from tests.fakes.transcripts import killed
from tests.harness.run.test_whole_runs import kws_device, metrics_of, opener, request, run

pytestmark = pytest.mark.slow

fcntl = pytest.importorskip("fcntl")

RESUME = """
from pathlib import Path
from mlperf_tiny.errors import BenchError
from tests.harness.run.test_whole_runs import kws_device, opener, request
from mlperf_tiny.harness.run.run import resume_benchmark
from mlperf_tiny.progress import Listener
print("ready", flush=True)
sys.stdin.readline()
try:
    record, folder = resume_benchmark(Path(sys.argv[1]), request(Path(sys.argv[2])), Listener(), opener(kws_device()))
    print("complete", record.complete)
except BenchError as error:
    print(type(error).__name__, error)
"""
ROW = """
from pathlib import Path
from mlperf_tiny.harness.record.record_file import read_record
from mlperf_tiny.results.leaderboard.build import update_leaderboard
folder = Path(sys.argv[2])
record = read_record(folder)
print("ready", flush=True)
sys.stdin.readline()
update_leaderboard(Path(sys.argv[1]), record, folder)
"""
BUILD = """
from pathlib import Path
from tests.harness.image.test_image import HOST, build
print("ready", flush=True)
sys.stdin.readline()
image = build(Path(sys.argv[1]), HOST, toolchain="zig")
print(image.elf, image.info.elf_sha256)
"""
FETCH = """
from mlperf_tiny.errors import BenchError
from mlperf_tiny.models.data.download import archives
url, digest, cache = sys.argv[1:]
archives.ARCHIVES = (archives.DatasetArchive(name="set", url=url, digest=digest, target="set.zip", about="a set"),)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(archives.fetch_archive("set", environ={"MLPERF_TINY_CACHE": cache}))
except BenchError as error:
    print(type(error).__name__, error)
"""
MODEL = """
import dataclasses, hashlib
from mlperf_tiny.models.catalog import catalog
url, sha256, cache = sys.argv[1:]
row = dataclasses.replace(catalog.OFFICIAL[0], url=url, sha256=sha256)
catalog.OFFICIAL = (row,)
print("ready", flush=True)
sys.stdin.readline()
content = catalog.find_model(row.name, environ={"MLPERF_TINY_CACHE": cache}).load()
print(hashlib.sha256(content).hexdigest() == sha256)
"""


def test_a_second_resume_is_refused_and_names_the_first(tmp_path: Path) -> None:
    whole, folder = run(tmp_path)
    killed(folder, lines=60)
    before = (folder / "transcript.jsonl").read_bytes()
    opened: list[FakeDevice] = []

    def open_device(url: str, *, baud: int | None = None) -> FakeDevice:
        opened.append(kws_device())
        return opened[-1]

    def resume() -> None:
        resume_benchmark(folder, request(tmp_path / "data"), Listener(), open_device)

    with held_elsewhere(str(folder)) as process:
        with pytest.raises(HeldElsewhere, match=f"{folder.name} is in use by (process {process.pid}|another process)"):
            resume()
        assert (folder / "transcript.jsonl").read_bytes() == before
        assert opened == []
    resume()
    assert metrics_of(read_record(folder)) == metrics_of(whole)


def test_three_resumes_at_once_lose_nothing(tmp_path: Path) -> None:
    whole, folder = run(tmp_path)
    killed(folder, lines=60)
    ends = at_once(RESUME, [[str(folder), str(tmp_path / "data")]] * 3)
    assert "complete True\n" in ends
    assert all(end == "complete True\n" or end.startswith("HeldElsewhere") for end in ends), ends
    assert metrics_of(read_record(folder)) == metrics_of(whole)


def test_a_run_holds_its_folder_while_it_writes(tmp_path: Path) -> None:
    refused: list[str] = []

    def latest() -> Path:
        return next((tmp_path / "runs").iterdir())

    def infer(data: bytes) -> list[str]:
        with pytest.raises(HeldElsewhere) as held:
            resume_benchmark(latest(), request(tmp_path / "data"), Listener(), opener(kws_device()))
        refused.append(str(held.value))
        return ["0.0"] * 12

    run(tmp_path, kws_device(infer=infer), modes=("accuracy",))
    assert len(refused) == 12
    assert f"process {os.getpid()}" in refused[0] or "another process" in refused[0]


def test_rows_of_runs_that_end_together_are_all_there(tmp_path: Path) -> None:
    kws_folder(tmp_path / "data")
    folders = [run(tmp_path, modes=("accuracy",))[1] for _ in range(4)]
    path = tmp_path / "results/leaderboard.csv"
    assert at_once(ROW, [[str(path), str(folder)] for folder in folders]) == [""] * 4
    assert sorted(row["RunId"] for row in read_leaderboard(path)) == sorted(folder.name for folder in folders)
    assert [file.name for file in path.parent.iterdir()] == ["leaderboard.csv"]


def test_an_image_that_two_processes_build_from_nothing_is_one(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    first, second = at_once(BUILD, [[str(tmp_path / "cache")]] * 2)
    elf, digest = first.split()
    assert first == second and hashlib.sha256(Path(elf).read_bytes()).hexdigest() == digest
    assert [folder.name for folder in (tmp_path / "cache/images").iterdir()] == [Path(elf).parent.name]


@dataclass
class SlowSite:
    """A file that is sent slowly, in pieces."""

    content: bytes
    address: str = ""
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[SlowSite]:
    site = SlowSite(bytes(range(256)) * 512)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            have = self.headers.get("Range")
            site.asked.append(have)
            body = site.content[int(have.removeprefix("bytes=").rstrip("-")) if have else 0 :]
            self.send_response(206 if have else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for start in range(0, len(body), 16 << 10):
                self.wfile.write(body[start : start + (16 << 10)])
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}/set.zip"
    yield site
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("begun", [0, 5000])
def test_a_data_set_is_fetched_by_one_process_and_the_others_are_told(
    begun: int, site: SlowSite, tmp_path: Path
) -> None:
    digest = "sha256:" + hashlib.sha256(site.content).hexdigest()
    if begun:
        (tmp_path / "downloads").mkdir()
        (tmp_path / "downloads/set.zip.part").write_bytes(site.content[:begun])
    ends = at_once(FETCH, [[site.address, digest, str(tmp_path)]] * 3)
    target = tmp_path / "set.zip"
    assert f"{target}\n" in ends
    assert all(end == f"{target}\n" or end.startswith(f"HeldElsewhere {target} is in use by") for end in ends), ends
    assert target.read_bytes() == site.content
    assert site.asked == [f"bytes={begun}-" if begun else None]


def test_a_model_is_downloaded_by_one_process_and_the_others_wait(site: SlowSite, tmp_path: Path) -> None:
    digest = hashlib.sha256(site.content).hexdigest()
    assert at_once(MODEL, [[site.address, digest, str(tmp_path)]] * 3) == ["True\n"] * 3
    assert site.asked == [None]
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["models"]


def waits(enter: Callable[[], None], place: Path) -> bool:
    """Whether ``enter`` returns only when another process has let ``place`` go."""
    thread = threading.Thread(target=enter, daemon=True)
    with held_elsewhere(str(place)):
        thread.start()
        thread.join(0.3)
        waited = thread.is_alive()
    thread.join(10)
    return waited and not thread.is_alive()


def test_a_leaderboard_and_a_cache_entry_are_waited_for(tmp_path: Path) -> None:
    def leaderboard() -> None:
        with only_writer(tmp_path / "results/leaderboard.csv"):
            pass

    holders: list[str] = []

    def entry() -> None:
        with locked_name(tmp_path / "locks", "entry", holders.append):
            pass

    leaderboard()
    entry()
    assert not list((tmp_path / "locks").iterdir())
    (tmp_path / "locks/entry").touch()  # as a process that was killed leaves it
    assert waits(leaderboard, tmp_path / "results")
    assert waits(entry, tmp_path / "locks/entry")
    assert len(holders) == 1


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    with held_elsewhere(str(tmp_path)) as process:
        process.kill()
        process.wait()
        with locked(tmp_path):
            pass


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo terminals")
def test_a_serial_port_that_another_process_has_is_named_with_it() -> None:
    near, far = os.openpty()
    url = os.ttyname(far)
    try:
        with (
            held_elsewhere(url, PORT) as process,
            pytest.raises(PortInUse, match=f"{url}: it is in use by (process {process.pid}|another process)"),
        ):
            SerialTransport(url, 115_200)
        SerialTransport(url, 115_200).close()
    finally:
        os.close(far)
        os.close(near)
