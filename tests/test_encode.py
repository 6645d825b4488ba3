"Every family of encoders, batches and windows, Whisper's grid, and a cache that survives what happens to it."

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
import transformers

from sere_nb.base.core import SereError, provenance
from sere_nb.encoding import encode as chapter
from sere_nb.encoding import features as engine
from sere_nb.encoding.cache import FeatureCache
from sere_nb.encoding.encode import _FRAMES_AT_ONCE, _overlapping, activity, batches, encode, pool, to_grid
from sere_nb.encoding.encoder import PER_LANGUAGE, load_encoder, receptive_field
from sere_nb.encoding.features import extract, extract_frames, extract_usable
from sere_nb.sound.frames import HOP, RECEPTIVE_FIELD

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
LENGTHS = (
    16_000,
    9_001,
    399,
    1,
    400,
    719,
    720,
    721,
    41_234,
    16_000,
)  # samples: either side of a frame, and two that are equal
SMALL = dict(
    conv_dim=[16] * 7,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=48,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=4,
)
GROUP, LAYER = (
    dict(feat_extract_norm="group"),
    dict(feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True),
)
FAMILIES = {
    "wav2vec2-group": (transformers.Wav2Vec2Model, transformers.Wav2Vec2Config, GROUP),
    "wav2vec2-layer": (transformers.Wav2Vec2Model, transformers.Wav2Vec2Config, LAYER),
    "hubert-group": (transformers.HubertModel, transformers.HubertConfig, GROUP),
    "hubert-layer": (transformers.HubertModel, transformers.HubertConfig, LAYER),
    "wavlm-group": (transformers.WavLMModel, transformers.WavLMConfig, GROUP),
    "wavlm-layer": (transformers.WavLMModel, transformers.WavLMConfig, LAYER),
    "unispeech-sat": (transformers.UniSpeechSatModel, transformers.UniSpeechSatConfig, GROUP),
    "data2vec-audio": (
        transformers.Data2VecAudioModel,
        transformers.Data2VecAudioConfig,
        dict(num_conv_pos_embeddings=3),
    ),
}
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")


def noise(*lengths, seed=0):
    random = np.random.default_rng(seed)
    return [0.1 * random.standard_normal(length).astype(np.float32) for length in lengths]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A tiny checkpoint of each family; weights are enlarged, so that attention to a padded frame would show."
    root = tmp_path_factory.mktemp("checkpoints")
    for name, (model_class, config_class, options) in FAMILIES.items():
        torch.manual_seed(0)
        model = model_class(config_class(**{**SMALL, **options}))
        with torch.no_grad():
            for parameter in model.encoder.parameters():
                parameter.mul_(5.0 if parameter.dim() == 2 else 1.0)
        model.save_pretrained(root / name)
    torch.manual_seed(0)
    heads = dict(
        encoder_layers=3,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
    )
    tokens = dict(vocab_size=10, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
    transformers.WhisperModel(transformers.WhisperConfig(d_model=32, **heads, **tokens)).save_pretrained(
        root / "whisper"
    )
    torch.manual_seed(0)
    transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**{**SMALL, **LAYER})).save_pretrained(
        root / "with-a-ctc-head"
    )
    return root


@pytest.fixture
def corpus(tmp_path):
    "Twelve recordings of noise."
    paths = [tmp_path / "corpus" / f"{i}.flac" for i in range(12)]
    paths[0].parent.mkdir()
    for path, waveform in zip(paths, noise(*(8_000 + 700 * i for i in range(12)))):
        soundfile.write(path, waveform, 16_000)
    return pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "language": ["de", "it"] * 6,
            "seconds": [0.5 + 0.04 * i for i in range(12)],
        }
    )


# ---- frames


@pytest.mark.parametrize("name", [*FAMILIES, "whisper", "with-a-ctc-head"])
def test_a_batch_does_not_change_its_utterances(folder, name):
    encoder, waveforms = load_encoder(folder / name), noise(*LENGTHS)
    together = encode(waveforms, encoder, batch_seconds=60)
    for waveform, frames in zip(waveforms, together):
        (alone,) = encode([waveform], encoder)
        assert frames.dtype == np.float32 and frames.shape == alone.shape == (
            (max(len(waveform), RECEPTIVE_FIELD) - RECEPTIVE_FIELD) // HOP + 1,
            32,
        )
        np.testing.assert_allclose(frames, alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_frames_are_those_of_transformers(folder, name):
    "Each layer alone, against `output_hidden_states` on the normalised waveform."
    (waveform,) = noise(16_000)
    model = transformers.AutoModel.from_pretrained(folder / name).eval()
    inputs = transformers.Wav2Vec2FeatureExtractor()(
        waveform, sampling_rate=16_000, return_tensors="pt", return_attention_mask=False
    )
    with torch.inference_mode():
        states = model(inputs.input_values, output_hidden_states=True).hidden_states
    encoder = load_encoder(folder / name)
    for layer in range(
        3
    ):  # transformers normalises the last one in some families and versions, so it is left out
        np.testing.assert_allclose(
            encode([waveform], encoder, (layer, layer))[0], states[layer][0].numpy(), rtol=0, atol=1e-4
        )
    np.testing.assert_allclose(
        encode([waveform], encoder, (0, 2))[0], sum(states[:3])[0].numpy() / 3, rtol=0, atol=1e-4
    )
    assert len(encoder.model.encoder.layers) == 3  # the band is cut for the call only


@pytest.mark.parametrize("name", ["wav2vec2-group", "data2vec-audio"])
def test_the_padding_fault_exists(folder, name):
    "Without our care the same comparison fails: zeros behind a short utterance change its frames."
    short, long = noise(9_001, 41_234)
    model = transformers.AutoModel.from_pretrained(folder / name).eval()
    padded = torch.zeros(2, len(long))
    padded[0, : len(short)], padded[1] = torch.from_numpy(short), torch.from_numpy(long)
    mask = (torch.arange(len(long)) < torch.tensor([[len(short)], [len(long)]])).long()
    with torch.inference_mode():
        naive = model(padded, attention_mask=mask).last_hidden_state[0, :27]
        alone = model(torch.from_numpy(short)[None]).last_hidden_state[0]
    assert (naive - alone).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["wav2vec2-layer", "wav2vec2-group"])
def test_windows_agree_with_the_whole(folder, name, monkeypatch):
    (waveform,) = noise(70 * 16_000)
    encoder = load_encoder(folder / name)
    entering, band = (encode([waveform], encoder, layers)[0] for layers in ((0, 0), (1, 2)))
    monkeypatch.setattr(chapter, "_FRAMES_AT_ONCE", 10_000)  # frames: the whole recording at once
    whole_entering, whole_band = (encode([waveform], encoder, layers)[0] for layers in ((0, 0), (1, 2)))
    assert entering.shape == (3499, 32)
    edges = np.flatnonzero(np.abs(entering - whole_entering).max(1) > 1e-4)
    assert len(edges) == 0  # convolutions, position and group norm: exact at any length
    correlation = np.corrcoef(band.ravel(), whole_band.ravel())[0, 1]
    assert correlation > 0.95  # attention sees 30 s instead of 70: near, not equal


def test_windows_tile_any_length():
    for frames in (1, _FRAMES_AT_ONCE - 1, _FRAMES_AT_ONCE, _FRAMES_AT_ONCE + 1, 7 * _FRAMES_AT_ONCE + 3):
        kept = [frame for start, stop, keep, end in _overlapping(frames) for frame in range(keep, end)]
        assert kept == list(range(frames))
        assert all(
            0 <= start <= keep < end <= stop <= frames and stop - start <= _FRAMES_AT_ONCE
            for start, stop, keep, end in _overlapping(frames)
        )


def test_batches_cover_and_obey_their_limit():
    lengths = np.random.default_rng(0).integers(1, 300, 200)
    for pad in (True, False):
        groups = list(batches(lengths, 1_000, pad))
        assert sorted(i for group in groups for i in group) == list(range(200))
        assert all(len(group) == 1 or len(group) * max(lengths[group]) <= 1_000 for group in groups)
        assert pad or all(len(set(lengths[group])) == 1 for group in groups)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_gives_float32_frames(folder, dtype):
    "They lose no more than transformers' own do: how much that is differs between processors."
    (waveform,), place = noise(16_000), folder / "hubert-layer"
    (exact,) = encode([waveform], load_encoder(place), (2, 2))
    encoder = load_encoder(place, dtype=dtype)
    (low,) = encode([waveform], encoder, (2, 2))
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=False)
    inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt").input_values
    model = transformers.AutoModel.from_pretrained(place).eval().to(getattr(torch, dtype))
    with torch.inference_mode():
        states = model(inputs.to(model.dtype), output_hidden_states=True).hidden_states
    theirs = states[2][0].float().numpy()
    assert low.dtype == np.float32 and encoder.model.dtype == model.dtype
    lost, expected = np.abs(low - exact).mean(), np.abs(theirs - exact).mean()
    assert 0 < lost < 1.5 * expected, (lost, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_equals_cpu(folder):
    waveforms = noise(*LENGTHS)
    for name in FAMILIES:
        for one, other in zip(
            encode(waveforms, load_encoder(folder / name, "cpu")),
            encode(waveforms, load_encoder(folder / name, "cuda")),
        ):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)


def test_results_name_the_gpu(monkeypatch):
    assert torch.cuda.is_available() or provenance()["device"] == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert provenance()["device"] == "a card"


def test_whisper_lies_on_the_grid_of_wav2vec():
    "A state that says where it is centred (320 k) must then say where a wav2vec frame is (320 t + 200)."
    centres = 320.0 * torch.arange(12)[:, None]
    np.testing.assert_allclose(to_grid(centres, 11).numpy(), 320.0 * np.arange(11)[:, None] + 200)
    assert to_grid(centres, 12)[-1] == centres[-1]  # nothing beyond the last one: held


@pytest.mark.slow
def test_an_hour_fits_in_two_gibibytes(folder):
    program = f"""
import resource, numpy as np, torch
torch.set_num_threads(1)
from sere_nb.encoding.encode import encode
from sere_nb.encoding.encoder import load_encoder
waveform = np.random.default_rng(0).standard_normal(3600 * 16_000, dtype=np.float32)
frames, = encode([waveform], load_encoder({str(folder / "wav2vec2-group")!r}, "cpu"))
print(len(frames), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""
    output = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(output[0]) == 179_999
    assert float(output[1]) < 2.0, f"peak of {output[1]} GiB"


# ---- activity and pooling


def test_pooling_takes_active_frames_only():
    frames = np.arange(12, dtype=np.float32).reshape(6, 2)
    mask = np.array([0, 1, 1, 0, 0, 1], bool)
    np.testing.assert_array_equal(pool(frames, mask), frames[[1, 2, 5]].mean(0))
    np.testing.assert_array_equal(pool(frames, np.zeros(6, bool)), frames.mean(0))
    np.testing.assert_array_equal(pool(frames), frames.mean(0))


@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_activity_does_not_depend_on_gain(gain):
    tone = np.sin(2 * np.pi * 220 * np.arange(16_000) / 16_000).astype(np.float32)
    waveform = gain * np.concatenate([np.zeros(16_000, np.float32), tone, 0.001 * tone])
    active = activity(waveform)
    assert len(active) == 149 and active[51:99].all() and not active[:47].any() and not active[103:].any()
    assert activity(np.zeros(10, np.float32)).shape == (1,)


# ---- loading, and what is refused


def test_encoders_differ_by_identity_not_by_name(folder, tmp_path):
    import shutil

    shutil.copytree(folder / "wavlm-layer", tmp_path / "copy")
    assert load_encoder(tmp_path / "copy").identity == load_encoder(folder / "wavlm-layer").identity
    assert len({load_encoder(path).identity for path in folder.iterdir()}) == len(list(folder.iterdir()))


@pytest.mark.parametrize(
    "waveform, said",
    [
        (np.array([0.0, np.nan] * 400), "waveform 1: not finite from 0.000 s"),
        (np.array([0.0] * 800 + [np.inf]), "waveform 1: not finite from 0.050 s"),
        (np.zeros((2, 800)), "waveform 1: shape (2, 800)"),
        (np.zeros(0), "waveform 1: shape (0,)"),
    ],
)
def test_a_bad_waveform_is_named(waveform, said):
    with pytest.raises(SereError) as error:
        encode([np.ones(800), waveform], load_encoder("random"))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_layers_that_are_not_there():
    for layers in ((1, 9), (2, 1), (-1, 0)):
        with pytest.raises(SereError, match="has layers 0…3"):
            encode(noise(800), load_encoder("random"), layers)


def test_what_cannot_be_loaded_says_so_in_one_line(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "config.json").write_text('{"model_type": "wav2vec2"}')
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"never read")
    (tmp_path / "other grid").mkdir()
    (tmp_path / "other grid" / "config.json").write_text(
        '{"model_type": "wav2vec2", "conv_kernel": [10, 3], "conv_stride": [5, 2]}'
    )
    (tmp_path / "other grid" / "model.safetensors").write_bytes(b"")
    for name, said in {
        tmp_path / "empty": "no config.json",
        tmp_path / "text": '"bert" is not one of',
        tmp_path / "pickled": "no *.safetensors",
        tmp_path / "other grid": "frames of (20, 10) samples",
        "nobody/nothing": "go online once",
        "a b c": "no such folder",
    }.items():
        with pytest.raises(SereError) as error:
            load_encoder(name)
        assert said in str(error.value) and "\n" not in str(error.value), error.value


def test_half_a_checkpoint_is_refused(folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "hubert-layer" / "model.safetensors")
    dropped = sorted(name for name in weights if "layers.1" in name)[0]
    save_file(
        {name: weight for name, weight in weights.items() if name != dropped},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    (tmp_path / "config.json").write_text((folder / "hubert-layer" / "config.json").read_text())
    with pytest.raises(SereError, match="1 weights are missing"):
        encode(noise(800), load_encoder(tmp_path))


def test_the_hub_is_asked_only_for_what_is_not_here(folder, monkeypatch):
    "A stand-in for the hub: with a local copy there must be no second, networked, call."
    import huggingface_hub

    calls = []

    def snapshot_download(repo, revision=None, local_files_only=False, **options):
        calls.append((repo, revision, local_files_only))
        if repo == "on/disk" or not local_files_only:
            return str(folder / "hubert-layer")
        raise FileNotFoundError("not cached")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    load_encoder("on/disk@abc")
    load_encoder("far/away")
    assert calls == [("on/disk", "abc", True), ("far/away", None, True), ("far/away", None, False)]


def test_auto_falls_back_aloud(monkeypatch):
    import huggingface_hub

    def unreachable(*names, **options):
        raise OSError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.warns(UserWarning, match="using the bundled encoder.*no route to the hub"):
        encoder = load_encoder("auto")
    assert encoder.identity == load_encoder_quietly("bundled").identity


def load_encoder_quietly(name):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_encoder(name)


def test_importing_loads_no_torch_and_asks_no_network():
    heavy = ("torch", "transformers", "huggingface_hub")
    program = "import sys; import sere_nb.encoding.features; "
    program += f"print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_receptive_field():
    assert receptive_field([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]) == (400, 320)
    assert receptive_field([400, 1, 1], [320, 1, 1]) == (400, 320)


def test_every_default_language_names_a_checkpoint():
    assert load_encoder("per-language") == PER_LANGUAGE
    assert {"de", "it", "en", "pl", "zh"} <= set(PER_LANGUAGE) and all(
        name.count("/") >= 1 for name in PER_LANGUAGE.values()
    )


# ---- the cache


def test_a_hit_is_identical(tmp_path):
    cache, key = FeatureCache(tmp_path), FeatureCache.key(audio="a", layers=(1, 2))
    arrays = {"vector": np.float32([1.5, np.nan, -0.0]), "active": np.array([True, False])}
    assert cache.get(key) is None
    cache.put(key, **arrays)
    for name, array in cache.get(key).items():
        assert array.dtype == arrays[name].dtype and array.tobytes() == arrays[name].tobytes()
    assert key == FeatureCache.key(layers=[1, 2], audio="a") != FeatureCache.key(layers=(1, 3), audio="a")


def test_damage_is_found_wherever_it_is(tmp_path):
    "Each byte of an entry in turn is changed, and the entry cut short at many places: always None."
    cache, key = FeatureCache(tmp_path), FeatureCache.key(audio="a")
    arrays = {"vector": np.arange(6, dtype=np.float32)}
    cache.put(key, **arrays)
    path = cache.path(key)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.get(key) is None and not path.exists(), f"byte {place}"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert cache.get(key) is None
    path.write_bytes(whole)
    assert cache.get(key)["vector"].tobytes() == arrays["vector"].tobytes()


def test_an_entry_under_a_foreign_name_is_not_served(tmp_path):
    cache, one, other = FeatureCache(tmp_path), FeatureCache.key(audio="a"), FeatureCache.key(audio="b")
    cache.put(one, vector=np.ones(3))
    cache.path(other).parent.mkdir(parents=True, exist_ok=True)
    cache.path(one).rename(cache.path(other))
    assert cache.get(other) is None


def test_clear_deletes_entries_and_nothing_else(tmp_path):
    cache = FeatureCache(tmp_path)
    for i in range(5):
        cache.put(FeatureCache.key(i=i), vector=np.ones(3))
    (tmp_path / "thesis.txt").write_text("precious")
    left_behind = cache.path(FeatureCache.key(i=0))
    left_behind.with_name(f".{left_behind.name}.99.tmp").write_bytes(b"half")
    assert cache.info()["entries"] == 6 and cache.info()["folder"] == str(tmp_path)
    assert cache.clear() == 6 and cache.info()["entries"] == 0
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_the_folder_can_be_set(tmp_path, monkeypatch):
    monkeypatch.setenv("SERE_CACHE", str(tmp_path / "elsewhere"))
    assert FeatureCache().folder == tmp_path / "elsewhere" and FeatureCache(tmp_path).folder == tmp_path
    monkeypatch.delenv("SERE_CACHE")
    assert "sere_nb" in str(FeatureCache().folder)


WRITER = """
import sys, numpy as np
from sere_nb.encoding.cache import FeatureCache
cache, seed = FeatureCache(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for turn in range(int(sys.argv[3])):
    for i in range(20):
        cache.put(FeatureCache.key(i=i), vector=np.full(5_000, i, np.float32))
        entry = cache.get(FeatureCache.key(i=i))
        assert entry is not None and (entry["vector"] == i).all(), (turn, i)
"""


def writer(folder, turns):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), "0", str(turns)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_write_the_same_entries(tmp_path):
    writers = [writer(tmp_path, 20), writer(tmp_path, 20)]
    for process in writers:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert FeatureCache(tmp_path).info()["entries"] == 20


@pytest.mark.slow
def test_killed_in_the_middle(tmp_path):
    "SIGKILL at a random moment of writing, five times: what is there is whole."
    cache, random = FeatureCache(tmp_path), np.random.default_rng(0)
    for _ in range(5):
        process = writer(tmp_path, 10_000)
        process.stdout.readline()
        time.sleep(random.uniform(0.01, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
        for i in range(20):
            entry = cache.get(FeatureCache.key(i=i))
            assert entry is None or (entry["vector"] == i).all()
    cache.clear()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# ---- extraction


def test_extraction_is_served_from_the_cache(corpus, tmp_path, monkeypatch):
    encoder, cache = load_encoder("random"), FeatureCache(tmp_path / "cache")
    first = extract(corpus, "both", encoder, cache=cache)
    expected = [pool(frames, active) for frames, active in extract_frames(corpus, encoder, cache=False)]
    np.testing.assert_allclose(first[:, : encoder.width], np.stack(expected), rtol=0, atol=1e-5)
    monkeypatch.setattr(engine, "_make_unit", lambda *inputs: pytest.fail("made again"))
    again = extract(corpus, "encoder", encoder, cache=tmp_path / "cache")
    assert (
        again.dtype == np.float32
        and again.tobytes() == np.ascontiguousarray(first[:, : encoder.width]).tobytes()
    )


def test_content_counts_not_the_name(corpus, tmp_path):
    cache, encoder = FeatureCache(tmp_path / "cache"), load_encoder("random")
    before = extract(corpus, "encoder", encoder, cache=cache)
    moved = corpus.assign(
        path=[str(Path(path).rename(Path(path).with_suffix(".moved.flac"))) for path in corpus.path]
    )
    assert (
        extract(moved, "encoder", encoder, cache=cache).tobytes() == before.tobytes()
        and cache.info()["entries"] == 12
    )
    soundfile.write(moved.path[0], noise(9_000, seed=1)[0], 16_000)
    after = extract(moved, "encoder", encoder, cache=cache)
    assert (after[0] != before[0]).any() and (after[1:] == before[1:]).all() and cache.info()["entries"] == 13
    extract(moved, "encoder", encoder, (0, 1), cache=cache)
    assert cache.info()["entries"] == 25


@pytest.mark.slow
def test_processes_give_the_same_rows(corpus, tmp_path):
    encoder = load_encoder("random")
    alone = extract(corpus, "both", encoder, cache=False)
    side_by_side = extract(corpus, "both", encoder, cache=tmp_path / "cache", jobs=2)
    np.testing.assert_allclose(alone, side_by_side, rtol=0, atol=1e-4)
    assert FeatureCache(tmp_path / "cache").info()["entries"] == 24


def test_bad_recordings_are_listed_together_and_nothing_is_lost(corpus, tmp_path):
    Path(corpus.path[3]).write_bytes(b"not audio")
    os.remove(corpus.path[5])
    soundfile.write(corpus.path[8], np.full(8_000, np.nan, np.float32), 16_000, format="WAV", subtype="FLOAT")
    cache = FeatureCache(tmp_path / "cache")
    with pytest.raises(SereError) as error:
        extract(corpus, "encoder", "random", cache=cache)
    message = str(error.value)
    assert message.startswith("3 of 12 recordings cannot be used") and "\n" not in message
    assert all(corpus.path[i] in message for i in (3, 5, 8)) and cache.info()["entries"] == 9
    usable, rows, faults = extract_usable(corpus, "encoder", "random", cache=cache)
    assert [fault.row for fault in faults] == [3, 5, 8] and len(rows) == len(usable) == 9
    assert usable.path.tolist() == corpus.path.drop([3, 5, 8]).tolist() and np.isfinite(rows).all()


def test_a_full_disk_stops_nothing(corpus, tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    expected = extract(corpus, "encoder", "random", cache=False)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SereError, match="No space left on device"):
        FeatureCache(tmp_path / "cache").put("00", vector=np.ones(2))
    with pytest.warns(UserWarning, match="not being kept, the run goes on.*No space left"):
        rows = extract(corpus, "encoder", "random", cache=tmp_path / "cache")
    assert rows.tobytes() == expected.tobytes()
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_the_system_refuses_in_the_middle_of_a_file(tmp_path):
    "A real refusal by the kernel, 20,000 bytes into a file: the entry is absent, the others are whole."
    program = f"""
import resource, numpy as np
from sere_nb.base.core import SereError
from sere_nb.encoding.cache import FeatureCache
cache = FeatureCache({str(tmp_path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
cache.put(FeatureCache.key(i=0), vector=np.zeros(1_000, np.float32))
try:
    cache.put(FeatureCache.key(i=1), vector=np.zeros(10_000, np.float32))
except SereError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "File too large" in said and said.count("\n") == 1
    cache = FeatureCache(tmp_path)
    assert (cache.get(FeatureCache.key(i=0))["vector"] == 0).all() and cache.get(
        FeatureCache.key(i=1)
    ) is None
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_one_encoder_per_language(corpus, folder, tmp_path):
    both = {"de": str(folder / "wavlm-layer"), "it": str(folder / "hubert-layer")}
    rows = extract(corpus, "encoder", both, cache=tmp_path / "cache")
    for place, language in enumerate(("de", "it")):
        np.testing.assert_array_equal(
            rows[place::2],
            extract(corpus.iloc[place::2].reset_index(drop=True), "encoder", both[language], cache=False),
        )
    with pytest.raises(SereError, match="no encoder for language it; the map has de"):
        extract(corpus, "encoder", {"de": both["de"]}, cache=False)
    with pytest.raises(SereError, match="differ in width"):
        extract(corpus, "encoder", {"de": "random", "it": both["it"]}, cache=False)


def test_options_are_named(corpus):
    for wrong, said in (
        ({"features": "everything"}, "choose encoder, prosody or both"),
        ({"jobs": 0}, "give the number of processes"),
    ):
        with pytest.raises(SereError, match=said):
            extract(corpus, **{"encoder": "random", "cache": False, **wrong})
    with pytest.raises(SereError, match="a table without utterances"):
        extract(corpus.head(0), encoder="random", cache=False)


@pytest.mark.skipif(not CORPORA.exists(), reason="the real corpora are not here")
def test_real_speech_from_the_cache_is_identical(tmp_path):
    table = pd.read_csv(CORPORA / "manifest.csv", dtype={"speaker": str})
    table = table.groupby("corpus").head(3).reset_index(drop=True)
    table["path"] = [str(CORPORA / path) for path in table.path]
    encoder = load_encoder_quietly("bundled")
    first = extract(table, "encoder", encoder, cache=tmp_path)
    assert (
        np.isfinite(first).all()
        and extract(table, "encoder", encoder, cache=tmp_path).tobytes() == first.tobytes()
    )
    for frames, active in extract_frames(table, encoder, cache=False):
        assert frames.shape == (len(active), encoder.width) and 0.2 < active.mean() <= 1
