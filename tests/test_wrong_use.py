"Wrong use of the face in Python: one line that says what was wrong, where, and what to do."

from functools import cache

import numpy as np
import pandas as pd
import pytest

import sere_nb
from sere_nb.base.core import SereError
from sere_nb.corpus.data import mini_corpus
from sere_nb.tasks.baselines import BASELINES

BARE = pd.DataFrame({"file": ["a.wav"], "label": ["x"]})
SOUND = np.sin(np.arange(16_000) / 9).astype(np.float32)


@cache
def few(language):
    "Six utterances of each emotion."
    return mini_corpus(language).groupby("emotion").head(6).reset_index(drop=True)


def adapted(source=None, target=None, **options):
    options = {"features": "prosody", "cache": False, **options}
    source = few("de") if source is None else source
    return sere_nb.adapt(source, few("it") if target is None else target, **options)


def studied(tables=None, **options):
    options = {"features": "prosody", "draws": 1, **options}
    return sere_nb.run_study({"de": few("de"), "it": few("it")} if tables is None else tables, **options)


WRONG = {  # what is said -> the call
    "folder: a NoneType where a path": lambda: sere_nb.load_corpus("emodb", None),
    '"3" is no name for a corpus': lambda: sere_nb.load_corpus(3, "."),
    'table: "mini-de" where a table': lambda: sere_nb.check_corpus("mini-de"),
    "table: a table without path, corpus": lambda: sere_nb.check_corpus(BARE),
    "table: a table without utterances": lambda: sere_nb.check_corpus(few("de")[:0]),
    "table: a list where a table": lambda: sere_nb.extract(["a.wav"]),
    "table: a Series where a table": lambda: sere_nb.extract(few("de").path),
    "table: a table without path .it has file": lambda: sere_nb.extract(BARE),
    "layers 3: give the first and the last": lambda: sere_nb.extract(few("de"), layers=3),
    "cache: a int where a path": lambda: sere_nb.extract(few("de"), "prosody", cache=3),
    'source: "mini-de" where a table': lambda: adapted("mini-de"),
    'target: "mini-it" where a table': lambda: adapted(target="mini-it"),
    "shots 0: give a whole number from 1": lambda: adapted(shots=0),
    "shots '5': give a whole number": lambda: adapted(shots="5"),
    "draw 'a': give a whole number": lambda: adapted(draw="a"),
    "target_shots -1: give a whole": lambda: adapted(target_shots=-1),
    "norm 'x': choose one of none": lambda: adapted(norm="x"),
    "method 'sere': give a `Method`": lambda: adapted(method="sere"),
    "recogniser: a str where a `Recogniser`": lambda: sere_nb.save("model", "folder"),
    "folder: a int where a path": lambda: sere_nb.save(sere_nb.load(), 3),
    "text: a int where a text": lambda: sere_nb.save(sere_nb.load(), "folder", 3),
    "the model is a LogisticRegression": lambda: sere_nb.save(adapted(method=BASELINES["logreg"]), "folder"),
    "folder: a Recogniser where a path": lambda: sere_nb.load(sere_nb.load()),
    "encoder: a int where a path": lambda: sere_nb.load(encoder=3),
    "recogniser: a list where": lambda: sere_nb.predict([SOUND], sere_nb.load()),
    "waveforms: give a list of arrays": lambda: sere_nb.predict(sere_nb.load(), SOUND),
    "recordings: a NoneType where paths": lambda: sere_nb.recognise(None),
    "recordings: a DataFrame; give its paths": lambda: sere_nb.recognise(few("de")),
    "sampling_rate '16000': give": lambda: sere_nb.recognise(SOUND, "16000"),
    "abstain 60: give a confidence": lambda: sere_nb.recognise(SOUND, 16_000, abstain=60),
    "tables: 0 where two or more": lambda: studied({}),
    "tables: a DataFrame where two": lambda: studied(few("de")),
    r"tables\['de'\]: \"mini-de\" where a table": lambda: studied({"de": "mini-de", "it": few("it")}),
    "methods 'sere': give": lambda: studied(methods="sere"),
    "pairs: .'de', 'fr'. is no": lambda: studied(pairs=[("de", "fr")]),
    "draws: none; give": lambda: studied(draws=0),
    "draws '3': give a whole": lambda: studied(draws="3"),
    "shots: none; give": lambda: studied(shots=[]),
    "resume: name the folder": lambda: studied(resume=True),
    "label_weights: give 2 numbers": lambda: sere_nb.ResonanceClassifier().fit(
        [[0.0], [1.0]], [0, 1], label_weights=[1]
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_one_line(words):
    with pytest.raises(ValueError, match=words) as caught:
        WRONG[words]()
    assert "\n" not in str(caught.value) and (isinstance(caught.value, SereError) or "label_weights" in words)
