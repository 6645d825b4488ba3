"Harder tasks from the same recordings: every condition in a study, and what none of them can be made of."

import numpy as np
import pandas as pd
import pytest
from conftest import one_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sere_nb.base.core import SereError
from sere_nb.corpus.data import mini_corpus
from sere_nb.study.study import METHODS, run_study
from sere_nb.tasks.conditions import CONDITIONS, arrange, through
from sere_nb.tasks.confidence import calibration_error, power_for, strangeness, surer_half, tempered

TABLES = {f"mini-{language}": mini_corpus(language) for language in ("de", "it")}
QUICK = dict(features="prosody", draws=1, shots=2)


@pytest.mark.parametrize("condition", [name for name, one in CONDITIONS.items() if one.channel is None])
def test_a_study_runs_under_every_condition(condition):
    chosen = {name: METHODS[name] for name in ("logreg", "field", "sere")}
    rows = run_study(TABLES, methods=chosen, condition=condition, **QUICK)
    assert len(rows) == 6 and (rows.condition == condition).all() and rows.uar.between(0, 1).all()
    assert rows.ece.between(0, 1).all() and rows.sure.between(0, 1).all()
    assert rows.strange.notna().all() == (condition == "strange")


def test_a_channel_changes_the_target_alone(tmp_path):
    "Features of the source stay, those of the target are of other recordings; a second study hears the same."
    few = {name: table.groupby("emotion").head(3).reset_index(drop=True) for name, table in TABLES.items()}
    chosen, pairs = {"logreg": METHODS["logreg"]}, [("mini-de", "mini-it")]
    parts = [
        run_study(few, pairs, chosen, condition=name, folder=tmp_path / str(place), **QUICK)
        for place, name in enumerate(("recorded", "telephone", "telephone"))
    ]
    said = [rows.probabilities[0] for rows in parts]
    assert np.abs(said[0] - said[1]).max() > 0.01
    np.testing.assert_array_equal(said[1], said[2])
    names = sorted(path.stem for path in (tmp_path / "1" / "features").glob("*.npy"))
    assert len(names) == 3 and sum("telephone" in name for name in names) == 1


def test_a_condition_is_part_of_a_study(tmp_path):
    chosen = dict(methods={"logreg": METHODS["logreg"]}, folder=tmp_path, **QUICK)
    run_study(TABLES, condition="twenty", **chosen)
    with pytest.raises(SereError, match="condition"):
        run_study(TABLES, condition="uneven", resume=True, **chosen)


def test_what_no_condition_can_be_made_of(sere, tmp_path):
    silent = TABLES["mini-it"].assign(emotion=None)
    for name, one in CONDITIONS.items():
        if one.change is None:
            assert len(arrange(name, TABLES["mini-de"], silent).target) == len(silent)
        else:
            with pytest.raises(SereError, match="no labels"):
                arrange(name, TABLES["mini-de"], silent)
    words = ["--corpus", "mini-de", "--corpus", "mini-it", "--condition", "rain", "--out", tmp_path / "out"]
    assert "rain" in one_line(sere("matrix", *words))
    two = TABLES["mini-it"][TABLES["mini-it"].emotion.isin(["anger", "sadness"])]
    with pytest.raises(SereError, match="strange"):
        arrange("strange", TABLES["mini-de"], two)


def test_a_recording_that_cannot_be_read_keeps_its_path(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    table = TABLES["mini-it"].head(2).reset_index(drop=True)
    table.loc[0, "path"] = str(tmp_path / "bad.wav")
    heard = through("noise", table, tmp_path / "out")
    assert heard.path[0] == table.path[0] and heard.path[1] != table.path[1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.data())
def test_conditions_of_any_corpora(data):
    "Whatever the sizes: rows of the tables they were made of, in their order, with emotions of both."
    random = np.random.default_rng(data.draw(some.integers(0, 10**6)))
    tables = []
    for name in ("a", "b"):
        size, voices = data.draw(some.integers(8, 60)), data.draw(some.integers(1, 6))
        emotions = ["anger", "fear", "happiness", "sadness"][: data.draw(some.integers(2, 4))]
        columns = dict(path=[f"{name}{i}" for i in range(size)], corpus=name, language="xx")
        columns.update(speaker=[f"s{i}" for i in random.integers(voices, size=size)])
        tables.append(pd.DataFrame(dict(columns, emotion=random.permutation(np.resize(emotions, size)))))
    for name in CONDITIONS:
        try:
            made = arrange(name, *tables)
        except SereError as error:
            assert "\n" not in str(error)
            continue
        for before, after in zip(tables, (made.source, made.target)):
            assert after.index.is_monotonic_increasing and len(after)
            assert (before.path[after.index] == after.path).all()
            assert (before.emotion[after.index] == after.emotion).all()
        assert set(made.source.emotion) >= set(made.emotions) and len(made.emotions) >= 2
        assert made.strange or set(made.target.emotion) <= set(made.emotions)


@settings(max_examples=100, deadline=None)
@given(some.integers(0, 10**6), some.integers(1, 50), some.integers(2, 6))
def test_confidence_of_anything(seed, size, classes):
    "Scores stay in their range, tempering changes no answer, and finds the confidence it was asked for."
    random = np.random.default_rng(seed)
    table = random.dirichlet(np.full(classes, random.choice([0.05, 1.0])), size)
    truth = random.integers(classes, size=size)
    assert 0 <= calibration_error(truth, table) <= 1 and 0 <= surer_half(truth, table) <= 1
    power = random.uniform(0.3, 3)
    softer = tempered(table, power)
    np.testing.assert_allclose(softer.sum(axis=1), 1)
    assert (np.take_along_axis(softer, table.argmax(1)[:, None], 1)[:, 0] >= softer.max(1) - 1e-12).all()
    assert power_for(table, softer.max(1).mean()) == pytest.approx(power, rel=0.05) or table.max() > 0.999
    area = strangeness(truth == 0, table)
    assert np.isnan(area) == (len(set(truth == 0)) == 1) and (np.isnan(area) or 0 <= area <= 1)
