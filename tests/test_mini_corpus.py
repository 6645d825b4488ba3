"The bundled synthetic corpus: what ships is complete, decodes, and is what the chapter's functions make."

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from sere_nb.base.core import SereError, package_folder
from sere_nb.corpus.audio import read_audio
from sere_nb.corpus.data import check_corpus, load_corpus, mini_corpus
from sere_nb.workshop import mini

FOLDER = package_folder() / "bundled" / "mini"


@pytest.fixture(scope="module")
def espeak():
    return pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def sheet():
    return pd.read_csv(FOLDER / "metadata.csv")


def test_it_is_complete_and_small(sheet):
    assert list(sheet.columns) == ["path", "speaker", "emotion", "language", "sentence"]
    assert sorted(sheet.path) == sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.ogg"))
    counts = sheet.groupby(["language", "speaker", "emotion"]).sentence.nunique()
    assert len(counts) == 4 * 4 * 5 and (counts == 6).all() and sheet.path.is_unique
    assert not (sheet.groupby("speaker").language.nunique() > 1).any(), "a speaker in two languages"
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 3_000_000


@pytest.mark.slow
def test_every_file_decodes_whole_and_the_same_twice(sheet):
    for path in sheet.path:
        waveform = read_audio(FOLDER / path)
        assert waveform.dtype == np.float32 and 0.5 < len(waveform) / 16_000 < 3, path
        assert 0.02 < np.abs(waveform).max() < 0.99, path
        np.testing.assert_array_equal(waveform, read_audio(FOLDER / path))


def test_the_reader_and_the_checker_accept_it():
    table = mini_corpus()
    assert len(table) == 480 and set(table.corpus) == {"mini-de", "mini-en", "mini-it", "mini-zh"}
    assert check_corpus(mini_corpus("it"), listen=True).usable


def similarity(actual, expected):
    assert abs(len(actual) - len(expected)) <= 2
    shorter = min(len(actual), len(expected))
    return np.corrcoef(actual[:shorter], expected[:shorter])[0, 1]


@pytest.mark.parametrize("language", list(mini.LANGUAGES))
def test_made_again_it_is_what_ships(espeak, language):
    for number, emotion in enumerate(mini.EMOTION_RULES):
        voice, sentence = number % 4, number % 6
        spoken = mini.LANGUAGES[language]
        again = mini.synthesise(spoken.sentences[sentence], language, spoken.voices[voice], emotion)
        shipped = read_audio(FOLDER / f"{language}/{language}{voice + 1}_{emotion}_{sentence + 1}.ogg")
        assert similarity(again, shipped) > 0.97, (language, emotion)  # what Opus at 30 kbit/s leaves
        assert abs(20 * np.log10(again.std() / shipped.std())) < 1  # dB


def test_an_utterance_depends_on_nothing_but_its_arguments(espeak):
    sentence = mini.LANGUAGES["en"].sentences[2]
    here = mini.synthesise(sentence, "en", "f3", "fear")
    mini.synthesise("Qualcosa di diverso.", "it", "edward", "anger")
    time.sleep(
        1.1
    )  # left alone, eSpeak NG seeds the noise of breathy voices such as f3 with the second of the clock
    np.testing.assert_array_equal(mini.synthesise(sentence, "en", "f3", "fear"), here)
    program = (
        "import sys; from sere_nb.workshop.mini import synthesise; "
        f"sys.stdout.buffer.write(synthesise({sentence!r}, 'en', 'f3', 'fear').tobytes())"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=FOLDER.parents[2]
    ).stdout
    np.testing.assert_array_equal(np.frombuffer(fresh, np.float32), here)


def test_another_seed_is_another_utterance_of_the_same_speaker(espeak):
    sentence = mini.LANGUAGES["de"].sentences[0]
    rules = [mini.draw_rule(sentence, "de", "adam", "neutral", seed) for seed in range(3)]
    assert len({rule.pitch for rule in rules}) == 3 and len({rule.formants for rule in rules}) == 1
    first, second = (mini.synthesise(sentence, "de", "adam", "neutral", seed) for seed in (0, 1))
    assert len(first) != len(second) or not np.array_equal(first, second)


def test_a_folder_made_here_is_read_like_any_other_corpus(espeak, tmp_path):
    mini.make_mini_corpus(tmp_path / "made", seed=3, languages=("zh",), sentences=1)
    table = load_corpus("made", tmp_path / "made")
    assert len(table) == 20 and set(table.emotion) == set(mini.EMOTION_RULES) and table.speaker.nunique() == 4
    assert not list((tmp_path / "made").rglob("*.tmp"))


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("Hallo.", "fr", "f2", "anger"), 'no rules for "fr"; there are some for de, en, it, zh'),
        (("Hallo.", "de", "f2", "boredom"), 'no rules for "boredom"'),
        (("Hallo.", "de", "f2", "hapiness"), 'did you mean "happiness"'),
        (("Hallo.", "de", "nobody", "anger"), 'no voice "de+nobody"'),
        (("…", "de", "f2", "anger"), "says nothing"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(espeak, arguments, reason):
    with pytest.raises(SereError, match="^[^\n]*$") as caught:
        mini.synthesise(*arguments)
    assert reason in str(caught.value)


def test_without_espeak_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SereError, match=r"espeakng_loader is not installed.*pip install 'sere_nb\[synth\]'"):
        mini.synthesise("Hallo.", "de", "f2", "anger")


def test_rules_scale_between_neutral_and_published():
    for rule in mini.EMOTION_RULES.values():
        assert mini.scale_rule(rule, dict.fromkeys(rule._fields, 0)) == mini.EmotionRule()
        assert mini.scale_rule(rule, {}) == rule
        twice = mini.scale_rule(
            mini.scale_rule(rule, dict.fromkeys(rule._fields, 0.5)), dict.fromkeys(rule._fields, 0.5)
        )
        np.testing.assert_allclose(twice, mini.scale_rule(rule, dict.fromkeys(rule._fields, 0.25)))
