"The command as a stranger meets it: what it writes, and one clear line for every mistake."

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import one_line
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from sere_nb.base.core import generator
from sere_nb.base.files import MANIFEST
from sere_nb.command.cli import _speaker_doubts
from sere_nb.corpus.data import load_corpus, mini_corpus
from sere_nb.corpus.metadata import UNKNOWN_SPEAKER
from sere_nb.encoding.features import extract
from sere_nb.sound.normalise import normalisation_groups

CONTRACT = "source,target,draw,method,uar,war,classes,target_size,shots,norm,encoder,labels_used,seconds"


def noise(seconds, rate=16_000, channels=1):
    return generator("cli noise", seconds, rate).normal(0, 0.1, (int(seconds * rate), channels)).clip(-1, 1)


@pytest.fixture(scope="session")
def demo(once):
    "What `sere demo` writes."

    def run(folder):
        words = [sys.executable, "-m", "sere_nb.command.cli", "demo", "--out", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr

    return once("demo", run)


@pytest.fixture
def folder_of(tmp_path):
    "A folder with a metadata.csv for rows (speaker, emotion), each a second of noise."

    def make(name, rows):
        folder = tmp_path / name
        folder.mkdir()
        with open(folder / "metadata.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "speaker", "emotion", "language"])
            for i, (speaker, emotion) in enumerate(rows):
                soundfile.write(folder / f"{i}.wav", noise(0.5 + 0.01 * i), 16_000)
                writer.writerow([f"{i}.wav", speaker, emotion, "de"])
        return folder

    return make


@pytest.mark.slow
def test_demo_writes_what_it_promises(demo):
    listed = {"report.html", "metrics.json", "model", MANIFEST}
    assert {path.name for path in demo.iterdir()} == listed
    page = (demo / "report.html").read_text()
    assert (
        page.count("<audio") == 3
        and page.count("<img") >= 2
        and 'src="http' not in page
        and 'href="http' not in page
    )
    metrics = json.loads((demo / "metrics.json").read_text())
    assert {row["target"] for row in metrics["summary"]} == {"mini-it", "mini-en", "mini-zh"}
    assert all(0 <= row["low"] <= row["uar"] <= row["high"] <= 1 for row in metrics["summary"])
    assert metrics["provenance"]["options"]["seed"] == 0


@pytest.mark.slow
def test_demo_is_reproducible(demo, sere, tmp_path):
    assert sere("demo", "--out", tmp_path / "again").returncode == 0
    first, second = (
        json.loads((folder / "metrics.json").read_text())["summary"] for folder in (demo, tmp_path / "again")
    )
    assert first == second


@pytest.mark.slow
def test_predict_reads_what_demo_wrote(demo, sere, tmp_path):
    clip = mini_corpus("it").path[0]
    text, machine = (sere("predict", clip, *more, "--model", demo / "model") for more in ([], ["--json"]))
    answer = json.loads(machine.stdout)
    assert text.returncode == machine.returncode == 0 and answer["emotion"] in text.stdout
    assert abs(sum(answer["probabilities"].values()) - 1) < 1e-5


@pytest.mark.parametrize("rate,channels", [(8_000, 1), (96_000, 1), (44_100, 6)])
def test_predict_reads_any_recording(sere, tmp_path, rate, channels):
    soundfile.write(tmp_path / "a.wav", noise(1.0, rate, channels), rate)
    assert sere("predict", tmp_path / "a.wav").returncode == 0


BAD_FILES = {
    "text": lambda path: path.write_text("hello"),
    "no samples": lambda path: soundfile.write(path, np.zeros(0), 16_000),
    "silence": lambda path: soundfile.write(path, np.zeros(16_000), 16_000),
    "nan": lambda path: soundfile.write(path, np.full(16_000, np.nan), 16_000, subtype="FLOAT"),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", [kind for kind in BAD_FILES if kind != "silence"])
def test_predict_names_a_bad_file_and_reads_the_rest(sere, tmp_path, kind):
    BAD_FILES[kind](tmp_path / "bad.wav")
    done = sere("predict", tmp_path / "bad.wav", mini_corpus("it").path[0])
    assert "bad.wav" in one_line(done) and len(done.stdout.strip().splitlines()) == 1


def test_silence_is_an_answer(sere, tmp_path):
    BAD_FILES["silence"](tmp_path / "quiet.wav")
    done = sere("predict", tmp_path / "quiet.wav", mini_corpus("it").path[0])
    first, second = done.stdout.strip().splitlines()
    assert done.returncode == 0 and "quiet.wav: no speech" in first and "no speech" not in second


def test_corpora_lists_all(sere):
    listed = json.loads(sere("corpora", "--json").stdout)
    assert len(listed) == 11 and listed["emodb"]["utterances"] == 535
    assert "emodb" in sere("corpora").stdout


@pytest.mark.parametrize("name", ["emodb", "emovo", "ravdess", "nemo"])
def test_check_tells_the_truth(sere, real_corpora, name):
    done = sere("check", name, real_corpora / name)
    assert done.returncode == 0
    assert ('missing all of "disgust" (46 utterances)' in done.stdout) == (name == "emodb")


def test_check_listens(sere, folder_of):
    folder = folder_of("mine", [("a", "anger")] * 5 + [("a", "fear")] * 5)
    soundfile.write(folder / "0.wav", np.zeros(16_000), 16_000)
    assert sere("check", "mine", folder).returncode == 0
    heard = sere("check", "mine", folder, "--listen")
    assert heard.returncode == 1 and "0.wav" in heard.stdout and "louder than" in heard.stdout


def test_transfer_writes_the_contract(sere, tmp_path):
    done = sere(
        "transfer",
        "--source",
        "mini-de",
        "--target",
        "mini-it",
        "--draws",
        2,
        "--methods",
        "majority,logreg",
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0, done.stderr
    assert {"results.csv", "summary.csv", "matrix.png", "provenance.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
    rows = list(csv.DictReader(open(tmp_path / "out" / "results.csv")))
    assert ",".join(rows[0]).startswith(CONTRACT) and len(rows) == 4
    origin = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert origin["options"]["methods"] == ["majority", "logreg"] and "torch" in origin["packages"]


def mistake(sere, tmp_path, source, target, *more):
    "One line of error, and nothing half-written."
    out = tmp_path / "out"
    line = one_line(
        sere("transfer", "--source", source, "--target", target, "--draws", 1, "--out", out, *more)
    )
    assert not out.exists() or not list(out.rglob("*.*"))
    return line


def test_missing_and_empty_folders(sere, tmp_path):
    assert "there is no folder" in mistake(sere, tmp_path, "mini-de", f"emodb={tmp_path / 'nowhere'}")
    (tmp_path / "empty").mkdir()
    assert "no audio file at all" in mistake(sere, tmp_path, "mini-de", f"emodb={tmp_path / 'empty'}")
    assert "no metadata.csv" in mistake(sere, tmp_path, "mini-de", f"mine={tmp_path / 'empty'}")


def test_source_is_target(sere, tmp_path, folder_of):
    assert "two corpora are called" in mistake(sere, tmp_path, "mini-de", "mini-de")
    folder = folder_of("one", [("a", e) for e in ["anger"] * 5 + ["fear"] * 5])
    assert "share 10 recordings" in mistake(sere, tmp_path, f"one={folder}", f"other={folder}")


def test_no_common_emotion_and_too_few_shots(sere, tmp_path, folder_of):
    folder = folder_of("mine", [("a", e) for e in ["boredom"] * 5 + ["calm"] * 5])
    assert "at least two are needed" in mistake(sere, tmp_path, "mini-de", f"mine={folder}")
    folder = folder_of("few", [("a", e) for e in ["anger"] * 5 + ["sadness"] * 2])
    assert '2 utterances of "sadness", 5 shots wanted' in mistake(sere, tmp_path, f"few={folder}", "mini-de")


@pytest.mark.parametrize("kind", ["text", "no samples", "silence", "nan"])
def test_a_bad_recording_in_a_corpus_is_named_and_left_out(sere, tmp_path, folder_of, kind):
    folder = folder_of("mine", [("a", e) for e in ["anger"] * 6 + ["sadness"] * 6])
    (folder / "3.wav").unlink()
    BAD_FILES[kind](folder / "3.wav")
    words = ["--source", "mini-de", "--target", f"mine={folder}", "--methods", "majority", "--draws", 1]
    done = sere("transfer", *words, "--out", tmp_path / "out")
    named = [line for line in done.stderr.splitlines() if "3.wav" in line]
    assert done.returncode == 0 and len(named) == 1 and "1 of 12 recordings" in named[0], done.stderr
    assert next(csv.DictReader(open(tmp_path / "out" / "results.csv")))["target_size"] == "11"
    strict = sere("transfer", *words, "--strict", "--out", tmp_path / "strict")
    assert strict.returncode == 1 and "3.wav" in strict.stderr.splitlines()[-1]
    assert "Traceback" not in strict.stderr and not (tmp_path / "strict" / "results.csv").exists()


def test_output_folder_that_cannot_be_written(sere, tmp_path):
    (tmp_path / "file").write_text("")
    started = time.perf_counter()
    line = one_line(
        sere("transfer", "--source", "mini-de", "--target", "mini-it", "--out", tmp_path / "file" / "out")
    )
    assert (
        "cannot be written" in line and time.perf_counter() - started < 20
    )  # said before the work, not after


def test_unknown_method_norm_and_model(sere, tmp_path):
    assert "unknown method magic" in mistake(sere, tmp_path, "mini-de", "mini-it", "--methods", "magic")
    assert (
        sere(
            "transfer", "--source", "mini-de", "--target", "mini-it", "--norm", "magic", "--out", tmp_path
        ).returncode
        == 2
    )
    assert "no model there" in one_line(sere("predict", mini_corpus("it").path[0], "--model", tmp_path))


@pytest.mark.parametrize("speakers", ["nobody known", "one file each", "one-sided"])
@pytest.mark.parametrize("norm", ["none", "corpus", "speaker", "auto"])
def test_advice_on_speakers_is_not_what_is_done_already(speakers, norm):
    "Advice to normalise by corpus comes exactly where the run tells these speakers apart."
    table = mini_corpus("de")
    ids = {
        "nobody known": UNKNOWN_SPEAKER,
        "one file each": table.path.map(lambda path: path.name),
        "one-sided": table.speaker + table.emotion,
    }
    table = table.assign(speaker=ids[speakers])
    said = " ".join(_speaker_doubts(table, [norm]))
    apart = len(set(normalisation_groups(table, norm) if norm != "none" else [0])) > 1
    assert ("--norm corpus" in said) == apart
    assert (f"keep --norm {norm}" in said) == (norm in ("speaker", "auto") and not apart)
    assert bool(said) == (norm in ("speaker", "auto"))


@pytest.mark.slow
def test_interruption_leaves_nothing_half_written(tmp_path):
    words = ["transfer", "--source", "mini-de", "--target", "mini-zh", "--draws", "2000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sere_nb.command.cli", *words, "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SERE_PROGRESS": "0"},
        # a shell may have told its background processes to ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log, end = tmp_path / "out" / "jobs.sqlite-wal", time.monotonic() + 120
    while not (log.exists() and log.stat().st_size > 50_000):  # some jobs are finished
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("interrupted")
    left = {path.name.partition(".sqlite")[0] for path in (tmp_path / "out").glob("*.*")}
    assert left <= {"jobs"} and not list((tmp_path / "out").rglob("*.tmp"))  # --resume goes on from there


@pytest.fixture
def few_speakers(real_corpora, tmp_path):
    "few_speakers(name): a folder with some recordings of the first four speakers of a real corpus."

    def folder(name):
        table = load_corpus(name, real_corpora / name)
        table = table[table.speaker.isin(sorted(table.speaker.unique())[:4])]
        table = table.groupby(["speaker", "emotion"]).head(9)
        (tmp_path / f"few-{name}").mkdir()
        table.to_csv(tmp_path / f"few-{name}" / "metadata.csv", index=False)
        return tmp_path / f"few-{name}"

    return folder


def test_real_speech_agrees_with_an_independent_script(sere, few_speakers, tmp_path):
    "German to Italian: what the command reports is what plain scikit-learn gives on the same features."
    folders = {name: few_speakers(name) for name in ("emodb", "emovo")}
    source, target = (f"few-{name}={folder}" for name, folder in folders.items())
    words = "--features prosody --draws 5 --norm speaker --methods logreg,logreg-all".split()
    done = sere("transfer", "--source", source, "--target", target, *words, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    reported = pd.read_csv(tmp_path / "out" / "results.csv").groupby("method").uar.mean()

    def standardised(name):
        table = load_corpus(f"few-{name}", folders[name])
        X = pd.DataFrame(extract(table, features="prosody"))
        keep = table.emotion.isin(["anger", "fear", "happiness", "neutral", "sadness"]).to_numpy()
        X, table = X[keep].reset_index(drop=True), table[keep].reset_index(drop=True)
        scaled = X.groupby(table.speaker).transform(
            lambda column: (column - column.mean()) / (column.std(ddof=0) + 1e-9)
        )
        return scaled.fillna(0).to_numpy(), table.emotion.to_numpy()

    def scored(rows):
        fitted = LogisticRegression(C=0.1, max_iter=500).fit(X[rows], y[rows])
        return balanced_accuracy_score(target_y, fitted.predict(target_X))

    def drawn():
        chosen = [random.choice(np.flatnonzero(y == emotion), 5, replace=False) for emotion in set(y)]
        return np.concatenate(chosen)

    (X, y), (target_X, target_y) = standardised("emodb"), standardised("emovo")
    random = np.random.default_rng(1)
    few = [scored(drawn()) for _ in range(20)]
    assert abs(scored(slice(None)) - reported["logreg-all"]) < 0.03
    other_draws = 2 * np.std(few) / np.sqrt(5)  # five reported, twenty here
    assert abs(np.mean(few) - reported["logreg"]) < 0.03 + other_draws


def test_cache_can_be_seen_and_cleared(sere, folder_of, tmp_path):
    environment = {"SERE_CACHE": str(tmp_path / "cache")}
    rows = [(speaker, emotion) for speaker in "ab" for emotion in ("anger", "fear") for _ in range(5)]
    corpora = [f"{name}={folder_of(name, rows if name == 'one' else rows[::-1])}" for name in ("one", "two")]
    for place in (tmp_path / "two").glob("*.wav"):  # no recording of both
        samples, rate = soundfile.read(place)
        soundfile.write(place, samples[::-1], rate)
    words = ["--draws", 1, "--methods", "majority", "--features", "prosody", "--out", tmp_path / "out"]
    done = sere("transfer", "--source", corpora[0], "--target", corpora[1], *words, env=environment)
    assert done.returncode == 0, done.stderr
    full = json.loads(sere("cache", env=environment).stdout)
    size = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
    empty = json.loads(sere("cache", "--clear", env=environment).stdout)
    assert full["entries"] == 40 and empty["entries"] == 0
    assert size > 10_000 and full["megabytes"] == pytest.approx(size / 1e6, abs=0.051)
    assert str(tmp_path / "cache") in full["folder"]
