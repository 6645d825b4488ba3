"""Frames on file: if the arithmetic of `encode` changes, ENCODE_VERSION has to change with it.

After a change that is meant, raise ENCODE_VERSION and write the file again with
`python tests/test_encode_version.py`."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import transformers

from sere_nb.corpus.audio import read_audio
from sere_nb.encoding.encode import ENCODE_VERSION, activity, encode, pool
from sere_nb.encoding.encoder import RANDOM, load_encoder

FILE = Path(__file__).parent / "golden" / "encode.npz"
WINDOW_EDGES = np.r_[0:3, 1246:1254, 1372:1378, 2496:2504, 3240:3249]  # frames of a recording of 65 s


def sound(seconds, level=0.1):
    "Gliding tones in syllables with pauses between: no random generator, the same everywhere."
    time = np.arange(int(seconds * 16_000)) / 16_000
    glide = np.cumsum(180 + 60 * np.sin(0.7 * time) + 3 * time) / 16_000
    voice = sum(np.sin(2 * np.pi * k * glide + k * k) / k for k in range(1, 9))
    hiss = np.sin(1e5 * np.sin(12_345.6 * time))
    envelope = np.clip(np.sin(2 * np.pi * 1.7 * time) + 0.3 * np.sin(0.31 * time), 0, 1) ** 2
    return (level * (envelope * voice + 0.02 * hiss)).astype(np.float32)


def fill(model):
    "Weights by a formula: they depend on no generator and no version of a library."
    with torch.no_grad():
        for number, (name, parameter) in enumerate(sorted(model.named_parameters())):
            steps = torch.arange(parameter.numel(), dtype=torch.float64)
            wave = torch.sin(1.7 * steps + 0.01 * steps.square() + number).reshape(parameter.shape)
            fan = parameter[0].numel() if parameter.dim() > 1 else 1
            scale = 1.5 / fan**0.5 if parameter.dim() > 1 else 0.1
            ones = 1.0 if parameter.dim() == 1 and name.endswith("weight") else 0.0
            parameter.copy_(ones + scale * wave)
    return model


def made(tmp_path):
    "What is compared: name -> array."
    bundled, random = load_encoder("bundled", "cpu"), load_encoder("random", "cpu")
    fill(random.model)
    grouped = {**RANDOM, "feat_extract_norm": "group", "do_stable_layer_norm": False, "hidden_size": 32}
    grouped |= {"conv_dim": [16] * 7, "intermediate_size": 48, "num_conv_pos_embeddings": 16}
    model = fill(transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**grouped)))
    model.save_pretrained(tmp_path / "grouped")
    sizes = dict(d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48, num_mel_bins=80)
    whisper = transformers.models.whisper.modeling_whisper.WhisperEncoder(transformers.WhisperConfig(**sizes))
    fill(whisper).save_pretrained(tmp_path / "whisper")
    short, long, quiet = sound(1.5), sound(65), sound(1.0, 2e-4)
    soundfile.write(tmp_path / "other rate.wav", np.stack([sound(2), sound(2) / 2], 1), 22_050)
    with_pauses = sound(6) * np.repeat([1.0, 0.2, 0.08, 0.05, 0.035, 0.02], 16_000).astype(np.float32)
    resampled = read_audio(tmp_path / "other rate.wav")
    return {
        "bundled": encode([short], bundled)[0][::9, ::6],
        "bundled, layers 0 to 2": encode([short], bundled, (0, 2))[0][::9, ::6],
        "bundled, long": encode([long], bundled)[0][WINDOW_EDGES, ::12],
        "random": encode([short], random)[0][::9, ::4],
        "random, quiet": encode([quiet], random, (0, 0))[0][::9, ::4],
        "group norm, long": encode([long], load_encoder(tmp_path / "grouped", "cpu"))[0][WINDOW_EDGES],
        "whisper": encode([short], load_encoder(tmp_path / "whisper", "cpu"))[0][::5],
        "pooled": pool(encode([resampled], bundled)[0], activity(resampled))[::3],
        "active": activity(with_pauses).astype(np.float32),
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    torch.set_num_threads(1)
    return dict(np.load(FILE)), made(tmp_path_factory.mktemp("golden"))


NAMES = ["bundled", "bundled, layers 0 to 2", "bundled, long", "random", "random, quiet", "group norm, long"]


@pytest.mark.parametrize("name", [*NAMES, "whisper", "pooled", "active"])
def test_frames_are_those_on_file(both, name):
    "Other processors round differently (some 1e-5 of the spread); a changed constant moves more."
    stored, now = both[0][name].astype(np.float32), both[1][name]
    assert stored.shape == now.shape
    if name == "active":
        assert (stored == now).mean() > 0.995
        return
    moved = np.abs(stored - now).max() / now.std()
    assert moved < 5e-4, f"{name}: moved by {moved:.1e}; if this is meant, raise ENCODE_VERSION"


def test_the_file_is_of_this_version(both):
    assert both[0]["version"] == ENCODE_VERSION, "write the frames again after raising the version"


if __name__ == "__main__":
    import tempfile

    torch.set_num_threads(1)
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, version=ENCODE_VERSION, **made(Path(tempfile.mkdtemp())))
    sys.stdout.write(f"{FILE} written\n")
