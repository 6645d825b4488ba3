"""The live pictures count as Python does, and answer to mouse and keyboard, in the light and in the dark.

On a desk and on a phone, and they ask nobody anything."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import DESK, PHONE, ROOT, opened, serious
from scipy.stats import norm

from sere_nb.base.core import SereError, generator
from sere_nb.base.live import FIELD_SHOWN, LOOP, explore_field, explore_loop, module, scene
from sere_nb.field.irf import ResonanceClassifier, free_energy, organise, resonance_coordinates, settle
from sere_nb.field.model import Recordings
from sere_nb.field.semisup import BATCH, first_layer, learn_network, lesson_share, lessons, train_student
from sere_nb.field.tric import chain, walk
from sere_nb.field.voices import trust, voice_share, without_voices

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


@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_lessons_are_pythons(counts, share):
    for beliefs in (generator("live lessons").dirichlet(np.ones(3), size=40), np.eye(3)[np.arange(40) % 2]):
        assert counts("loop", "m.lessons(...v)", beliefs, share) == lessons(beliefs, share).tolist()
    for epoch in (0, 1, 5, 19):
        same(counts("loop", "m.lessonShare(...v)", epoch, 20, share), lesson_share(epoch, 20, share))


def test_the_normal_distribution_is_scipys(counts):
    x = np.linspace(-40, 40, 401)
    same(counts("loop", "v[0].map(m.normal)", x), np.stack([norm.cdf(x), norm.pdf(x)], axis=1))


@pytest.fixture
def double():
    "Torch counts as JavaScript does, in 64 bits."
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def recorded(points):
    "Points as utterances of one moment each, in 64 bits."
    return Recordings(points[:, None], np.ones((len(points), 1)), np.zeros((len(points), 0)))


ALIKE = dict(width=8, dropout=0.0, seed=3)
LESSONS = {
    "as the picture begins": LOOP,
    "agreeing": {**LOOP, "agreement": 2.0, "momentum": 0.5},
    "short and sure": dict(epochs=3, first=0.1, agreement=0.5, momentum=0.0, rate=0.1),
}


@pytest.mark.parametrize("name", LESSONS)
def test_the_network_learns_as_pythons(counts, voices, double, name):
    X, y, _ = voices
    beliefs = np.where(y[:, None] < 0, generator("live beliefs").dirichlet(np.ones(3), size=62), np.eye(3)[y])
    for epochs in {1, LESSONS[name]["epochs"]}:
        setting = {**LESSONS[name], "epochs": epochs}
        taught = "(a => ({ asked: a.asked(v[5]), history: a.history }))(m.teach(...v.slice(0, 5)))"
        found = counts("loop", taught, X, y, beliefs, first_layer(8, seed=3), setting, X[::5] + 1)
        model, history = train_student(recorded(X), y, beliefs, ["a", "b", "c"], **setting, **ALIKE)
        same(found["asked"], model.probabilities(recorded(X[::5] + 1)))
        same(found["history"][-1]["beliefs"], model.probabilities(recorded(X)))
        same([len(row["lesson"]) / sum(y < 0) for row in found["history"]], history.accepted)


def test_the_loop_takes_what_fits_into_a_step():
    X, y = np.zeros((BATCH + 1, 2)), np.full(BATCH + 1, -1)
    assert explore_loop(scene("full", X[1:], y[1:]), first_layer(), ["anger"])
    with pytest.raises(SereError, match="65 points without a label: the live loop takes 64 at most"):
        explore_loop(scene("too full", X, y), first_layer(), ["anger"])


@pytest.mark.parametrize("turn, up, balance", [(0, 0.0, 0.8), (120, 0.5, 0.8), (30, 2.0, 0.0)])
@pytest.mark.filterwarnings("ignore:.*collapsed")  # the last one has to
def test_the_loop_is_pythons(counts, voices, double, turn, up, balance):
    X, y, speakers = voices
    moves, truth = speakers == "B", np.arange(62) % 3
    told = dict(X=X, y=y, speakers=speakers, truth=truth, moves=moves, classes=3, turn=turn, up=up, rounds=20)
    told |= dict(
        field={**FIELD_SHOWN, "balance": balance, "rounds": 8}, layer=first_layer(8, seed=3), setting=LOOP
    )
    told = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in told.items()}
    found = counts("loop", "(a => ({ ...a, asked: null }))(m.answer(v[0]))", told)
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    places = np.where(moves[:, None], X @ [[cos, sin], [-sin, cos]] + [0, up], X)
    same(found["places"], places)
    field = {**FIELD_SHOWN, "balance": balance, "whitening": 0.0}
    learned = learn_network(recorded(places), y, ["a", "b", "c"], speakers, field=field, **LOOP, **ALIKE)
    same(found["table"], learned.field.label_distributions_)
    free, last = y < 0, found["log"][-1]
    answers = learned.model.probabilities(recorded(places))
    same(last["beliefs"], answers)
    for row, ours in zip(learned.history.itertuples(), found["log"], strict=True):
        same([ours["accepted"], *ours["shares"]], [row.accepted, row.share_a, row.share_b, row.share_c])
    said = answers[free].argmax(axis=1)
    same([last["right"], last["sure"]], [np.mean(said == truth[free]), answers[free].max(axis=1).mean()])
    lesson = last["lesson"]
    same(last["taught"], np.mean(learned.field.transduction_[lesson] == truth[lesson]))


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
        assert begins[name] == method[name] == FIELD_SHOWN[name]
    lesson = {name: one.default for name, one in inspect.signature(train_student).parameters.items()}
    assert all(lesson[name] == value for name, value in LOOP.items() if name != "rate")


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


@on("field/irf.html")
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


@on("field/irf.html")
def test_a_speaker_with_one_emotion_misleads_centring_and_not_trust(panel):
    right = {}
    for name in ("studio", "talk show"):
        panel.get_by_label("scene").select_option(label=name)
        press(panel, "Settle")
        for way in WAYS:
            panel.get_by_label("voices").select_option(label=way)
            right[name, way] = said(panel, r"right (\d+)")
    recorded, centred, trusted = ([right[s, w] for s in ("studio", "talk show")] for w in WAYS)
    assert recorded == [80, 100] and centred[0] == 100 and centred[1] < 50 and trusted == [100, 100]
    assert said(panel, r"trust ([\d.]+)") < 0.01


@on("field/tric.html")
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


@on("field/semisup.html")
def test_the_loop_answers(panel):
    for number, learned in ((1, 21), (2, 24), (3, 27)):
        press(panel, "One round")
        assert said(panel, r"round (\d+) of 20") == number
        assert said(panel, r"lesson: (\d+) of 48") == learned
    press(panel, "Restart")
    assert "nothing learned yet" in panel.locator(".said").inner_text()
    for _ in range(3):
        press(panel, "One round")
    sure, drawn = panel.locator("polyline").nth(1), []
    for name, key in (("λ agree", "End"), ("μ memory", "Home")):  # both change little
        drawn.append(sure.get_attribute("points"))
        slide(panel, name, key)
        assert sure.get_attribute("points") not in drawn
    assert slide(panel, "ρ trust", "End")[1] == 1 and said(panel, r"lesson: (\d+) of 48") == 48
    before, after = drag(panel, 0, (35, 20))  # a star
    assert np.abs(after - before - [35, 20]).max() < 3
    assert "Point 1, labelled" in panel.inner_text()
    plane = panel.get_by_role("application")
    for _ in range(6):
        plane.press("n")
    assert "Point 7, unlabelled" in panel.inner_text()
    moved = panel.locator("[data-point='6']")
    before = moved.get_attribute("transform")
    plane.press("ArrowDown")
    assert moved.get_attribute("transform") != before


def shares(panel):
    "What the loop's panel says of the shares of the emotions, in percent."
    return [
        float(text) for text in re.findall(r"(\d+)\s%", panel.locator(".said").inner_text().split(" · ")[3])
    ]


@on("field/semisup.html")
def test_the_loop_warns_of_collapse_and_not_of_what_is_wrong(panel):
    press(panel, "Settle")
    assert said(panel, r"round (\d+)") == 20 and said(panel, r"right (\d+)") > 90
    sure = said(panel, r"sure (\d+)")
    assert slide(panel, "turn °", times=24) == (0, 120)
    assert said(panel, r"right (\d+)") < 10 and abs(said(panel, r"sure (\d+)") - sure) < 5
    assert 25 < min(shares(panel)) and sum(shares(panel)) in (99, 100, 101)
    slide(panel, "turn °", "Home")
    assert slide(panel, "move up", times=20) == (0, 2)
    wrong, warns = {}, {}
    for way in ("free, β 0", "even, β 0.8"):
        panel.get_by_label("shares", exact=True).select_option(label=way)
        wrong[way[:4]] = said(panel, r"right (\d+)")
        warns[way[:4]] = "it has collapsed" in panel.locator(".said").inner_text()
        assert (max(shares(panel)) > 90) == warns[way[:4]]
    assert max(wrong.values()) < 50 and warns == {"free": True, "even": False}


@on("sound/prosody.html")
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


@on("study/widgets.html", 4)
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


@on("study/widgets.html", 3)
def test_emotions_vanish_from_the_loop_of_speech_without_a_warning(panel):
    press(panel, "Settle")
    held = shares(panel)
    panel.get_by_label("shares", exact=True).select_option(label="free, β 0")
    free = shares(panel)
    assert len(free) == len(held) == 5 and min(held) > 0 and sum(share < 5 for share in free) > 1
    assert max(free) < 90 and "collapsed" not in panel.locator(".said").inner_text()


@on("study/widgets.html", 1)
def test_the_field_of_many_points_answers(panel):
    press(panel, "Settle")
    energy = said(panel, r"energy (-?[\d.]+)")
    slide(panel, "β shares", "ArrowLeft", 8)
    assert said(panel, r"energy (-?[\d.]+)") != energy


@on("answers/timeline.html")
def test_a_chapter_asks_what_is_heard(panel):
    panel.page.locator("body").press("a")  # who reads the chapter does not answer
    assert "1 of 3" in panel.inner_text()
    panel.get_by_role("button", name="fear").click()
    panel.locator("h2").first.press("s")
    panel.locator("h2").first.press("c")
    assert "3 of 3 answered" in panel.inner_text()
    panel.get_by_role("button", name="Back").click()
    assert panel.get_by_role("button", name="cannot tell").get_attribute("aria-pressed") == "true"


def test_a_live_picture_works_from_a_disk(browser, site):
    tab, faults = opened(browser, site.as_uri() + "/", "field/tric.html", viewport=DESK)
    tab.locator(".sere-live").get_by_role("button", name="Next step").click()
    assert "step 1" in tab.locator(".sere-live .said").inner_text()
    tab.close()
    assert not faults, "\n".join(faults)


def test_the_checks_of_live_pictures_can_fail(browser, address):
    tab, faults = opened(browser, address, "field/tric.html", viewport=DESK)
    tab.locator(".sere-live .panel").wait_for()
    assert not faults
    bad = (
        "root => { root.append(document.createElement('img')); fetch('http://127.0.0.1:9/').catch(() => 0); }"
    )
    tab.evaluate(f"({bad})(document.querySelector('.sere-live').shadowRoot)")
    assert any("image-alt" in fault for fault in serious(tab, with_code=False, within=".sere-live"))
    assert any("127.0.0.1:9/" in fault for fault in faults)
    tab.close()
