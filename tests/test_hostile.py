"""What strangers write: names, tables, recordings and archives, walked with generated inputs.

SERE_FUZZ=long tries fifty times as many; without it the same few are tried in every run."""

import io
import os
import unicodedata
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from sere_nb.base.core import ALIASES, EMOTIONS, SereError, emotion_name, shown, source_commit
from sere_nb.corpus.audio import SILENCE, audio_fault, duration, read_audio
from sere_nb.corpus.corpora import _archive_fault, _extract, download
from sere_nb.corpus.data import check_corpus, load_corpus, shared_recordings, speaker_warnings
from sere_nb.corpus.metadata import UNKNOWN_SPEAKER, read_metadata, read_sheet
from sere_nb.field.irf import ResonanceClassifier
from sere_nb.sound.frames import active_frames, loudness

LONG = os.environ.get("SERE_FUZZ") == "long"
CASES = Path(__file__).resolve().parent.parent.parent / "shared" / "cases"


def fuzz(examples):
    "So many generated inputs, the same in every run unless SERE_FUZZ=long."
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
    return settings(
        max_examples=examples * 50 if LONG else examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=slow,
    )


def refusal(function, *arguments):
    "The one printable line of a SereError, None if there was none; anything else fails the test."
    try:
        function(*arguments)
    except SereError as error:
        line = str(error)
        assert line.isprintable() and line, repr(line)
        return line
    return None


# --- names ----------------------------------------------------------------------------------------


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
@fuzz(200)
def test_any_name_is_shown_in_one_printable_line(text):
    assert shown(text).isprintable() and str(SereError(text)) == shown(text) == shown(shown(text))
    assert not text.isprintable() or shown(text) == text
    shown(text).encode()


WORDS = sorted({word for words in ALIASES.values() for word in words.split()})


@given(st.sampled_from(WORDS), st.sampled_from(["upper", "title", "lower"]), st.sampled_from(["NFC", "NFD"]))
@fuzz(300)
def test_emotion_words_are_known_in_any_spelling(word, case, form):
    emotion = next(name for name, words in ALIASES.items() if word in words.split())
    written = unicodedata.normalize(form, getattr(word.replace("_", " "), case)())
    assert emotion_name(f" {written}\u00a0") == emotion


OTHER_FEELINGS = (
    "mad glee content pride shame guilt contempt anxiety frustration excitement hope relief love hate "
    "envy tired sarcasm stress unsurprised fearless hungry hangry not_angry no_fear confusion amused interest"
).split()


@pytest.mark.parametrize("word", OTHER_FEELINGS)
def test_other_feelings_are_refused_without_a_guess(word):
    line = refusal(emotion_name, word)
    assert f'unknown emotion "{word}"' in line and "did you mean" not in line


@given(st.text(max_size=4))
@fuzz(200)
def test_short_words_are_known_or_refused_without_a_guess(word):
    line = refusal(emotion_name, word)
    assert line is None or "did you mean" not in line


@given(st.sampled_from(sorted(EMOTIONS)), st.data())
@fuzz(100)
def test_one_letter_too_few_suggests_the_emotion_or_none(name, data):
    place = data.draw(st.integers(1, len(name) - 1))
    line = refusal(emotion_name, name[:place] + name[place + 1 :])
    if line and "did you mean" in line:
        assert emotion_name(line.split('did you mean "')[1].split('"')[0]) == name


def test_the_commit_is_never_empty(monkeypatch, tmp_path):
    assert source_commit()
    monkeypatch.setattr("sere_nb.base.core.package_folder", lambda: tmp_path / "sere_nb")
    assert source_commit() == "unknown (installed package)"
    (tmp_path / ".git").mkdir()
    assert source_commit().startswith("unknown (git: ")
    monkeypatch.setenv("PATH", "")
    assert source_commit().startswith("unknown (git: ")


# --- recordings -----------------------------------------------------------------------------------


def tone(pitch, level, seconds=0.5):
    return 10 ** (level / 20) * np.sin(2 * np.pi * pitch * np.arange(int(16_000 * seconds)) / 16_000)


@given(st.floats(20, 7_900), st.floats(-110, -30), st.floats(0.05, 3), st.floats(0, 5))
@example(50, -60, 0.5, 0)
@fuzz(60)
def test_silence_is_named_at_the_door_and_nowhere_else(pitch, level, seconds, before):
    "What `read_audio` lets in has an active frame in chapter frames, and nothing else has."
    waveform = np.concatenate([np.zeros(int(16_000 * before)), tone(pitch, level, seconds)]).astype(
        np.float32
    )
    loudest = loudness(waveform).max()
    assume(abs(loudest - SILENCE) > 1e-3)
    buffer = Path(os.environ["PYTEST_TONE"])
    soundfile.write(buffer, waveform, 16_000, subtype="FLOAT")
    line = refusal(read_audio, buffer)
    assert (line is None) == (loudest > SILENCE) == bool(active_frames(loudness(waveform)).any())
    assert line is None or (str(buffer) in line and "silence" in line)


@pytest.fixture(autouse=True)
def place_for_tones(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_TONE", str(tmp_path / "tone.wav"))


@given(st.binary(max_size=400), st.sampled_from(["", "RIFF", "fLaC", "OggS", "FORM", ".snd"]), st.booleans())
@fuzz(80)
def test_any_bytes_are_a_waveform_or_one_line(tmp_path, body, start, whole):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(300, -20, 0.2), 16_000)
    path.write_bytes(path.read_bytes()[: 30 + len(body)] + body if whole else start.encode() + body)
    line = refusal(read_audio, path)
    assert line is None or str(path) in line
    assert audio_fault(path) is not None or line is None
    assert np.isnan(duration(path)) or duration(path) >= 0


@given(st.sampled_from([1e1, 1e3, 32768, 1e20, 3e38]), st.sampled_from([8_000, 16_000, 48_000]))
@fuzz(15)
def test_overflow_is_refused_by_name(tmp_path, scale, rate):
    soundfile.write(tmp_path / "a.wav", np.float32(scale) * tone(300, -1).astype("f"), rate, subtype="FLOAT")
    line = refusal(read_audio, tmp_path / "a.wav")
    assert (line is None) == (scale <= 10) and (line is None or str(tmp_path / "a.wav") in line)


@pytest.mark.parametrize(
    "name", ["\x1b[2Ja.wav", "a\nb.wav", os.fsdecode(b"\xff\xfe.wav"), "ж" * 100 + ".wav", "a" * 400]
)
def test_a_recording_may_have_any_name(tmp_path, name):
    line = refusal(read_audio, tmp_path / name)
    assert shown(name) in line
    if len(name) < 300:
        soundfile.write(os.fsencode(tmp_path / name), tone(300, -20), 16_000, format="WAV")
        assert len(read_audio(tmp_path / name)) == 8_000
        (tmp_path / name).write_bytes(b"no sound")
        assert shown(name) in refusal(read_audio, tmp_path / name)
        assert shown(name) not in audio_fault(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipes_devices_and_folders_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to("/dev/zero")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    for name in ("pipe.wav", "link.wav", "folder.wav", "loop.wav", "\0.wav"):
        assert shown(name) in refusal(read_audio, tmp_path / name)
        assert audio_fault(tmp_path / name) and np.isnan(duration(tmp_path / name))
    os.mkfifo(tmp_path / "metadata.csv")
    assert "a pipe, a device or the like" in refusal(load_corpus, "mine", tmp_path)


def test_channels_that_cancel_are_named(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(300, -20), -tone(300, -20)], axis=1), 16_000)
    assert "cancel" in refusal(read_audio, tmp_path / "a.wav")


def test_memory_follows_the_waveform_not_the_file(tmp_path):
    "Six channels at 48 kHz are eighteen times the waveform; they are never in memory at once."
    import tracemalloc

    path = tmp_path / "a.wav"
    with soundfile.SoundFile(path, "w", 48_000, 6) as file:
        for _ in range(60):
            file.write(np.tile(tone(300, -20, 3)[:, None], (1, 6)))
    tracemalloc.start()
    waveform = read_audio(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(waveform) == 960_000 and peak < 8 * waveform.nbytes


# --- tables ---------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1, max_size=12)
HEADS = {
    "path": ["path", "Path", " PATH ", "file", "File Name", "filename", "wav_path"],
    "speaker": ["speaker", "Speaker", "speaker_id", "Speaker ID", "\u00a0spk"],
    "emotion": ["emotion", "Emotion", "label", "LABEL", "Emotion Label"],
    "language": ["language", "Language", "lang", " language"],
}
CODES = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@st.composite
def tables(draw):
    "(what is meant, the bytes some program wrote for it): rows of path, speaker, emotion, language."
    count = draw(st.integers(1, 5))
    speakers = draw(
        st.lists(NAMES | st.sampled_from(["NA", "nan", "None", "0012"]), min_size=count, max_size=count)
    )
    emotions = draw(
        st.lists(st.sampled_from(["anger", "JOIE", "Ekel", "", "NA"]), min_size=count, max_size=count)
    )
    meant = [
        (f"sub/ü{i}.wav", speaker, emotion, "de")
        for i, (speaker, emotion) in enumerate(zip(speakers, emotions))
    ]
    mark, code = draw(st.sampled_from(",;\t")), draw(st.sampled_from(CODES))
    quoted = lambda cell: '"' + cell + '"' if mark in cell or draw(st.booleans()) else cell
    blank = draw(st.sampled_from(["", " ", "  "]))
    slash = draw(st.sampled_from(["/", "\\"]))
    form = draw(st.sampled_from(["NFC", "NFD"]))
    rows = [[draw(st.sampled_from(HEADS[name])) for name in HEADS]]
    for path, *rest in meant:
        rows.append([quoted(unicodedata.normalize(form, path).replace("/", slash)), *map(quoted, rest)])
    order = draw(st.permutations(range(4)))
    lines = [
        mark.join(row[place] + ("" if row[place].endswith('"') else blank) for place in order) for row in rows
    ]
    tail = draw(st.sampled_from(["", mark * 2]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [lines[0], *(line + tail for line in lines[1:]), *([mark * 3] if draw(st.booleans()) else [])]
    return meant, end.join(lines).encode(code)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    "A folder with short recordings in `sub`."
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "sub").mkdir()
    for i in range(12):
        soundfile.write(folder / "sub" / f"ü{i}.wav", tone(200 + 10 * i, -20, 0.2 + 0.01 * i), 16_000)
    return folder


@given(tables())
@fuzz(150)
def test_a_table_is_read_as_it_was_meant_whoever_wrote_it(recordings, table):
    meant, data = table
    (recordings / "metadata.csv").write_bytes(data)
    read = read_metadata(recordings, "mine")
    names = [unicodedata.normalize("NFC", speaker) for _, speaker, _, _ in meant]
    assert [row[3] for row in read] == names and [row[2] for row in read] == ["de"] * len(meant)
    assert [row[4] for row in read] == [None if e in ("", "NA") else emotion_name(e) for _, _, e, _ in meant]
    assert [row[0].name for row in read] == [Path(path).name for path, *_ in meant]


WRONG = {
    "emotion": (2, ["mad", "x\x1b[2J", "angst und wut", "1"]),
    "speaker": (1, ["", " ", "\x1b[31mred", "a\x07"]),
    "language": (3, ["", "\x00"]),
    "path": (0, ["", "sub/\x1b.wav"]),
}


@given(st.integers(0, 9), st.sampled_from(sorted(WRONG)), st.data())
@fuzz(80)
def test_a_wrong_cell_is_named_by_row_and_column(recordings, row, column, data):
    place, cells = WRONG[column]
    rows = [[f"sub/ü{i}.wav", "x", "anger", "de"] for i in range(10)]
    rows[row][place] = data.draw(st.sampled_from(cells))
    assume("\0" not in rows[row][place])
    text = "\n".join(["path,speaker,emotion,language", *map(",".join, rows)])
    (recordings / "metadata.csv").write_text(text)
    line = refusal(read_metadata, recordings, "mine")
    assert f"row {row + 2}" in line and column in line


@given(st.integers(0, 9), st.sampled_from(["short", "long", "quote", "broken", "twice"]))
@fuzz(50)
def test_a_wrong_row_is_named(recordings, row, kind):
    rows = [[f"sub/ü{i}.wav", "x", "anger", "de"] for i in range(10)]
    other = (row + 3) % 10
    change = {
        "short": lambda cells: cells[:-1],
        "long": lambda cells: [*cells, "more"],
        "quote": lambda cells: [cells[0], '"x', *cells[2:]],
        "broken": lambda cells: [cells[0], '"x\ny"', *cells[2:]],
        "twice": lambda cells: [f"./sub/../sub/ü{other}.wav", *cells[1:]],
    }[kind]
    rows[row] = change(rows[row])
    text = "\n".join(["path,speaker,emotion,language", *map(",".join, rows)])
    (recordings / "metadata.csv").write_text(text)
    line = refusal(read_metadata, recordings, "mine")
    first, second = sorted((row + 2, other + 2))
    assert f"row {row + 2}" in line if kind != "twice" else f"rows {first} and {second}" in line


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: f"path;speaker;language\n{text}".encode())
)
@example(b"")
@example(b"\n\n")
@example(b",,,\n")
@example(b"path,speaker,emotion,language\n")
@example(b"\xff\xfe")
@example(b"PK\x03\x04 a workbook")
@example(b"path,path,speaker,language\na,b,c,d\n")
@example(b"file,filename,speaker,language\na,b,c,d\n")
@example(b"path,speaker,language,start,end\nsub/a.wav,b,de,0,1\n")
@fuzz(150)
def test_any_bytes_are_a_table_or_one_line(recordings, data):
    (recordings / "metadata.csv").write_bytes(data)
    line = refusal(load_corpus, "mine", recordings)
    assert line and "metadata.csv" in line


@pytest.mark.parametrize(
    "head,said",
    [
        ("file,speaker,emotion", "lacks the column language; its first row is"),
        ("utterance,who,what", "lacks the columns path, speaker, language"),
        ("file,filename,speaker,language", 'the columns "file" and "filename" both mean path'),
    ],
)
def test_headings_that_will_not_do(recordings, head, said):
    (recordings / "metadata.csv").write_text(f"{head}\n" + ",".join("abcd"[: head.count(",") + 1]) + "\n")
    assert said in refusal(read_metadata, recordings, "mine")


@pytest.mark.parametrize("name", ["", " ", "\x1b[31m", "a\nb", "a\u202eb"])
def test_a_corpus_has_a_name_that_can_be_shown(tmp_path, name):
    assert "no name for a corpus" in refusal(load_corpus, name, tmp_path)


# --- corpora --------------------------------------------------------------------------------------


def written(folder, rows, head="path,speaker,emotion,language"):
    (folder / "metadata.csv").write_text("\n".join([head, *rows]) + "\n")
    return load_corpus("mine", folder)


def test_unknown_speakers_are_one_voice_and_are_counted(recordings):
    table = written(recordings, [f"sub/ü{i}.wav,,{'anger' if i < 6 else 'fear'},de" for i in range(12)])
    report = check_corpus(table)
    assert set(table.speaker) == {UNKNOWN_SPEAKER} and report.usable
    assert "12 utterances" in str(report) and "no speaker is known" in str(report)
    nameless = table.assign(speaker=None)  # a table that somebody made without this package
    assert "12 utterances" in str(check_corpus(nameless)) and speaker_warnings(nameless)


def test_a_name_is_read_as_it_stands(recordings):
    table = written(
        recordings, [f"sub/ü{i}.wav, {s} ,anger,de" for i, s in enumerate(["NA", "NA ", "b", " b"])]
    )
    assert list(table.speaker) == ["NA", "NA", "b", "b"]


def test_check_says_for_what_a_corpus_will_do(recordings):
    emotions = ["anger"] * 5 + ["fear"] * 5 + ["sadness"] * 2
    table = written(recordings, [f"sub/ü{i}.wav,x,{e},de" for i, e in enumerate(emotions)])
    assert "usable as a target; as a source it has fewer than 5 of sadness (2): take --shots 2" in str(
        check_corpus(table)
    )


def test_check_names_what_is_silent_or_no_file(recordings, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", 10 ** (-90 / 20) * np.ones(16_000), 16_000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "short.wav", tone(300, -20, 0.01), 16_000)
    table = written(tmp_path, [f"{name}.wav,x,anger,de" for name in ("quiet", "short", "text")])
    assert {path.name for path, _ in check_corpus(table).faults} == {"short.wav", "text.wav"}
    faults = {path.name: fault for path, fault in check_corpus(table, listen=True).faults}
    assert set(faults) == {"quiet.wav", "short.wav", "text.wav"} and "silence" in faults["quiet.wav"]


@given(st.integers(2, 8), st.integers(2, 6), st.integers(1, 12), st.booleans())
@fuzz(80)
def test_speaker_structure_is_seen(voices, emotions, each, one_sided):
    "Every speaker shows every emotion `each` times, or only one of them."
    names = sorted(EMOTIONS)[:emotions]
    shows = lambda voice: [names[voice % emotions]] if one_sided else names
    rows = [(f"s{v}", emotion) for v in range(voices) for emotion in shows(v) for _ in range(each)]
    table = pd.DataFrame(rows, columns=["speaker", "emotion"])
    said = " ".join(speaker_warnings(table))
    per_speaker = each if one_sided else each * emotions
    assert ("fewer than 5" in said) == (per_speaker < 5)
    assert ("who show only" in said) == (one_sided and each >= 5)
    assert not speaker_warnings(table.assign(emotion=None), labels=True) or per_speaker < 5
    assert ("one speaker id per file?" in said) == (per_speaker == 1)


def test_one_corpus_under_two_names_is_found(recordings, tmp_path):
    import shutil

    table = written(recordings, [f"sub/ü{i}.wav,x,anger,de" for i in range(12)])
    shutil.copytree(recordings, tmp_path / "copy")
    (tmp_path / "link").symlink_to(recordings)
    for other in (recordings / "sub" / "..", tmp_path / "link", tmp_path / "copy"):
        assert len(shared_recordings(table, load_corpus("other", other))) == 12
    for path in (tmp_path / "copy" / "sub").iterdir():  # other sounds of the same length
        path.write_bytes(path.read_bytes()[:-2] + b"\x11\x22")
    assert not shared_recordings(table, load_corpus("other", tmp_path / "copy"))
    shutil.copy(recordings / "sub" / "ü3.wav", tmp_path / "copy" / "sub" / "ü5.wav")
    pairs = shared_recordings(table, load_corpus("other", tmp_path / "copy"))
    assert [(one.name, two.name) for one, two in pairs] == [("ü3.wav", "ü5.wav")]


def test_what_is_not_there_is_not_shared():
    table = pd.DataFrame({"path": ["nowhere/a.wav", "nowhere/b.wav"]})
    assert not shared_recordings(table, table.assign(path="nowhere/c.wav"))
    assert len(shared_recordings(table, table)) == 2


# --- archives -------------------------------------------------------------------------------------


def archive(path, members):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        warnings.simplefilter("ignore")  # one name twice
        for name, content, mode in members:
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            file.writestr(member, content)
    return path


GOOD = ("wav/03a01Fa.wav", b"RIFF", 0o100644)
BAD = {
    "outside": ("../evil.wav", b"x", 0o100644),
    "absolute": ("/evil.wav", b"x", 0o100644),
    "windows": ("..\\..\\evil.wav", b"x", 0o100644),
    "drive": ("C:/evil.wav", b"x", 0o100644),
    "link": ("wav/03a01Fb.wav", b"/etc/passwd", 0o120777),
    "pipe": ("wav/03a01Fb.wav", b"", 0o010644),
    "twice": GOOD,
    "twice in capitals": ("WAV/03A01FA.WAV", b"x", 0o100644),
    "escape": ("wav/\x1b[2J.wav", b"x", 0o100644),
    "bomb": ("wav/03a01Fb.wav", bytes(2**25), 0o100644),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_member_condemns_the_archive(tmp_path, kind):
    (tmp_path / "below").mkdir()
    path = archive(tmp_path / "below" / "a.zip", [GOOD, BAD[kind]])
    assert refusal(_extract, path, tmp_path / "below" / "emodb", "emodb")
    assert [p.name for p in tmp_path.rglob("*")] == ["below", "a.zip"]


@given(st.integers(0, 10**6), st.integers(1, 255), st.booleans())
@example(439, 64, False)  # where a member begins: before the archive
@fuzz(150)
def test_a_damaged_archive_is_one_line_and_leaves_nothing(tmp_path, place, change, cut):
    buffer = io.BytesIO()
    archive(buffer, [GOOD, ("wav/03a01Wa.wav", bytes(range(200)), 0o100644)])
    data = bytearray(buffer.getvalue())
    data[place % len(data)] ^= change
    (tmp_path / "a.zip").write_bytes(bytes(data[: place % len(data)] if cut else data))
    folder = tmp_path / "emodb"
    if refusal(_extract, tmp_path / "a.zip", folder, "emodb") is None:
        import shutil

        assert folder.is_dir()
        shutil.rmtree(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("way", [1, 9, 12, 14, 93, 95, 99])
def test_a_compression_that_is_not_read_is_named(tmp_path, way):
    data = bytearray(archive(tmp_path / "a.zip", [GOOD]).read_bytes())
    for place in (8, data.index(b"PK\x01\x02") + 10):
        data[place] = way
    (tmp_path / "a.zip").write_bytes(data)
    assert f"not read ({way})" in refusal(_extract, tmp_path / "a.zip", tmp_path / "emodb", "emodb")


def test_an_encrypted_archive_is_refused(tmp_path):
    data = bytearray(archive(tmp_path / "a.zip", [GOOD]).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert "is encrypted" in refusal(_extract, tmp_path / "a.zip", tmp_path / "emodb", "emodb")


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(archive(tmp_path / "a.zip", [("readme.txt", b"nothing", 0o100644)])) as file:
        assert "holds no recording" in _archive_fault(file, 200, "emodb")
    assert "no known corpus" in refusal(download, "nobody", tmp_path)


# --- the classifier -------------------------------------------------------------------------------

PARAMETERS = sorted(ResonanceClassifier().get_params())
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 60) | st.sampled_from([-(10**30), 10**30]),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.sampled_from([object(), np.float32(0.5), np.int64(3), np.array([1.0])]),
)
RANDOM = np.random.default_rng(0)
SAMPLES = RANDOM.normal(size=(40, 3)) + np.repeat([[0], [3]], 20, axis=0)
SOME_KNOWN = np.where(np.arange(40) % 4, -1, np.repeat([0, 1], 20))


@given(st.sampled_from(PARAMETERS), VALUES)
@example("bandwidth", 1e300)
@example("bandwidth", 5e-324)
@example("temperature", 5e-324)
@example("temperature", 1e308)
@example("damping", 5e-324)
@example("damping", 1e308)
@example("anchor_weight", 1e308)
@example("anchor_weight", 5e-324)
@fuzz(150)
def test_any_parameter_is_used_or_named(name, value):
    assume(name != "rounds" or value != 10**30)  # which asks for patience, not for a refusal
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*collapsed")  # our own words
        try:
            model = ResonanceClassifier(**{name: value}).fit(SAMPLES, SOME_KNOWN)
        except ValueError as error:
            assert f"'{name}' parameter of ResonanceClassifier must be" in str(error)
        else:
            assert np.isfinite(model.predict_proba(SAMPLES)).all()


@given(st.floats(1e-300, 1e300))
@example(1e-300)
@example(1e29)
@example(1e300)
@fuzz(40)
def test_samples_of_any_size_are_classified_or_refused(scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*collapsed")
        try:
            model = ResonanceClassifier().fit(SAMPLES * scale, SOME_KNOWN)
        except ValueError as error:
            assert str(error).startswith("X: ") and scale > 1e28
        else:
            assert np.isfinite(model.predict_proba(SAMPLES * scale)).all() and scale < 1e31


NAMES_OF = st.lists(
    st.none()
    | st.text(max_size=2)
    | st.integers(-9, 9)
    | st.floats()
    | st.lists(st.text(max_size=2), max_size=2),
    max_size=42,
)


@given(st.sampled_from(["speakers", "corpora"]), NAMES_OF | st.text(max_size=40) | st.none() | st.integers())
@example("speakers", [["a"], ["b", "c"]] * 20)
@example("speakers", ["a", 1] * 20)
@example("corpora", np.array(["a", 1] * 20, dtype=object))
@example("corpora", ["a"] * 40)
@fuzz(80)
def test_names_of_any_kind_are_used_or_the_argument_is_named(argument, names):
    try:
        ResonanceClassifier().fit(SAMPLES, SOME_KNOWN, **{argument: names})
    except ValueError as error:
        assert str(error).startswith(f"{argument}: ")


# --- the inputs on which the package once failed --------------------------------------------------

cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}")
SAID = {
    "semicolon": None,
    "utf16_": None,
    "latin1_umlaut": None,
    "speaker_blanks": None,
    "speaker_named_NA": None,
    "extra_fields_in_a_row": "row 62: 5 cells under 4 headings",
    "duplicates_two_labels": "rows",
}


@cases
@pytest.mark.parametrize("name", SAID)
def test_cases_behave_as_they_should(tmp_path, name):
    data = (CASES / f"metadata_{name}.csv").read_bytes()
    (tmp_path / "metadata.csv").write_bytes(data)
    for _, cells in read_sheet(tmp_path / "metadata.csv") if name != "extra_fields_in_a_row" else []:
        (tmp_path / cells["path"]).parent.mkdir(exist_ok=True)
        (tmp_path / cells["path"]).touch()
    line = refusal(read_metadata, tmp_path, "mine")
    assert line is None if SAID[name] is None else SAID[name] in line
    if line is None:
        rows = read_metadata(tmp_path, "mine")
        assert len(rows) == 60 and len({row[3] for row in rows}) == 3 and all(row[4] for row in rows)


@cases
def test_the_quiet_case_is_named():
    assert "silence" in refusal(read_audio, CASES / "quiet.wav") and "quiet.wav" in refusal(
        read_audio, CASES / "quiet.wav"
    )
    for name in ("crc.zip", "notzip.zip"):
        assert "not a whole zip archive" in refusal(
            _extract, CASES / name, Path(os.environ["PYTEST_TONE"]).parent / "emodb", "emodb"
        )
