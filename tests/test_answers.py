"Answers one can rely on: unsure, no speech, unfamiliar, whose voice it is, and how soon they come."

import html
import io
import json
import re
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile

from sere_nb.answers.asking import Form, answer_all
from sere_nb.answers.asking import predict_command as ask
from sere_nb.answers.own import recognise
from sere_nb.answers.recogniser import QUICK, UNFAMILIAR, adapt, distance, load, predict, read
from sere_nb.answers.recordings import NO_SPEECH, as_text, hear
from sere_nb.answers.timeline import WHOLE_FILES
from sere_nb.base.core import SereError, generator
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.corpus.data import mini_corpus
from sere_nb.corpus.tables import read_speakers
from sere_nb.sound.pitch import _swift_detector, swift
from sere_nb.sound.prosody import utterance_features
from sere_nb.sound.speech import SPOKEN, detector_model, movement, speech_sign

TABLE = mini_corpus("de")
SECONDS = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE


def harmonics(phase):
    return sum(np.sin(k * phase) / k for k in range(1, 6)) / 9


def sounds():
    random = generator("answers")
    steps = np.repeat(random.choice([220, 247, 277, 330, 392], 12), SAMPLE_RATE // 4)
    click = np.zeros(len(SECONDS))
    click[::9000] = 0.8
    return {
        "white": random.normal(0, 0.1, len(SECONDS)),
        "hum": harmonics(2 * np.pi * 50 * SECONDS) + random.normal(0, 1e-3, len(SECONDS)),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * SECONDS),
        "held": harmonics(2 * np.pi * 160 * SECONDS),
        "melody": harmonics(2 * np.pi * np.cumsum(steps) / SAMPLE_RATE),
        "chord": sum(harmonics(2 * np.pi * one * SECONDS) for one in (220, 277, 330)) / 3,
        "clicks": click,
        "silence": np.zeros(len(SECONDS)),
    }


SOUNDS = {name: sound.astype(np.float32) for name, sound in sounds().items()}


@pytest.fixture(scope="module")
def recogniser():
    return adapt(TABLE, mini_corpus("it"), features="prosody")


def detectors():
    yield "gate"
    yield "silero"


# --- no speech ---


@pytest.mark.parametrize("detector", detectors())
def test_sounds_are_no_speech_and_sentences_are(detector):
    ear = detector_model(detector)
    for name, sound in SOUNDS.items():
        assert speech_sign(sound, ear) < SPOKEN, name
    for path in TABLE.path[::20]:
        assert speech_sign(read_audio(path), ear) > SPOKEN


def test_gain_does_not_make_speech():
    waveform = read_audio(TABLE.path[0])
    for gain in (1, 0.1, 0.01):
        assert speech_sign(gain * SOUNDS["white"]) < SPOKEN < speech_sign(gain * waveform)


def test_movement_of_any_length():
    for count in (400, 800, 801, 5000):
        assert np.isfinite(movement(generator("short", count).normal(0, 0.1, count))).all()
    long = np.tile(read_audio(TABLE.path[0]), 30)
    np.testing.assert_allclose(movement(long), movement(long[: len(long) // 3]), rtol=0.05)


def test_every_sound_has_an_answer_and_none_has_an_emotion(recogniser, tmp_path):
    for name, sound in SOUNDS.items():
        soundfile.write(tmp_path / f"{name}.wav", sound, SAMPLE_RATE)
    for said in hear(recogniser, sorted(tmp_path.iterdir()), detector="gate"):
        assert said.said == NO_SPEECH and said.speech < SPOKEN and "no speech" in as_text(said)
    table = recognise(sorted(tmp_path.iterdir()), model=recogniser)
    assert set(table.emotion) == {NO_SPEECH} and table.confidence.isna().all() and table.doubt.notna().all()


def test_whoever_wants_an_emotion_gets_one(recogniser, tmp_path):
    soundfile.write(tmp_path / "a.wav", SOUNDS["white"], SAMPLE_RATE)
    (said,) = hear(recogniser, [tmp_path / "a.wav"], abstain=0)
    assert said.said in recogniser.classes and "unfamiliar" in said.doubt
    assert recognise(tmp_path / "a.wav", model=recogniser, abstain=0).emotion[0] == said.said


# --- unsure ---


@pytest.mark.parametrize("form", [form.value for form in Form if form.value not in WHOLE_FILES])
def test_every_format_can_say_unsure_and_no_speech(recogniser, tmp_path, capsys, form):
    (tmp_path / "a.ogg").write_bytes(TABLE.path[0].read_bytes())
    soundfile.write(tmp_path / "b.wav", SOUNDS["tone"], SAMPLE_RATE)
    for name, word in (("a.ogg", "unsure"), ("b.wav", NO_SPEECH)):
        assert answer_all(recogniser, [tmp_path / name], form, abstain=1.0, detector="gate") == 0
        assert word in capsys.readouterr().out
    assert answer_all(recogniser, [tmp_path / "a.ogg"], form, abstain=0, detector="gate") == 0
    assert "unsure" not in capsys.readouterr().out


@pytest.mark.parametrize("form", WHOLE_FILES)
def test_a_page_and_a_workbook_can_say_unsure_and_no_speech(recogniser, tmp_path, form):
    (tmp_path / "a.ogg").write_bytes(TABLE.path[0].read_bytes())
    soundfile.write(tmp_path / "b.wav", SOUNDS["tone"], SAMPLE_RATE)
    out = tmp_path / f"answers.{form}"
    for level, words in ((1.0, {"unsure", NO_SPEECH}), (0, set())):
        options = dict(abstain=level, detector="gate", overwrite=True)
        assert answer_all(recogniser, [tmp_path], form, out, **options) == 0
        if form == "xlsx":
            text = zipfile.ZipFile(out).read("xl/sharedStrings.xml").decode()
            said = set(re.findall(r"<t>(.*?)</t>", text))
        else:
            text = html.unescape(re.search('data-with="(.*?)"', out.read_text(encoding="utf-8"))[1])
            said = {row["emotion"] for row in json.loads(text)["rows"]}
        assert words == said & {"unsure", NO_SPEECH}


def test_predict_and_recognise_agree(recogniser):
    paths = list(TABLE.path[::15])
    said = [one.said for one in hear(recogniser, paths)]
    assert list(recognise(paths, model=recogniser).emotion) == said


# --- unfamiliar, and what an answer rests on ---


def test_what_is_far_is_unfamiliar(recogniser, tmp_path):
    waveform = read_audio(TABLE.path[0])
    (near,), (far,) = (predict(recogniser, [one]) for one in (waveform, SOUNDS["white"]))
    assert near.distance < UNFAMILIAR < far.distance
    usual = recogniser.normaliser.usual[0]
    assert distance(recogniser.normaliser, np.stack([usual, np.full_like(usual, np.nan)])).max() == 0


def test_an_answer_says_what_it_rests_on(recogniser, tmp_path):
    (tmp_path / "a.ogg").write_bytes(TABLE.path[0].read_bytes())
    (said,) = hear(recogniser, [tmp_path / "a.ogg"])
    assert said.basis == "model of mini-de for mini-it, speaker unknown"
    assert load().origin["options"]["learned_from"]  # by which the ready model is known


# --- whose voice ---


def test_a_table_of_speakers_is_as_good_as_one_speaker_after_the_other(recogniser, tmp_path):
    one, other = (TABLE[TABLE.speaker == name].head(4) for name in TABLE.speaker.unique()[:2])
    names = []
    for rows in (one, other):
        for row in rows.itertuples():
            (tmp_path / row.path.name).write_bytes(row.path.read_bytes())
            names.append((row.path.name, row.speaker))
    table = pd.DataFrame(names, columns=["path", "speaker"])
    table.to_csv(tmp_path / "who.csv", index=False)
    files = [tmp_path / name for name, _ in names]
    both = list(hear(recogniser, files, speakers=read_speakers(tmp_path / "who.csv")))
    apart = [said for some in (files[:4], files[4:]) for said in hear(recogniser, some, same_speaker=True)]
    for said, expected in zip(both, apart, strict=True):
        assert said.file == expected.file and said.basis == expected.basis
        np.testing.assert_allclose(said.prediction.probabilities, expected.prediction.probabilities)
    assert "known from 4" in both[0].basis


@pytest.mark.parametrize("content, reason", [("a,b\n1,2\n", "path and speaker"), ("", "not a table")])
def test_a_table_that_names_nobody_is_one_line(tmp_path, content, reason):
    (tmp_path / "who.csv").write_text(content)
    with pytest.raises(SereError, match=reason):
        read_speakers(tmp_path / "who.csv")
    with pytest.raises(SereError, match="not a table"):
        read_speakers(tmp_path / "gone.csv")


def test_a_table_of_other_recordings_is_named(recogniser, tmp_path):
    (tmp_path / "who.csv").write_text("path,speaker\nother.wav,a\n")
    with pytest.raises(SereError, match="names none of these"):
        list(hear(recogniser, [TABLE.path[0]], speakers=read_speakers(tmp_path / "who.csv")))


# --- how soon ---


def test_a_short_file_needs_no_large_library(tmp_path):
    (tmp_path / "a.ogg").write_bytes(TABLE.path[0].read_bytes())
    code = (
        "import sys, json\nfrom sere_nb.answers.asking import answer_all\n"
        "from sere_nb.answers.recogniser import load\n"
        f"assert answer_all(load(), [{str(tmp_path / 'a.ogg')!r}], 'json') == 0\n"
        "print(json.dumps([n for n in "
        "('torch', 'transformers', 'sklearn', 'librosa', 'torchcrepe', 'matplotlib') if n in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_encoder_written_out_is_that_of_transformers():
    import torch
    import transformers

    from sere_nb.encoding.encoder import BUNDLED, load_encoder
    from sere_nb.encoding.layers import layer_norm

    theirs = transformers.AutoModel.from_pretrained(BUNDLED, dtype=torch.float32).eval()
    waveform = read_audio(TABLE.path[0])
    with torch.inference_mode():
        found = theirs(torch.from_numpy(waveform)[None], output_hidden_states=True)
    ours = load_encoder("bundled", "cpu").model
    states = ours.states(waveform)
    for own, other in zip(states[:2], found.hidden_states):
        np.testing.assert_allclose(own, other[0], atol=1e-4)
    last = layer_norm(states[2], ours.weights["encoder"]["layer_norm"])
    np.testing.assert_allclose(last, found.last_hidden_state[0], atol=1e-4)


def test_standard_input_may_be_noise(recogniser, capsys, monkeypatch):
    buffer = io.BytesIO()
    soundfile.write(buffer, SOUNDS["white"], SAMPLE_RATE, format="WAV")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert answer_all(recogniser, ["-"], "json", detector="gate") == 0
    assert json.loads(capsys.readouterr().out)["emotion"] == NO_SPEECH


# --- the quick model ---


def test_the_quick_model_hears_pitch_by_swift_f0():
    waveforms = [read_audio(path) for path in TABLE.path[:4]]
    quick, ready = load(QUICK), load()
    assert (quick.pitch, ready.pitch) == ("swift", "crepe") and quick.classes == ready.classes
    raw = np.hstack([np.zeros(384), utterance_features(waveforms[0], swift)])[None]
    expected = quick.normaliser.apply(raw)[:, 384:]
    np.testing.assert_allclose(read(quick, waveforms[:1]).prosody, expected, rtol=1e-5)
    said = [np.stack([one.probabilities for one in predict(model, waveforms)]) for model in (quick, ready)]
    assert np.isfinite(said).all() and not np.allclose(*said, atol=1e-3)


def test_quick_is_one_model_and_says_what_it_needs(monkeypatch, tmp_path):
    (tmp_path / "a.ogg").write_bytes(TABLE.path[0].read_bytes())
    with pytest.raises(SereError, match="give one of them"):
        ask([str(tmp_path / "a.ogg")], quick=True, model=tmp_path)
    _swift_detector.cache_clear()
    monkeypatch.setitem(sys.modules, "swift_f0", None)
    with pytest.raises(SereError, match=r"swift_f0 is not installed.*pip install 'sere_nb\[pitch\]'"):
        ask([str(tmp_path / "a.ogg")], quick=True)
