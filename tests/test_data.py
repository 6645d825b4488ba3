"Corpora on disk, audio of every kind, and downloads from a server on this machine."

import hashlib
import http.server
import io
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile

from sere_nb.base.core import SereError, generator
from sere_nb.corpus.audio import SAMPLE_RATE, audio_fault, read_audio
from sere_nb.corpus.corpora import download
from sere_nb.corpus.data import check_corpus, draw_shots, load_corpus, speaker_folds

FOUND = {
    "emodb": (489, 10, ["disgust"]),
    "emovo": (588, 6, []),
    "ravdess": (720, 12, []),
    "nemo": (848, 9, []),
}


@pytest.mark.parametrize("name", FOUND)
def test_real_corpus_is_read_and_told_truly(real_corpora, name):
    utterances, speakers, missing = FOUND[name]
    table = load_corpus(name, real_corpora / name)
    report = check_corpus(table)
    assert (len(table), table.speaker.nunique()) == (utterances, speakers)
    assert (
        report.usable and [emotion for emotion in report.expected if emotion not in report.counts] == missing
    )
    manifest = pd.read_csv(real_corpora / "manifest.csv").query("corpus == @name")
    assert np.allclose(sorted(table.seconds), sorted(manifest.seconds), atol=2e-3)
    assert read_audio(table.path[0]).dtype == np.float32


def write(path, samples, rate=SAMPLE_RATE, **options):
    soundfile.write(path, samples, rate, **options)
    return path


def noise(samples, channels=None):
    return (
        generator("test noise", samples)
        .normal(0, 0.1, samples if channels is None else (samples, channels))
        .clip(-1, 1)
    )


@pytest.mark.parametrize(
    "rate,channels,suffix",
    [
        (8_000, 1, "wav"),
        (96_000, 1, "flac"),
        (44_100, 6, "wav"),
        (48_000, 2, "flac"),
        (24_414, 1, "wav"),
        (16_000, 2, "ogg"),
    ],
)
def test_any_rate_and_channel_count_becomes_16_khz_mono(tmp_path, rate, channels, suffix):
    waveform = read_audio(write(tmp_path / f"a.{suffix}", noise(rate, channels), rate))
    assert waveform.dtype == np.float32 and waveform.ndim == 1 and abs(len(waveform) - SAMPLE_RATE) <= 2
    assert np.isfinite(waveform).all() and np.abs(waveform).max() <= 1


def test_resampling_keeps_the_tone(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    spectrum = np.abs(np.fft.rfft(read_audio(write(tmp_path / "a.wav", 0.5 * tone, 48_000))))
    assert np.argmax(spectrum) == 440


BAD = {
    "text": lambda path: path.write_text("not audio"),
    "empty file": lambda path: path.write_bytes(b""),
    "no samples": lambda path: write(path, np.zeros(0)),
    "all zeros": lambda path: write(path, np.zeros(16_000)),
    "not a number": lambda path: write(
        path, np.where(np.arange(16_000) == 5, np.nan, noise(16_000)), subtype="FLOAT"
    ),
    "infinite": lambda path: write(
        path, np.where(np.arange(16_000) == 5, np.inf, noise(16_000)), subtype="FLOAT"
    ),
    "too short": lambda path: write(path, noise(300)),
    "truncated": lambda path: (write(path, noise(16_000)), path.write_bytes(path.read_bytes()[:9_000])),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_not_speech_gets_one_line(tmp_path, kind):
    path = tmp_path / "a.wav"
    BAD[kind](path)
    with pytest.raises(SereError) as caught:
        read_audio(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert audio_fault(path) and str(path) not in audio_fault(path)


def test_truncated_flac_is_refused(tmp_path):
    path = write(tmp_path / "a.flac", noise(64_000))
    path.write_bytes(path.read_bytes()[:40_000])
    with pytest.raises(SereError):
        read_audio(path)


def test_clipping_is_told_but_not_refused(tmp_path):
    path = write(tmp_path / "a.wav", (noise(16_000) * 50).clip(-1, 1))
    assert "clipped" in audio_fault(path) and len(read_audio(path)) == 16_000


@pytest.mark.parametrize(
    "content,said",
    [
        ("path,speaker,emotion\na.wav,x,anger\n", "lacks the column language"),
        (
            "path,speaker,emotion,language\nb.wav,x,anger,de\n",
            "1 of 1 files in metadata.csv are not there: b.wav",
        ),
        (
            "path,speaker,emotion,language\na.wav,x,angst und wut,de\n",
            'a.wav: unknown emotion "angst und wut"',
        ),
    ],
)
def test_faults_of_metadata_are_named(tmp_path, content, said):
    write(tmp_path / "a.wav", noise(16_000))
    (tmp_path / "metadata.csv").write_text(content)
    with pytest.raises(SereError, match=said):
        load_corpus("mine", tmp_path)


def test_unlabelled_utterances_are_allowed(tmp_path):
    write(tmp_path / "a.wav", noise(16_000))
    (tmp_path / "metadata.csv").write_text("path,speaker,emotion,language\na.wav,x,,de\n")
    assert load_corpus("mine", tmp_path).emotion.isna().all()
    (tmp_path / "metadata.csv").write_text("path,speaker,language\na.wav,x,de\n")
    unlabelled = load_corpus("mine", tmp_path)
    assert unlabelled.emotion.isna().all()
    assert check_corpus(unlabelled).usable and "usable as a target" in str(check_corpus(unlabelled))


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(SereError, match="there is no folder"):
        load_corpus("emodb", tmp_path / "nowhere")
    with pytest.raises(SereError, match="found no audio file at all"):
        load_corpus("emodb", tmp_path)
    write(tmp_path / "other.wav", noise(16_000))
    with pytest.raises(SereError, match="found 1 audio files such as other.wav"):
        load_corpus("emodb", tmp_path)


def test_too_few_shots_and_too_few_speakers():
    table = pd.DataFrame(
        {"corpus": "tiny", "emotion": ["anger"] * 5 + ["fear"] * 3, "speaker": list("aabbaabb")}
    )
    with pytest.raises(SereError, match='tiny: 3 utterances of "fear", 5 shots wanted'):
        draw_shots(table, ["anger", "fear"], 5)
    with pytest.raises(SereError, match="2 speakers cannot be split into 5 folds"):
        next(speaker_folds(table, 5))


# --- downloads ------------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    "Serves one body; honours ranges; may break off after some bytes."

    body, break_after, asked = b"", None, []

    def do_GET(self):
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        type(self).asked.append(start)
        part = self.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part if self.break_after is None else part[: self.break_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (Server,), {"asked": []})
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{httpd.server_port}/archive.zip"
    httpd.shutdown()


def archive_of(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            sound = io.BytesIO()
            soundfile.write(sound, noise(32_000), 16_000, format="WAV")
            file.writestr(name, sound.getvalue())
    return buffer.getvalue()


def test_download_verifies_and_unpacks(server, tmp_path):
    handler, address = server
    handler.body = archive_of(["wav/03a01Fa.wav", "wav/03a01Wa.wav"])
    folder = download("emodb", tmp_path, (address, hashlib.md5(handler.body).hexdigest()))
    assert sorted(load_corpus("emodb", folder).emotion) == ["anger", "happiness"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emodb"]
    download("emodb", tmp_path, (address, "never asked again"))
    assert handler.asked == [0]


def test_interrupted_download_goes_on(server, tmp_path):
    handler, address = server
    handler.body, handler.break_after = (
        archive_of(["wav/03a01Fa.wav"] + [f"wav/03a01W{c}.wav" for c in "abcdefgh"]),
        100_000,
    )
    checksum = hashlib.md5(handler.body).hexdigest()
    with pytest.raises(SereError, match="what has arrived is kept, try again"):
        download("emodb", tmp_path, (address, checksum))
    handler.break_after = None
    assert len(load_corpus("emodb", download("emodb", tmp_path, (address, checksum)))) == 9
    assert handler.asked[0] == 0 and handler.asked[1] > 0


def good_after_bad(server, tmp_path, bad, checksum=None):
    "What is said of a bad archive; it must be gone, and the next call must work."
    handler, address = server
    handler.body = bad
    with pytest.raises(SereError) as caught:
        download("emodb", tmp_path, (address, checksum))
    assert not list(tmp_path.iterdir()) and str(caught.value).isprintable()
    handler.body = archive_of(["wav/03a01Fa.wav"])
    assert len(load_corpus("emodb", download("emodb", tmp_path, (address, None)))) == 1
    return str(caught.value)


def test_changed_archive_is_refused(server, tmp_path):
    bad = archive_of(["wav/03a01Fa.wav"])
    assert "not what was published" in good_after_bad(server, tmp_path, bad, "0" * 32)


def damaged():
    "An archive whose first member has one wrong byte."
    body = bytearray(archive_of(["wav/03a01Fa.wav"]))
    body[1000] ^= 1
    return bytes(body)


def encrypted():
    "An archive whose one member says that it is encrypted."
    body = bytearray(archive_of(["wav/03a01Fa.wav"]))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def bomb():
    "A small archive that would become a large one."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("wav/03a01Fa.wav", bytes(2**25))
    return buffer.getvalue()


NOT_THE_ARCHIVE = {
    "a few letters": (lambda: b"hello", "not a whole zip archive"),
    "nothing": (lambda: b"", "not a whole zip archive"),
    "a page that asks to log in": (lambda: b"<html>please log in</html>" * 99, "not a whole zip archive"),
    "damaged": (damaged, "Bad CRC-32"),
    "cut": (lambda: archive_of(["wav/03a01Fa.wav"])[:-50], "not a whole zip archive"),
    "encrypted": (encrypted, "is encrypted"),
    "bomb": (bomb, "would become 33,554,432"),
    "another corpus": (
        lambda: archive_of(["f1/dis-f1-b1.wav"]),
        "holds no recording such as wav/03a01Fa.wav",
    ),
}


@pytest.mark.parametrize("kind", NOT_THE_ARCHIVE)
def test_what_is_not_the_archive_is_one_line_and_the_next_call_works(server, tmp_path, kind):
    bad, said = NOT_THE_ARCHIVE[kind]
    assert said in good_after_bad(server, tmp_path, bad())


def test_a_full_disk_leaves_nothing_behind(server, tmp_path, monkeypatch):
    handler, address = server
    handler.body = archive_of(["wav/03a01Fa.wav", "wav/03a01Wa.wav"])
    real = zipfile.ZipFile.extractall

    def fills(self, path):
        real(self, path, self.namelist()[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", fills)
    with pytest.raises(SereError, match="No space left on device"):
        download("emodb", tmp_path, (address, None))
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Disk", (), {"free": 1000}))
    with pytest.raises(SereError, match="does not fit on the disk"):
        download("emodb", tmp_path, (address, None))
    assert not list(tmp_path.iterdir())


def test_an_endless_archive_is_not_taken(server, tmp_path, monkeypatch):
    handler, address = server
    handler.body = archive_of(["wav/03a01Fa.wav"])
    monkeypatch.setattr("sere_nb.corpus.corpora._LARGEST_ARCHIVE", 1000)
    with pytest.raises(SereError, match="no corpus is so large"):
        download("emodb", tmp_path, (address, None))
    monkeypatch.setattr("sere_nb.corpus.corpora._checked_size", lambda *_: None)
    with pytest.raises(SereError, match="more than 1,000 bytes came"):
        download("emodb", tmp_path, (address, None))
    assert not list(tmp_path.iterdir())


def test_archive_cannot_write_outside(server, tmp_path):
    handler, address = server
    handler.body = archive_of(["wav/03a01Fa.wav", "../../evil.wav"])
    with pytest.raises(SereError, match="points outside the archive"):
        download("emodb", tmp_path / "below", (address, hashlib.md5(handler.body).hexdigest()))
    assert not list((tmp_path / "below").iterdir()) and not list(tmp_path.rglob("evil.wav"))


def test_no_network_is_one_line(tmp_path):
    with pytest.raises(SereError, match="cannot be fetched"):
        download("emodb", tmp_path, ("http://127.0.0.1:9/archive.zip", None))
