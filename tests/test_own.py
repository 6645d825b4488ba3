"Recordings as people have them: a ready model, a folder without a table, names that say something."

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import CORPORA, one_line, page_data
from sklearn.metrics import adjusted_rand_score

from sere_nb import __version__
from sere_nb.answers import own
from sere_nb.answers.own import (
    OWN_FILES,
    adapt_own,
    answers_table,
    hear_own,
    labelled,
    own_table,
    owner_words,
    ready_pack,
    recognise,
    write_own,
)
from sere_nb.answers.recogniser import cooled, learn, load
from sere_nb.answers.recordings import NO_SPEECH, hear
from sere_nb.base.core import SereError, package_folder
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.corpus.data import check_corpus, load_corpus, mini_corpus
from sere_nb.corpus.metadata import UNKNOWN_SPEAKER
from sere_nb.corpus.names import draft_metadata, guess_pattern, name_pattern
from sere_nb.corpus.tables import read_answers, write_answers
from sere_nb.encoding.features import extract
from sere_nb.field.irf import settled
from sere_nb.field.voices import FEWEST, grouped, trusts, whole_model
from sere_nb.study.report import predictions
from sere_nb.study.study import run_study
from sere_nb.tasks.baselines import BASELINES, Linear
from sere_nb.tasks.confidence import UNSURE
from sere_nb.tasks.metrics import uar
from sere_nb.tasks.tasks import prepare

FIVE = ["anger", "fear", "happiness", "neutral", "sadness"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "Ten Italian recordings under meaningless names."
    place = tmp_path_factory.mktemp("calls")
    table = mini_corpus("it").groupby("emotion").head(2)
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
    from sere_nb.base.core import results_file

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
    path = folder[0] / "000.ogg"
    waveform = read_audio(path)
    table = recognise([path, waveform, folder[0] / "gone.ogg"], 16_000)
    assert list(table) == ["file", "emotion", "confidence", *FIVE, "doubt"]
    assert table.emotion[0] == table.emotion[1] and pd.isna(table.file[1])
    assert pd.isna(table.emotion[2]) and "gone.ogg" in table.doubt[2]
    assert np.allclose(table[FIVE].sum(axis=1)[:2], 1)


def test_an_array_at_another_rate_or_in_two_channels_is_the_same_recording(folder):
    import soxr

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


# --- what is heard in a folder ----------------------------------------------------------------------


def media(path, waveform, codec, rate):
    "A recording as a phone or a browser makes it."
    av, soxr = pytest.importorskip("av"), pytest.importorskip("soxr")
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        samples = soxr.resample(waveform, SAMPLE_RATE, rate)[None].astype(np.float32)
        sound = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        sound.sample_rate, sound.time_base = rate, Fraction(1, rate)
        for frame in [*stream.encode(sound), *stream.encode(None)]:
            out.mux(frame)


SPOKEN = mini_corpus("it").groupby("emotion").head(4).reset_index(drop=True)


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    "A folder as people have it: fourteen short recordings, and one of every other kind."
    place = tmp_path_factory.mktemp("people") / "my calls"
    place.mkdir()
    heard = [read_audio(path) for path in SPOKEN.path]
    for number, path in enumerate(SPOKEN.path[:14]):
        shutil.copy(path, place / f"{number:02}.ogg")
    shutil.copy(place / "00.ogg", place / "copy.ogg")
    soundfile.write(place / "long.flac", long_one(heard[:12])[0], SAMPLE_RATE)
    media(place / "phone.m4a", heard[14], "aac", 16_000)
    media(place / "voice.webm", heard[15], "libopus", 48_000)
    size = min(len(heard[16]), len(heard[18]))
    soundfile.write(place / "sides.wav", np.stack([heard[16][:size], heard[18][:size]], 1), SAMPLE_RATE)
    soundfile.write(place / "noise.wav", np.random.default_rng(0).normal(0, 0.1, 32_000), SAMPLE_RATE)
    (place / "broken.wav").write_bytes(b"RIFF and nothing else")
    return place


def long_one(waveforms):
    "Utterances one after the other, with pauses: (waveform, [(start, end)])."
    gap, times, pieces = np.zeros(12_000, np.float32), [], []
    for one in waveforms:
        start = sum(map(len, pieces)) / SAMPLE_RATE
        times.append((start, start + len(one) / SAMPLE_RATE))
        pieces += [one, gap]
    return np.concatenate(pieces), times


@pytest.fixture(scope="module")
def heard(calls):
    return hear_own(calls)


@pytest.fixture(scope="module")
def plain(heard):
    "What is made of the folder without a word of its owner."
    return adapt_own(heard, ask=7)


def said_by(made):
    return pd.DataFrame([one.prediction.probabilities for one in made.answers]).to_numpy()


def told(*rows, **columns):
    "Answers of the owner, as `read_answers` gives them."
    table = pd.DataFrame(rows, columns=["path", "emotion"], dtype=object)
    return table.assign(**{"start": np.nan, "end": np.nan, "channel": None, **columns})


def by_name(heard, name):
    "Places of the answers to a file."
    return [n for n, one in enumerate(heard.answers) if Path(one.file).name == name]


def test_every_kind_of_recording_gets_its_answers(heard, calls):
    places = {path.name: by_name(heard, path.name) for path in calls.iterdir()}
    counts = {name: len(found) for name, found in places.items()}
    assert counts.pop("broken.wav") == 0 and counts.pop("long.flac") >= 2 and counts.pop("sides.wav") == 2
    assert set(counts.values()) == {1}
    (line,) = heard.failed
    assert line.startswith("error: ") and "broken.wav" in line
    (noise,), spoken = places["noise.wav"], set(heard.spoken)
    assert heard.answers[noise].said == "no speech" and noise not in spoken
    assert spoken == set(range(len(heard.answers))) - {noise}
    assert [heard.answers[n].stretch.channel for n in places["sides.wav"]] == ["1", "2"]
    (copy,) = places["copy.ogg"]
    assert "a copy of 00.ogg" in heard.answers[copy].doubt
    assert not any("copy of" in (one.doubt or "") for n, one in enumerate(heard.answers) if n != copy)


def test_the_ready_answers_are_those_of_predict(heard, calls):
    for name in ("phone.m4a", "03.ogg"):
        (alone,) = hear(load(), [calls / name])
        (place,) = by_name(heard, name)
        assert np.allclose(alone.prediction.probabilities, heard.answers[place].prediction.probabilities)


@pytest.mark.slow
def test_several_processes_hear_the_same(heard, calls):
    side = hear_own(calls, jobs=2)
    assert side.names == heard.names and side.failed == heard.failed
    for one, two in zip(side.answers, heard.answers):
        both = [each.prediction.probabilities for each in (one, two)]
        assert np.allclose(*both, rtol=1e-5, equal_nan=True) and one.doubt == two.doubt


def test_the_limit_of_ten_is_counted_after_reading(tmp_path, sere):
    for number in range(11):
        (tmp_path / f"{number:02}.wav").write_bytes(b"RIFF and nothing else")
    for number in (3, 7):
        shutil.copy(SPOKEN.path[number], tmp_path / f"{number:02}.wav")
    line = one_line(sere("adapt", tmp_path, "--out", tmp_path / "own"))
    assert "11 recordings, 2 with speech (0 without, 9 unreadable)" in line
    assert "at least 10" in line and "sere predict" in line and not (tmp_path / "own").exists()


def test_a_folder_that_is_not_there_is_one_line(tmp_path, sere):
    assert "no folder" in one_line(sere("adapt", tmp_path / "gone", "--out", tmp_path / "own"))


# --- a table beside the recordings ------------------------------------------------------------------


@pytest.fixture
def sixteen(tmp_path):
    place = tmp_path / "sixteen"
    place.mkdir()
    for number, path in enumerate(SPOKEN.path[:16]):
        shutil.copy(path, place / f"{number:02}.ogg")
    return place


def table_of(folder, columns, rows):
    (folder / "metadata.csv").write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]))


def test_recordings_that_the_table_does_not_name_are_named(sixteen):
    table_of(sixteen, "path", [[f"{number:02}.ogg"] for number in range(11)])
    with pytest.warns(UserWarning, match="5 recordings are not in the table and left out") as said:
        table = own_table(sixteen)
    assert len(table) == 11
    assert all(f"{number:02}.ogg" in str(said[0].message) for number in range(11, 16))


def test_a_table_may_know_the_speakers_and_nothing_else(sixteen):
    table_of(sixteen, "path,speaker", [(f"{number:02}.ogg", "ab"[number % 2]) for number in range(16)])
    table = own_table(sixteen)
    assert set(table.speaker) == {"a", "b"} and table.emotion.isna().all() and set(table.language) == {"und"}
    with pytest.raises(SereError, match="language"):  # as a corpus, it lacks a column as before
        load_corpus("mine", sixteen)


def test_a_table_may_know_some_of_the_speakers(sixteen):
    names = [f"{number:02}.ogg" for number in range(16)]
    table_of(sixteen, "path,speaker", [(name, "a" * (n < 12)) for n, name in enumerate(names)])
    assert dict(own_table(sixteen).speaker.value_counts()) == {"a": 12, UNKNOWN_SPEAKER: 4}
    made = adapt_own(hear_own(sixteen))
    assert made.voices == ["a"] * 12 + [None] * 4
    assert any("speakers are given for 12" in line for line in made.assumptions)
    table_of(sixteen, "path,speaker,language", [(name, "a" * (n < 12), "it") for n, name in enumerate(names)])
    with pytest.raises(SereError, match=r"row 14, column speaker: empty"):  # corpora of a study are complete
        load_corpus("mine", sixteen)


def test_parts_of_a_long_recording_are_heard_as_the_table_marks_them(tmp_path):
    waveform, times = long_one([read_audio(path) for path in SPOKEN.path[:12]])
    soundfile.write(tmp_path / "long.flac", waveform, SAMPLE_RATE, subtype="PCM_24")
    speakers = ["a", "b", ""] * 4
    rows = [("long.flac", f"{a:.4f}", f"{b:.4f}", who) for (a, b), who in zip(times, speakers)]
    table_of(tmp_path, "path,start,end,speaker", rows[::-1])  # in any order
    found = hear_own(tmp_path)
    assert [one.stretch[1:] for one in found.answers] == [tuple(round(t, 4) for t in pair) for pair in times]
    assert list(found.table.speaker.fillna("")) == speakers and len(set(found.names)) == 12
    whole = next(hear(load(), [SPOKEN.path[5]])).prediction.probabilities
    assert np.allclose(found.answers[5].prediction.probabilities, whole, atol=0.15)
    made = adapt_own(found, given=told(("long.flac", "anger"), start=times[3][0], end=times[3][1]))
    assert [one for one in made.words if one] == ["anger"] and made.words[3] == "anger"
    assert {"start", "end"} <= set(answers_table(made))


def test_emotions_in_the_table_change_no_answer(sixteen):
    emotions, answers = list(SPOKEN.emotion[:16]), []
    for some in (emotions, list(np.random.default_rng(0).permutation(emotions))):
        table_of(sixteen, "path,emotion", [(f"{n:02}.ogg", one) for n, one in enumerate(some)])
        made = adapt_own(hear_own(sixteen), ask=4)
        answers.append(answers_table(made).drop(columns="given"))
        assert list(made.heard.table.emotion) == some and any(
            "not learned from" in a for a in made.assumptions
        )
    pd.testing.assert_frame_equal(*answers)


# --- without a word of the owner --------------------------------------------------------------------


def test_without_answers_nobody_knows_how_many_are_right(plain, heard):
    summary = plain.summary
    assert summary["right"] is None and "cannot be told" in summary["why"]
    assert list(summary["shares"]) == FIVE
    assert sum(one["share"] for one in summary["shares"].values()) == pytest.approx(1)
    assert all(0 <= one["low"] <= one["share"] <= one["high"] <= 1 for one in summary["shares"].values())
    for name in ("ready", "adapted"):
        assert sum(summary[name]["answers"].values()) == pytest.approx(1)
    counts = dict(answers=len(heard.answers), no_speech=1, failed=1, told_by_owner=0)
    assert summary["recordings"] == counts and 0 <= summary["adapted"]["changed"] <= 1
    assert plain.words == [None] * len(heard.answers) and set(plain.recogniser.classes) == set(FIVE)


def test_answers_keep_what_was_heard(plain, heard):
    for n, (one, old) in enumerate(zip(plain.answers, heard.answers)):
        assert (one.file, one.stretch, one.doubt, one.speech) == (
            old.file,
            old.stretch,
            old.doubt,
            old.speech,
        )
        if n in heard.spoken:
            assert one.prediction.probabilities.sum() == pytest.approx(1) and "adapted" in one.basis
            assert (one.said == "unsure") == (one.confidence < UNSURE)
        else:
            assert one is old
    table = answers_table(plain)
    assert list(table.ready) == [one.said for one in heard.answers] and table.told.isna().all()
    assert (table.doubt.fillna("").str.contains("unsure") == (table.confidence < UNSURE)).all()


def test_what_is_assumed_is_a_list_of_sentences(plain, heard):
    text = "\n".join(plain.assumptions)
    assert "left out: 1" in text and "not to be read: 1" in text and "count again: 1" in text
    assert "nothing about how often each emotion occurs" in text and "answers of the owner" not in text


def test_the_same_folder_gets_the_same_answers(plain, heard):
    again = adapt_own(heard, ask=7)
    assert np.array_equal(said_by(again), said_by(plain), equal_nan=True)
    assert again.summary == plain.summary and again.order == plain.order and again.voices == plain.voices


def test_a_level_of_nothing_is_never_unsure(heard):
    made = adapt_own(heard, abstain=0)
    assert "unsure" not in [one.said for one in made.answers]


def test_half_of_the_questions_are_drawn_at_random(plain, heard):
    assert len(plain.order) == 7 and set(plain.order) <= set(heard.spoken)
    assert list(plain.order.values()).count("random") == 4
    everything = adapt_own(heard, ask=1000).order
    assert sorted(everything) == sorted(heard.spoken)


def test_nothing_that_is_answered_is_asked_again(plain, heard):
    given = told(*[(Path(heard.answers[n].file).name, "anger") for n in plain.order])
    made = adapt_own(heard, given=given, ask=5)
    assert len(made.order) == 5 and not set(made.order) & {n for n, word in enumerate(made.words) if word}


# --- the words of the owner -------------------------------------------------------------------------


def test_answers_find_their_recordings(heard, calls):
    words = owner_words(heard, told(("00.ogg", "Wut"), ("./01.ogg", "joy"), (str(calls / "02.ogg"), "fear")))
    assert words[:3] == ["anger", "happiness", "fear"] and words[3:] == [None] * (len(words) - 3)
    words = owner_words(
        heard, told(("00.ogg", "No Speech"), ("01.ogg", "Cannot  tell"), ("02.ogg", "Ennui X"))
    )
    assert words[:3] == ["no speech", "cannot tell", "ennui x"]


def test_answers_for_no_recording_are_named(heard):
    given = told(("00.ogg", "anger"), ("gone.ogg", "anger"), ("else/00.ogg", "fear"))
    with pytest.warns(UserWarning, match="2 answers name no recording that is there: gone.ogg, else/00.ogg"):
        words = owner_words(heard, given)
    assert [word for word in words if word] == ["anger"]
    with pytest.raises(SereError, match="the answers name no recording of .*gone.ogg"):
        owner_words(heard, given[1:])


def test_answers_for_stretches_and_channels(heard):
    places, sides = by_name(heard, "long.flac"), by_name(heard, "sides.wav")
    second = heard.answers[places[1]].stretch
    given = told(("long.flac", "fear"), start=round(second.start, 3), end=round(second.end, 3))
    words = owner_words(heard, given)
    assert words[places[1]] == "fear" and sum(word is not None for word in words) == 1
    every = owner_words(heard, told(("long.flac", "fear")))  # without a time: all of the recording
    assert [every[n] for n in places] == ["fear"] * len(places)
    given = told(("sides.wav", "anger"), ("sides.wav", "fear"), channel=["2", "1"])
    assert [owner_words(heard, given)[n] for n in sides] == ["fear", "anger"]


WORDS = [("00.ogg", "anger"), ("01.ogg", "fear"), ("02.ogg", "cannot tell"), ("phone.m4a", "no speech")]
WORDS += [(f"{n:02}.ogg", "impatience") for n in range(3, 8)] + [(f"{n:02}.ogg", "awe") for n in range(8, 12)]


@pytest.fixture(scope="module")
def answered(heard):
    "What is made of the folder once its owner has spoken; awe is said four times, impatience five times."
    return adapt_own(heard, given=told(*WORDS), ask=3)


def test_a_word_that_is_said_five_times_is_an_emotion(answered):
    assert answered.recogniser.classes == (*FIVE, "impatience")
    assert list(answered.summary["shares"]) == [*FIVE, "impatience"]
    for n, word in enumerate(answered.words):
        if word in answered.recogniser.classes:
            one = answered.answers[n]
            assert (one.said, one.confidence, one.basis) == (word, 1, "answer of the owner")
    assert {word for word in answered.words if word} == {"anger", "fear", "impatience", "awe", *SILENT}
    assert "7 answers of the owner are right" in answered.assumptions


SILENT = "cannot tell", "no speech"


def test_words_that_teach_nothing(answered, heard):
    (phone,), (unclear,) = by_name(heard, "phone.m4a"), by_name(heard, "02.ogg")
    assert answered.answers[phone].said == "no speech"
    assert "answer of the owner" != answered.answers[unclear].basis  # the model answers instead
    assert answered.summary["recordings"]["told_by_owner"] == len(WORDS) - 1  # one cannot be told
    table = answers_table(answered)
    assert table.told[unclear] == "cannot tell" and table.told[phone] == "no speech"


def test_how_many_are_right_is_measured(answered, heard):
    right = answered.summary["right"]
    assert set(right) == {"estimate", "low", "high", "basis"} and answered.summary["why"] is None
    assert 0 <= right["low"] <= right["estimate"] <= right["high"] <= 1
    others = len(heard.spoken) - len(WORDS)
    assert f"the {others} recordings without one" in right["basis"]
    met, of = map(int, re.match(r"(\d+) of (\d+) answers", right["basis"]).groups())
    assert met <= of <= len(WORDS) - 1  # “cannot tell” is no trial
    open_ones = [n for n in heard.spoken if answered.words[n] is None]
    sure = np.mean([answered.answers[n].confidence for n in open_ones])
    assert sure == pytest.approx(right["estimate"], abs=0.03)  # answers are as sure as they are right


def test_answers_that_are_all_wrong_are_counted_as_wrong(heard):
    "Sadness under words of which four are no class: no model can meet them."
    names = [Path(heard.answers[n].file).name for n in heard.spoken if heard.answers[n].whole]
    names = list(dict.fromkeys(name for name in names if name != "sides.wav"))
    strange = told(*[(name, f"word {n // 4}") for n, name in enumerate(names)])
    right = adapt_own(heard, given=strange).summary["right"]
    assert right["basis"].startswith(f"0 of {len(names)} ") and right["estimate"] < 0.2


def test_the_saved_model_answers_new_recordings_in_the_same_way(heard, calls, tmp_path, monkeypatch):
    "As predictions.csv has it, if neighbours did not pull."
    monkeypatch.setattr(own, "agreed", lambda said, near, told=None: said)
    made = adapt_own(heard, given=told(*WORDS))
    write_own(made, tmp_path / "own")
    table = pd.read_csv(tmp_path / "own" / "predictions.csv").set_index("file")
    model = load(tmp_path / "own")
    for name in ("12.ogg", "13.ogg", "voice.webm", "copy.ogg"):
        (one,) = hear(model, [calls / name])
        assert np.allclose(
            one.prediction.probabilities, table.loc[str(calls / name), list(model.classes)], atol=1e-3
        )


def test_several_sources_are_pooled_and_each_is_normalised_on_its_own(heard):
    made = adapt_own(heard, ["mini-de", "mini-zh"])
    assert made.recogniser.origin["options"]["source"] == "mini-de + mini-zh"
    assert set(made.recogniser.classes) == set(mini_corpus("de").emotion)
    with pytest.raises(SereError, match="one name"):
        labelled(["mini-de", "mini-de"])


def test_a_source_that_the_ready_model_does_not_know():
    "Boredom is in the pack and not in the model: then the first model is learned."
    assert labelled().source.first is not None
    side = labelled(emotions=["anger", "boredom"])
    assert side.source.first is None and side.classes == ("anger", "boredom")


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(calls, tmp_path_factory):
    "The command as a terminal runs it, with questions: (what it said, its folder)."
    out = tmp_path_factory.mktemp("asked") / "own"
    words = [
        sys.executable,
        "-m",
        "sere_nb.command.cli",
        "adapt",
        str(calls),
        "--ask",
        "6",
        "--out",
        str(out),
    ]
    return subprocess.run(words, capture_output=True, text=True), out


def test_the_command_writes_a_model_and_pages(asked, plain, calls):
    done, out = asked
    assert done.returncode == 0 and done.stderr.splitlines() == [
        f"error: {calls / 'broken.wav'}: not an audio file that can be read (Format not recognised)"
    ]
    assert {path.name for path in out.iterdir()} >= set(OWN_FILES)
    assert "nothing about how often each emotion occurs" in done.stdout and "ask.html" in done.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["version"] == __version__ and summary["digest"] == load(out).digest
    assert list(summary) == [*plain.summary, "digest"]
    assert summary["right"] is None and summary["why"] == plain.summary["why"]
    for name, share in summary["shares"].items():
        assert share == pytest.approx(plain.summary["shares"][name], abs=1e-6)


def test_the_pages_ask_nobody_and_the_questions_are_there(asked):
    _, out = asked
    for name in ("report.html", "ask.html"):
        page = (out / name).read_text(encoding="utf-8").replace(SVG, "")
        assert not re.search(r"https?:|src=\"//|@import", page), name
    for words in ("How often are they right?", "What was assumed", "acted", "cannot be told"):
        assert words in (out / "report.html").read_text(encoding="utf-8")
    rows = page_data(out / "ask.html")["rows"]
    assert [row["why"] for row in rows] == ["random", "chosen"] * 3
    assert all(row["audio"].startswith("data:audio/") for row in rows)
    assert len({(row["path"], row["start"], row["channel"]) for row in rows}) == 6
    rows = page_data(out / "report.html")["rows"]
    assert len(rows) == len(pd.read_csv(out / "predictions.csv"))


SVG = '"http://www.w3.org/2000/svg"'  # the name of a language, and no address


@pytest.fixture
def here(monkeypatch, capsys):
    "Run the command in this process: (exit status, stdout, stderr)."
    from sere_nb.command.cli import main

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["sere", *map(str, words)])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as end:
            warnings.simplefilter("default")
            main()
            raise SystemExit(0)
        return end.value.code or 0, *capsys.readouterr()

    return run


def test_the_way_of_an_owner(asked, calls, here, tmp_path):
    "Ask, answer, adapt again into the same folder; then ask for more."
    _, out = asked
    before, rows = json.loads((out / "summary.json").read_text()), page_data(out / "ask.html")["rows"]
    whole = [(row["path"], "anger", None, None, row["channel"]) for row in rows if not row["part"]]
    parts = [(row["path"], "fear", row["start"], row["end"], row["channel"]) for row in rows if row["part"]]
    table = pd.DataFrame([*whole, *parts], columns=["path", "emotion", "start", "end", "channel"])
    table = table.astype(dict(start=float, end=float))
    write_answers(tmp_path / "answers.csv", table)
    assert len(read_answers(tmp_path / "answers.csv")) == 6
    code, said, fault = here("adapt", calls, "--answers", tmp_path / "answers.csv", "--ask", 4, "--out", out)
    assert code == 0 and "broken.wav" in fault and "of the answers are right" in said
    after = json.loads((out / "summary.json").read_text())
    assert after["digest"] != before["digest"] and after["digest"] == load(out).digest
    assert after["recordings"]["told_by_owner"] == 6
    assert set(after["right"]) == {"estimate", "low", "high", "basis"} and after["why"] is None
    predicted = pd.read_csv(out / "predictions.csv")
    assert predicted.told.notna().sum() == 6 and set(predicted.told.dropna()) == set(table.emotion)
    second = page_data(out / "ask.html")["rows"]
    assert [row["why"] for row in second].count("answered") == 6  # answers.csv of this round keeps them
    new = (row for row in second if row["why"] != "answered")
    again = {(row["path"], row["start"], row["channel"]) for row in new}
    assert len(again) == 4 and not again & {(row["path"], row["start"], row["channel"]) for row in rows}


def test_answers_for_another_folder_are_one_line_before_anything_is_heard(calls, here, tmp_path, monkeypatch):
    monkeypatch.setattr(own, "hear_own", lambda *_, **__: pytest.fail("it was heard"))
    write_answers(tmp_path / "answers.csv", told(("gone.ogg", "anger")))
    code, _, fault = here("adapt", calls, "--answers", tmp_path / "answers.csv", "--out", tmp_path / "own")
    (line,) = fault.splitlines()
    assert code == 1 and "name no recording" in line and not (tmp_path / "own").exists()


def test_predict_needs_no_model(folder, sere):
    done = sere("predict", folder[0] / "000.ogg", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and sorted(said["probabilities"]) == FIVE
    assert said["emotion"] == recognise(folder[0] / "000.ogg").emotion[0]


# --- what was wrong once -----------------------------------------------------------------------------


def whole_names(heard):
    "Names of the files in which one person speaks, from their start to their end."
    names = [Path(heard.answers[n].file).name for n in heard.spoken if heard.answers[n].whole]
    return [name for name in names if name != "sides.wav"]


def everything(heard, word):
    return told(*[(name, word) for name in (*whole_names(heard), "sides.wav", "long.flac")])


def test_an_owner_who_hears_nobody_gets_a_page(heard, tmp_path):
    write_own(adapt_own(heard, given=everything(heard, "no speech")), tmp_path / "own")


def test_one_emotion_is_refused():
    with pytest.raises(SereError, match="two are needed"):
        labelled(emotions=["anger"])


def test_whoever_has_answered_everything_is_not_asked_for_answers(heard):
    made = adapt_own(heard, given=everything(heard, "anger"))
    assert made.summary["right"] is None and "without a few answers" not in made.summary["why"]


def test_answers_that_somebody_picked_are_not_called_random(heard, plain):
    drawn = [heard.names[n] for n, why in plain.order.items() if why == "random"]
    picked = [name for name in whole_names(heard) if name not in drawn][:8]
    right = adapt_own(heard, given=told(*[(name, "anger") for name in picked])).summary["right"]
    assert "drawn at random, were met" not in right["basis"]


def test_who_cannot_tell_has_not_picked(heard, plain):
    drawn = [n for n, why in plain.order.items() if why == "random"]
    given = told(*[(heard.names[n], "cannot tell" if n == drawn[0] else "anger") for n in plain.order])
    given = given[~given.path.str.contains("Stretch")]
    assert all(" " not in heard.names[n] for n in drawn)
    right = adapt_own(heard, given=given).summary["right"]
    assert right["basis"].split()[2] == "3" and "drawn at random" in right["basis"]


@pytest.mark.parametrize("words", [("--emotions", "anger,calm"), ("--source", "x=/nowhere")])
def test_what_is_wrong_is_said_before_hours_of_listening(calls, here, tmp_path, monkeypatch, words):
    monkeypatch.setattr(own, "hear", lambda *_, **__: pytest.fail("it listens"))
    code, _, fault = here("adapt", calls, *words, "--out", tmp_path / "own")
    assert code == 1 and len(fault.splitlines()) == 1 and fault.startswith("error: ")


def test_why_too_few_could_be_read_is_said(calls):
    with pytest.raises(SereError, match='channel "7"'):
        hear_own(calls, channel="7")


def test_adapted_answers_do_not_name_the_ready_model(plain):
    ready = load()
    assert plain.recogniser.digest != ready.digest
    assert ready.short_digest not in {plain.answers[n].model for n in plain.heard.spoken}


def test_the_next_command_names_the_same_sources(heard, tmp_path):
    write_own(adapt_own(heard, ["mini-de"], ask=3), tmp_path / "own")
    assert "--source mini-de" in page_data(tmp_path / "own" / "ask.html")["next"]


def test_no_page_asks_what_was_answered_long_ago(heard, tmp_path):
    for count in (3, 0):
        write_own(adapt_own(heard, ask=count), tmp_path / "own")
    assert not (tmp_path / "own" / "ask.html").exists()


def test_the_second_round_keeps_the_answers_of_the_first(heard, tmp_path):
    given = told(*[(name, "anger") for name in whole_names(heard)[:5]])
    write_own(adapt_own(heard, given=given, ask=3), tmp_path / "own", given=given)
    rows = page_data(tmp_path / "own" / "ask.html")["rows"]
    assert sum(row["given"] == "anger" for row in rows) == 5


def test_half_of_the_second_round_is_drawn_at_random_too(sixteen):
    there = hear_own(sixteen)
    first = adapt_own(there, ask=6).order
    made = adapt_own(there, given=told(*[(there.names[n], "anger") for n in first]), ask=6)
    assert list(made.order.values()).count("random") == 3


def test_every_answer_has_a_name_of_its_own(heard):
    assert len(set(heard.names)) == len(heard.names)


def test_what_the_owner_says_stands(heard):
    "Also where the model hears nobody, and where a word has too few answers to be a class."
    silent = next(one for one in heard.answers if one.prediction.emotion == NO_SPEECH)
    name, other = Path(silent.file).name, whole_names(heard)[0]
    made = adapt_own(heard, given=told((name, "fear"), (other, "pride")))
    said = {Path(one.file).name: one for one in made.answers if one.whole}
    assert said[name].said == "fear" and said[name].confidence == 1
    assert said[other].said == "pride" and np.isnan(said[other].confidence)
    table = answers_table(made)
    rows = table[table.told.notna()]
    assert set(rows.emotion) == {"fear", "pride"} and "pride" not in made.recogniser.classes


def test_shares_are_of_recordings_in_which_somebody_speaks(heard):
    names = whole_names(heard)
    given = told(*[(name, "no speech") for name in names[2:]], (names[0], "fear"), (names[1], "fear"))
    given = pd.concat([given, told(("sides.wav", "fear"), ("long.flac", "fear"))], ignore_index=True)
    assert adapt_own(heard, given=given).summary["shares"]["fear"]["share"] == pytest.approx(1)


# --- methods beside it --------------------------------------------------------------------------------


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
    clustered = grouped(task)
    assert len(set(clustered.target_speaker)) == len(table) // FEWEST and trusts(clustered)[1] > 0.5
    assert uar(truth, said.argmax(axis=1)) > uar(truth, alone.argmax(axis=1)) + 0.03
    assert adjusted_rand_score(clustered.target_speaker, table.speaker) > 0.3
    names = table.speaker.where(table.speaker < sorted(table.speaker.unique())[3])  # some have told theirs
    task = prepare(labelled, X, table.assign(speaker=names), heard, "corpus", semantic_width=384).task
    voices = pd.Series(grouped(task).target_speaker)
    assert voices[names.notna()].tolist() == names.dropna().tolist()
    assert voices[names.isna()].str.startswith("voice ").all()


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
    made = adapt_own(hear_own(calls))
    assert str(made.answers[0].file) == str(calls / first)
    assert answers_table(made).file[0].endswith(r"caf\udce9 00.ogg")
    tables = {"mini-de": mini_corpus("de"), "own": table}
    told = dict(features="prosody", draws=1, methods={"logreg": BASELINES["logreg"]})
    rows = run_study(tables, [("mini-de", "own")], **told, folder=tmp_path / "study")
    assert predictions(rows, table).path[0] == str(calls / first)
