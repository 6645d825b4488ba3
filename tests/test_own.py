"Recordings as people have them: a ready model, a folder without a table, names that say something."

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import CORPORA, one_line
from sklearn.metrics import adjusted_rand_score

from sere_nb.baselines import BASELINES, Linear
from sere_nb.confidence import UNSURE
from sere_nb.core import SereError, package_folder
from sere_nb.data import check_corpus, load_corpus, mini_corpus
from sere_nb.features import extract
from sere_nb.irf import settled
from sere_nb.metadata import UNKNOWN_SPEAKER
from sere_nb.metrics import uar
from sere_nb.names import draft_metadata, guess_pattern, name_pattern
from sere_nb.own import adapt_own, own_table, ready_pack, recognise
from sere_nb.recogniser import cooled, learn, load
from sere_nb.report import predictions
from sere_nb.study import run_study
from sere_nb.tasks import prepare
from sere_nb.voices import FEWEST, grouped, whole_model

FIVE = ["anger", "fear", "happiness", "neutral", "sadness"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "Forty Italian recordings under meaningless names."
    place = tmp_path_factory.mktemp("calls")
    table = mini_corpus("it").groupby("emotion").head(8)
    for number, path in enumerate(table.path):
        shutil.copy(path, place / f"{number:03}.ogg")
    return place, table.emotion.to_numpy()


# --- the ready model --------------------------------------------------------------------------------


def test_the_ready_model_travels_with_card_and_pack(wheel):
    import zipfile

    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"config.json", "model.safetensors", "pack.safetensors", "README.md"}
    assert {f"sere_nb/bundled/ready/{name}" for name in wanted} <= names


def test_the_card_has_the_figures_that_were_measured():
    card = (package_folder() / "bundled" / "ready" / "README.md").read_text(encoding="utf-8")
    from sere_nb.core import results_file

    for row in pd.read_csv(results_file("ready/single.csv")).itertuples():
        assert f"| {row.corpus} | {row.language} | {100 * row.uar:.1f} % | {100 * row.accuracy:.1f} %" in card
    assert "must not decide" in card and "acted" in card


def test_the_ready_model_knows_five_emotions_and_where_it_comes_from():
    model = load()
    assert list(model.classes) == FIVE and isinstance(model.model, Linear)
    assert model.origin["commit"] and "emodb" in model.origin["options"]["learned_from"]


def test_the_pack_is_what_extraction_gives():
    if not CORPORA.is_dir():
        pytest.skip("real corpora are not here")
    corpus = load_corpus("emodb", CORPORA / "emodb")
    chosen = corpus.groupby("emotion").head(1)
    pack, X, _ = ready_pack([*FIVE, "boredom"])
    rows = [list(pack.path).index(path.name) for path in chosen.path]
    assert list(pack.emotion[rows]) == list(chosen.emotion) and list(pack.speaker[rows]) == list(
        chosen.speaker
    )
    found = extract(chosen.reset_index(drop=True), "both", "bundled")
    assert np.allclose(X[rows], found, rtol=2e-3, atol=1e-3, equal_nan=True)


def test_an_emotion_that_the_pack_lacks_is_refused():
    with pytest.raises(SereError, match="calm"):
        ready_pack(["anger", "calm"])


def test_temperature_changes_no_answer_and_makes_less_sure():
    pack, X, _ = ready_pack()
    model, normal = load(), load().normaliser.apply(X)
    for one in (model.model, learn((pack, X), (_bare(X), X), None, norm="corpus", reader=None).model):
        before, after = one.predict_proba(normal), cooled(one, 3.0).predict_proba(normal)
        assert (before.argmax(1) == after.argmax(1)).all() and after.max(1).mean() < before.max(1).mean()
        odds = [np.log(said[:, 0] / said[:, 1]) for said in (before, after)]
        assert np.allclose(odds[0], 3 * odds[1], atol=1e-3)


def _bare(X):
    "A table without labels for some features."
    names = [f"/nowhere/{number}.wav" for number in range(len(X))]
    told = dict(corpus="own", speaker="(unknown)", language="und", emotion=None)
    return pd.DataFrame({"path": names}).assign(**told)


# --- one call ---------------------------------------------------------------------------------------


def test_files_arrays_and_bad_files_get_a_row_each(folder):
    from sere_nb.audio import read_audio

    path = folder[0] / "000.ogg"
    waveform = read_audio(path)
    table = recognise([path, waveform, folder[0] / "gone.ogg"], 16_000)
    assert list(table) == ["file", "emotion", "confidence", *FIVE, "doubt"]
    assert table.emotion[0] == table.emotion[1] and pd.isna(table.file[1])
    assert pd.isna(table.emotion[2]) and "gone.ogg" in table.doubt[2]
    assert np.allclose(table[FIVE].sum(axis=1)[:2], 1)


def test_an_array_at_another_rate_or_in_two_channels_is_the_same_recording(folder):
    import soxr

    from sere_nb.audio import read_audio

    waveform = read_audio(folder[0] / "001.ogg")
    fast = soxr.resample(waveform, 16_000, 44_100)
    one, other = recognise(waveform, 16_000), recognise(np.stack([fast, fast], axis=1), 44_100)
    assert one.emotion[0] == other.emotion[0] and abs(one.confidence[0] - other.confidence[0]) < 0.1


@pytest.mark.parametrize(
    "array, reason",
    [(np.zeros(16_000), "silence"), (np.full(16_000, np.nan), "finite"), (np.ones(10), "ms of audio")],
)
def test_arrays_that_hold_no_speech_have_a_reason(array, reason):
    table = recognise(array, 16_000)
    assert pd.isna(table.confidence[0]) and reason in table.doubt[0]
    assert pd.isna(table.emotion[0]) != (reason == "silence") and table.emotion[0] != "unsure"


def test_the_face_has_it():
    import sere_nb

    assert sere_nb.recognise is recognise


# --- a folder ---------------------------------------------------------------------------------------


def test_labels_of_the_folder_change_nothing(folder):
    place, truth = folder
    bare = own_table(place)
    shuffled = bare.assign(emotion=np.random.default_rng(0).permutation(truth))
    first, second = adapt_own(bare)[1], adapt_own(shuffled)[1]
    assert first[FIVE].equals(second[FIVE]) and first.given.isna().all() and second.given.notna().all()
    assert (first[FIVE].idxmax(axis=1) == truth).mean() > 0.25  # chance is 0.2, and this speech is synthetic
    assert (first.doubt.notna() == (first.confidence < UNSURE)).all()
    assert ((first.emotion == "unsure") == (first.confidence < UNSURE)).all()


def test_what_is_assumed_follows_what_is_known(folder):
    bare = own_table(folder[0])
    known = bare.assign(speaker=["a", "b"] * (len(bare) // 2))
    single = bare.assign(speaker=[str(path) for path in bare.path])
    told = {name: adapt_own(one)[2][1] for name, one in dict(bare=bare, known=known, single=single).items()}
    assert "unknown: 2 groups of like voices" in told["bare"] and "given (2)" in told["known"]
    assert f"given ({len(bare)})" in told["single"] and "trusted to 0%" in told["single"]


def test_like_voices_are_found_in_real_speech_and_answered_better(real_corpora):
    "Nine Polish speakers whom nobody names: the groups follow them, and the answers gain."
    table = load_corpus("nemo", real_corpora / "nemo")
    table = table[table.emotion.isin(FIVE)].groupby(["speaker", "emotion"]).head(6).reset_index(drop=True)
    labelled, X, _ = ready_pack()
    heard = extract(table, "both", "bundled")
    task = prepare(labelled, X, table.assign(speaker="(unknown)"), heard, "corpus", semantic_width=384).task
    found, alone = whole_model(task), settled(task)
    truth = np.array([task.classes.index(one) for one in table.emotion])
    said = found.label_distributions_[len(X) :]
    assert len(set(found.voices_[0])) == len(table) // FEWEST and found.voices_[1] > 0.5
    assert uar(truth, said.argmax(axis=1)) > uar(truth, alone.argmax(axis=1)) + 0.03
    assert adjusted_rand_score(grouped(task).target_speaker, table.speaker) > 0.3
    names = table.speaker.where(table.speaker < sorted(table.speaker.unique())[3])  # some have told theirs
    task = prepare(labelled, X, table.assign(speaker=names), heard, "corpus", semantic_width=384).task
    voices = pd.Series(grouped(task).target_speaker)
    assert voices[names.notna()].tolist() == names.dropna().tolist()
    assert voices[names.isna()].str.startswith("voice ").all()


def test_a_table_may_know_the_speakers_and_nothing_else(tmp_path, folder):
    for path in sorted(folder[0].iterdir()):
        shutil.copy(path, tmp_path)
    lines = [f"{path.name},{'ab'[number % 2]}" for number, path in enumerate(sorted(tmp_path.iterdir()))]
    (tmp_path / "metadata.csv").write_text("\n".join(["path,speaker", *lines]))
    table = own_table(tmp_path)
    assert set(table.speaker) == {"a", "b"} and table.emotion.isna().all() and set(table.language) == {"und"}
    with pytest.raises(SereError, match="language"):  # as a corpus, it lacks a column as before
        load_corpus("mine", tmp_path)


def test_a_table_may_know_some_of_the_speakers(tmp_path, folder):
    paths = sorted(folder[0].iterdir())
    for path in paths:
        shutil.copy(path, tmp_path)
    lines = [f"{path.name},{'a' if number < 12 else ''}" for number, path in enumerate(paths)]
    (tmp_path / "metadata.csv").write_text("\n".join(["path,speaker", *lines]))
    table = own_table(tmp_path)
    assert dict(table.speaker.value_counts()) == {"a": 12, UNKNOWN_SPEAKER: len(paths) - 12}
    _, answers, told = adapt_own(table)
    assert (answers.voice[:12] == "a").all() and answers.voice[12:].isna().all()
    assert "given (1)" in told[1] and told[1].endswith(
        "28 others are compared with all"
    )  # too few for groups
    (tmp_path / "metadata.csv").write_text(
        "\n".join(["path,speaker,language", *(f"{one},it" for one in lines)])
    )
    with pytest.raises(SereError, match=r"row 14, column speaker: empty"):  # corpora of a study are complete
        load_corpus("mine", tmp_path)


def test_several_sources_are_pooled_and_each_is_normalised_on_its_own(folder):
    made, answers, _ = adapt_own(own_table(folder[0]), ["mini-de", "mini-zh"])
    assert made.origin["options"]["source"] == "mini-de + mini-zh" and len(answers) == 40


def test_all_labels_are_used_where_no_number_is_given():
    german, italian = mini_corpus("de"), mini_corpus("it").assign(emotion=None)
    X, Y = (extract(table, "both", "bundled") for table in (german, italian))
    seen = []

    class Spy:
        "A method that counts the labels it is given."

        norm = None

        line = "spy"

        @staticmethod
        def fit(task):
            seen.append((task.source_y >= 0).sum())
            return BASELINES["logreg"].fit(task)

    for shots in (None, 2):
        learn((german, X), (italian, Y), shots, reader=None, method=Spy)
    assert seen == [len(german), 10]


def test_the_command_writes_model_predictions_and_a_page(folder, sere, tmp_path):
    done = sere("adapt", folder[0], "--out", tmp_path / "own")
    assert done.returncode == 0, done.stderr
    assert "speakers unknown" in done.stdout
    page = (tmp_path / "own" / "report.html").read_text(encoding="utf-8")
    assert "What was assumed" in page and "acted" in page
    table, made = pd.read_csv(tmp_path / "own" / "predictions.csv"), load(tmp_path / "own")
    assert len(table) == 40 and np.allclose(table[FIVE].sum(axis=1), 1, atol=1e-3)
    assert set(table.voice) == {"voice 1", "voice 2"} and "voice" in page
    said = sere("predict", folder[0] / "003.ogg", "--model", tmp_path / "own", "--json")
    shares = json.loads(said.stdout)["probabilities"]  # alone, its voice is not known
    (alone,) = made.probabilities(
        made.normaliser.apply(extract(own_table(folder[0]), "both", "bundled")[3:4])
    )
    assert all(abs(shares[name] - one) < 0.02 for name, one in zip(made.classes, alone))


def test_predict_needs_no_model(folder, sere):
    done = sere("predict", folder[0] / "000.ogg", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and sorted(said["probabilities"]) == FIVE
    assert said["emotion"] == recognise(folder[0] / "000.ogg").emotion[0]


def test_too_few_recordings_are_refused_in_one_line(tmp_path, sere):
    shutil.copy(mini_corpus("it").path[0], tmp_path / "a.ogg")
    assert "at least 10" in one_line(sere("adapt", tmp_path, "--out", tmp_path / "own"))
    assert "no folder" in one_line(sere("adapt", tmp_path / "gone", "--out", tmp_path / "own"))


# --- names ------------------------------------------------------------------------------------------


def empty(folder, names):
    "Files of these names, without anything in them."
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_a_pattern_reads_and_what_it_cannot_read_is_named(tmp_path, sere):
    empty(tmp_path, ["anna_joie_1.wav", "ben_colère.wav", "odd.wav"])
    done = sere("metadata", tmp_path, "--pattern", "{speaker}_{emotion}*", "--language", "fr")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "metadata.csv", keep_default_na=False).set_index("path")
    assert list(table.emotion) == ["happiness", "anger", ""] and "1 of 3 names: odd.wav" in done.stdout
    assert set(table.speaker) == {""} and set(table.language) == {"fr"}  # one is missing: none is claimed
    assert "already" in one_line(sere("metadata", tmp_path))


@pytest.mark.parametrize("name", ["emovo", "emodb", "ravdess", "casia", "urdu", "nemo"])
def test_known_corpora_are_read_as_they_are_known(name):
    if not CORPORA.is_dir():
        pytest.skip("real corpora are not here")
    rows, pattern = draft_metadata(CORPORA / name)
    table = load_corpus(name, CORPORA / name)
    known = {
        str(path.relative_to(CORPORA / name)): emotion for path, emotion in zip(table.path, table.emotion)
    }
    assert {row["path"]: row["emotion"] for row in rows if row["emotion"]} == known


def test_folders_are_guessed(tmp_path):
    from pathlib import Path

    paths = [
        Path(who, f"{take}-{what}.wav") for who in "xyz" for what in ("Wut", "Trauer") for take in range(9)
    ]
    assert guess_pattern(paths) == "{speaker}/*-{emotion}*"
    assert name_pattern("{speaker}/*-{emotion}*").search("x/3-Wut").groupdict() == dict(
        speaker="x", emotion="Wut"
    )


@pytest.mark.parametrize("pattern", ["*", "{who}_{emotion}", "{emotion}_{emotion}", "{speaker"])
def test_patterns_that_mean_nothing_are_refused(tmp_path, sere, pattern):
    empty(tmp_path, ["a_joie.wav"])
    assert "write {speaker}, {emotion} and *" in one_line(sere("metadata", tmp_path, "--pattern", pattern))
    assert not (tmp_path / "metadata.csv").exists()


# --- names that are not UTF-8 -------------------------------------------------------------------------


def test_a_name_that_is_not_utf8_is_a_name_like_others(folder, tmp_path):
    "Where pyarrow is installed, pandas keeps text in Arrow, which takes no such name."
    calls, first = tmp_path / "calls", os.fsdecode(b"caf\xe9 00.ogg")
    calls.mkdir()
    for number, path in enumerate(sorted(folder[0].iterdir())[:12]):
        shutil.copy(path, calls / os.fsdecode(b"caf\xe9 %02d.ogg" % number))
    table = own_table(calls)
    assert table.path[0].name == first and str(check_corpus(table))
    said = recognise([calls / first, calls / os.fsdecode(b"\xff.ogg")])
    assert said.file[0] == str(calls / first) and "no such file" in said.doubt[1]
    answers = adapt_own(table)[1]
    assert answers.file[0] == str(calls / first)
    tables = {"mini-de": mini_corpus("de"), "own": table}
    told = dict(features="prosody", draws=1, methods={"logreg": BASELINES["logreg"]})
    rows = run_study(tables, [("mini-de", "own")], **told, folder=tmp_path / "study")
    assert predictions(rows, table).path[0] == str(calls / first)
