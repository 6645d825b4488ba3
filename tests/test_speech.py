"Long recordings, channels and containers: what was said is found, and answered as it would be alone."

import io
import json
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import soundfile

from sere_nb.answers.asking import answer_all
from sere_nb.answers.recogniser import adapt, predict
from sere_nb.answers.recordings import NO_SPEECH, hear, listed
from sere_nb.base.core import SereError, generator
from sere_nb.corpus import audio
from sere_nb.corpus.audio import SAMPLE_RATE, read_audio
from sere_nb.corpus.data import mini_corpus
from sere_nb.sound.channels import telephone
from sere_nb.sound.speech import (
    LONGEST,
    channel_weights,
    detector_model,
    doubts,
    find_speech,
    made_up_call,
    stretches,
)

TABLE = mini_corpus("it")
PAIR = [[read_audio(path) for path in part.path] for _, part in list(TABLE.groupby("speaker"))[:2]]


@pytest.fixture(scope="module")
def recogniser():
    return adapt(mini_corpus("de"), TABLE, features="prosody")


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    "A call of ten minutes at 44.1 kHz, and the truth about it."
    import soxr

    rounds = -(-100 // len(PAIR[0]))
    samples, truth = made_up_call([side * rounds for side in PAIR], name="ten minutes")
    samples = samples[: 600 * SAMPLE_RATE]
    path = tmp_path_factory.mktemp("call") / "call.flac"
    soundfile.write(path, soxr.resample(samples, SAMPLE_RATE, 44_100), 44_100)
    return path, [one for one in truth if one.end < 599]


def detectors():
    yield "gate"
    yield "silero"


@pytest.mark.slow
@pytest.mark.parametrize("detector", detectors())
def test_a_call_of_ten_minutes(call, detector):
    path, truth = call
    weights = channel_weights(path)
    found = find_speech(path, weights, detector)
    assert list(weights) == ["1", "2"]
    spoken, heard = (np.zeros((2, 61_000), bool) for _ in range(2))
    for track, some in ((spoken, truth), (heard, found)):
        for channel, start, end in some:
            track[int(channel) - 1, round(start * 100) : round(end * 100)] = True
    assert (spoken & heard).sum() > 0.95 * spoken.sum() and (heard & ~spoken).sum() < 0.15 * heard.sum()
    for one in truth:
        same = [
            other
            for other in found
            if other.channel == one.channel and other.end > one.start and other.start < one.end
        ]
        assert abs(same[0].start - one.start) < 0.3 and abs(same[-1].end - one.end) < 0.3


def test_a_stretch_is_answered_as_the_sentence_alone(recogniser, tmp_path):
    samples, truth = made_up_call([side[:8] for side in PAIR], noise=40)
    soundfile.write(tmp_path / "call.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    answers = list(hear(recogniser, [tmp_path / "call.wav"], detector="gate"))
    assert [one.stretch.channel for one in answers] == [one.channel for one in truth]
    same = []
    for said, one in zip(answers, truth):
        first, end = round(one.start * SAMPLE_RATE), round(one.end * SAMPLE_RATE)
        alone = predict(recogniser, [samples[first:end, int(one.channel) - 1]])[0]
        cut = samples[round(said.stretch.start * SAMPLE_RATE) : round(said.stretch.end * SAMPLE_RATE)]
        own = predict(recogniser, [cut[:, int(one.channel) - 1]])[0]
        if said.prediction.emotion == NO_SPEECH:  # the sign of speech is tested by itself
            continue
        np.testing.assert_allclose(own.probabilities, said.prediction.probabilities, atol=1e-6)
        same.append(alone.emotion == said.prediction.emotion)
    assert len(same) >= 0.9 * len(truth) and np.mean(same) >= 0.85


def test_all_chunks_at_once_are_as_one_after_the_other():
    "silero-vad itself takes them one by one."
    torch, silero_vad = pytest.importorskip("torch"), pytest.importorskip("silero_vad")
    sound = np.concatenate([read_audio(path) for path in TABLE.path[:3]])
    sound = np.pad(sound, (35 * 512, -len(sound) % 512))
    model = silero_vad.load_silero_vad()
    with torch.inference_mode():
        said = [float(model(chunk, 16_000)) for chunk in torch.from_numpy(sound).split(512)]
    assert max(said) > 0.9 > 0.1 > min(said)
    np.testing.assert_allclose(detector_model("silero")(np.stack([sound, sound])), [said, said], atol=1e-4)


def test_no_stretch_is_too_long_and_none_overlap():
    for seed in range(30):
        random = generator("stretches", seed)
        level = random.normal(-30, 5, 4000)
        found = stretches(random.random(4000) < 0.9, level)
        edges = np.array(found).ravel()
        assert (np.diff(edges) >= 0).all() and np.diff(found).max() <= LONGEST + 0.2 + 1e-6
    assert stretches(np.zeros(100, bool), np.zeros(100)) == []


@pytest.mark.slow
def test_waiting_costs_no_memory(tmp_path):
    "What is held of a longer recording grows by a few numbers for each 20 ms, not by its samples."
    import tracemalloc

    peaks = []
    for minutes in (6, 18):
        path = tmp_path / f"{minutes}.flac"
        with soundfile.SoundFile(path, "w", 16_000, 2) as file:
            for minute in range(minutes):
                file.write(generator("wait", minute).normal(0, 1e-3, (60 * 16_000, 2)))
        tracemalloc.start()
        find_speech(path, channel_weights(path), "gate")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 12 * 60 * 16_000 * 4 / 8  # an eighth of one channel


def test_channels_of_opposite_sign_are_heard(recogniser, tmp_path):
    voice = PAIR[0][0]
    soundfile.write(tmp_path / "a.wav", np.stack([voice, -voice], axis=1), SAMPLE_RATE, subtype="FLOAT")
    (said,) = hear(recogniser, [tmp_path / "a.wav"])
    assert said.prediction.emotion == predict(recogniser, [voice])[0].emotion


def leaked(samples, level, seconds=0.002):
    "Both channels, and of each so many dB softer and a moment later on the other."
    late = np.pad(samples, ((round(seconds * SAMPLE_RATE), 0), (0, 0)))[: len(samples)]
    return samples + 10 ** (level / 20) * late[:, ::-1]


def channels_of(samples, path, name):
    "Names of what is answered, with a little noise on each channel and half a second of it around."
    samples = np.pad(np.asarray(samples, float), ((8_000, 8_000), (0, 0)))
    samples += generator("channels", name).normal(0, 1e-3 * np.abs(samples).max(), samples.shape)
    soundfile.write(path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    return list(channel_weights(path / "a.wav"))


def test_two_words_at_once_are_two_voices(tmp_path):
    for number, (one, other) in enumerate(zip(PAIR[0][:12], PAIR[1][5:])):  # of different words
        both = np.stack([one[:9_600], other[:9_600]], axis=1)
        for level in (-np.inf, -30, -20):
            assert channels_of(leaked(both, level), tmp_path, number) == ["1", "2"]


def test_one_voice_on_two_channels_is_mixed(tmp_path):
    for number, voice in enumerate(PAIR[0][:6]):
        noise = generator("noise", number).normal(0, 0.2 * voice.std(), len(voice))
        for second in (voice, -voice, voice / 8, np.pad(voice, (32, 0))[: len(voice)], voice + noise):
            assert channels_of(np.stack([voice, second], axis=1), tmp_path, number) == ["mix"]


def test_a_channel_without_a_voice_of_its_own_gets_no_answer(tmp_path):
    call, _ = made_up_call([side[:4] for side in PAIR], noise=60)
    for level in (-10, -20, -30):
        leak = 10 ** (level / 20) * call.sum(axis=1)
        both = leaked(call, level)
        assert channels_of(np.column_stack([both[:, 0], leak, both[:, 1]]), tmp_path, level) == ["1", "3"]
        for echo in (0, 0.1, 0.2):
            late = 10 ** (level / 20) * np.pad(call[:, 0], (round(echo * SAMPLE_RATE), 0))[: len(call)]
            heard = channels_of(np.stack([call[:, 0], late], axis=1), tmp_path, level)
            assert "2" not in heard and len(heard) == 1


def test_who_says_one_word_in_a_call_is_heard(tmp_path):
    call, _ = made_up_call([PAIR[0][:12], []], noise=60)
    call[-8_000 - 9_600 : -8_000, 1] += PAIR[1][0][:9_600]
    for level in (-np.inf, -30, -20, -10):
        assert channels_of(leaked(call, level), tmp_path, level) == ["1", "2"]


def test_each_channel_of_a_short_recording(recogniser, tmp_path):
    voice = PAIR[0][0]
    soundfile.write(tmp_path / "a.wav", np.stack([voice, 0 * voice], axis=1), SAMPLE_RATE)
    said, silent = hear(recogniser, [tmp_path / "a.wav"], channel="each")
    assert said.stretch.channel == "1" and said.whole and said.said != "no speech"
    assert silent.stretch.channel == "2" and silent.said == "no speech" and silent.speech == 0
    for wrong in ("3", "0", "left"):
        (line,) = hear(recogniser, [tmp_path / "a.wav"], channel=wrong)
        assert "2 channels" in line and "a.wav" in line


def test_half_a_minute_without_speech_is_named(recogniser, tmp_path):
    soundfile.write(tmp_path / "a.wav", generator("no speech").normal(0, 0.01, 30 * SAMPLE_RATE), SAMPLE_RATE)
    (said,) = hear(recogniser, [tmp_path / "a.wav"], detector="gate")
    assert said.said == "no speech" and said.whole and np.isnan(said.confidence)


def test_a_telephone_is_noticed(recogniser, tmp_path):
    for waveform in PAIR[0][:4]:
        assert doubts(waveform) is None and "telephone" in doubts(telephone(waveform))
    soundfile.write(tmp_path / "a.wav", PAIR[0][0][::2], 8_000)
    (said,) = hear(recogniser, [tmp_path / "a.wav"])
    assert "telephone" in said.doubt


def test_one_speaker_in_a_long_recording(recogniser, call, tmp_path):
    samples, _ = soundfile.read(call[0], frames=40 * 44_100)
    soundfile.write(tmp_path / "a.wav", samples[:, 0], 44_100)
    alone, together = (
        list(hear(recogniser, [tmp_path / "a.wav"], same, detector="gate")) for same in (False, True)
    )
    assert [one.stretch for one in alone] == [one.stretch for one in together] and len(alone) > 3


# --- the command ---


def asked(recogniser, words, capsys, **options):
    failed = answer_all(recogniser, words, **options)
    out, err = capsys.readouterr()
    return failed, out.splitlines(), err.splitlines()


def test_one_bad_file_among_many(recogniser, tmp_path, capsys):
    for number, path in enumerate(TABLE.path[:5]):
        (tmp_path / f"{number}.ogg").write_bytes(path.read_bytes())
    (tmp_path / "bad.wav").write_text("no sound")
    failed, out, err = asked(recogniser, [tmp_path], capsys, form="json")
    assert failed == 1 and len(out) == 5 and len(err) == 1 and "bad.wav" in err[0]
    for one in map(json.loads, out):
        assert one["confidence"] == max(one["probabilities"].values(), default=None)
    assert asked(recogniser, [tmp_path / "[0-2].ogg"], capsys)[0] == 0
    (tmp_path / "none").mkdir()
    failed, out, err = asked(recogniser, [tmp_path / "none", tmp_path / "no*.ogg"], capsys)
    assert failed == 2 and not out and "without a recording" in err[0] and "no such file" in err[1]


@pytest.mark.slow
def test_several_processes_answer_as_one(recogniser, tmp_path, capsys):
    "The same answers in the same order, whoever speaks, and a bad file costs the others nothing."
    for number, path in enumerate(TABLE.path[:9]):
        soundfile.write(tmp_path / f"{number}.wav", read_audio(path), SAMPLE_RATE)
    (tmp_path / "5.wav").write_text("no sound")
    speakers = {str(tmp_path / f"{number}.wav"): "Ann" for number in (1, 4, 8)}
    for options in ({}, dict(speakers=speakers)):
        said = []
        for jobs in (1, 2):
            assert answer_all(recogniser, [tmp_path], jobs=jobs, **options) == 1
            said.append(capsys.readouterr())
        assert said[0] == said[1] and len(said[0].out.splitlines()) == 8
        assert ("known from 3 recordings" in said[0].out) == bool(options)
    for words, options in ((["-", tmp_path], {}), ([tmp_path], dict(same_speaker=True))):
        with pytest.raises(SereError, match="leave --jobs out"):
            answer_all(recogniser, words, jobs=2, **options)


def test_standard_input(recogniser, capsys):
    with patch("sys.stdin", io.TextIOWrapper(io.BytesIO(TABLE.path[0].read_bytes()))):
        failed, out, _ = asked(recogniser, ["-"], capsys, form="csv")
    assert failed == 0 and pd.read_csv(io.StringIO("\n".join(out))).file[0] == "-"


def test_audformat_reads_its_table(recogniser, call, tmp_path):
    audformat = pytest.importorskip("audformat")
    samples, _ = soundfile.read(call[0], frames=40 * 44_100)
    soundfile.write(tmp_path / "a.wav", samples, 44_100)
    answer_all(recogniser, [tmp_path / "a.wav"], "audformat", tmp_path / "a.csv", detector="gate")
    table = audformat.utils.read_csv(tmp_path / "a.csv")
    spoken = table[table.emotion != NO_SPEECH]
    assert len(spoken) > 0.9 * len(table) and spoken.confidence.between(0, 1).all()
    assert audformat.is_segmented_index(table)


# --- what people have ---

SOUND = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "ALAW")]
SOUND += [("WAV", "IMA_ADPCM"), ("WAV", "GSM610"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
SOUND += [
    ("MP3", "MPEG_LAYER_III"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("CAF", "ALAC_16"),
    ("W64", "PCM_16"),
]
FILMS = [
    ("m4a", "ipod", "aac"),
    ("mp4", "mp4", "aac"),
    ("mkv", "matroska", "libopus"),
    ("webm", "webm", "libopus"),
]
FILMS += [
    ("wma", "asf", "wmav2"),
    ("aac", "adts", "aac"),
    ("mov", "mov", "pcm_s16le"),
    ("mka", "matroska", "pcm_s16le"),
    ("amr", "amr", "libopencore_amrnb"),
]


def tones(rate, channels):
    "At most a second and a half of speech in any rate and number of channels."
    import soxr

    voice = soxr.resample(PAIR[0][0][: int(1.5 * SAMPLE_RATE)], SAMPLE_RATE, rate)
    return np.repeat(voice[:, None], channels, axis=1).astype(np.float32)


def answered_or_refused(recogniser, path):
    "The emotion, or None for one line that names the file."
    (said,) = hear(recogniser, [path])
    assert not isinstance(said, str) or (said.isprintable() and path.name in said)
    return None if isinstance(said, str) else said.prediction.emotion


@pytest.mark.parametrize("kind,codec", SOUND)
def test_formats_of_libsndfile(recogniser, tmp_path, kind, codec):
    done = []
    for rate in (8_000, 16_000, 22_050, 44_100, 48_000):
        for channels in (1, 2, 6):
            path = tmp_path / f"{rate}-{channels}.{kind.lower()}"
            try:
                soundfile.write(path, tones(rate, channels), rate, format=kind, subtype=codec)
            except (soundfile.LibsndfileError, ValueError):
                continue  # such a file cannot be made
            done.append(answered_or_refused(recogniser, path))
    assert done and None not in done


def film(path, form, codec, rate, channels, seconds=None):
    "Write speech into a container of FFmpeg; False if this codec does not take the rate or the channels."
    import av

    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    try:
        with av.open(str(path), "w", format=form) as media:
            stream = media.add_stream(codec, rate=rate, layout=layout)
            stream.bit_rate = 64_000
            samples = np.ascontiguousarray(tones(rate, channels).reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=layout)
            frame.sample_rate = rate
            media.mux(stream.encode(frame))
            media.mux(stream.encode(None))
        return True
    except (av.FFmpegError, ValueError):
        return False


@pytest.mark.parametrize("suffix,form,codec", FILMS)
@pytest.mark.slow
def test_containers_of_film(recogniser, tmp_path, suffix, form, codec):
    pytest.importorskip("av")
    done = []
    for rate in (8_000, 16_000, 44_100, 48_000):
        for channels in (1, 2, 6):
            path = tmp_path / f"{rate}-{channels}.{suffix}"
            if film(path, form, codec, rate, channels):
                done.append(answered_or_refused(recogniser, path))
                assert abs(len(read_audio(path)) / SAMPLE_RATE - len(tones(rate, 1)) / rate) < 0.3
    assert done and None not in done


def test_a_damaged_film_is_one_line(recogniser, tmp_path):
    pytest.importorskip("av")
    assert film(tmp_path / "whole.m4a", "ipod", "aac", 44_100, 1)
    whole = (tmp_path / "whole.m4a").read_bytes()
    for name, data in (
        ("half", whole[: len(whole) // 2]),
        ("head", whole[:40]),
        ("text", b"\0\0\0\x20ftypno film"),
    ):
        (tmp_path / f"{name}.m4a").write_bytes(data)
        assert answered_or_refused(recogniser, tmp_path / f"{name}.m4a") is None


def test_without_a_reader_the_line_says_what_to_install(recogniser, tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    monkeypatch.setattr(audio.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(audio.shutil, "which", lambda name: None)
    (line,) = hear(recogniser, [tmp_path / "a.m4a"])
    assert "a.m4a" in line and "pip install av" in line


def test_a_playlist_is_not_followed(recogniser, tmp_path):
    (tmp_path / "list.m4a").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    (line,) = hear(recogniser, [tmp_path / "list.m4a"])
    assert "not an audio file" in line and audio.container(tmp_path / "list.m4a") is None


def test_a_folder_lists_films_too(tmp_path):
    for name in ("b.m4a", "a.wav", ".hidden.wav", "notes.txt"):
        (tmp_path / name).write_text("")
    assert listed([tmp_path]) == [str(tmp_path / "a.wav"), str(tmp_path / "b.m4a")]
