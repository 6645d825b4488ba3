"Encoders from strangers, bad recordings, bad caches: one line each, nothing lost, the run goes on."

import json
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sere_nb.base.core import SereError
from sere_nb.encoding import features as engine
from sere_nb.encoding.cache import FeatureCache, audio_digest
from sere_nb.encoding.encoder import BUNDLED, Encoder, load_encoder
from sere_nb.encoding.features import extract, extract_frames, extract_usable, faults_line

CONFIG = json.loads((BUNDLED / "config.json").read_text())
SIZES = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
WRONG = [10**9, 10**30, -1, 0, "six", None, True, 2.5, [], {}, [3], float("inf")]


def one_line(error):
    return "\n" not in str(error.value) and len(str(error.value)) < 1_000


def altered(folder, text):
    "The bundled encoder under links, with another config.json."
    folder.mkdir(exist_ok=True)
    for file in BUNDLED.iterdir():
        if file.name != "config.json" and not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    (folder / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def wave(path, seconds=0.6, level=0.1, seed=0, **options):
    samples = level * np.random.default_rng(seed).standard_normal(int(16_000 * seconds))
    soundfile.write(path, samples.astype(np.float32), 16_000, **options)
    return str(path)


@pytest.fixture
def good(tmp_path):
    paths = [wave(tmp_path / f"{i}.wav", seed=i) for i in range(4)]
    return pd.DataFrame({"path": paths, "seconds": 0.6})


# ---- encoders


def test_links_are_followed(tmp_path):
    encoder = load_encoder(altered(tmp_path / "linked", (BUNDLED / "config.json").read_bytes()))
    assert encoder.identity == load_encoder("bundled").identity


@pytest.mark.parametrize("name", [*SIZES, "sere_layers", "conv_kernel", "conv_stride", "conv_dim"])
def test_a_wrong_size_is_refused_before_memory_is_taken(tmp_path, name, monkeypatch):
    monkeypatch.setattr(Encoder, "model", property(lambda self: pytest.fail("weights were asked for")))
    for value in WRONG:
        if name.startswith("conv") and value is None:
            continue
        with pytest.raises(SereError, match="config.json") as error:
            load_encoder(altered(tmp_path / "e", json.dumps({**CONFIG, name: value})))
        assert one_line(error), value


def test_any_value_of_any_kind_gives_an_encoder_or_one_line(tmp_path):
    random = np.random.default_rng(0)
    kinds = [10**12, -5, 0, "x\n\x1b[31m", None, [[]], {"a": 10**9}, float("nan"), False, 1e-3, 300_000]
    names = sorted(CONFIG)
    for turn in range(40):
        name, value = names[random.integers(len(names))], kinds[random.integers(len(kinds))]
        folder = altered(tmp_path / "e", json.dumps({**CONFIG, name: value}))
        try:
            encoder = load_encoder(folder)
            if turn % 8 == 0:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    encoder.model  # noqa: B018
        except SereError as error:
            assert "\n" not in str(error) and "\x1b" not in str(error), (name, value)


@pytest.mark.parametrize(
    "text",
    [b"", b"[1]", b"null", b"\xff\xfe", b"{", b'{"model_type": "wav2vec2", "model_type": "hubert"}']
    + [b"[" * 100_000, b'{"a": "' + b"x" * 2_000_000 + b'"}', b'{"model_type": ["wav2vec2"]}'],
)
def test_what_is_no_configuration_is_refused(tmp_path, text):
    with pytest.raises(SereError) as error:
        load_encoder(altered(tmp_path / "e", text))
    assert one_line(error)


def test_a_network_far_larger_than_its_weights_is_refused(tmp_path):
    for change in ({"intermediate_size": 500_000}, {"num_hidden_layers": 100}, {"hidden_size": 96_000}):
        with pytest.raises(SereError, match="numbers, the weights are") as error:
            load_encoder(altered(tmp_path / "e", json.dumps({**CONFIG, **change}))).model  # noqa: B018
        assert one_line(error)


def test_what_would_fetch_or_run_something_is_refused(tmp_path):
    with pytest.raises(SereError, match="attn_implementation"):
        load_encoder(altered(tmp_path / "a", json.dumps({**CONFIG, "_attn_implementation": "some/kernel"})))
    folder = altered(tmp_path / "b", json.dumps(CONFIG))
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "some/where"}')
    with pytest.raises(SereError, match="adapter"):
        load_encoder(folder)


def test_local_only_never_asks_the_network(monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(repo, local_files_only=False, **options):
        asked.append(local_files_only)
        raise OSError("not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    for name in ("far/away", "far/away@abc", {"de": "far/away"}, "per-language"):
        with pytest.raises(SereError, match="--encoder") as error:
            load_encoder(name, local_only=True)
        assert one_line(error)
    with pytest.warns(UserWarning, match="using the bundled encoder"):
        assert load_encoder("auto", local_only=True).name == "bundled"
    assert asked and all(asked)


# ---- recordings

BAD = {
    "text": lambda path: path.write_text("not audio"),
    "empty": lambda path: path.write_bytes(b""),
    "folder": lambda path: path.mkdir(),
    "absent": lambda path: None,
    "pipe": lambda path: os.mkfifo(path),
    "short": lambda path: wave(path, 0.01),
    "quiet": lambda path: wave(path, level=2e-5),
    "not finite": lambda path: soundfile.write(path, np.full(9_000, np.nan, np.float32), 16_000, "FLOAT"),
    "dangling link": lambda path: path.symlink_to(path.with_name("nowhere")),
}


@pytest.mark.parametrize("features", ["encoder", "both"])
def test_bad_recordings_are_named_left_out_and_counted(tmp_path, good, features):
    kinds = [kind for kind in BAD if features == "both" or kind != "quiet"]
    for kind in kinds:
        BAD[kind](tmp_path / f"{kind}.wav")
    bad = pd.DataFrame({"path": [str(tmp_path / f"{kind}.wav") for kind in kinds], "seconds": 0.6})
    table = pd.concat([good, bad]).sample(frac=1, random_state=0).reset_index(drop=True)
    usable, vectors, faults = extract_usable(table, features, "random", cache=tmp_path / "cache")
    assert sorted(usable.path) == sorted(good.path) and len(vectors) == 4
    assert sorted(fault.path for fault in faults) == sorted(bad.path)
    assert all(table.path[fault.row] == fault.path and fault.path not in fault.reason for fault in faults)
    alone = extract(usable, features, "random", cache=False)
    np.testing.assert_allclose(vectors, alone, rtol=0, atol=1e-4)
    with pytest.raises(SereError, match=f"{len(kinds)} of {len(table)} recordings cannot be used") as error:
        extract(table, features, "random", cache=tmp_path / "cache")
    assert one_line(error) or len(kinds) > 5
    assert all(path in str(error.value) for path in bad.path)


def test_none_usable_is_one_line(tmp_path):
    table = pd.DataFrame({"path": [str(tmp_path / f"{i}.wav") for i in range(12)]})
    with pytest.raises(SereError, match="12 of 12.*and 2 more") as error:
        extract_usable(table, "encoder", "random", cache=False)
    assert "\n" not in str(error.value)
    assert faults_line([], 3) == "0 of 3 recordings cannot be used: "


def test_an_encoder_that_cannot_be_loaded_is_nobodys_fault(tmp_path, good):
    folder = altered(tmp_path / "e", json.dumps({**CONFIG, "num_hidden_layers": 3}))
    with pytest.raises(SereError, match="weights are missing") as error:
        extract_usable(good, "encoder", folder, cache=False)
    assert "recordings cannot be used" not in str(error.value)


def test_a_recording_replaced_under_its_name_is_another(tmp_path, good):
    cache = FeatureCache(tmp_path / "cache")
    before = extract(good, "encoder", "random", cache=cache)
    wave(Path(good.path[2]), seed=99)
    after = extract(good, "encoder", "random", cache=cache)
    assert (before != after).any(1).tolist() == [False, False, True, False]


def test_a_recording_replaced_while_it_is_read_is_not_kept(tmp_path, good, monkeypatch):
    cache, read = FeatureCache(tmp_path / "cache"), engine.read_audio

    def replaced(path):
        waveform = read(path)
        if path == good.path[0]:
            wave(Path(path), seed=99)
        return waveform

    monkeypatch.setattr(engine, "read_audio", replaced)
    extract(good, "encoder", "random", cache=cache)
    assert cache.info()["entries"] == 3


def test_names_do_not_count_and_content_does(tmp_path, good):
    cache = FeatureCache(tmp_path / "cache")
    first = extract(good, "encoder", "random", cache=cache)
    copies = [shutil.copy(path, tmp_path / f"copy $x {i}\u0301.wav") for i, path in enumerate(good.path)]
    assert [audio_digest(path) for path in copies] == [audio_digest(path) for path in good.path]
    again = extract(good.assign(path=[str(path) for path in copies]), "encoder", "random", cache=cache)
    assert again.tobytes() == first.tobytes() and cache.info()["entries"] == 4


# ---- caches


def spoil(cache, kind):
    "Make a filled cache bad in one of several ways."
    entries = sorted(cache.folder.rglob("*.safetensors"))
    if kind == "a file":
        shutil.rmtree(cache.folder)
        cache.folder.write_text("not a folder")
    elif kind == "entries are folders":
        for entry in entries:
            entry.unlink()
            entry.mkdir()
    elif kind == "swapped":
        first, second = (entry.read_bytes() for entry in entries[:2])
        entries[0].write_bytes(second)
        entries[1].write_bytes(first)
    else:
        for entry in entries:
            entry.write_bytes(
                {"empty": b"", "cut": entry.read_bytes()[:100], "noise": bytes(range(256))}[kind]
            )


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("kind", ["a file", "entries are folders", "swapped", "empty", "cut", "noise"])
def test_a_bad_cache_loses_nothing(tmp_path, good, kind, locked, monkeypatch):
    cache = FeatureCache(tmp_path / "cache")
    expected = extract(good, "encoder", "random", cache=cache)
    spoil(cache, kind)
    if locked:  # a read-only folder, also for a superuser

        def refuse(*inputs, **options):
            raise PermissionError(30, "Read-only file system")

        for name in ("write_bytes", "unlink", "mkdir"):
            monkeypatch.setattr(Path, name, refuse)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        rows = extract(good, "encoder", "random", cache=cache)
        frames = extract_frames(good.head(1), "random", cache=cache)
    said = [str(one.message) for one in said if "not being kept" in str(one.message)]
    assert rows.tobytes() == expected.tobytes() and len(frames) == 1
    assert len(said) <= 2 and all("\n" not in one for one in said)
    assert said or not (locked or kind in ("a file", "entries are folders"))


def test_what_cannot_be_cleared_says_so(tmp_path, monkeypatch):
    cache = FeatureCache(tmp_path)
    cache.put(FeatureCache.key(i=0), vector=np.ones(2))

    def refuse(*inputs, **options):
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(SereError, match="cannot be deleted.*Read-only") as error:
        cache.clear()
    assert one_line(error)
