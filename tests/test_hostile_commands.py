"The command among strangers: impossible paths, odd terminals, encoders to ask for, what is left out."

import io
import json
import os
import re
import shutil
import sqlite3
import sys
import warnings
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import EMOTIONS, corpus

from sere_nb.answers.recogniser import adapt, save
from sere_nb.base.core import SereError, generator, shown
from sere_nb.command.cli import main
from sere_nb.corpus import data
from sere_nb.corpus.data import (
    check_corpus,
    content_warnings,
    load_corpus,
    repeated_recordings,
    shared_recordings,
)
from sere_nb.encoding.encoder import BUNDLED
from sere_nb.field.checkpoint import sealed
from sere_nb.study import report
from sere_nb.study.report import predictions, write_report
from sere_nb.study.store import stored_features
from sere_nb.study.study import METHODS, run_study
from sere_nb.tasks.tasks import Method

QUICK = ("--features", "encoder", "--methods", "majority,logreg", "--draws", 2, "--shots", 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    "A folder with two corpora, `one` and `two`, and a model of the encoder alone."
    folder = tmp_path_factory.mktemp("place")
    tables = [load_corpus(name, corpus(folder / name)) for name in ("one", "two")]
    save(adapt(*tables, features="encoder", norm="corpus", cache=folder / "cache"), folder / "model")
    return folder


@pytest.fixture
def sere(place, monkeypatch, capsys):
    "Run the command here: (exit status, stdout, stderr), every line printable, and no traceback."
    monkeypatch.setenv("SERE_CACHE", str(place / "cache"))

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["sere", *map(str, words)])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as end:
            warnings.simplefilter("default")  # as in a terminal: the same words once
            main()
            raise SystemExit(0)
        out, err = capsys.readouterr()
        assert all(line.isprintable() for line in (out + err).split("\n"))
        return end.value.code, out, err

    return run


def refused(done):
    "The one line on stderr of a command that could do nothing."
    code, out, err = done
    assert code == 1 and err.startswith("error: ") and len(err.strip().split("\n")) == 1, done
    return err


# --- paths and streams ----------------------------------------------------------------------------

IMPOSSIBLE = ["a" * 300, "a" * 5_000, "~nobody-of-this-name/x", "loop", "file", "file/below", "half\udcff"]


@pytest.mark.parametrize("path", IMPOSSIBLE, ids=lambda path: shown(path)[:20])
def test_a_path_that_cannot_be_is_one_line(sere, place, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    recording, model = place / "one" / "00.wav", place / "model"
    both = ("transfer", "--source", f"one={place / 'one'}", *QUICK)
    for words in (
        ("check", "mine", path),
        ("check", "emodb", path),
        (*both, "--target", f"two={path}", "--out", tmp_path / "out"),
        (*both, "--target", f"two={place / 'two'}", "--out", tmp_path / "out", "--encoder", path),
        ("predict", path, "--model", model),
        ("predict", recording, "--model", path),
        ("predict", recording, "--model", model, "--encoder", path),
    ):
        refused(sere(*words))
    if not path.startswith("~"):  # which is a folder like any other where no shell reads it
        written = (*both, "--target", f"two={place / 'two'}", "--out", path)
        assert path == "half\udcff" or "cannot be written" in refused(sere(*written))


def test_a_cache_that_cannot_be_is_empty_and_said_once(sere, place, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in ("a" * 300, "a" * 5_000, str(tmp_path / "file"), "/dev/null"):
        monkeypatch.setenv("SERE_CACHE", folder)
        assert json.loads(sere("cache")[1])["entries"] == 0 and not sere("cache", "--clear")[0]
    both = ("--source", f"one={place / 'one'}", "--target", f"two={place / 'two'}")
    code, _, err = sere("transfer", *both, *QUICK, "--out", tmp_path / "out")
    assert code == 0 and err.count("not being kept") == err.count("\n") == 1


NAMES = ["ü→.wav", "half\udcff.wav", "\x1b[2J\n\u202e.wav", "😀.wav"]


@pytest.mark.parametrize("code", ["ascii", "cp1252", "utf-8", "shift_jis"])
def test_any_name_reaches_any_terminal(place, monkeypatch, tmp_path, code):
    for name in NAMES:
        shutil.copy(place / "one" / "00.wav", os.fsencode(tmp_path / name))
    for words in ((), ("--json",)):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=code))
        files = [str(tmp_path / name) for name in NAMES]
        monkeypatch.setattr(sys, "argv", ["sere", "predict", *files, "--model", str(place / "model"), *words])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as end:
            main()
        lines = raw.getvalue().decode(code).splitlines()
        assert end.value.code == 0 and len(lines) == len(NAMES) and all(map(str.isprintable, lines))
        assert not words or [json.loads(line)["file"] for line in lines] == [
            os.fsencode(file).decode("utf-8", "backslashreplace") for file in files
        ]


def test_a_stream_that_takes_nothing_is_one_line(monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "argv", ["sere", "methods"])
    with warnings.catch_warnings(), pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 1 and "No space left" in said and len(said.strip().split("\n")) == 1


def test_names_of_files_reach_the_terminal_as_escapes(sere, place, tmp_path):
    "A known corpus has no table whose names were checked."
    folder = tmp_path / "\x1b[31mred\n"
    folder.mkdir()
    for i, letter in enumerate("WAWAWAWAWA"):
        samples = generator("known", i).normal(0, 0.1, 4_000 + i) * (i != 3)
        soundfile.write(folder / f"03a{i:02}{letter}a.wav", samples, 16_000)
    assert "\\x1b[31mred\\n" in sere("check", "emodb", tmp_path, "--listen")[1]
    words = ("--source", f"emodb={tmp_path}", "--target", f"two={place / 'two'}", "--out", tmp_path / "out")
    assert "\\x1b[31mred\\n" in sere("transfer", *words, *QUICK)[2]


def test_options_out_of_range_are_refused_at_once(sere, place, tmp_path):
    words = (
        "--source",
        f"one={place / 'one'}",
        "--target",
        f"two={place / 'two'}",
        "--out",
        tmp_path / "out",
    )
    for option in (("--jobs", 10**9), ("--jobs", 0), ("--draws", 0), ("--shots", -1), ("--norm", "twice")):
        code, _, err = sere("transfer", *words, *option)
        assert code == 2 and option[0] in err
    assert "10000000000000000000000 shots wanted" in refused(
        sere("transfer", *words, *QUICK, "--shots", 10**22)
    )


# --- encoders that a model names ------------------------------------------------------------------


@pytest.fixture
def altered(place, tmp_path):
    "The model with other values in its config.json."

    def change(**values):
        folder = tmp_path / f"model{len(list(tmp_path.iterdir()))}"
        shutil.copytree(place / "model", folder)
        config = json.loads((folder / "config.json").read_text())
        weights = (folder / "model.safetensors").read_bytes()
        (folder / "config.json").write_text(json.dumps(sealed({**config, **values}, weights)))
        return folder

    return change


def test_an_encoder_from_elsewhere_is_asked_for_by_an_option(sere, place, altered, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(repo, local_files_only=False, **options):
        asked.append((repo, local_files_only))
        raise OSError("not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    files = [place / "two" / f"{i:02}.wav" for i in range(3)]
    model = altered(encoder="some/where")
    assert "--encoder some/where" in refused(sere("predict", *files, "--model", model)) and not asked
    assert "some/where" in refused(sere("predict", *files, "--model", model, "--encoder", "some/where"))
    assert ("some/where", False) in asked
    code, out, err = sere("predict", *files, "--model", model, "--encoder", BUNDLED)  # the same weights
    assert code == 0 and len(out.strip().split("\n")) == 3 and not err
    assert "another one" in refused(sere("predict", *files, "--model", model, "--encoder", "random"))
    assert "one encoder" in refused(sere("predict", *files, "--model", model, "--encoder", "per-language"))
    nameless = altered(encoder="some/where", identity=None)
    assert "cannot tell" in refused(sere("predict", *files, "--model", nameless, "--encoder", "bundled"))


def test_a_model_and_its_encoder_have_one_width(sere, place, altered):
    said = refused(sere("predict", place / "two" / "00.wav", "--model", altered(features="both")))
    assert "numbers per frame" in said


def test_a_model_that_cannot_be_read_is_one_line(sere, place, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    said = refused(sere("predict", place / "two" / "00.wav", "--model", place / "model"))
    assert "cannot be read (Permission denied)" in said


# --- what is left out of a study ------------------------------------------------------------------


@pytest.mark.parametrize("unheard", [False, True])
@pytest.mark.parametrize("labelled", [True, False])
def test_what_is_left_out_shifts_no_answer(place, tmp_path, monkeypatch, labelled, unheard):
    "Every answer stands beside the recording it was given for, whichever are silent or not asked."
    target = load_corpus("target", corpus(tmp_path / "target", 14, skipped=(0, 5)))
    truth = dict(zip(map(str, target.path), target.emotion))
    tables = {"one": load_corpus("one", place / "one"), "target": target}
    if not labelled:
        tables["target"] = target.assign(emotion=None)
    quick = dict(methods={"logreg": METHODS["logreg"]}, features="encoder", norm="corpus", shots=2, draws=2)
    monkeypatch.setenv("SERE_CACHE", str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="2 of 14 recordings cannot be used"):
        results = run_study(tables, [("one", "target")], unheard=unheard, **quick)
    for row in results.itertuples():
        assert len(row.paths) == len(row.probabilities) and set(row.paths) < set(truth)
        assert not labelled or [truth[path] for path in row.paths] == [row.emotions[c] for c in row.truth]
    if not labelled:
        told, mean = predictions(results, tables["target"]), np.mean(list(results.probabilities), axis=0)
        assert list(told.path) == list(results.paths.iloc[0]) and np.allclose(told.anger, mean[:, 0])
        return
    heard = []
    monkeypatch.setattr(report, "read_audio", lambda path: heard.append(path) or np.zeros(400, np.float32))
    write_report(
        results, tables, tmp_path / "report.html", "", "", dict(sere_nb="", date="", device="", options={})
    )
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r"spoken as <b>(\w+)</b>", page) == [truth[path] for path in heard]


def test_a_silent_recording_in_the_target_is_named_and_the_rest_reported(sere, place, tmp_path):
    silent = corpus(tmp_path / "silent", skipped=(0,))
    words = ("transfer", "--source", f"one={place / 'one'}", "--target", f"s={silent}", *QUICK)
    code, out, err = sere(*words, "--out", tmp_path / "out")
    assert code == 0 and "00.wav" in err and (tmp_path / "out" / "report.html").exists()
    assert "00.wav" in refused(sere(*words, "--out", tmp_path / "strict", "--strict"))


def test_a_corpus_without_one_usable_recording(sere, tmp_path):
    folder = corpus(tmp_path / "silent", 6, skipped=range(6))
    code, out, err = sere("check", "silent", folder, "--listen")
    assert code == 1 and "0 utterances (6 more with faults)" in out and "not usable" in out
    assert "0 of 0" not in out and "Empty" not in out


def test_unheard_speakers_need_a_model(place, tmp_path, sere):
    words = ("matrix", "--corpus", f"one={place / 'one'}", "--corpus", f"two={place / 'two'}", "--unheard")
    quick = ("--features", "encoder", "--draws", 1, "--shots", 1, "--out", tmp_path / "out")
    assert "majority" in refused(sere(*words, *quick, "--methods", "majority"))
    said = ("--methods", "majority,logreg", "--baseline", "majority")
    code, _, err = sere(*words, *quick, *said)
    assert code == 1 and "baseline majority is not among the methods logreg" in err
    assert not (tmp_path / "out").exists()  # it was known before anything was computed
    code, _, err = sere(*words, *quick, *said[:2])
    assert code == 0 and "left out, without a model for unheard speakers: majority" in err


# --- copies ---------------------------------------------------------------------------------------


def doubled(place, folder, copies, other):
    "Corpus `one` with copies of its first recordings, some under the other emotion."
    shutil.copytree(place / "one", folder)
    lines = (folder / "metadata.csv").read_text().split("\n")
    for i in range(copies):
        shutil.copy(folder / f"{i:02}.wav", folder / f"copy{i}.wav")
        emotion = EMOTIONS[(i + (i < other)) % 2]
        lines.append(f"copy{i}.wav,s0,{emotion},de")
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("copies, other", [(0, 0), (1, 0), (3, 0), (4, 2)])
def test_copies_within_a_corpus_are_counted_and_named(sere, place, tmp_path, copies, other):
    folder = doubled(place, tmp_path / "doubled", copies, other)
    table, line = load_corpus("doubled", folder), f"{copies} of {12 + copies} recordings are copies of others"
    line += f" ({other} of them under another emotion)" if other else ""
    line += f", such as {folder / 'copy0.wav'} of {folder / '00.wav'}: each counts again"
    assert len(repeated_recordings(table)) == copies and len(check_corpus(table).counts) == 2
    words = ("transfer", "--source", f"doubled={folder}", "--target", f"two={place / 'two'}")
    said = sere(*words, *QUICK, "--out", tmp_path / "out")
    for text in (sere("check", "doubled", folder)[1], said[2]):
        assert text.count(line) == bool(copies) and text.count("are copies") == bool(copies)
    told = json.loads(sere("check", "doubled", folder, "--json")[1])["warnings"]
    assert said[0] == 0 and len([one for one in told if line in one]) == bool(copies)


def test_links_are_copies_too_and_what_cannot_be_read_is_not(place, tmp_path, monkeypatch):
    table = load_corpus("one", place / "one")
    (tmp_path / "link.wav").symlink_to(table.path[3])
    more = pd.concat([table, table[:1].assign(path=tmp_path / "link.wav")], ignore_index=True)
    assert repeated_recordings(more) == [(table.path[3], tmp_path / "link.wav")]
    honest = data.content_digest

    def digest(path):
        if path == table.path[3]:
            raise PermissionError(13, "Permission denied")
        return honest(path)

    monkeypatch.setattr(data, "content_digest", digest)
    assert not content_warnings(more)
    copied = [shutil.copy(path, tmp_path / path.name) for path in table.path]
    assert len(shared_recordings(table, table.assign(path=copied))) == 11


def test_a_method_that_fails_is_named_and_what_is_finished_stays(place, tmp_path):
    "The store holds what was computed before, and the next run goes on."
    tables = {name: load_corpus(name, place / name) for name in ("one", "two")}
    left = [True, True]

    def fails(task):
        return METHODS["majority"].run(task) if left and left.pop() else np.full((3, 3), np.nan)

    bad = {"mine": Method(fails, "mine")}
    options = dict(features="encoder", norm="corpus", shots=1, draws=3, folder=tmp_path / "out")
    with pytest.raises(SereError, match="mine on one → two, draw 2"):
        run_study(tables, [("one", "two")], bad, **options)
    left += [True]
    assert len(run_study(tables, [("one", "two")], bad, **options, resume=True)) == 3 and not left


def test_rows_without_a_label_among_others_are_counted(sere, place, tmp_path):
    folder = tmp_path / "gaps"
    shutil.copytree(place / "one", folder)
    text = (folder / "metadata.csv").read_text()
    (folder / "metadata.csv").write_text(text.replace("s0,anger", "s0,NA"))
    words = ("transfer", "--source", f"one={place / 'one'}", "--target", f"gaps={folder}", "--out")
    shutil.copytree(place / "two", tmp_path / "two")
    words = (*words[:2], f"two={tmp_path / 'two'}", *words[3:])
    for text in (sere("check", "gaps", folder)[1], sere(*words, tmp_path / "out", *QUICK)[2]):
        assert "3 of 12 utterances have no label: a study leaves them out" in text
    bare = load_corpus("one", place / "one").assign(emotion=None)
    assert not content_warnings(bare)  # a target


# --- folders of studies ---------------------------------------------------------------------------


@pytest.fixture
def study(place, tmp_path, monkeypatch):
    "Run a small study in a folder, or go on with it."
    monkeypatch.setenv("SERE_CACHE", str(place / "cache"))
    tables = {name: load_corpus(name, place / name) for name in ("one", "two")}
    quick = dict(features="encoder", norm="corpus", shots=1, draws=2, folder=tmp_path / "study")

    def run(tables=tables, **options):
        pairs, methods = [("one", "two")], {"majority": METHODS["majority"]}
        return run_study(tables, pairs, methods, **{**quick, **options}).drop(columns="seconds")

    run.tables, run.features, run.jobs = (
        tables,
        tmp_path / "study" / "features",
        tmp_path / "study" / "jobs.sqlite",
    )
    return run


def changed(path, change):
    path.write_bytes(change(path.read_bytes()))


HARM = {
    "cut": lambda content: content[:-10],
    "empty": lambda content: b"",
    "noise": lambda content: bytes(range(256)) * 8,
    "one bit": lambda content: content[:-3] + bytes([content[-3] ^ 4]) + content[-2:],
    "an empty list": lambda content: b"[]",
    "an empty object": lambda content: b"{}",
    "no table": lambda content: json.dumps({**json.loads(content), "usable": 3}).encode(),
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("suffix", ["npy", "json"])
def test_damaged_features_are_made_again(study, harm, suffix):
    if harm == "no table" and suffix == "npy":
        return
    first = study()
    changed(study.features / f"two.{suffix}", HARM[harm])
    if harm != "one bit":  # which only a digest shows
        with pytest.raises(SereError, match="two.npy: cannot be read"):  # a worker's view
            assert stored_features(study.features.parent, "two")[0].path is None
    pd.testing.assert_frame_equal(study(resume=True), first)


def test_a_folder_in_the_place_of_a_file_is_one_line(study):
    study()
    for name in ("two.npy", "two.json"):
        (study.features / name).unlink()
        (study.features / name).mkdir()
        with pytest.raises(SereError, match="cannot be written"):
            study(resume=True)
        (study.features / name).rmdir()
        study(resume=True)


@pytest.mark.parametrize(
    "order",
    [
        "UPDATE job SET job = 'x' WHERE rowid = 1",
        "UPDATE job SET job = '[1]' WHERE rowid = 1",
        "UPDATE job SET job = NULL",
        "UPDATE job SET probabilities = NULL",
        "UPDATE job SET probabilities = 'x'",
        "UPDATE job SET scores = x'00'",
        "UPDATE job SET checksum = NULL",
    ],
)
def test_a_store_with_odd_records_is_one_line(study, order):
    study()
    with closing(sqlite3.connect(study.jobs)) as connection, connection:
        connection.execute(order)
    with pytest.raises(SereError, match="damaged"):
        study(resume=True)


def test_other_weights_under_the_same_name_are_other_features(study, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "encoder"
    shutil.copytree(BUNDLED, folder)
    study(encoder=str(folder))
    study(encoder=str(folder), resume=True)
    weights = load_file(folder / "model.safetensors")
    name = sorted(weights)[0]
    save_file(
        {**weights, name: weights[name] + np.float32(0.1).astype(weights[name].dtype)},
        folder / "model.safetensors",
    )
    with pytest.raises(SereError, match="features of one"):
        study(encoder=str(folder), resume=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_what_cannot_be_opened_costs_the_others_nothing(study, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.wav").mkdir()
    names = ["pipe.wav", "dangling.wav", "folder.wav", "missing.wav"]
    two = study.tables["two"]
    more = two.head(4).assign(path=[tmp_path / name for name in names], seconds=0.3)
    with pytest.warns(UserWarning, match="4 of 16 recordings cannot be used") as said:
        found = study({**study.tables, "two": pd.concat([more, two], ignore_index=True)})
    assert all(name in str(said[-1].message) for name in names) and len(found.paths[0]) == 12


def test_a_file_given_twice_is_answered_twice(sere, place):
    file = place / "two" / "00.wav"
    for words in ((), ("--same-speaker",)):
        code, out, _ = sere("predict", file, file, "--model", place / "model", *words)
        assert code == 0 and len(out.strip().split("\n")) == 2
