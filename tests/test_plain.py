"The whole method in one file is the method: the same probabilities from the same features."

import inspect
import re
import subprocess
import sys
from inspect import getsource

import numpy as np
import pandas as pd
import pytest
from notebooks import NOTEBOOKS, read

import sere_nb.field.plain
from sere_nb.answers.recogniser import semantic_width
from sere_nb.corpus.data import load_corpus, mini_corpus
from sere_nb.encoding.features import extract
from sere_nb.field import voices
from sere_nb.field.plain import plain_sere
from sere_nb.tasks.baselines import REGULARISATION
from sere_nb.tasks.tasks import prepare

TABLES = {language: mini_corpus(language) for language in ("de", "it", "en", "zh")}
NAMES = {
    "named": lambda table: table.speaker,
    "nobody": lambda table: pd.Series(None, table.index, dtype=object),
    "half": lambda table: table.speaker.where(np.arange(len(table)) % 2 == 0),
    "one emotion each": lambda table: table.speaker + " " + table.emotion,
    "small": lambda table: table.speaker + " " + (np.arange(len(table)) // 8).astype(str),
}


def largest_difference(pair, raw_source, raw_target, **draws):
    "Between the probabilities of both versions, over the draws."
    found = []
    for draw in range(draws.pop("count", 2)):
        task = pair.draw(number=draw, **draws)
        sides = raw_source, task.source_y, task.source_speaker, raw_target, task.target_speaker
        answers = plain_sere(*sides, task.semantic_width or raw_source.shape[1])
        found.append(np.abs(answers - voices.sere(task)).max())
    return max(found)


@pytest.mark.parametrize("shots", [2, 5])
@pytest.mark.parametrize("naming", NAMES)
@pytest.mark.parametrize("features", ["both", "encoder"])
def test_same_probabilities(features, naming, shots):
    source, target = TABLES["de"], TABLES["it"]
    X, Y = extract(source, features), extract(target, features)
    target = target.assign(speaker=NAMES[naming](target))
    pair = prepare(source, X, target, Y, "corpus", semantic_width=semantic_width(features, X.shape[1]))
    assert largest_difference(pair, X, Y, shots=shots) < 1e-9


@pytest.mark.parametrize("naming", ["named", "nobody"])
def test_same_probabilities_for_a_target_of_three_languages(naming):
    "More samples than landmarks and axes; and the other way round, a source of three languages."
    one, many = TABLES["de"], pd.concat([TABLES[name] for name in ("en", "it", "zh")], ignore_index=True)
    many = many.assign(corpus="three", speaker=NAMES[naming](many))
    X, Y = extract(one, "both"), extract(many, "both")
    width = semantic_width("both", X.shape[1])
    for sides in ((one, X, many, Y), (many, Y, one, X)):
        pair = prepare(*sides, "corpus", semantic_width=width)
        assert largest_difference(pair, sides[1], sides[3]) < 1e-9


def test_same_probabilities_on_prosody_with_missing_numbers():
    source, target = TABLES["de"], TABLES["it"]
    X, Y = (extract(table, "prosody") for table in (source, target))
    X[::7, 3], Y[::5, 8], Y[:, 2] = np.nan, np.nan, 1.0
    pair = prepare(source, X, target, Y, "corpus", semantic_width=0)
    task = pair.draw()
    names = task.source_speaker, task.target_speaker
    answers = plain_sere(X, task.source_y, names[0], Y, names[1], 0)
    assert np.abs(answers - voices.sere(task)).max() < 1e-9


@pytest.mark.parametrize("naming", ["named", "nobody"])
@pytest.mark.slow
def test_same_probabilities_on_real_speech(real_corpora, naming):
    "From German to Italian actors; features are kept in the cache that SERE_CACHE names."
    source, target = (load_corpus(name, real_corpora / name) for name in ("emodb", "emovo"))
    target = target.assign(speaker=NAMES[naming](target))
    X, Y = extract(source, "both"), extract(target, "both")
    rows = [source.emotion.isin(target.emotion.unique()), target.emotion.isin(source.emotion.unique())]
    pair = prepare(source, X, target, Y, "corpus", semantic_width=semantic_width("both", X.shape[1]))
    assert largest_difference(pair, X[rows[0]], Y[rows[1]]) < 1e-9


def test_the_file_is_short_and_needs_three_libraries(tmp_path):
    "Copied into an empty folder it runs by itself, without this package."
    text = getsource(sere_nb.field.plain)
    assert len(text.splitlines()) <= 150 and max(map(len, text.splitlines()[8:])) <= 110
    imported = set(re.findall(r"(?m)^(?:from|import) (\w+)", text))
    assert imported == {"numpy", "scipy", "sklearn"}
    (tmp_path / "alone.py").write_text(text, encoding="utf-8")
    code = "import sys, alone; print('sere_nb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


# --- the box


def rows(name):
    "(step, where) of every line of a chapter's algorithm box."
    cells = [cell.source for cell in read(NOTEBOOKS / name).cells if cell.cell_type == "markdown"]
    lines = next(cell for cell in cells if cell.startswith("| | step |")).splitlines()[2:]
    return [line.strip("| ").split(" | ")[1:] for line in lines]


def box(name):
    "{line: its step} of a chapter's box."
    return {place: step for place, (step, _) in enumerate(rows(name), start=1)}


def test_the_box_is_the_same_in_both_chapters_and_has_twelve_lines():
    assert box("field/plain.ipynb") == box("field/voices.ipynb")
    assert list(box("field/plain.ipynb")) == list(range(1, 13))


def test_the_box_names_the_functions_of_the_file():
    named = {name for _, where in rows("field/plain.ipynb") for name in re.findall(r"`(\w+)`", where)}
    own = inspect.getmembers(sere_nb.field.plain, inspect.isfunction)
    own = {name for name, function in own if function.__module__ == "sere_nb.field.plain"}
    assert named == own - {"most_certain", "principal_axes"}


def stands(number, text):
    "Whether a number stands in a text by itself, with or without the nought before its point."
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    return re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text)


def test_the_numbers_of_the_box_are_those_of_the_library():
    "Every constant of chapter voices stands in the line that uses it."
    v, words = voices, {3: "three", 5: "Five"}
    wanted = {
        2: (v.LIKE, f"m/{v.FEWEST}", v.VOICE_AXES),
        3: (REGULARISATION, v.AXES, v.TOLERANCE, v.ITERATIONS),
        4: (v.CENTRE, v.SLOPE),
        5: (f"k+{v.DOUBT:g}", f"k+{v.USUAL:g}"),
        6: (f"× {v.EMPHASIS:g}", f"× {v.EMPHASIS**2:g}", v.AXES, v.BANDWIDTH, v.LANDMARKS),
        7: (v.ANCHORS, f"{v.MEMBERS}C"),
        8: (v.DAMPING, v.TEMPERATURE, v.BALANCE),
        9: (words[v.ROUNDS[0]],),
        10: (v.SURE, v.TOLD, v.AXES),
        11: (words[v.ROUNDS[1]],),
        12: (v.POWER,),
    }
    lines = box("field/voices.ipynb")
    for line, numbers in wanted.items():
        for number in numbers:
            assert stands(number if isinstance(number, str) else f"{number:g}", lines[line]), (line, number)
    assert v.SHRINK == 0.5 and "half of it" in lines[2]
    assert v.TRUSTED == 0.5 and "frac12" in lines[7]
    assert v.WHITENING == 0 and "not whitened" in lines[6]


def test_the_numbers_of_the_road_are_those_of_the_library():
    "The algorithm of chapter 4 has twelve lines, each with the constants that it uses."
    v, words = voices, {3: "Three", 5: "Five"}
    cells = [cell.source for cell in read(NOTEBOOKS / "4_field.ipynb").cells if cell.cell_type == "markdown"]
    lines = dict(re.findall(r"(?m)^(\d+)\. (\*\*.*)$", next(one for one in cells if "\n1. **" in one)))
    assert list(lines) == [str(number) for number in range(1, 13)]
    wanted = {
        2: (v.LIKE, f"m'/{v.FEWEST}", v.VOICE_AXES),
        3: (v.AXES,),
        4: (v.CENTRE, v.SLOPE),
        5: (f"k+{v.DOUBT:g}", f"k+{v.USUAL:g}"),
        6: (f"× {v.EMPHASIS:g}", v.AXES, v.LANDMARKS, v.BANDWIDTH),
        7: (v.ANCHORS, f"{v.MEMBERS}C"),
        8: (v.DAMPING, v.TEMPERATURE, v.BALANCE),
        9: (words[v.ROUNDS[0]],),
        10: (v.SURE,),
        11: (words[v.ROUNDS[1]],),
        12: (v.POWER,),
    }
    for line, numbers in wanted.items():
        for number in numbers:
            text = number if isinstance(number, str) else f"{number:g}"
            assert stands(text, lines[str(line)]), (line, number)
