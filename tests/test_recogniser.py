"What is measured is what ships: kept, read again, asked of any recording, and offered by strangers."

import hashlib
import json
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from safetensors.numpy import load_file
from safetensors.numpy import save as packed

from sere_nb.answers.recogniser import (
    Reading,
    Recogniser,
    adapt,
    among,
    card,
    cooled,
    evidence,
    learn,
    load,
    predict,
    save,
    semantic_width,
)
from sere_nb.base.core import SereError, package_folder
from sere_nb.corpus.audio import read_audio
from sere_nb.corpus.data import load_corpus, mini_corpus
from sere_nb.encoding.features import extract
from sere_nb.field.checkpoint import sealed
from sere_nb.field.irf import FIELD
from sere_nb.field.semisup import NETWORK
from sere_nb.field.voices import SERE_METHOD
from sere_nb.sound.prosody import FUNCTIONALS
from sere_nb.study.study import METHODS, run_study
from sere_nb.tasks.baselines import BASELINES, Linear
from sere_nb.tasks.metrics import uar
from sere_nb.tasks.tasks import prepare, run_task

KINDS = {"field": FIELD, "sere": SERE_METHOD, "sere-network": NETWORK}
SOURCE, TARGET = mini_corpus("de"), mini_corpus("it")
TABLES = {"mini-de": SOURCE, "mini-it": TARGET}


def raw(features="prosody"):
    return [extract(table, features) for table in (SOURCE, TARGET)]


@pytest.fixture(scope="module")
def learned():
    return adapt(SOURCE, TARGET)


def noise(seconds, level=0.1):
    return (level * np.random.default_rng(0).normal(size=round(16_000 * seconds))).astype(np.float32)


@pytest.mark.parametrize(
    "waveform",
    [noise(0.03), noise(0.5), noise(40), np.clip(noise(1, 5.0), -1, 1)],
    ids=["one frame", "short", "longer than a window", "clipped"],
)
def test_any_recording_gets_finite_probabilities(learned, waveform):
    (said,) = predict(learned, [waveform])
    assert np.isfinite(said.probabilities).all() and abs(said.probabilities.sum() - 1) < 1e-5
    assert np.isfinite(said.moments).all().all() and (said.moments["from"] < said.moments["to"]).all()
    assert said.moments["to"].max() <= len(waveform) / 16_000 + 0.02


@pytest.mark.parametrize(
    "waveform",
    [
        noise(0.01),
        np.full(16_000, np.nan, np.float32),
        np.zeros((2, 16_000), np.float32),
        np.zeros(16_000, np.float32),
    ],
    ids=["too short", "NaN", "stereo", "silence"],
)
@pytest.mark.parametrize("features", ["both", "prosody"])
def test_what_is_no_recording_is_one_clear_line(learned, waveform, features):
    reader = learned if features == "both" else adapt(SOURCE, TARGET, features=features)
    with pytest.raises(SereError) as error:
        predict(reader, [waveform])
    assert "\n" not in str(error.value)


def test_no_recordings_get_no_answers(learned):
    assert predict(learned, []) == []


def test_evidence_of_the_only_moment_is_zero_and_of_absent_ones_too(learned):
    width = semantic_width("both", learned.normaliser.mean.shape[1])
    moments = np.random.default_rng(0).normal(size=(1, 4, width)).astype(np.float32)
    prosody = np.zeros((1, len(FUNCTIONALS)), np.float32)
    assert not evidence(learned, Reading(moments, np.array([[1.0, 0, 0, 0]]), prosody, None)).any()
    assert evidence(learned, Reading(moments, np.full((1, 4), 0.25), prosody, None)).all()


# --- what is measured is what ships ---


@pytest.mark.parametrize("norm", ["none", "corpus", "speaker"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_answers_as_the_row_of_a_study_on_unheard_speakers(kind, norm, tmp_path):
    "Number by number: fitted on the speakers that were heard, saved, loaded, asked of the others."
    found = run_study(
        TABLES,
        [("mini-de", "mini-it")],
        {kind: METHODS[kind]},
        "prosody",
        draws=1,
        norm=norm,
        unheard=True,
    )
    features = raw()
    asked = KINDS[kind].norm or norm
    pair = prepare(SOURCE, features[0], TARGET, features[1], asked, unheard=True, semantic_width=0)
    model = KINDS[kind].fit(pair.draw(5, 0))
    save(Recogniser(model, pair.task.classes, pair.task.normaliser, "prosody", "none"), tmp_path)
    again = load(tmp_path)
    said = again.probabilities(again.normaliser.apply(features[1][pair.target.index]))
    np.testing.assert_array_equal(said.astype(np.float32), found.probabilities[0])
    some = predict(again, [read_audio(path) for path in pair.target.path[:3]])
    for one, row in zip(some, found.probabilities[0]):
        np.testing.assert_allclose(one.probabilities, row, atol=1e-4)


@pytest.mark.parametrize("norm", ["none", "corpus", "speaker"])
def test_a_model_holds_what_the_row_of_a_study_said_of_its_target(norm):
    chosen = {kind: METHODS[kind] for kind in KINDS}
    found = run_study(TABLES, [("mini-de", "mini-it")], chosen, draws=1, norm=norm).set_index("method")
    *fields, network = (adapt(SOURCE, TARGET, norm=norm, method=method) for method in KINDS.values())
    for name, one in zip(KINDS, fields):
        transduced = one.model.label_distributions_[-len(TARGET) :]
        np.testing.assert_array_equal(transduced.astype(np.float32), found.probabilities[name])
    features = raw("both")
    pair = prepare(SOURCE, features[0], TARGET, features[1], norm)
    said = network.probabilities(pair.task.target_X)
    np.testing.assert_array_equal(said.astype(np.float32), found.probabilities["sere-network"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", ["none", "speaker"])
@pytest.mark.parametrize("features", ["both", "encoder"])
def test_a_saved_model_predicts_the_same(kind, norm, features, tmp_path):
    first = adapt(SOURCE, TARGET, features=features, norm=norm, method=KINDS[kind])
    save(first, tmp_path)
    waveforms = [read_audio(path) for path in TARGET.path[:2]]
    for one, other in zip(predict(first, waveforms), predict(load(tmp_path), waveforms)):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-9)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors", ".md"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_prosody_loads_no_encoder(kind, tmp_path, monkeypatch):
    for name in (
        "sere_nb.encoding.features",
        "sere_nb.encoding.encode",
        "sere_nb.answers.recogniser",
        "sere_nb.encoding.encoder",
    ):
        never = lambda *_, **__: pytest.fail("an encoder was loaded")
        monkeypatch.setattr(f"{name}.load_encoder", never, raising=False)
    made = adapt(SOURCE, TARGET, features="prosody", encoder="per-language", method=KINDS[kind])
    save(made, tmp_path)
    again = load(tmp_path)
    assert again.encoder == "none" and again.normaliser.mean.shape[1] == len(FUNCTIONALS)
    (said,) = predict(again, [read_audio(TARGET.path[0])])
    assert abs(said.probabilities.sum() - 1) < 1e-5 and not said.moments.evidence.any()


def test_an_encoder_for_each_language(tmp_path, monkeypatch):
    chosen = {"de": "bundled", "it": "random"}
    wide = {"de": "bundled", "it": "bundled"}
    save(adapt(SOURCE, TARGET, features="encoder", encoder=wide), tmp_path)
    again = load(tmp_path)
    assert again.encoder == "bundled" and predict(again, [read_audio(TARGET.path[0])])
    with pytest.raises(SereError, match="mini-de has 384 features, mini-it has 192.*one width"):
        adapt(SOURCE, TARGET, features="encoder", encoder=chosen)
    monkeypatch.setattr(
        "sere_nb.answers.recogniser.extract_usable",
        lambda *_, **__: pytest.fail("work began before the encoder was known"),
    )
    for encoder in ({"de": "bundled"}, "per-language"):  # none for Italian; none without the network
        with pytest.raises(SereError) as error:
            adapt(SOURCE, TARGET, encoder=encoder)
        assert "\n" not in str(error.value)
    both = TARGET.assign(language=["it", "pl"] * (len(TARGET) // 2))
    with pytest.raises(SereError, match="the target's languages are it, pl"):
        adapt(SOURCE, both, encoder=wide)


def test_a_model_with_random_weights_of_its_own_folder_is_found_from_anywhere(tmp_path, monkeypatch):
    from sere_nb.encoding.encoder import BUNDLED

    (tmp_path / "mine").symlink_to(BUNDLED)
    monkeypatch.chdir(tmp_path)
    save(adapt(SOURCE, TARGET, features="encoder", encoder="mine"), tmp_path / "model")
    monkeypatch.chdir("/")
    assert predict(load(tmp_path / "model"), [read_audio(TARGET.path[0])])


def test_another_encoder_of_the_same_name_is_noticed(learned):
    other = Recogniser(**{**vars(learned), "identity": "0" * 32})
    with pytest.raises(SereError, match="another one than the model was made with"):
        predict(other, [noise(1)])


def test_a_target_without_labels_gets_predictions_and_no_score():
    silent, features = TARGET.assign(emotion=None), raw()
    methods = {name: BASELINES[name] for name in ("majority", "logreg", "logreg-all")}
    pair = prepare(SOURCE, features[0], silent, features[1])
    loop = list(run_task(pair, methods, draws=2))
    found = run_study(
        {"mini-de": SOURCE, "mini-it": silent}, methods=methods, features="prosody", draws=2, jobs=1
    )
    assert len(loop) == len(found) == 6
    for row, said in zip(loop, found.probabilities):
        assert np.isnan(row["uar"]) and np.isnan(row["war"]) and row["truth"] is None
        np.testing.assert_array_equal(row["probabilities"].astype(np.float32), said)
        assert said.shape == (len(silent), len(row["emotions"]))
    assert found.uar.isna().all() and found.war.isna().all()


def test_a_method_without_a_model_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(
        "sere_nb.answers.recogniser.extract_usable", lambda *_, **__: pytest.fail("work began")
    )
    with pytest.raises(SereError, match="it has no model that could be kept"):
        adapt(SOURCE, TARGET, method=BASELINES["labelspread"])


@pytest.mark.parametrize("norm", ["none", "corpus", "speaker"])
def test_a_constant_feature_is_the_same_while_learning_and_predicting(norm, tmp_path):
    "One normaliser: what is constant in the target is 0 in both, unless nothing is scaled at all."
    features = raw()
    for X in features:
        X[:, 7] = 1234.5
    pair = prepare(SOURCE, features[0], TARGET, features[1], norm, semantic_width=0)
    model = FIELD.fit(pair.draw(5, 0))
    save(Recogniser(model, pair.task.classes, pair.task.normaliser, "prosody", "none"), tmp_path)
    again = load(tmp_path).normaliser
    constant = 1234.5 if norm == "none" else 0
    for normal in (pair.task.source_X, pair.task.target_X, again.apply(features[1])):
        assert (normal[:, 7] == constant).all()
    if norm != "speaker":  # one group: the same numbers, not only for the constant one
        np.testing.assert_array_equal(again.apply(features[1]), pair.task.target_X)
    moved = again.expecting(features[1][:5].astype(float))
    assert (moved.apply(features[1][:5])[:, 7] == constant).all()


# --- a folder from a stranger ---


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    "A folder per kind of model: small ones of prosody."
    place = tmp_path_factory.mktemp("kept")
    for kind, method in KINDS.items():
        save(adapt(SOURCE, TARGET, features="prosody", method=method), place / kind)
    return place


@pytest.fixture
def forged(kept, tmp_path, monkeypatch):
    "forged(kind, config, arrays): a copy with some values replaced, its digest made right again."
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("the network was asked")
    )

    def forge(kind, config=(), arrays=()):
        told = {**json.loads((kept / kind / "config.json").read_text()), **dict(config)}
        held = {**load_file(kept / kind / "model.safetensors"), **dict(arrays)}
        write(tmp_path, told, packed({name: value for name, value in held.items() if value is not None}))
        return tmp_path

    return forge


def write(folder, config, weights):
    "A model's folder, with the digest of its weights and its description."
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(json.dumps(sealed(config, weights)))


def refused(folder):
    "What `load` says of a folder: one line that can be shown, and no warning beside it."
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SereError) as error:
            load(folder)
    assert str(error.value).isprintable() and len(str(error.value)) < 500 + len(str(folder))
    return str(error.value)


def test_an_untouched_copy_is_accepted(forged):
    for kind in KINDS:
        assert load(forged(kind)).classes == tuple(sorted(SOURCE.emotion.unique()))


NONSENSE = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-(10**20), 10**20),
    some.floats(),
    some.text(max_size=20),
    some.lists(some.one_of(some.integers(), some.text(max_size=5)), max_size=5),
    some.dictionaries(some.text(max_size=5), some.integers(), max_size=3),
)
QUICK = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FIELDS = ("format", "kind", "classes", "numbers", "scaled", "features", "encoder")


@QUICK
@given(kind=some.sampled_from(list(KINDS)), name=some.sampled_from(FIELDS), value=NONSENSE)
def test_a_wrong_value_in_the_configuration(forged, kind, name, value):
    folder = forged(kind)
    if json.loads((folder / "config.json").read_text())[name] == value and type(value) is not bool:
        return
    if name == "scaled" and type(value) is bool:
        return
    refused(forged(kind, {name: value}))


@QUICK
@given(kind=some.sampled_from(list(KINDS)), data=some.data())
def test_wrong_numbers_and_names(forged, kind, data):
    config = json.loads((forged(kind) / "config.json").read_text())
    if data.draw(some.booleans()):
        name = data.draw(some.sampled_from(sorted(config["numbers"])))
        bad = some.sampled_from(
            [0, -1, 1e9, 1e300, 10**30, float("nan"), float("inf"), True, "1", None, [1], 2.5]
        )
        value = data.draw(bad)
        same = type(value) is int and config["numbers"][name] == value
        if same or isinstance(value, float) and 0 < value < 1e6 and kind == "sere":
            return  # another temperature is no lie
        refused(forged(kind, {"numbers": {**config["numbers"], name: value}}))
    else:
        names = list(config["classes"])
        place = data.draw(some.integers(0, len(names) - 1))
        bad = ["", "a\nb", "\x1b[31mred", "\u202e", "\ud800", names[place - 1], "x" * 10**5, 3, None]
        names[place] = data.draw(some.sampled_from(bad))
        more = data.draw(
            some.sampled_from([names, config["classes"][:-1], config["classes"] * 2, ["a"] * 2000])
        )
        refused(forged(kind, {"classes": more}))


def other(array, change):
    "An array that is not the one that belongs there."
    return {
        "missing": None,
        "empty": array[:0],
        "flat": array.reshape(-1)[:-1] if array.size > 1 else np.zeros((2, 2), array.dtype),
        "deep": array[None],
        "longer": np.concatenate([array, array]),
        "whole numbers": np.zeros(array.shape, np.int64),
        "half": array.astype(np.float16),
        "NaN": np.full_like(array, np.nan),
        "infinite": np.full_like(array, np.inf),
        "huge": np.full_like(array, 1e35),
    }[change]


CHANGES = "missing empty flat deep longer NaN infinite huge half".split() + ["whole numbers"]


@QUICK
@given(kind=some.sampled_from(list(KINDS)), change=some.sampled_from(CHANGES), data=some.data())
def test_a_wrong_array(forged, kind, change, data):
    held = load_file(forged(kind) / "model.safetensors")
    name = data.draw(some.sampled_from(sorted(held)))
    refused(forged(kind, arrays={name: other(held[name], change)}))


def test_an_array_too_many(forged):
    for kind in KINDS:
        refused(forged(kind, arrays={"model.attic": np.ones(3, np.float32)}))


@QUICK
@given(
    kind=some.sampled_from(list(KINDS)),
    name=some.sampled_from(["config.json", "model.safetensors"]),
    data=some.data(),
)
def test_torn_and_bitten_files(forged, kind, name, data):
    path = forged(kind) / name
    content = bytearray(path.read_bytes())
    place = data.draw(some.integers(0, len(content) - 2))
    if data.draw(some.booleans()):
        content = content[:place]
    elif name == "model.safetensors":
        content[place] ^= 1 << data.draw(some.integers(0, 7))
    else:
        content[place : place + 1] = b"\xff"
    path.write_bytes(content)
    refused(path.parent)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "3",
        '"text"',
        "{" * 100_000,
        "[" * 100_000,
        '{"format": 1, "format": 1}',
        "9" * 100_000,
    ],
    ids=["empty", "list", "null", "number", "text", "deep", "deeper", "twice", "long"],
)
def test_configurations_that_are_none(forged, content):
    folder = forged("sere")
    (folder / "config.json").write_text(content)
    refused(folder)


def test_a_name_that_stands_twice(forged):
    folder = forged("sere")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace('"kind": "field"', '"kind": "network", "kind": "field"'))
    assert "twice" in refused(folder)


def test_files_that_are_too_large_or_no_files(forged, tmp_path):
    import os

    for name, size in (("config.json", 2 * 10**6), ("model.safetensors", 3 * 10**8)):
        folder = forged("sere")
        os.truncate(folder / name, size)  # a hole in a file: it takes no room
        assert "not read" in refused(folder)
        (folder / name).unlink()
        assert "no model there" in refused(folder)
        os.mkfifo(folder / name)
        assert "no model there" in refused(folder)
        (folder / name).unlink()
    assert "no model there" in refused(tmp_path / "nothing\x1b[31m")


def test_an_encoder_is_never_fetched_because_a_model_says_so(tmp_path, kept, monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("the network was asked")
    )
    place = tmp_path / "encoder"
    save(adapt(SOURCE, TARGET, features="encoder"), place)
    for name in (
        "somebody/elsewhere",
        "facebook/wav2vec2-base@main",
        "auto",
        "per-language",
        "/no/such/folder",
    ):
        config = json.loads((place / "config.json").read_text())
        weights = (place / "model.safetensors").read_bytes()
        (place / "config.json").write_text(json.dumps(sealed({**config, "encoder": name}, weights)))
        assert name in refused(place)
    assert load(place, encoder="/no/such/folder").encoder == "/no/such/folder"


def test_a_full_disk_keeps_the_model_that_was_there(kept, tmp_path, monkeypatch):
    import errno
    from pathlib import Path

    first = load(kept / "sere")
    save(first, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    whole, calls = Path.write_bytes, []

    def full(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SereError, match="No space left"):
        save(load(kept / "sere-network"), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.slow
def test_real_speech_of_unheard_speakers(real_corpora):
    source, target = (load_corpus(name, real_corpora / name) for name in ("emodb", "emovo"))
    some = lambda table: table[table.emotion.isin(["anger", "happiness", "neutral", "sadness"])]
    few = lambda table, each: some(table).groupby(["speaker", "emotion"]).head(each).reset_index(drop=True)
    source, target = few(source, 5), few(target, 6)
    unheard = target.speaker.isin(sorted(target.speaker.unique())[:2])
    found = adapt(source, target[~unheard].assign(emotion=None).reset_index(drop=True))
    new, scores = target[unheard], {}
    for together in (False, True):
        answers = {
            i: said.emotion
            for _, group in new.groupby("speaker")
            for i, said in zip(
                group.index,
                predict(found, [read_audio(path) for path in group.path], same_speaker=together),
            )
        }
        number = found.classes.index
        scores[together] = uar(
            new.emotion.map(number).to_numpy(), np.array([number(answers[i]) for i in new.index])
        )
    assert scores[True] > 0.4, scores  # chance 0.25
    assert scores[True] > scores[False] + 0.03, scores  # to hear a speaker often is worth a lot


# --- what a model says of itself ---


def test_swapped_classes_scale_or_pitch_are_noticed(kept, tmp_path):
    place = tmp_path / "model"
    for kind in KINDS:
        whole = json.loads((kept / kind / "config.json").read_text())
        swapped = dict(classes=whole["classes"][::-1], scaled=not whole["scaled"], pitch="swift")
        for name, value in swapped.items():
            shutil.copytree(kept / kind, place, dirs_exist_ok=True)
            (place / "config.json").write_text(json.dumps({**whole, name: value}))
            assert "not the two that were written together" in refused(place)


def test_a_folder_of_the_older_format_is_still_read(kept, tmp_path):
    place = shutil.copytree(kept / "field", tmp_path / "older")
    weights, whole = (
        (place / "model.safetensors").read_bytes(),
        json.loads((place / "config.json").read_text()),
    )
    older = sealed({**whole, "format": 1}, weights)
    assert older["digest"] == hashlib.blake2b(weights, digest_size=16).hexdigest()  # as it was written then
    (place / "config.json").write_text(json.dumps(older))
    X = np.zeros((3, len(FUNCTIONALS)), np.float32)
    assert np.array_equal(load(place).probabilities(X), load(kept / "field").probabilities(X))
    (place / "config.json").write_text(json.dumps({**older, "digest": "0" * 32}))
    assert "not the two" in refused(place)


def test_the_bundled_models_are_of_this_format_and_have_kept_their_answers():
    for folder in (package_folder() / "bundled" / name for name in ("ready", "quick")):
        config = json.loads((folder / "config.json").read_text())
        weights = (folder / "model.safetensors").read_bytes()
        assert config["format"] == 2 and sealed(config, weights) == config
        held = load_file(folder / "model.safetensors")
        known = dict(ready="1142ecf24fe1a83e8041606d259a3c2b", quick="7b60cbd36ced84cc37a9640497024069")
        assert (
            hashlib.blake2b(weights, digest_size=16).hexdigest() == known[folder.name]
        )  # not an array changed
        assert {name.partition(".")[0] for name in held} == {"model", "normaliser"}


def test_a_digest_is_short_defined_and_the_same_after_loading(learned, tmp_path):
    digest = save(learned, tmp_path)
    assert learned.short_digest is None and load(tmp_path).short_digest == digest[:12]
    assert json.loads((tmp_path / "config.json").read_text())["digest"] == digest


def test_a_card_says_what_a_model_has_learned_from(learned, tmp_path):
    told = card(learned)
    assert "| Learned from | mini-de (de) |" in told and "no labels" in told and "120 recordings" in told
    assert "5 of each emotion, 25 in total" in told and SERE_METHOD.line in told
    many = adapt(SOURCE, TARGET, shots=None, features="prosody", method=FIELD, target_shots=7)
    told = card(many)
    assert f"all {len(SOURCE)}: anger 24" in told and "7 labels" in told and FIELD.line in told
    strange = replace(many, origin={"options": {"source": "a|b\nc", "target": "x\x1b[31m"}})
    lines = card(strange).splitlines()
    assert "| Learned from | a\\|b\\nc |" in lines and not any("\x1b" in line for line in lines)
    assert "not known" in card(replace(many, origin=None)) and "emodb" in card(load())
    save(learned, tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == card(learned)


@pytest.mark.parametrize("kind", KINDS)
def test_cooling_divides_log_odds_of_every_kind(kept, kind):
    model, X = load(kept / kind).model, np.random.default_rng(0).normal(size=(20, len(FUNCTIONALS)))
    before, after = (one.predict_proba(X.astype(np.float32)) for one in (model, cooled(model, 3.0)))
    wanted = before ** (1 / 3)
    assert np.allclose(after, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-5)
    assert not np.allclose(after, before, atol=1e-3)


def test_cooling_leaves_nothing_unchanged_without_a_word(learned):
    for model, temperature in ((object(), 2), (Linear(np.eye(2), np.zeros(2)), 0), (learned.model, np.nan)):
        with pytest.raises(SereError, match="temperature"):
            cooled(model, temperature)


def test_fewer_emotions_are_renormalised(learned):
    X = np.random.default_rng(0).normal(size=(10, learned.normaliser.mean.shape[1])).astype(np.float32)
    few, said = among(learned, ["sad", "anger"]), learned.probabilities(X)
    chosen = said[:, [learned.classes.index(name) for name in few.classes]]
    assert few.classes == ("anger", "sadness")
    assert np.allclose(few.probabilities(X), chosen / chosen.sum(axis=1, keepdims=True))
    (one,) = predict(few, [noise(0.5)])
    assert set(one.probabilities.index) == set(few.classes)
    for wrong, said in (
        (["anger", "hunger"], "hunger"),
        (["anger", "surprise"], "surprise"),
        (["anger"], "two"),
    ):
        with pytest.raises(SereError, match=said) as error:
            among(learned, wrong)
        assert str(error.value).isprintable()


def test_every_column_has_the_name_of_its_emotion():
    X, Y = raw()
    model = learn((SOURCE, X), (TARGET, Y), None, features="prosody")
    assert model.classes == tuple(sorted(set(SOURCE.emotion)))
    said = model.probabilities(model.normaliser.apply(Y)).argmax(axis=1)
    right = {
        name: np.mean(np.array(model.classes)[said][TARGET.emotion == name] == name) for name in model.classes
    }
    assert np.mean(list(right.values())) > 0.5, right  # chance is 0.2


def test_answers_of_an_owner_are_learned_from():
    X, Y = raw()
    words = np.full(len(TARGET), None)
    words[::6] = TARGET.emotion.to_numpy()[::6]
    plain, told = (learn((SOURCE, X), (TARGET, Y), features="prosody", known=one) for one in (None, words))
    assert told.origin["options"]["target_labels"] == 20 and plain.origin["options"]["target_labels"] == 0
    bare = learn((SOURCE, X), (TARGET.assign(emotion=None), Y), features="prosody", known=words)
    Z = told.normaliser.apply(Y)
    assert np.array_equal(bare.probabilities(Z), told.probabilities(Z))  # only what was told counts
    words[::12] = "relief"
    new = learn((SOURCE, X), (TARGET, Y), None, features="prosody", known=words)
    assert new.classes == (*told.classes, "relief")
    assert new.probabilities(new.normaliser.apply(Y)).shape == (len(TARGET), 6)
    with pytest.raises(SereError, match="3 answers for 120"):
        learn((SOURCE, X), (TARGET, Y), features="prosody", known=words[:3])
