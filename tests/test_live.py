"""The live pictures count as Python does, and answer to mouse and keyboard, in the light and in the dark.

On a desk and on a phone, and they ask nobody anything."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import DESK, PHONE, ROOT, opened, serious

from sere_nb.core import generator
from sere_nb.irf import ResonanceClassifier, free_energy, organise, resonance_coordinates, settle
from sere_nb.live import explore_field, module
from sere_nb.tric import chain, walk
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


def test_the_chain_walks_as_pythons(counts):
    random, shape = generator("live chain"), (0.7, 5.0)
    anchors, unlabelled = random.normal(size=(6, 2)), random.normal(size=(11, 2))
    classes = [0, 0, 1, 1, 2, 2]
    tables = counts("chain", "m.walk(...v)", anchors, unlabelled, *shape)
    theirs = walk(torch.tensor(anchors), torch.tensor(unlabelled), *shape)
    for ours, table in zip(tables, theirs):
        same(ours, table)
    for start in (0, 5):
        places = counts("chain", "m.whereabouts(...v)", start, anchors, tables)
        rows = [torch.eye(6, dtype=torch.float64)[start]]
        for table in theirs:
            rows.append(rows[-1] @ table)
        assert len(places) == 4
        for ours, row in zip(places, rows):
            same(ours, row)
    loss = chain(torch.tensor(anchors), torch.tensor(classes), torch.tensor(unlabelled), *shape)
    same(counts("chain", "m.chain(...v)", anchors, classes, tables), loss)


def test_the_cursor_finds_its_frame_as_pandas_does(counts):
    times = 0.0125 + 0.02 * np.arange(60)
    told = dict(first=times[0], hop=0.02, pitch=[0] * 60)
    asked = np.linspace(0, 1.3, 77)
    nearest = pd.Index(times).get_indexer(asked, method="nearest")
    for seconds, frame in zip(asked, nearest):
        assert counts("tracks", "m.frameAt(...v)", seconds, told) == frame
    holds = [True, False, True, True, False, True]
    assert counts("tracks", "m.stretches(v[0])", holds) == [[0, 1], [2, 4], [5, 6]]


def test_the_matrix_shows_mean_recall(counts):
    confusion = generator("live matrix").dirichlet(np.ones(5), size=5)
    same(counts("matrix", "m.uar(v[0])", confusion), np.diag(confusion).mean())


def test_sliders_begin_at_the_methods_settings():
    begins = {name: one.default for name, one in inspect.signature(explore_field).parameters.items()}
    method = ResonanceClassifier().get_params()
    for name in ("bandwidth", "damping", "temperature", "balance"):
        assert begins[name] == method[name]


def test_views_are_small_and_fetch_nothing():
    files = sorted((ROOT / "sere_nb" / "bundled" / "live").glob("*.js"))
    assert len(files) > 4
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 200, file.name
        assert not re.search(r"\bfetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon", text), file.name
        assert set(re.findall(r"https?:[^\"]+", text)) <= {"http://www.w3.org/2000/svg"}, file.name


# --- on the site


LOOKS = [(size, scheme) for size in (DESK, PHONE) for scheme in ("light", "dark")]
looks = pytest.mark.parametrize("size, scheme", LOOKS, ids=["desk", "desk-dark", "phone", "phone-dark"])


@pytest.fixture
def panel(browser, address, request, size, scheme):
    "A live picture of a page; at the end nothing may have gone wrong, and axe finds no fault in it."
    page, number = request.param
    still = "reduce"  # a page that scrolls smoothly moves on while a point is dragged
    tab, faults = opened(browser, address, page, viewport=size, color_scheme=scheme, reduced_motion=still)
    found = tab.locator(".sere-live .panel").nth(number)
    found.wait_for()
    found.scroll_into_view_if_needed()
    yield found
    faults += serious(tab, with_code=False, within=".sere-live")
    wide = tab.evaluate("document.documentElement.scrollWidth") > size["width"]
    tab.close()
    assert not faults and not wide, "\n".join(faults) or f"wider than {size['width']} pixels"


def on(page, number=0):
    "Drive the live picture of a page, in all looks."
    return lambda test: looks(pytest.mark.parametrize("panel", [(page, number)], indirect=True)(test))


def said(panel, pattern):
    "The number that a panel tells."
    return float(re.search(pattern, panel.locator(".said").inner_text().replace("−", "-"))[1])


def press(panel, name):
    panel.get_by_role("button", name=name).click()


def slide(panel, name, key="ArrowRight", times=1):
    "Move a slider by keyboard; what it says before and after."
    slider = panel.get_by_label(name)
    before = slider.get_attribute("aria-valuetext")
    for _ in range(times):
        slider.press(key)
    return float(before), float(slider.get_attribute("aria-valuetext"))


def drag(panel, point, by):
    "Drag one point of a picture; where it was before and after."
    mark, mouse = panel.locator(f"[data-point='{point}']"), panel.page.mouse
    mark.scroll_into_view_if_needed()
    places = []
    for _ in range(2):
        box = mark.locator("circle").first.bounding_box()
        places.append(np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]))
        if len(places) == 1:
            mouse.move(*places[0])
            mouse.down()
            for step in (0.5, 1):
                mouse.move(*(places[0] + step * np.array(by)))
            mouse.up()
    return places


@on("06_irf.html")
def test_the_field_answers(panel):
    falling = []
    for number in (1, 2, 3):
        press(panel, "One round")
        assert said(panel, r"round (\d+)") == number
        falling.append(said(panel, r"energy (-?[\d.]+)"))
    assert falling[0] > falling[1] >= falling[2]
    press(panel, "Restart")
    assert said(panel, r"round (\d+)") == 0
    press(panel, "Settle")
    energy = said(panel, r"energy (-?[\d.]+)")
    for name in ("γ reach", "λ damping", "τ doubt", "β shares"):
        before, after = slide(panel, name, "ArrowLeft", 5)
        moved = said(panel, r"energy (-?[\d.]+)")
        assert after < before and moved != energy
        energy = moved
    before, after = drag(panel, 54, (35, 20))  # the first star
    assert np.abs(after - before - [35, 20]).max() < 3 and said(panel, r"energy (-?[\d.]+)") != energy
    energy = said(panel, r"energy (-?[\d.]+)")
    plane = panel.get_by_role("application")
    plane.press("n")
    assert "Point 56, speaker L" in panel.inner_text() and "(labelled)" in panel.inner_text()
    for _ in range(4):
        plane.press("ArrowDown")
    assert said(panel, r"energy (-?[\d.]+)") != energy
    for _ in range(3):  # from anger to disgust, sadness, none
        plane.press("l")
    assert "(labelled)" not in panel.inner_text()


WAYS = ("as recorded", "centred per speaker", "centred where trusted")


@on("06_irf.html")
def test_a_speaker_with_one_emotion_misleads_centring_and_not_trust(panel):
    right = {}
    for scene in ("studio", "talk show"):
        panel.get_by_label("scene").select_option(label=scene)
        press(panel, "Settle")
        for way in WAYS:
            panel.get_by_label("voices").select_option(label=way)
            right[scene, way] = said(panel, r"right (\d+)")
    recorded, centred, trusted = ([right[s, w] for s in ("studio", "talk show")] for w in WAYS)
    assert recorded == [80, 100] and centred[0] == 100 and centred[1] < 50 and trusted == [100, 100]
    assert said(panel, r"trust ([\d.]+)") < 0.01


@on("07_tric.html")
def test_the_chain_answers(panel):
    for number in (1, 2, 3):
        press(panel, "Next step")
        assert said(panel, r"step (\d)") == number
    assert panel.get_by_role("button", name="Next step").is_disabled()
    press(panel, "Restart")
    loss = said(panel, r"chain ([\d.]+)")
    assert slide(panel, "γ reach", times=6)[1] > 1 and said(panel, r"chain ([\d.]+)") > loss
    loss = said(panel, r"chain ([\d.]+)")
    slide(panel, "κ sharp", "ArrowLeft", 4)
    assert said(panel, r"chain ([\d.]+)") > loss
    loss = said(panel, r"chain ([\d.]+)")
    before, after = drag(panel, 5, (-40, -60))
    assert np.abs(after - before - [-40, -60]).max() < 3
    assert said(panel, r"label (\d)") == 6 and said(panel, r"chain ([\d.]+)") != loss
    panel.get_by_role("application").press("p")
    assert said(panel, r"label (\d)") == 5


@on("02c_prosody.html")
def test_an_utterance_can_be_walked_through_and_heard(panel):
    tracks = panel.get_by_role("slider", name="Moment of the utterance")
    box = tracks.bounding_box()
    tracks.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    middle = said(panel, r"([\d.]+) s")
    assert middle > 0.3 and "loudness" in panel.locator(".said").inner_text()
    tracks.press("ArrowRight")
    assert abs(said(panel, r"([\d.]+) s") - middle - 0.02) < 0.011
    tracks.press("Home")
    assert said(panel, r"([\d.]+) s") == 0
    tracks.press(" ")
    panel.page.wait_for_function(
        "svg => Number(svg.getAttribute('aria-valuenow')) > 0.3", arg=tracks.element_handle()
    )
    tracks.press("End")
    assert said(panel, r"([\d.]+) s") > 1


@on("11b_widgets.html", 3)
def test_cells_of_a_matrix_open_their_confusion(panel):
    for name in ("ravdess to nemo", "nemo to emodb"):
        cell = panel.get_by_role("button", name=name)
        cell.focus()
        cell.press("Enter")
        assert name.replace(" to ", " → ") in panel.inner_text()
        cell = panel.get_by_role("button", name=name)
        assert cell.get_attribute("aria-pressed") == "true"
        assert said(panel, r"diagonal (\d+)") == float(cell.inner_text())
        diagonal = [float(text) for text in panel.locator("td.own").all_inner_texts()]
        assert len(diagonal) > 4 and abs(np.mean(diagonal) - float(cell.inner_text())) < 1


@on("11b_widgets.html", 1)
def test_the_field_of_many_points_answers(panel):
    press(panel, "Settle")
    energy = said(panel, r"energy (-?[\d.]+)")
    slide(panel, "β shares", "ArrowLeft", 8)
    assert said(panel, r"energy (-?[\d.]+)") != energy


def test_a_live_picture_works_from_a_disk(browser, site):
    tab, faults = opened(browser, site.as_uri() + "/", "07_tric.html", viewport=DESK)
    tab.locator(".sere-live").get_by_role("button", name="Next step").click()
    assert "step 1" in tab.locator(".sere-live .said").inner_text()
    tab.close()
    assert not faults, "\n".join(faults)


def test_the_checks_of_live_pictures_can_fail(browser, address):
    tab, faults = opened(browser, address, "07_tric.html", viewport=DESK)
    tab.locator(".sere-live .panel").wait_for()
    assert not faults
    bad = (
        "root => { root.append(document.createElement('img')); fetch('http://127.0.0.1:9/').catch(() => 0); }"
    )
    tab.evaluate(f"({bad})(document.querySelector('.sere-live').shadowRoot)")
    assert any("image-alt" in fault for fault in serious(tab, with_code=False, within=".sere-live"))
    assert any("127.0.0.1:9/" in fault for fault in faults)
    tab.close()
