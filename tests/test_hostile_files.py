"""No command changes a file of its user: under links, other spellings, other capitals, or when it is killed.

A world of inputs and fifty bystanders is made, a command writes into it, and every digest is compared."""

import contextlib
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sere_nb.answers import own, recogniser
from sere_nb.answers.recogniser import adapt, save
from sere_nb.base.core import SereError, generator
from sere_nb.base.files import MANIFEST, Output, arriving
from sere_nb.command import cli, commands
from sere_nb.corpus.data import load_corpus, mini_corpus
from sere_nb.corpus.tables import read_speakers

LONG = os.environ.get("SERE_FUZZ") == "long"
FUZZ = settings(
    max_examples=600 if LONG else 30,
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these links nor these signals")
QUICK = ("--features", "encoder", "--methods", "majority,logreg", "--draws", 1, "--shots", 1)
NAMES = (  # what commands write, and what people keep
    "report.html results.csv summary.csv comparisons.csv provenance.json matrix.png predictions.csv "
    "README.md config.json model.safetensors metrics.json jobs.sqlite jobs.sqlite-wal answers.csv "
    "00.TextGrid 01.txt model/config.json model/model.safetensors features/one.npy features/two.json "
    "notes.txt .writable"
).split()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    "Two corpora, a folder of speech, a model, a table of speakers: everything that commands read."
    top = tmp_path_factory.mktemp("template")
    for name in ("one", "two"):
        corpus(top / name)
    (top / "own").mkdir()
    for row in mini_corpus("it").groupby("emotion").head(2).itertuples():
        shutil.copy(row.path, top / "own" / row.path.name)
    shutil.copy(top / "one" / "00.wav", top / "one" / unicodedata.normalize("NFC", "é.wav"))
    save(adapt(mini_corpus("de"), mini_corpus("it"), features="prosody"), top / "model")
    (top / "who.csv").write_text("path,speaker\none/00.wav,a\none/01.wav,b\n")
    said = [f"{path.name},{path.name.split('_')[1]}" for path in sorted((top / "own").iterdir())[::3]]
    (top / "said.csv").write_text("\n".join(["path,emotion", *said]))
    return top


@pytest.fixture(scope="module")
def quickly(template):
    "What costs minutes is computed once; where it goes is what is tested."
    patch, made = pytest.MonkeyPatch(), recogniser.load(template / "model")
    heard = own.hear_own(template / "own")
    adapted = own.adapt_own(heard, ask=2)
    one = {f"mini-{name}": mini_corpus(name) for name in ("de", "it")}
    from sere_nb.study.study import METHODS, run_study

    few = {name: METHODS[name] for name in ("majority", "logreg")}
    studied = run_study(one, [tuple(one)], few, features="encoder", draws=1), one
    asked = lambda _, files, **__: (replace(one, file=file) for one, file in zip(heard.answers, files))
    patch.setattr(own, "hear", asked)
    patch.setattr(own, "adapt_own", lambda *_: adapted)
    patch.setattr(commands, "_first_study", lambda out, seed: studied)
    patch.setattr(recogniser, "adapt", lambda *_, **__: made)
    yield
    patch.undo()


def run(words):
    "The command in this process: exit status, stderr."
    err, before = io.StringIO(), sys.argv
    sys.argv = ["sere", *map(str, words)]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            with warnings.catch_warnings():
                cli.main()
        code = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return code or 0, err.getvalue()


def digests(top):
    "What every file is: where a link leads, or a digest."
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_symlink():
            found[path] = os.readlink(path)
        elif path.is_file():
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def words_of(command, top, out):
    "A command that reads the world, and writes to `out`."
    one, two, model = f"one={top / 'one'}", f"two={top / 'two'}", ("--model", top / "model")
    return {
        "predict": (
            "predict",
            top / "one" / "00.wav",
            top / "two" / "01.wav",
            "--model",
            top / "model",
            "--out",
            out,
        ),
        "labels": ("predict", top / "one", *model, "--format", "textgrid", "--out", out),
        "audacity": ("predict", top / "one", *model, "--format", "audacity", "--out", out),
        "speakers": (
            "predict",
            top / "one" / "00.wav",
            "--speakers",
            top / "who.csv",
            "--json",
            "--out",
            out,
        ),
        "adapt": ("adapt", top / "own", "--ask", 2, "--answers", top / "said.csv", "--out", out),
        "demo": ("demo", "--out", out),
        "transfer": ("transfer", "--source", one, "--target", two, *QUICK, "--model", "--out", out),
        "matrix": ("matrix", "--corpus", one, "--corpus", two, *QUICK, "--out", out),
        "resume": ("matrix", "--corpus", one, "--corpus", two, *QUICK, "--resume", "--out", out),
        "metadata": ("metadata", top / "own"),
    }[command]


def world(template, top, chosen, seed):
    "A copy of the template with bystanders: fifty files that nobody asked to change, some under links."
    shutil.copytree(template, top, symlinks=True)
    draw = random.Random(seed)
    places = [top / "out", top / "one", top / "own", top / "model", top / "elsewhere"]
    for number in range(50):
        folder, name = draw.choice(places), draw.choice(NAMES) if number % 2 else f"{number}.txt"
        path = folder / name
        if chosen and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(draw.randbytes(draw.choice((0, 1, 300))))
    (top / "out").mkdir(exist_ok=True)
    (top / "elsewhere").mkdir(exist_ok=True)
    if os.name != "nt":
        os.symlink(top / "one", top / "way")
        for name in draw.sample(NAMES, 3):
            path, kind = top / "out" / name, draw.choice((os.symlink, os.link))
            if not path.exists() and path.parent.is_dir():
                kind(
                    draw.choice([top / "one" / "00.wav", top / "who.csv", top / "model" / "config.json"]),
                    path,
                )


OUTS = [
    "one/00.wav", "one/../one/00.wav", "way/00.wav", "one/00.WAV", "ONE/00.wav", "who.csv", "WHO.csv",
    "said.csv",
    "out", "one/" + unicodedata.normalize("NFD", "é.wav"), "one/" + unicodedata.normalize("NFC", "é.wav"),
    "one", "own", "model", "model/config.json", "way", "elsewhere", "new", "new/below", "out/answers.csv",
    "out/report.html",
]  # fmt: skip
READS = dict(  # those who made the world know which files of it a command reads
    predict=["one/00.wav", "two/01.wav", "model/*"],
    labels=["one/*.wav", "model/*"],
    audacity=["one/*.wav", "model/*"],
    speakers=["one/00.wav", "who.csv"],
    adapt=["own/*", "said.csv"],
    demo=[],
    transfer=["one/*", "two/*"],
    matrix=["one/*", "two/*"],
    resume=["one/*", "two/*"],
    metadata=["own/*"],
)
COMMANDS = "predict labels audacity speakers adapt demo transfer matrix resume metadata".split()


@posix
def test_no_command_changes_a_file_of_its_user(template, quickly, tmp_path_factory):
    tried = set()

    @FUZZ
    @given(st.sampled_from(COMMANDS), st.sampled_from(OUTS), st.booleans(), st.booleans(), st.integers(0, 99))
    def holds(command, out, overwrite, bystanders, seed):
        top = tmp_path_factory.mktemp("world") / "w"
        world(template, top, bystanders, seed)
        before = digests(top)
        words = words_of(command, top, top / out)
        words = (*words, "--overwrite") if overwrite and command != "metadata" else words
        for _ in range(2):  # the second time, some of it is ours
            code, err = run(words)
            after = digests(top)
            assert "Traceback" not in err and (code == 0 or err.count("error: ") == 1), (words, err)
            changed = {path for path, digest in before.items() if after.get(path) != digest}
            if overwrite:  # what is not read was asked for, and lies where it was said
                read = {path for name in READS[command] for path in top.glob(name)}
                out_there = (top / out).resolve()
                changed = {
                    path for path in changed if path in read or not path.resolve().is_relative_to(out_there)
                }
            assert not changed, (words, changed, err)
            assert not [path for path in after if path.name.endswith(".tmp")]
        tried.add(command)
        shutil.rmtree(top)

    holds()
    assert len(tried) > 5


@posix
@pytest.mark.slow
@pytest.mark.parametrize("command", ["labels", "matrix", "adapt"])
def test_a_command_that_is_killed_has_changed_nothing(template, tmp_path, command):
    "kill -9 at random moments; afterwards the same command goes on, since it knows its own files."
    top, draw = tmp_path / "w", random.Random(command)
    world(template, top, False, 1)
    shutil.rmtree(top / "out")
    for number in range(50):
        for folder in ("new", "one", "own"):
            (top / folder).mkdir(exist_ok=True)
        (top / ("new", "one", "own")[number % 3] / f"bystander {number}.txt").write_bytes(draw.randbytes(99))
    before = digests(top)
    env = {**os.environ, "SERE_CACHE": str(tmp_path / "cache"), "SERE_PROGRESS": "0"}
    words = [str(word) for word in words_of("resume" if command == "matrix" else command, top, top / "new")]
    start = [sys.executable, "-m", "sere_nb.command.cli", *words]
    for _ in range(20 if LONG else 2):
        process = subprocess.Popen(start, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0.5, 4))
        process.kill()
        process.wait()
        after = digests(top)
        assert {path: after.get(path) for path in before} == before
    done = subprocess.run(start, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    after = digests(top)
    assert {path: after.get(path) for path in before} == before


# --- the same instant, and what changed since


def test_of_two_at_the_same_instant_one_stays(tmp_path):
    from sere_nb.base.core import atomic_path

    for place, folder in ((tmp_path / "answers.csv", False), (tmp_path / "out", True)):
        path = place / "report.html" if folder else place
        with pytest.raises(SereError, match="is there already|has changed"):
            with Output("test", place, folder=folder), atomic_path(path) as temporary:
                temporary.write_text("slower")
                path.write_text("faster")
        assert path.read_text() == "faster"
    assert not list(tmp_path.rglob("*.tmp"))


@posix
def test_a_copy_by_hard_links_stays_as_it_was(template, tmp_path):
    "Backups share their files with the folder; nothing is written into a file that is there."
    words = ("predict", template / "one", "--model", template / "model", "--format", "textgrid", "--out")
    assert run((*words, tmp_path / "out"))[0] == 0
    shutil.copytree(tmp_path / "out", tmp_path / "backup", copy_function=os.link)
    before = digests(tmp_path / "backup")
    assert run((*words, tmp_path / "out"))[0] == 0 and digests(tmp_path / "backup") == before


def test_what_was_corrected_by_hand_stays(template, tmp_path):
    words = ("predict", template / "one", "--model", template / "model", "--format", "textgrid", "--out")
    assert run((*words, tmp_path))[0] == 0 and (tmp_path / MANIFEST).exists()
    (tmp_path / "01.TextGrid").write_text("corrected")
    code, err = run((*words, tmp_path))
    assert code == 1 and "01.TextGrid: has changed" in err and "--overwrite" in err
    assert (tmp_path / "01.TextGrid").read_text() == "corrected"
    assert run((*words, tmp_path, "--overwrite"))[0] == 0
    assert (tmp_path / "01.TextGrid").read_text() != "corrected"


@pytest.mark.parametrize("start", ["", "not ours\n", '{"sere": 1}\n["predict", "00.TextGrid", "x"]\n'])
def test_a_list_of_somebody_else_is_left_alone(template, tmp_path, start):
    (tmp_path / MANIFEST).write_text(start)
    words = ("predict", template / "one", "--model", template / "model", "--format", "textgrid", "--out")
    code, err = run((*words, tmp_path, "--overwrite"))
    assert code == 1 and MANIFEST in err and (tmp_path / MANIFEST).read_text() == start


# --- what waits, what never ends


@posix
def test_nothing_waits_for_what_is_no_file(template, tmp_path):
    pipe, one = tmp_path / "pipe", template / "one" / "00.wav"
    os.mkfifo(pipe)
    for name in ("metadata.csv", "db.yaml", "state.json"):
        (tmp_path / name).mkdir()
        os.mkfifo(tmp_path / name / name)
    shutil.copytree(template / "model", tmp_path / "model")
    (tmp_path / "model" / "config.json").unlink()
    os.mkfifo(tmp_path / "model" / "config.json")
    with_table = ("predict", one, "--speakers")
    both = ("transfer", "--source", f"one={template / 'one'}", "--target", f"two={template / 'two'}", *QUICK)
    for words in (
        *((*with_table, odd) for odd in (pipe, "/dev/zero", "/dev/full", tmp_path)),
        *(("predict", odd) for odd in (pipe, "/dev/zero")),
        *(("predict", one, "--model", odd) for odd in (pipe, tmp_path / "model", "/dev/zero")),
        *(("check", "mine", tmp_path / name) for name in ("metadata.csv", "db.yaml", "state.json", "pipe")),
        *((*both, "--out", tmp_path / "out", "--encoder", odd) for odd in (tmp_path / "model", pipe)),
        ("adapt", pipe, "--out", tmp_path / "out"),
        ("metadata", pipe),
        ("predict", one, "--out", pipe),
        ("predict", one, "--out", "/dev/null", "--overwrite"),
    ):
        begin = time.monotonic()
        code, err = run(words)
        assert code == 1 and err.count("error: ") == 1 and time.monotonic() - begin < 20, (words, err)
    assert Path("/dev/null").is_char_device()


@posix
@pytest.mark.parametrize("sent", [b"", b"RIFF", bytes(500)])
def test_a_stream_that_stops_is_not_waited_for(sent):
    reading, writing = os.pipe()
    os.write(writing, sent) if sent else None
    with open(reading, "rb") as stream, pytest.raises(SereError, match="standard input"):
        list(arriving(stream, seconds=0.2))
    os.close(writing)


@posix
@pytest.mark.parametrize(
    "start, said", [(b"<html>" * 20, "not an audio file"), (b"", "empty"), (None, "GiB")]
)
def test_standard_input_has_to_be_sound_and_to_end(template, tmp_path, monkeypatch, start, said):
    "An endless stream is refused early, or at the limit."
    head = (template / "one" / "00.wav").read_bytes() if start is None else start
    reading, writing = os.pipe()
    feeding = os.fork()
    if feeding == 0:
        with contextlib.suppress(OSError):
            os.close(reading)
            os.write(writing, head)
            while start is None and os.write(writing, bytes(2**16)):
                pass
        os._exit(0)
    os.close(writing)
    with open(reading) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, err = run(("predict", "-", "--model", template / "model", "--limit", "0.003"))
    os.waitpid(feeding, 0)
    assert code == 1 and said in err and err.count("\n") == 1


@posix
@pytest.mark.parametrize(
    "name, code",
    [
        ("SIGTERM", 143),
        pytest.param("SIGINT", 130, marks=pytest.mark.slow),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
    ],
)
def test_a_signal_leaves_nothing(template, tmp_path, name, code):
    words = [
        "predict",
        template / "own",
        template / "one",
        "--out",
        tmp_path / "out" / "a.txt",
        "--jobs",
        "2",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "sere_nb.command.cli", *map(str, words)],
        env={**os.environ, "SERE_PROGRESS": "0"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    end = time.monotonic() + 60
    while not list(tmp_path.rglob("*.tmp")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(getattr(signal, name))
    err = process.communicate(timeout=30)[1]
    assert process.returncode == code and err == "interrupted; no half-written file was left\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_full_temporary_folder_names_the_recording(template, tmp_path, monkeypatch):
    "The others are answered."
    av = pytest.importorskip("av", reason="PyAV is not installed: pip install av")
    with av.open(str(tmp_path / "a.m4a"), "w") as media:
        stream = media.add_stream("aac", rate=16_000, layout="mono")
        samples = generator("full").normal(0, 0.1, (1, 32_000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        media.mux([*stream.encode(frame), *stream.encode(None)])

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sere_nb.corpus.audio._by_av", full)
    code, err = run(
        ("predict", tmp_path / "a.m4a", template / "one" / "00.wav", "--model", template / "model")
    )
    assert code == 1 and err.count("\n") == 1
    assert "a.m4a: the temporary folder" in err and "is full" in err and "TMPDIR" in err


# --- who speaks


def test_a_table_of_speakers_is_read_as_it_was_meant(tmp_path):
    for name in ("a.wav", "B.wav", unicodedata.normalize("NFD", "é.wav")):
        (tmp_path / name).touch()
    table = tmp_path / "who.csv"
    names = "A.WAV;Ann\nb.wav;Bob\n" + unicodedata.normalize("NFC", "é.wav") + ";Zoë\n"
    table.write_bytes(("sep=;\nFile;Speaker\n" + names).encode("utf-16"))
    assert sorted(read_speakers(table).values()) == ["Ann", "Bob", "Zoë"]
    table.write_text("path,speaker\na.wav,Ann\ngone.wav,Bob\nB.wav,\n")
    with pytest.warns(UserWarning) as said:
        assert list(read_speakers(table).values()) == ["Ann"]
    told = " ".join(str(one.message) for one in said)
    assert "row 3: gone.wav" in told and "row 4: B.wav" in told
    table.write_text("path,speaker\na.wav,Ann\nA.wav,Bob\n")
    with pytest.raises(SereError, match='rows 2 and 3 give A.wav to two speakers, "Ann" and "Bob"'):
        read_speakers(table)


def test_the_ready_packs_own_recordings_are_noticed(real_corpora):
    from sere_nb.encoding.cache import heed_pack, in_pack

    table = load_corpus("emodb", real_corpora / "emodb").iloc[:12]
    assert len(in_pack(table)) == 12
    with pytest.warns(UserWarning, match="12 of 12 recordings, such as .* the ready pack has learned from"):
        heed_pack(table)
    assert not in_pack(load_corpus("urdu", real_corpora / "urdu").iloc[:12])
