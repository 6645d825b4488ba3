"A night's run survives killed workers and clients, a full disk, a second run, damaged files."

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, one_line

from sere_nb.base.core import SereError
from sere_nb.corpus.data import mini_corpus
from sere_nb.encoding.features import extract
from sere_nb.study.store import Job, JobStore
from sere_nb.study.study import COLUMNS, METHODS, job_table, run_job, run_study
from sere_nb.tasks.baselines import majority
from sere_nb.tasks.tasks import Method, prepare, run_task

LANGUAGES = ("de", "it", "zh")
TABLES = {f"mini-{language}": mini_corpus(language) for language in LANGUAGES}
WORDS = [
    "matrix",
    *[word for name in TABLES for word in ("--corpus", name)],
    "--features",
    "prosody",
    "--methods",
    "logreg,selftrain,sere,logreg-all",
    "--draws",
    "12",
]
TOTAL = 6 * (3 * 12 + 1)  # jobs of that command
TIMELESS = [
    column for column in COLUMNS if column != "seconds"
]  # what two runs of one study must agree on; how long it took is no result
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def start(*words):
    "The command as a process that can be killed, in a process group of its own."
    return subprocess.Popen(
        [sys.executable, "-m", "sere_nb.command.cli", *map(str, words)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # a shell may have told its background processes to ignore Ctrl-C


def finish(*words):
    "The command, which should end well."
    done = subprocess.run(
        [sys.executable, "-m", "sere_nb.command.cli", *map(str, words)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done


def stored(folder):
    "Finished jobs and what is known of them, as the disk has it."
    with sqlite3.connect(folder / "jobs.sqlite") as connection:
        rows = dict(connection.execute("SELECT job, scores FROM job"))
    connection.close()
    return rows


def wait_for(folder, size, process, patience=120):
    "Until the log of the store has `size` bytes (the first 100 KB are options): some jobs are finished."
    log, end = folder / "jobs.sqlite-wal", time.monotonic() + patience
    while not (log.exists() and log.stat().st_size > size):
        assert process.poll() is None and time.monotonic() < end, process.communicate(timeout=5)
        time.sleep(0.02)


def without_times(folder):
    "results.csv, byte for byte but for the column that tells how long a job took, sorted."
    table = pd.read_csv(folder / "results.csv", dtype=str)
    assert list(table.columns) == COLUMNS
    return "\n".join(sorted(table[TIMELESS].to_csv(index=False).splitlines())).encode()


@pytest.fixture(scope="session")
def alone(once):
    "The study as one process computes it that nobody disturbs."
    folder = once("alone", lambda folder: finish(*WORDS, "--out", folder))
    assert len(stored(folder)) == TOTAL
    return folder


@pytest.fixture
def cluster(tmp_path):
    "A Dask scheduler and two workers on the loopback address, each a process of its own."
    pytest.importorskip("distributed")
    file, processes = tmp_path / "scheduler.json", []

    def launch(*words):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                env=ENVIRONMENT,
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return processes[-1]

    launch("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    while not (file.exists() and file.read_text().strip()):
        assert processes[0].poll() is None
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    workers = [
        launch(
            "worker",
            address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--name",
            f"w{i}",
        )
        for i in range(2)
    ]
    yield address, workers
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_cluster_loses_a_worker_and_its_client(alone, cluster, tmp_path):
    address, workers = cluster
    out = tmp_path / "out"
    client = start(*WORDS, "--out", out, "--scheduler", address)
    wait_for(out, 200_000, client)
    workers[0].kill()
    wait_for(out, 400_000, client)  # it goes on with the other worker
    os.killpg(client.pid, signal.SIGKILL)
    client.communicate()
    before = stored(out)
    assert 0 < len(before) < TOTAL
    finish(*WORDS, "--out", out, "--scheduler", address, "--resume")
    after = stored(out)
    assert (
        len(after) == TOTAL and before.items() <= after.items()
    )  # nothing lost, nothing doubled, nothing computed twice
    assert without_times(out) == without_times(alone)


@pytest.mark.slow
def test_processes_killed_and_interrupted(alone, tmp_path):
    out = tmp_path / "out"
    first = start(*WORDS, "--out", out, "--jobs", "2")
    wait_for(out, 200_000, first)
    os.kill(first.pid, signal.SIGKILL)
    os.killpg(first.pid, 0)  # its workers are still there
    first.communicate(timeout=30)  # no more: the last of them has closed its pipes
    before = stored(out)
    second = start(*WORDS, "--out", out, "--jobs", "2", "--resume")
    wait_for(out, 200_000, second)
    os.killpg(second.pid, signal.SIGINT)  # what Ctrl-C does
    _, said = second.communicate(timeout=60)
    assert second.returncode == 130 and "interrupted" in said and "Traceback" not in said, said
    between = stored(out)
    finish(*WORDS, "--out", out, "--resume")
    after = stored(out)
    assert 0 < len(before) < len(between) < len(after) == TOTAL
    assert before.items() <= between.items() <= after.items()
    assert without_times(out) == without_times(alone)


def test_results_are_those_of_the_loop(alone):
    features = {name: extract(table, features="prosody") for name, table in TABLES.items()}
    chosen = {name: METHODS[name] for name in ("logreg", "selftrain", "sere", "logreg-all")}

    def rows(source, target, name):
        "Those of one method, which may ask for a normalisation of its own."
        sides = TABLES[source], features[source], TABLES[target], features[target]
        return run_task(prepare(*sides, chosen[name].norm or "auto"), {name: chosen[name]}, draws=3)

    pairs = [(source, target) for source in TABLES for target in TABLES if source != target]
    loop = pd.DataFrame([row for pair in pairs for name in chosen for row in rows(*pair, name)])
    found = pd.read_csv(alone / "results.csv")
    found = found[found.draw < 3]
    same = [
        column
        for column in TIMELESS
        if column not in ("encoder", "norm", "norm_asked", "unheard", "condition")
    ]
    key = ["source", "target", "draw", "method"]
    found, loop = (table[same].sort_values(key, ignore_index=True) for table in (found, loop))
    pd.testing.assert_frame_equal(found, loop, atol=1e-6)
    assert {
        "summary.csv",
        "comparisons.csv",
        "ranks.csv",
        "directions.csv",
        "matrix.png",
        "report.html",
        "provenance.json",
    } <= {path.name for path in alone.iterdir()}


def test_order_of_pairs_and_draws_does_not_matter():
    some = dict(features="prosody", methods={name: METHODS[name] for name in ("logreg", "sere")})
    forth = run_study(TABLES, [("mini-de", "mini-it"), ("mini-zh", "mini-it")], draws=[0, 1], **some)
    back = run_study(TABLES, [("mini-zh", "mini-it"), ("mini-de", "mini-it")], draws=[1, 0], **some)
    key = ["source", "target", "draw", "method"]
    pd.testing.assert_frame_equal(
        *(rows[TIMELESS].sort_values(key, ignore_index=True) for rows in (forth, back))
    )


def test_target_labels_are_not_used():
    shuffled = TABLES["mini-it"].assign(
        emotion=np.random.default_rng(0).permutation(TABLES["mini-it"].emotion)
    )
    first, second = (
        run_study(
            {"mini-de": TABLES["mini-de"], "mini-it": table},
            [("mini-de", "mini-it")],
            features="prosody",
            draws=2,
        )
        for table in (TABLES["mini-it"], shuffled)
    )
    for one, other in zip(first.probabilities, second.probabilities):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first.uar, second.uar)


def study(folder, **options):
    "A tiny study: two tasks, two cheap methods, four draws."
    return run_study(
        {name: TABLES[name] for name in ("mini-de", "mini-it")},
        **{
            **dict(
                features="prosody",
                methods={"majority": METHODS["majority"], "logreg": METHODS["logreg"]},
                draws=4,
            ),
            **options,
        },
        folder=folder,
    )


def test_a_folder_with_results_is_not_overwritten(alone):
    before = (alone / "results.csv").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "sere_nb.command.cli", *WORDS, "--out", str(alone)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert "holds results already" in one_line(done) and (alone / "results.csv").read_bytes() == before


CHANGES = {
    "draws": dict(draws=5),
    "shots": dict(shots=4),
    "norm": dict(norm="corpus"),
    "features": dict(features="both"),
    "methods": dict(methods={"logreg": METHODS["logreg"]}),
    "pairs": dict(pairs=[("mini-it", "mini-de")]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_resume_names_a_changed_option(tmp_path, name):
    study(tmp_path)
    before = stored(tmp_path)
    with pytest.raises(SereError, match=rf"other options: .*\b{name} \(was .*, is now "):
        study(tmp_path, resume=True, **CHANGES[name])
    assert stored(tmp_path) == before


def test_resume_names_changed_recordings(tmp_path):
    study(tmp_path)
    fewer = {"mini-de": TABLES["mini-de"], "mini-it": TABLES["mini-it"].iloc[:-1]}
    with pytest.raises(SereError, match="features of mini-it"):
        run_study(
            fewer,
            features="prosody",
            methods={"majority": METHODS["majority"], "logreg": METHODS["logreg"]},
            draws=4,
            folder=tmp_path,
            resume=True,
        )


def test_resume_needs_neither_audio_nor_features_again(tmp_path, monkeypatch):
    first = study(tmp_path)
    monkeypatch.setattr(
        "sere_nb.study.store.extract_usable", lambda *_, **__: pytest.fail("features were extracted again")
    )
    monkeypatch.setattr("sere_nb.study.study.run_job", lambda *_: pytest.fail("a job was computed again"))
    again = study(tmp_path, resume=True)
    pd.testing.assert_frame_equal(first[COLUMNS], again[COLUMNS])


@pytest.mark.slow
def test_two_runs_in_one_folder(tmp_path):
    first = start(*WORDS, "--out", tmp_path / "out")
    wait_for(tmp_path / "out", 50_000, first)
    second = subprocess.run(
        [sys.executable, "-m", "sere_nb.command.cli", *WORDS, "--out", str(tmp_path / "out"), "--resume"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert "another run is writing there" in one_line(second)
    JobStore(tmp_path / "out").close()  # a process that was killed leaves no lock


AT_ONCE = """
import sys, time
from pathlib import Path
from sere_nb.base.core import SereError
from sere_nb.study.store import Job, JobStore

place, number = Path(sys.argv[1]), sys.argv[2]
for count in range(20):
    while time.time() < float(sys.argv[3]) + 0.3 * count:
        pass
    try:
        store = JobStore(place / str(count))
        store.agree(number=number)
        store.add(Job("a", "b", 5, "none", 0, number), {"uar": 0.5}, [[1.0]])
        time.sleep(0.05)
        store.close()
        print("wrote", count, number)
    except SereError as error:
        print("refused", count, str(error))
"""


@pytest.mark.slow
def test_runs_that_start_at_the_same_instant(tmp_path):
    "Three processes open the same new folder, twenty times: who is late gets one line, nothing is lost."
    begin = time.time() + 25  # all have imported what they need by then
    (tmp_path / "at_once.py").write_text(AT_ONCE)
    words = lambda number: [
        sys.executable,
        str(tmp_path / "at_once.py"),
        str(tmp_path),
        str(number),
        str(begin),
    ]
    runs = [
        subprocess.Popen(words(i), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for i in range(3)
    ]
    said = [run.communicate(timeout=300) for run in runs]
    assert not any(errors for _, errors in said), said
    lines = [line for out, _ in said for line in out.splitlines()]
    wrote = [line.split()[1:] for line in lines if line.startswith("wrote")]
    refused = [line for line in lines if line.startswith("refused")]
    assert len(lines) == 60 and {count for count, _ in wrote} == set(map(str, range(20)))
    assert refused and all(
        "another run is writing there" in line or "other options" in line for line in refused
    )
    for count in range(20):
        store = JobStore(tmp_path / str(count))
        assert {job.method for job in store.finished()} == {
            one for place, one in wrote if place == str(count)
        }
        store.close()


@pytest.fixture
def small_disk(tmp_path):
    "A file system of 600 KB."
    place = tmp_path / "disk"
    place.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)], capture_output=True
        ).returncode
    ):
        pytest.skip("a small file system cannot be mounted here; test_full_store asks the same of SQLite")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.slow
def test_full_disk(small_disk):
    with pytest.raises(SereError) as error:
        study(small_disk / "out", draws=100)
    assert "finished jobs are kept" in str(error.value) and "\n" not in str(error.value)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)  # somebody made room
    before = stored(small_disk / "out")
    study(small_disk / "out", draws=100, resume=True)
    assert (
        0 < len(before) < 400 == len(stored(small_disk / "out"))
        and before.items() <= stored(small_disk / "out").items()
    )


def test_full_store(tmp_path):
    store, stays = JobStore(tmp_path), Job("a", "b", 5, "speaker", 0, "logreg")
    store.add(stays, {"uar": 0.5}, np.ones((10, 5)))
    pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
    store.connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(SereError, match="full.*finished jobs are kept"):
        for draw in range(1, 100):
            store.add(stays._replace(draw=draw), {"uar": 0.5}, np.ones((500, 5)))
    store.close()
    assert stays in JobStore(tmp_path).finished()


def flipped(path):
    "One bit of a stored probability."
    raw = bytearray(path.read_bytes())
    place = raw.find(np.full(40, 1.0, np.float32).tobytes())
    assert place > 0
    raw[place + 80] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    "harm",
    [
        flipped,
        lambda path: path.write_text("source,target\n" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:9000]),
    ],
    ids=["one bit", "another file", "cut off"],
)
def test_damaged_results_give_one_line(tmp_path, harm):
    store = JobStore(tmp_path)
    for draw in range(20):
        store.add(Job("a", "b", 5, "speaker", draw, "logreg"), {"uar": 0.5}, np.ones((50, 5)))
    store.close()
    harm(tmp_path / "jobs.sqlite")
    with pytest.raises(SereError, match="damaged") as error:
        JobStore(tmp_path).results()
    assert "\n" not in str(error.value)


def deadly(task):
    "Ends its process as the kernel does when memory is short, after a while."
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_lost_process_gives_one_line(tmp_path):
    with pytest.raises(SereError, match="a worker process was lost.*--resume"):
        study(
            tmp_path,
            methods={"majority": METHODS["majority"], "deadly": Method(deadly, "ends its process")},
            jobs=2,
        )
    kept = len(stored(tmp_path))
    assert kept > 0
    assert (
        len(
            study(
                tmp_path,
                methods={"majority": METHODS["majority"], "deadly": Method(majority, "lives on")},
                resume=True,
            )
        )
        == 16
    )


def test_a_method_that_returns_nonsense_is_named():
    for nonsense in (
        lambda task: np.ones((3, 2)),
        lambda task: np.full((len(task.target_X), len(task.classes)), np.nan),
    ):
        with pytest.raises(SereError, match="nonsense on mini-de → mini-it, draw 0"):
            study(None, methods={"nonsense": Method(nonsense, "says nothing")})


@pytest.mark.slow
def test_no_scheduler_and_no_workers():
    pytest.importorskip("distributed")
    with pytest.raises(SereError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        study(None, scheduler="tcp://127.0.0.1:9")


def idle(task):
    "A job of 5 ms which needs no processor."
    time.sleep(0.005)
    return majority(task)


@pytest.mark.slow
def test_a_job_costs_little(tmp_path):
    "Processor time (other work on the machine does not count) of a study of 500 jobs, less its jobs alone."
    few = {"idle": Method(idle, "waits")}
    study(tmp_path / "warm", methods=few)
    times = [time.process_time()]
    study(tmp_path / "study", methods=few, draws=250)
    times.append(time.process_time())
    for job in job_table([("mini-de", "mini-it"), ("mini-it", "mini-de")], few, [5], ["speaker"], range(250)):
        run_job((str(tmp_path / "study"), "alone", "prosody", "recorded"), job, few["idle"])
    times.append(time.process_time())
    cost = (np.diff(times)[0] - np.diff(times)[1]) / 500
    assert cost < 0.0025, (
        f"{1000 * cost:.1f} ms of processor time beside each job: more than 5 % of a job of 50 ms"
    )


SMALL = """
import resource, sys
from joblib.externals.loky import get_reusable_executor
from sere_nb.corpus.data import mini_corpus
from sere_nb.study.study import METHODS, run_study
if __name__ == "__main__":
    tables = {"mini-de": mini_corpus("de"), "mini-it": mini_corpus("it")}
    methods = {name: METHODS[name] for name in sys.argv[3:] or METHODS}
    run_study(tables, methods=methods, features="prosody", folder=sys.argv[1], draws=int(sys.argv[2]), jobs=2)
    get_reusable_executor().shutdown(wait=True)  # a child counts when it has ended
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


LIGHT = ("4", "logreg", "selftrain", "sere")  # draws and methods
EVERY = ("1",)  # the network among them, which needs torch


@pytest.mark.slow
@pytest.mark.parametrize("asked, most", [(LIGHT, 2**20), (EVERY, 3 * 2**19)], ids=["light", "every"])
def test_a_worker_stays_small(tmp_path, asked, most):
    "In a process of its own, whose only large children are the workers; the test runner has had others."
    (tmp_path / "small.py").write_text(SMALL)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "small.py"), str(tmp_path / "study"), *asked],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert 50_000 < int(done.stdout.split()[-1]) < most, done.stdout  # KiB; no worker is as small as 50 MB


def test_an_oracle_is_computed_once(tmp_path):
    rows = study(tmp_path, methods={"logreg-all": METHODS["logreg-all"]})
    assert len(stored(tmp_path)) == 2 and len(rows) == 8
    assert (rows[rows.draw > 0].seconds == 0).all() and (rows[rows.draw == 0].seconds > 0).all()


@pytest.fixture
def own_corpora(tmp_path):
    "A folder as a user has it: labelled, or with an empty column of emotions."

    def make(name, language, labelled):
        table = mini_corpus(language).groupby("emotion").head(8)
        folder = tmp_path / name
        folder.mkdir()
        with open(folder / "metadata.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "speaker", "language", "emotion"])
            for row in table.itertuples():
                shutil.copy(row.path, folder)
                writer.writerow(
                    [Path(row.path).name, row.speaker, row.language, row.emotion if labelled else ""]
                )
        return f"{name}={folder}"

    return make


def test_a_corpus_without_labels_becomes_a_column_of_predictions(sere, own_corpora, tmp_path):
    words = [
        "--corpus",
        own_corpora("mine", "it", False),
        "--corpus",
        own_corpora("theirs", "de", True),
        "--corpus",
        "mini-zh",
        "--features",
        "prosody",
        "--methods",
        "logreg,sere",
        "--draws",
        "3",
    ]
    done = sere("matrix", *words, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    scores, said = (pd.read_csv(tmp_path / "out" / name) for name in ("results.csv", "predictions_mine.csv"))
    assert set(zip(scores.source, scores.target)) == {("theirs", "mini-zh"), ("mini-zh", "theirs")}
    assert (
        len(said) == 2 * 2 * 40
        and set(said.source) == {"theirs", "mini-zh"}
        and said.agreement.between(0.333, 1).all()
    )
    emotions = sorted(mini_corpus("de").emotion.unique())
    np.testing.assert_allclose(said[emotions].sum(axis=1), 1, atol=1e-4)
    truth = (
        mini_corpus("it")
        .assign(path=lambda table: [Path(path).name for path in table.path])
        .set_index("path")
        .emotion
    )
    assert (
        said[said.method == "logreg"].emotion
        == truth[[Path(path).name for path in said[said.method == "logreg"].path]].to_numpy()
    ).mean() > 0.4  # chance is 0.2


def test_a_corpus_without_labels_is_no_source(own_corpora, tmp_path):
    table = mini_corpus("it").assign(emotion=None)
    with pytest.raises(SereError, match="mini-it has no labels: it can be a target"):
        run_study(
            {"mini-de": TABLES["mini-de"], "mini-it": table}, [("mini-it", "mini-de")], features="prosody"
        )


def test_matrix_mistakes_give_one_line(sere, tmp_path):
    assert "at least two corpora" in one_line(
        sere("matrix", "--corpus", "mini-de", "--out", tmp_path / "out")
    )
    assert "two corpora are called" in one_line(
        sere("matrix", "--corpus", "mini-de", "--corpus", "mini-de", "--out", tmp_path / "out")
    )
    assert "baseline magic" in one_line(
        sere(
            "matrix",
            "--corpus",
            "mini-de",
            "--corpus",
            "mini-it",
            "--baseline",
            "magic",
            "--out",
            tmp_path / "out",
        )
    )
    (tmp_path / "file").write_text("")
    assert "cannot be written" in one_line(
        sere("matrix", "--corpus", "mini-de", "--corpus", "mini-it", "--out", tmp_path / "file" / "out")
    )
