"""The page "Try your voice" answers as Python does: the same numbers, rules and stretches, in a browser.

It asks nobody anything, loads its model when it is asked to, and can be used by everyone."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from conftest import DESK, PHONE, ROOT, opened, serious

from sere_nb.answers.recogniser import load, predict
from sere_nb.answers.recordings import hear
from sere_nb.base.core import generator
from sere_nb.corpus.audio import SHORTEST, SILENCE, at_16k, read_audio
from sere_nb.corpus.data import mini_corpus
from sere_nb.encoding.encoder import load_encoder
from sere_nb.field.highlights import moments
from sere_nb.sound.frames import GATE, frame_count, loudness, power_spectrum, windows
from sere_nb.sound.pitch import autocorrelation, glide, voiced_frames
from sere_nb.sound.prosody import FUNCTIONALS, flux, formants, spectral_shape, utterance_features
from sere_nb.sound.speech import (
    _AROUND,
    _LEAST,
    _PAUSE,
    LONGEST,
    SPOKEN,
    _long_pieces,
    _piece_voice,
    detector_model,
    doubts,
    find_speech,
    speech_sign,
    stretches,
)
from sere_nb.tasks.confidence import UNSURE

CLOSE = 1e-3  # how far probabilities of browser and Python may be apart; a hundredth is promised
LARGEST = 25_000_000  # bytes that the page may load in all
PATIENCE = 240_000  # milliseconds, where other programs keep the machine busy
EVERY, SECONDS = 50, 2.5  # recordings that are compared, the longest of them
MODULES = ("frames", "pitch", "timbre", "prosody", "sound", "listening", "model")
READY = """async ([folder, names]) => {
    window.v = {};
    for (const name of names) Object.assign(v, await import(`${folder}${name}.js`));
    v.ready = await v.loaded(folder);
}"""
ASK = """async text => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const waveform = await v.decoded(bytes.buffer);
    return { ...await v.answered(v.ready, waveform), length: waveform.length };
}"""
LISTEN = """async text => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const waveform = await v.decoded(bytes.buffer);
    return [await v.voice(waveform, v.ready.listen), await v.speechSign(waveform, v.ready.listen)];
}"""


@pytest.fixture(scope="module")
def counts(browser, address):
    "counts(expression, *values): what an expression of the modules' exports, `v`, makes of values `w`."
    tab, faults = opened(browser, address, "voice.html", viewport=DESK)
    tab.evaluate(READY, [f"{address}voice/", MODULES])

    def ask(expression, *values):
        values = [value.tolist() if isinstance(value, np.ndarray | np.generic) else value for value in values]
        return tab.evaluate(f"w => {{ return {expression}; }}", values)

    ask.file = lambda data, how=ASK: tab.evaluate(how, base64.b64encode(data).decode())
    yield ask
    tab.close()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def ready():
    "The ready model, its encoder loaded."
    return load(), load_encoder("bundled", "cpu")


def as_file(waveform, rate=16_000, subtype="FLOAT"):
    "A waveform as the bytes of a WAV file."
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, subtype=subtype, format="WAV")
    return file.getvalue()


def same(ours, theirs, limit=1e-5):
    "Assert that two arrays have one shape and agree, for the size of their numbers."
    ours = np.array([np.nan if one is None else one for one in np.ravel(ours)], dtype=float)
    theirs = np.ravel(np.asarray(theirs, dtype=float))
    np.testing.assert_allclose(ours, theirs, rtol=limit, atol=limit)


# --- the same arithmetic


@pytest.fixture(scope="module")
def said():
    "A synthetic sentence."
    return read_audio(mini_corpus("it").path.iloc[3])


def test_settings_are_pythons(counts):
    names = dict(GATE=GATE, SILENCE=SILENCE, SHORTEST=SHORTEST, PAUSE=_PAUSE, LEAST=_LEAST)
    names |= dict(LONGEST=LONGEST, AROUND=_AROUND)
    for name, value in names.items():
        assert counts(f"v.{name}") == value, name
    assert counts("[v.ready.head.unsure, v.ready.head.spoken]") == [UNSURE, SPOKEN]
    assert counts("v.ready.head.classes") == list(load().classes)


def test_frames_are_pythons(counts, said):
    cuts = windows(said)
    power = power_spectrum(cuts)
    for t in (0, 20, len(cuts) - 1):
        same(counts("[...v.windowAt(w[0], w[1])]", said, t), cuts[t])
        ours = counts("[...v.powerSpectrum(w[0])]", cuts[t].astype(float))
        np.testing.assert_allclose(ours, power[t], rtol=1e-3, atol=1e-6 * power[t].max())
    same(counts("[...v.loudness(w[0])]", said), loudness(said), 1e-4)
    level = loudness(said)
    for percent in (0, 10, 33, 95, 100):
        same(counts("v.percentiles(w[0], [w[1]])", level, percent), np.percentile(level, percent))


def test_timbre_is_pythons(counts, said):
    cuts = windows(said)[15:40]
    power = power_spectrum(cuts).astype(float)
    silent = np.vstack([power, np.zeros(513)])
    ours = counts("w[0].map(row => v.spectralShape(Float64Array.from(row)))", silent)
    np.testing.assert_allclose(ours, spectral_shape(silent), rtol=1e-4, atol=1e-3)
    ours = counts("w[0].map((row, t) => t ? v.flux(row, w[0][t - 1]) : 0)", power)
    same(ours, flux(power))
    same(counts("w[0].map(v.formants)", power), formants(power), 1e-4)
    same(
        counts("w[0].map(row => [...v.autocorrelation(row)])", cuts.astype(float)),
        autocorrelation(cuts),
        1e-4,
    )


def test_voiced_frames_are_pythons(counts):
    random = generator("voice voiced")
    periodicity, active = random.uniform(0.2, 1, 200), random.uniform(size=200) < 0.9
    ours = counts("v.voicedFrames(w[0], w[1])", periodicity, active)
    assert ours == voiced_frames(periodicity, active).tolist()


def test_a_glide_has_pythons_functionals(counts):
    waveform = np.concatenate([np.zeros(4000, np.float32), glide(110, 260)[0], np.zeros(4000, np.float32)])
    ours = dict(zip(FUNCTIONALS, counts.file(as_file(waveform))["prosody"]))
    theirs = dict(zip(FUNCTIONALS, utterance_features(waveform)))
    assert list(ours) == counts("v.ready.head.functionals")
    for name, value in theirs.items():
        mine = np.nan if ours[name] is None else ours[name]
        assert np.isclose(mine, value, rtol=5e-3, atol=5e-3, equal_nan=True), (name, mine, value)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_sound_of_any_rate_becomes_pythons(counts, rate):
    waveform = generator("voice rate").standard_normal(rate // 2).astype(np.float32) / 20
    theirs = np.concatenate(list(at_16k([waveform], rate)))
    ours = np.array(counts("[...v.resampled(Float32Array.from(w[0]), w[1])]", waveform, rate))
    assert abs(len(ours) - len(theirs)) <= 1
    short = min(len(ours), len(theirs))
    spectrum = lambda wave: np.fft.rfft(wave[200 : short - 200] * np.hanning(short - 400))
    band = np.fft.rfftfreq(short - 400, 1 / 16_000) < 0.85 * min(8_000, rate / 2)
    off = np.abs(spectrum(ours) - spectrum(theirs))[band].max() / np.abs(spectrum(theirs)).max()
    assert off < 2e-3, off


def test_the_rate_of_a_file_is_read(counts):
    for form, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        for rate in (8_000, 22_050, 44_100):
            file = io.BytesIO()
            soundfile.write(file, np.zeros(rate), rate, format=form, subtype=subtype)
            ours = counts("v.rateOf(Uint8Array.from(w[0]).buffer)", list(file.getvalue()))
            assert ours == rate, form


@pytest.mark.parametrize("seed", range(4))
def test_stretches_are_pythons(counts, seed):
    random = generator("voice stretches", seed)
    runs = random.integers(5, 500, size=14)
    level = np.repeat(np.where(np.arange(14) % 2, -60.0, -25.0), runs) + random.normal(size=runs.sum())
    active = level > -45
    theirs = stretches(active, level)
    assert len(theirs) > 2
    np.testing.assert_allclose(counts("v.stretches(w[0], w[1])", active, level), theirs, atol=6e-4)


@pytest.mark.parametrize("seconds", [0.3, 2.0, 131.0])
def test_speech_is_heard_as_by_python(counts, said, seconds):
    "Longer than a piece of 128 s, too."
    random, ear = generator("voice listening", seconds), detector_model("silero")
    waveform = random.normal(0, 1e-3, int(seconds * 16_000)).astype(np.float32)
    for start in range(0, len(waveform) - len(said), 3 * len(said)):
        waveform[start : start + len(said)] += said
    ours, sign = counts.file(as_file(waveform), LISTEN)
    theirs = [_piece_voice(ear, piece[:, 0]) for piece in _long_pieces([waveform[:, None]], 1)]
    np.testing.assert_allclose(ours, np.concatenate(theirs), atol=CLOSE)
    assert abs(sign - speech_sign(waveform, ear)) < CLOSE
    assert sign > SPOKEN or seconds < 1


def test_doubts_are_pythons(counts, said):
    loud, slow = np.clip(30 * said, -1, 1), np.repeat(said[::4], 4)
    slow = np.convolve(slow, np.hanning(31) / 15, "same").astype(np.float32)
    told = []
    for waveform in (said, loud, slow, np.float32(said / 3000)):
        ours = "; ".join(counts("v.doubts(Float32Array.from(w[0]))", waveform)) or None
        assert ours == doubts(waveform)
        told.append(ours)
    assert told[0] is None and "clipped" in told[1] and "telephone" in told[2] and "very quiet" in told[3]


def test_a_moment_of_sound_has_moments_too(counts):
    frames = generator("voice moments").normal(size=(5, 3))
    parts = counts("v.moments(w[0].flat(), w[1])", frames, [True, False, True, True, False])
    vectors, weights, seconds = moments(frames, np.array([1.0, 0, 1, 1, 0]))
    there = weights > 0
    same([part["weight"] for part in parts], weights[there])
    same([[part["from"], part["to"]] for part in parts], seconds[there])
    same([part["vector"] for part in parts], vectors[there])


# --- the same answers


def chosen(folder):
    "Paths of so many recordings: those of the package, and real ones of every corpus that is there."
    every = [path for language in ("de", "it", "en", "zh") for path in mini_corpus(language).path]
    real = []
    if folder.is_dir():
        for corpus in sorted(path for path in folder.iterdir() if path.is_dir()):
            files = sorted(corpus.rglob("*.flac"))
            short = [
                path for path in files[:: max(1, len(files) // 40)] if soundfile.info(path).duration < SECONDS
            ]
            real += short[:4]
    count = EVERY - len(real)
    return [*real, *every[:: len(every) // count][:count]]


def test_fifty_recordings_are_answered_as_by_python(counts, ready):
    model, encoder = ready
    paths, apart = chosen(ROOT.parent / "shared" / "corpora"), {}
    assert len(paths) == EVERY
    for path in paths:
        waveform = read_audio(path)
        synthetic = path.suffix == ".ogg"  # Opus: every decoder has samples of its own
        ours = counts.file(as_file(waveform) if synthetic else path.read_bytes())
        (theirs,) = predict(model, [waveform], encoder=encoder)
        assert ours["length"] == len(waveform), path
        apart[path.name] = np.abs(theirs.probabilities - ours["probabilities"]).max()
        found = [moment["evidence"] for moment in ours["moments"]]
        np.testing.assert_allclose(found, theirs.moments.evidence, atol=10 * CLOSE)
        unsure = theirs.probabilities.max() < UNSURE
        assert ours["doubt"].startswith("unsure: below 40%") == unsure
    worst = max(apart, key=apart.get)
    assert apart[worst] < CLOSE, f"{worst}: {apart[worst]}"
    assert len(set(np.round(list(apart.values()), 12))) > EVERY // 2  # numbers, not one constant


def test_an_opus_file_is_decoded_by_the_browser(counts, ready):
    paths = mini_corpus("de").path[::17]
    for path in paths:
        ours = counts.file(path.read_bytes())
        (theirs,) = predict(ready[0], [read_audio(path)], encoder=ready[1])
        assert np.abs(theirs.probabilities - ours["probabilities"]).max() < 0.1


def test_a_changed_head_is_noticed(counts, ready, said):
    head = counts("({ ...v.ready.head, bias: v.ready.head.bias.map((one, c) => one + (c ? 0 : 0.2)) })")
    vector = np.zeros(len(head["mean"]))
    ours, theirs = counts("[v.probabilities(w[0], w[1]), v.probabilities(v.ready.head, w[1])]", head, vector)
    assert np.abs(np.subtract(ours, theirs)).max() > CLOSE


# --- the page

BEYOND = """() => {
    const root = document.querySelector(".sere-voice").shadowRoot;
    const edge = root.querySelector(".panel").getBoundingClientRect().right;
    const within = [...root.querySelectorAll(".panel *:not(.scroll *, svg *)")];
    const beyond = within.filter(one => one.getBoundingClientRect().right > edge);
    if (edge > document.documentElement.clientWidth) beyond.push(root.querySelector(".panel"));
    return beyond.map(one => `${one.tagName} reaches beyond the edge`);
}"""  # what does not fit into the panel, and the panel if it does not fit into the page
LOOKS = [(size, scheme) for size in (DESK, PHONE) for scheme in ("light", "dark")]
NAMES = ["desk", "desk-dark", "phone", "phone-dark"]


@pytest.fixture
def page(browser, address, size, scheme):
    "The page, and what it asked for; at the end nothing may have gone wrong, and axe finds no fault."
    tab, faults = opened(browser, address, "voice.html", viewport=size, color_scheme=scheme)
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.locator(".sere-voice .panel").wait_for()
    yield tab
    faults += serious(tab, with_code=False, within=".sere-voice")
    faults += tab.evaluate(BEYOND)
    tab.close()
    assert not faults, "\n".join(faults)


def give(tab, data, name="said.wav"):
    "Choose a file."
    tab.locator(".sere-voice input[type=file]").set_input_files(
        dict(name=name, mimeType="audio/wav", buffer=data)
    )


def answer(tab):
    "What the page says once it is done."
    status = tab.locator(".sere-voice .said")
    done = "() => !document.querySelector('.sere-voice').shadowRoot.querySelector('button').disabled"
    tab.wait_for_function(done, timeout=PATIENCE)
    return status.inner_text().replace("\u00a0", " ")


@pytest.mark.parametrize("size, scheme", LOOKS, ids=NAMES)
def test_a_file_is_answered(page, ready, said):
    assert not any("ort" in url or ".onnx" in url for url in page.asked)
    assert page.locator(".sere-voice svg").is_hidden()
    give(page, as_file(said))
    told = answer(page)
    (theirs,) = predict(ready[0], [said], encoder=ready[1])
    assert theirs.emotion in told and f"{theirs.probabilities.max():.0%}".rstrip("%") in told
    assert told.startswith("Unsure") == (theirs.probabilities.max() < UNSURE)
    assert page.locator(".sere-voice .shares tr").count() == len(ready[0].classes)
    assert page.locator(".sere-voice svg rect").count() == 1 + len(theirs.moments)
    assert any("ort-wasm" in url for url in page.asked)


@pytest.mark.parametrize("size, scheme", [LOOKS[0]], ids=NAMES[:1])
def test_the_microphone_is_answered(page, ready):
    buttons = page.locator(".sere-voice").get_by_role("button")
    buttons.get_by_text("Record").click()
    stop = page.locator(".sere-voice").get_by_role("button", name="Stop")
    stop.wait_for()
    assert not any("ort" in url or ".onnx" in url for url in page.asked[1:] if "recorder" not in url)
    page.wait_for_timeout(2500)
    stop.click()
    told = answer(page)
    heard = page.evaluate("""async () => {
        const sound = document.querySelector(".sere-voice").shadowRoot.querySelector("audio");
        const bytes = new Uint8Array(await (await fetch(sound.src)).arrayBuffer());
        return btoa(bytes.reduce((text, one) => text + String.fromCharCode(one), ""));
    }""")
    waveform, rate = soundfile.read(io.BytesIO(base64.b64decode(heard)), dtype="float32")
    assert rate == 16_000 and 1.5 < len(waveform) / rate < 6
    (theirs,) = predict(ready[0], [waveform], encoder=ready[1])
    assert theirs.emotion in told and f"{theirs.probabilities.max():.0%}".rstrip("%") in told
    assert loudness(waveform).max() > -40


@pytest.mark.parametrize("size, scheme", [LOOKS[3]], ids=NAMES[3:])
def test_a_long_recording_is_answered_stretch_by_stretch(page, tmp_path):
    sentences = [read_audio(path) for path in mini_corpus("en").path[[0, 7, 14, 21, 28]]]
    noise = generator("voice long").normal(size=16_000 * 20).astype(np.float32) * 1e-4
    place = 8_000
    for sentence in sentences:
        noise[place : place + len(sentence)] += sentence
        place += len(sentence) + 24_000
    (tmp_path / "long.wav").write_bytes(as_file(noise))
    theirs = list(hear(load(), [tmp_path / "long.wav"], detector="silero"))
    assert len(theirs) == len(find_speech(tmp_path / "long.wav", {None: None}, "silero")) == len(sentences)
    give(page, as_file(noise))
    assert answer(page) == f"{len(theirs)} stretches of speech"
    rows = page.locator(".sere-voice .scroll tr").all_inner_texts()
    assert len(rows) == len(theirs)
    for row, one in zip(rows, theirs):
        times = [float(number) for number in re.findall(r"\d+\.\d", row)[:2]]
        assert np.abs(np.subtract(times, one.stretch[1:])).max() < 0.06
        share = int(re.search(r"(\d+)\s%", row)[1])
        assert one.prediction.emotion in row
        assert abs(share - 100 * one.prediction.probabilities.max()) < 0.6
    second = page.locator(".sere-voice .scroll button").nth(1)
    second.focus()
    second.press("Enter")
    assert page.locator(".sere-voice .scroll button").nth(1).get_attribute("aria-pressed") == "true"
    shown = page.locator(".sere-voice .shares td").first.inner_text()
    assert abs(int(shown.split("\u00a0")[0]) - 100 * theirs[1].prediction.probabilities.iloc[0]) < 0.6


@pytest.mark.parametrize("size, scheme", [LOOKS[0]], ids=NAMES[:1])
def test_what_is_no_speech_is_said_to_be_none(page):
    for waveform, line in (
        (np.zeros(16_000), f"No speech: nothing in it is louder than {SILENCE} dB."),
        (np.full(500, 0.1), "No speech: 31 ms are too short."),
        (np.zeros(16_000 * 16), f"No speech: nothing in it is louder than {SILENCE} dB."),
    ):
        give(page, as_file(waveform))
        assert answer(page) == line
    seconds = np.arange(48_000) / 16_000
    music = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (262, 330, 392)).astype(np.float32) / 10
    sign = speech_sign(music, detector_model("silero"))
    give(page, as_file(music))
    said = re.fullmatch(r"No speech: the sign of it is (\d+)\s?%", answer(page))
    assert sign < SPOKEN and abs(int(said[1]) - 100 * sign) < 1
    assert not page.locator(".sere-voice .shares tr").count()
    give(page, b"RIFF is not all that it takes" * 20)
    assert answer(page) == "This browser cannot read that file as sound."


def test_the_page_is_light(site):
    files = [path for path in (site / "voice").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST
    assert (site / "voice.html").stat().st_size < 100_000


def test_modules_are_small():
    files = sorted((ROOT / "site" / "voice").glob("*.js"))
    assert len(files) > len(MODULES)
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 200 and max(map(len, lines)) <= 120, file.name


def test_no_word_on_feelings_is_missing(site):
    text = (site / "voice.html").read_text(encoding="utf-8")
    assert "It does not know how you feel" in text and "must not decide" in text
    assert "emovo" in text and "<!-- book:" not in text
    assert f"below {100 * UNSURE:.0f} %" in text and f"{LONGEST:.0f} seconds" in text


def test_frames_count_alike(counts):
    for samples in (0, 399, 400, 719, 720, 16_000):
        assert counts("v.frameCount(w[0])", samples) == frame_count(samples)
