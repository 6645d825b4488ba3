"""The live pictures count as Python does, and answer to mouse and keyboard, in the light and in the dark.

On a desk and on a phone, and they ask nobody anything."""

import numpy as np
import pytest

from sere_nb.core import generator
from sere_nb.irf import ResonanceClassifier, free_energy, organise, resonance_coordinates, settle
from sere_nb.live import module
from sere_nb.voices import trust, voice_share, without_voices

LIMIT = 1e-8  # how far JavaScript and Python may be apart


@pytest.fixture(scope="module")
def counts(browser):
    "counts(view, expression, *values): what an expression of a view's exports, `m`, makes of values `v`."
    tab = browser.new_page()
    load = """async ([name, text]) => {
        window[name] = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    }"""
    loaded = set()

    def ask(view, expression, *values):
        if view not in loaded:
            tab.evaluate(load, [view, module(view)])
            loaded.add(view)
        values = [value.tolist() if isinstance(value, np.ndarray | np.generic) else value for value in values]
        return tab.evaluate(f"v => {{ const m = window.{view}; return {expression}; }}", values)

    yield ask
    tab.close()


def same(ours, theirs):
    "Assert that two arrays have one shape and agree."
    np.testing.assert_allclose(np.array(ours, dtype=float), np.asarray(theirs), rtol=0, atol=LIMIT)


@pytest.fixture(scope="module")
def voices():
    "Three speakers of 20 and one of two, three classes, five labels: places, classes, speakers."
    random = generator("live")
    speakers = np.repeat(["A", "B", "C", "D"], [20, 20, 20, 2])
    X = random.normal(size=(62, 2)) + random.normal(size=(4, 2))[np.repeat(range(4), [20, 20, 20, 2])]
    y = np.full(62, -1)
    y[[0, 1, 22, 40, 60]] = 0, 1, 2, 2, 1
    return X, y, speakers


# --- the same arithmetic


def test_coordinates_are_pythons(counts, voices):
    X = voices[0]
    for landmarks, bandwidth in ((X, 3.0), (X[:9], 0.4)):
        found = counts("field", "m.resonanceCoordinates(...v)", X, landmarks, bandwidth)
        same(found, resonance_coordinates(X, landmarks, bandwidth))


@pytest.mark.parametrize("balance", [0.0, 0.5, 0.95])
def test_beliefs_settle_as_pythons(counts, balance):
    field, groups = generator("live settle").normal(size=(30, 3)), np.repeat([0, 1, 2], [12, 10, 8])
    found = counts("field", "m.settle(...v)", field, groups, 0.3, balance)
    for ours, theirs in zip(found, settle(field, groups, 0.3, balance)):
        same(ours, theirs)


@pytest.mark.parametrize("rounds", [0, 1, 8])
def test_the_field_organises_as_pythons(counts, voices, rounds):
    X, y, speakers = voices
    coordinates, free = resonance_coordinates(X, X[::2], 2.0), y < 0
    groups = np.unique(speakers, return_inverse=True)[1]
    table = np.where(free[:, None], 1 / 3, np.eye(3)[y])
    weights = np.where(free, 0.02, 0.1)
    given = coordinates, table, free, weights, groups, 1e-3, 0.1, 0.6
    found = counts("field", "m.organise(...v)", *given, rounds)
    names = "table", "charges", "shift", "energies"
    for name, theirs in zip(names, organise(*given, rounds)):
        same(np.transpose(found[name]) if name == "charges" else found[name], theirs)
    state = table, coordinates @ np.transpose(found["charges"]), free, weights, groups, 0.1, 0.6
    same(counts("field", "m.freeEnergy(...v)", *state), free_energy(*state))


def test_voices_are_told_and_taken_out_as_by_python(counts, voices):
    X, _, speakers = voices
    for values, who in ((X, speakers), (X[:, :1], speakers), (X[:20], speakers[:20]), (X, np.arange(62))):
        theirs = voice_share(values, who)
        ours = counts("field", "m.voiceShare(...v)", values, who)
        assert np.isnan(ours) and np.isnan(theirs) or abs(ours - theirs) < LIMIT
        same(counts("field", "m.trust(m.voiceShare(...v))", values, who), trust(theirs))
    for trusted in (0.0, 0.4, 1.0):
        found = counts("field", "m.withoutVoices(...v)", X, speakers, trusted)
        same(found, without_voices(X, speakers, trusted))


@pytest.mark.parametrize("way, trusted", [(0, 0.0), (1, 1.0)])
def test_the_picture_is_the_estimators(counts, voices, way, trusted):
    X, y, speakers = voices
    setting = dict(bandwidth=2.0, damping=1e-3, temperature=0.1, balance=0.7, rounds=5)
    told = dict(X=X.tolist(), y=y.tolist(), speakers=speakers.tolist(), truth=None, classes=3, way=way)
    names = "table", "energies", "grid", "places"
    grid = [[0.0, 0.0], [1.0, -1.0]]
    asked = "(() => { const a = m.answer(v[0]); return { ...a, grid: a.asked(v[1]), asked: null }; })()"
    found = counts("field", asked, {**told, "setting": setting}, grid)
    places = without_voices(X, speakers, trusted)
    model = ResonanceClassifier(whitening=0.0, **setting)
    model.fit(places, y, speakers=speakers if way else None)
    theirs = model.label_distributions_, model.energy_, model.predict_proba(grid), places
    for name, value in zip(names, theirs):
        same(found[name], value)


def test_trust_of_the_picture_is_found_from_the_fields_scores(counts, voices):
    X, y, speakers = voices
    setting = dict(bandwidth=3.0, damping=3e-4, temperature=0.075, balance=0.8, rounds=8)
    told = dict(X=X.tolist(), y=y.tolist(), speakers=speakers.tolist(), truth=None, classes=3, way=2)
    found = counts("field", "(a => [a.voices, a.trusted])(m.answer(v[0]))", {**told, "setting": setting})
    model = ResonanceClassifier(whitening=0.0, **setting).fit(X, y)
    scores = model._coordinates(X) @ model.charges_
    share = voice_share(scores[y < 0], speakers[y < 0])
    same(found, [share, trust(share)])
