"Corpora as people have them: utterances inside long files, audformat databases, saved datasets."

import hashlib
import importlib.util
import json
import math
import os
import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
from conftest import page_data
from hypothesis import given
from hypothesis import strategies as st

from sere_nb.answers.own import adapt_own, hear_own, own_table, write_own
from sere_nb.base.core import SereError, provenance
from sere_nb.corpus.audio import SAMPLE_RATE, Part, audio_fault, duration, read_audio
from sere_nb.corpus.data import check_corpus, content_warnings, load_corpus, mini_corpus, shared_recordings
from sere_nb.corpus.tables import place_columns, places, read_audformat, read_dataset, read_folder
from sere_nb.encoding.cache import FeatureCache, audio_digest
from sere_nb.encoding.features import extract, extract_usable
from sere_nb.field.highlights import RULE, corpus_moments
from sere_nb.study.report import predictions, write_report
from sere_nb.study.store import store_features, stored_features
from sere_nb.study.study import run_study
from sere_nb.tasks.baselines import BASELINES
from sere_nb.tasks.conditions import through

HEAD = "path,start,end,speaker,emotion,language"


def needs(name):
    "Skip with the reason where an optional library is not installed."
    there = importlib.util.find_spec(name)
    return pytest.mark.skipif(not there, reason=f"{name} is not installed: pip install 'sere_nb[tables]'")


def refusal(function, *inputs):
    "The printable line of a `SereError`; anything else fails the test."
    with pytest.raises(SereError) as error:
        function(*inputs)
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    "The Italian mini corpus as single files, and as one long file per speaker; same order, same names."
    root = tmp_path_factory.mktemp("both")
    table = mini_corpus("it").groupby(["speaker", "emotion"]).head(3)
    table = table.sample(frac=1, random_state=3).sort_values("speaker", kind="stable")
    single, long, number = ["path,speaker,emotion,language"], [HEAD], 0
    (root / "single").mkdir(), (root / "long").mkdir()
    for speaker, group in table.groupby("speaker", sort=True):
        pieces, end = [], 0
        for row in group.itertuples():
            samples, rate = soundfile.read(row.path, dtype="int16")
            pieces += [np.full(777, 99, np.int16), samples]
            start, end = end + 777, end + 777 + len(samples)
            soundfile.write(root / "single" / f"{number:03}.wav", samples, rate)
            single.append(f"{number:03}.wav,{speaker},{row.emotion},it")
            long.append(f"{speaker}.wav,{start / rate},{end / rate},{speaker},{row.emotion},it")
            number += 1
        soundfile.write(root / "long" / f"{speaker}.wav", np.concatenate(pieces), rate)
    for name, rows in (("single", single), ("long", long)):
        (root / name / "metadata.csv").write_text("\n".join(rows) + "\n")
    return {name: load_corpus("own", root / name) for name in ("single", "long")}, root


# --- parts of files ---------------------------------------------------------------------------------


def test_a_table_without_times_has_no_columns_for_them(both):
    assert list(both[0]["single"]) == ["path", "corpus", "language", "speaker", "emotion", "seconds"]
    assert list(both[0]["long"]) == [*both[0]["single"], "start", "end"]
    assert np.allclose(both[0]["single"].seconds, both[0]["long"].seconds, atol=1e-6)


def test_a_part_is_what_the_single_file_is(both):
    for one, other in zip(places(both[0]["single"]), places(both[0]["long"])):
        assert np.array_equal(read_audio(one), read_audio(other))


FORMATS = [("WAV", "PCM_16", 44_100), ("WAV", "GSM610", 8_000), ("WAV", "IMA_ADPCM", 16_000)]
FORMATS += [("FLAC", "PCM_16", 48_000), ("OGG", "VORBIS", 44_100), ("OGG", "OPUS", 48_000)]
FORMATS += [("MP3", "MPEG_LAYER_III", 44_100), ("AIFF", "PCM_16", 22_050), ("AU", "ULAW", 8_000)]


@pytest.mark.parametrize("form,code,rate", FORMATS)
def test_every_format_is_entered_at_the_sample(tmp_path, form, code, rate):
    "A part equals what the decoded whole has there; the level is that of speech."
    noise = np.random.default_rng(1).normal(0, 0.1, 20 * rate).clip(-1, 1)
    long = tmp_path / f"long.{form.lower()}"
    soundfile.write(long, noise, rate, format=form, subtype=code)
    with soundfile.SoundFile(long) as file:
        whole = file.read(file.frames, dtype="float32")
    for start, end in ((0, 1.3), (7.123, 9.5), (18, 20)):
        first, last = round(start * rate), round(end * rate)
        soundfile.write(tmp_path / "cut.wav", whole[first:last], rate, subtype="FLOAT")
        cut, part = read_audio(tmp_path / "cut.wav"), read_audio(Part(long, start, end))
        assert len(cut) == len(part) and np.abs(cut - part).max() < 1e-6


def test_a_film_is_decoded_once(tmp_path, monkeypatch):
    pytest.importorskip("av", reason="PyAV is not installed: pip install 'sere_nb[media]'")
    import av

    import sere_nb.corpus.audio

    sound = (0.1 * np.random.default_rng(2).normal(size=(1, 160_000))).astype(np.float32)
    with av.open(str(tmp_path / "film.m4a"), "w", format="mp4") as film:
        stream = film.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            film.mux(packet)
    whole, times, convert = read_audio(tmp_path / "film.m4a"), [], sere_nb.corpus.audio.convert
    monkeypatch.setattr(sere_nb.corpus.audio, "convert", lambda *said: times.append(said) or convert(*said))
    for start in range(8):
        part = read_audio(Part(tmp_path / "film.m4a", start, start + 1.5))
        assert np.array_equal(part, whole[start * 16_000 :][:24_000])
    assert len(times) == 1


def test_a_part_reads_no_more_than_itself(tmp_path, monkeypatch):
    "An hour would take seconds; what is read is counted."
    soundfile.write(tmp_path / "long.wav", np.random.default_rng(0).normal(0, 0.1, 16_000 * 120), 16_000)
    read, blocks = [], soundfile.SoundFile.blocks

    def counted(self, *words, **options):
        for block in blocks(self, *words, **options):
            read.append(len(block))
            yield block

    monkeypatch.setattr(soundfile.SoundFile, "blocks", counted)
    assert len(read_audio(Part(tmp_path / "long.wav", 100, 101))) == 16_000 and sum(read) == 16_000


@pytest.mark.parametrize("times", [(1, 1), (2, 1), (-1, 2), (0, math.inf), (math.nan, 1), (0, math.nan)])
def test_times_that_mark_nothing(times):
    assert "no utterance lies from" in refusal(Part, "a.wav", *times)


def test_a_part_of_what_cannot_be_read_has_a_line(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "silent.wav", np.zeros(64_000), 16_000)
    soundfile.write(tmp_path / "short.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    says = {
        "absent": "no such file",
        "text": "not an audio file",
        "silent": "silence",
        "short": "ends after 1.00 s",
    }
    for name, said in says.items():
        fault = audio_fault(Part(tmp_path / f"{name}.wav", 1.5, 3))
        assert said in fault and str(tmp_path) not in fault
    assert np.isnan(duration(Part(tmp_path / "text.wav", 0, 1)))


# --- metadata.csv -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talk")
    soundfile.write(folder / "talk.wav", np.random.default_rng(0).normal(0, 0.1, 160_000), 16_000)
    return folder


def sheet(folder, *times, head=HEAD, separator=","):
    "A table whose second to last rows have these times."
    rows = [separator.join(["talk.wav", *map(str, pair), "Ann", "joy", "en"]) for pair in times]
    (folder / "metadata.csv").write_text("\n".join([head.replace(",", separator), *rows]) + "\n")
    return load_corpus("talk", folder)


WRONG = {
    "ends where it starts": (("3", "3"), "end 3.0 does not come after start 3.0"),
    "ends before": (("3", "2"), "end 2.0 does not come after start 3.0"),
    "beyond the file": (("3", "10.5"), "end 10.5 lies beyond talk.wav, which has 10.00 s"),
    "milliseconds": (("1500", "3000"), "lies beyond talk.wav"),
    "no number": (("soon", "3"), 'column start: "soon" is no number of seconds'),
    "a clock": (("1", "0:03"), 'column end: "0:03" is no number of seconds'),
    "a duration of pandas": (("0 days 00:00:01", "3"), "column start"),
    "negative": (("-1", "3"), 'column start: "-1" is no number of seconds from 0 on'),
    "endless": (("1", "inf"), 'column end: "inf" is no number'),
    "too large": (("1", "1e999"), 'column end: "1e999" is no number'),
    "too close": (("1e-9", "2e-9"), "end 0.0 does not come after start 0.0"),
    "underscore": (("1_0", "20"), "column start"),
    "start alone": (("1", ""), "start without end"),
    "end alone": (("", "2"), "end without start"),
    "end alone, in pandas' words": (("nan", "2"), "end without start"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("row", [0, 2])
def test_a_wrong_time_is_named_by_row(talk, kind, row):
    wrong, said = WRONG[kind]
    times = [("0", "1"), ("1", "2"), ("2", "3")]
    times[row] = wrong
    line = refusal(sheet, talk, *times)
    assert said in line and (f"row {row + 2}" in line) and line.startswith("talk: ")


def test_a_column_without_the_other(talk):
    (talk / "metadata.csv").write_text("path,start,speaker,emotion,language\ntalk.wav,1,a,joy,en\n")
    assert "row 2: start without end" in refusal(load_corpus, "talk", talk)
    (talk / "metadata.csv").write_text("path,start,speaker,emotion,language\ntalk.wav,,a,joy,en\n")
    assert "start" not in load_corpus("talk", talk)


def test_overlap_is_allowed_and_the_same_stretch_is_not(talk):
    assert len(sheet(talk, (0, 2), (1, 3), (1, 2.5))) == 3
    line = refusal(sheet, talk, (0, 2), (1, 3), ("1.0", "3.0000000001"))
    assert "rows 3 and 4 of metadata.csv both name talk.wav from 1.0 to 3.0 s" in line
    assert len(sheet(talk, ("", ""), (1, 3))) == 2  # the whole file, and a part of it


@pytest.mark.parametrize(
    "separator,one,two", [(",", "1.5", "2.25"), (";", "1,5", "2,25"), ("\t", ".15e1", "2.25")]
)
def test_numbers_as_programs_write_them(talk, separator, one, two):
    (place,) = places(sheet(talk, (one, two), separator=separator))
    assert (place.start, place.end) == (1.5, 2.25)


@pytest.mark.parametrize("head", ["path,Start Time,End Time,speaker,emotion,language", HEAD.upper()])
def test_headings_of_times(talk, head):
    assert list(sheet(talk, (1, 2), head=head).end) == [2.0]


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_two_cells_are_times_or_one_line(talk, one, two):
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in (one, two)]
    text = f"{HEAD}\ntalk.wav,{','.join(quoted)},a,joy,en\n"
    (talk / "metadata.csv").write_text(text, encoding="utf-8", errors="replace")
    try:
        (place,) = places(load_corpus("talk", talk))
    except SereError as error:
        assert str(error).isprintable() and ("row" in str(error) or "zero bytes" in str(error))
    else:
        assert not isinstance(place, Part) or 0 <= place.start < place.end <= 10.01


def test_a_rounded_end_is_forgiven(talk):
    assert sheet(talk, (9, 10.01)).seconds[0] == 1.0
    assert "lies beyond" in refusal(sheet, talk, (9, 10.02))


# --- what reads by row ------------------------------------------------------------------------------


def test_keys_of_whole_files_stay_and_those_of_parts_differ(both, tmp_path):
    path = places(both[0]["single"])[0]
    assert audio_digest(path) == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    long = both[0]["long"].path[0]
    every = [
        audio_digest(place) for place in (long, Part(long, 0, 1), Part(long, 0, 1.5), Part(long, 0.5, 1))
    ]
    assert len(set(every)) == 4 and audio_digest(Part(str(long), 0, 1)) == every[1]
    twin = tmp_path / "twin.wav"
    twin.write_bytes(long.read_bytes())
    assert audio_digest(Part(twin, 0, 1)) == every[1]  # what it is called does not matter
    twin.write_bytes(long.read_bytes()[:-2] + b"xy")
    assert audio_digest(Part(twin, 0, 1)) != every[1]


@pytest.mark.slow
def test_features_are_those_of_single_files(both, tmp_path):
    single, long = (extract(both[0][name], "encoder", cache=tmp_path) for name in ("single", "long"))
    assert np.abs(single - long).max() < 1e-4 * single.std()
    again = extract(both[0]["long"], "encoder", cache=tmp_path)
    assert np.array_equal(long, again) and FeatureCache(tmp_path).info()["entries"] == 2 * len(long)
    some = {name: both[0][name].head(6) for name in both[0]}
    one, two = (extract(some[name], "prosody", cache=tmp_path) for name in ("single", "long"))
    assert np.allclose(one, two, atol=1e-6, equal_nan=True)


def test_real_speech_in_one_long_file(real_corpora, tmp_path):
    "Twenty recordings of EMOVO one after the other: the same samples, and the same features."
    single = load_corpus("emovo", real_corpora / "emovo")[::29].head(20)
    every, rows, end = [soundfile.read(path, dtype="int16") for path in single.path], [HEAD], 0
    for row, (samples, rate) in zip(single.itertuples(), every):
        start, end = end, end + len(samples)
        rows.append(f"long.flac,{start / rate},{end / rate},{row.speaker},{row.emotion},it")
    soundfile.write(tmp_path / "long.flac", np.concatenate([samples for samples, _ in every]), 16_000)
    (tmp_path / "metadata.csv").write_text("\n".join(rows) + "\n")
    long = load_corpus("mine", tmp_path)
    for one, other in zip(places(single), places(long)):
        assert np.array_equal(read_audio(one), read_audio(other))
    one, other = extract(single, "encoder"), extract(long, "encoder", cache=tmp_path / "cache")
    assert np.abs(one - other).max() < 1e-4 * one.std()


def test_moments_are_those_of_single_files(both, tmp_path):
    one, two = (
        corpus_moments(both[0][name].head(4), rule=RULE, cache=tmp_path) for name in ("single", "long")
    )
    assert np.abs(one[0] - two[0]).max() < 1e-4 and np.allclose(one[2], two[2])


def test_a_part_that_cannot_be_used_is_left_out_by_name(both, tmp_path):
    table = both[0]["long"].head(5).copy()
    table["path"] = table.path.astype(object)
    soundfile.write(tmp_path / "silent.wav", np.zeros(160_000), 16_000)
    table.loc[2, "path"] = tmp_path / "silent.wav"
    usable, vectors, faults = extract_usable(table, "encoder", cache=False)
    assert len(usable) == len(vectors) == 4 and faults[0].row == 2
    assert "silent.wav#t=" in faults[0].path and faults[0].reason.startswith("silence")
    report = check_corpus(table, listen=True)
    assert (
        len(report.faults) == 1
        and int(report.counts.to_numpy().sum()) == 4
        and "silent.wav#t=" in str(report)
    )


def test_copies_are_the_same_file_and_the_same_stretch(both, tmp_path):
    long = both[0]["long"]
    twin = tmp_path / "twin.wav"
    twin.write_bytes(long.path[0].read_bytes())
    moved = long.head(4).assign(path=twin, corpus="other")
    assert len(shared_recordings(long, moved)) == 4
    assert not shared_recordings(long, moved.assign(start=moved.start + 0.01))
    assert "4 of" in content_warnings(pd.concat([long, moved], ignore_index=True))[0]
    assert not content_warnings(long)


def test_a_channel_makes_files_of_parts(both, tmp_path):
    heard = through("telephone", both[0]["long"].head(3), tmp_path)
    assert "start" not in heard and all(str(path).endswith(".flac") for path in heard.path)
    assert heard.path.nunique() == 3 and np.allclose(
        heard.seconds, [duration(path) for path in heard.path], atol=1e-4
    )
    gone = both[0]["long"].head(2).assign(path=tmp_path / "none.wav")
    kept = through("telephone", pd.concat([both[0]["long"].head(1), gone], ignore_index=True), tmp_path)
    assert list(kept.start.isna()) == [True, False, False] and str(places(kept)[1]).count("#t=") == 1


def test_features_in_a_study_know_their_times(both, tmp_path):
    store_features(both[0]["long"].head(4), tmp_path, "long", "encoder", "bundled")
    table, _ = stored_features(tmp_path, "long")
    assert [str(place) for place in places(table)] == [
        str(place) for place in places(both[0]["long"].head(4))
    ]


@pytest.mark.slow
def test_a_study_and_its_report_are_those_of_single_files(both, tmp_path):
    found, clips = {}, {}
    for name, table in both[0].items():
        tables = {"mini-de": mini_corpus("de"), "own": table}
        settings = dict(pairs=[("mini-de", "own")], features="encoder", draws=3, folder=tmp_path / name)
        methods = {name: BASELINES[name] for name in ("majority", "logreg")}
        found[name] = run_study(tables, methods=methods, **settings)
        write_report(found[name], tables, tmp_path / "page.html", "a study", "", provenance())
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        clips[name] = [part.split('"')[0] for part in page.split("data:audio")[1:]]
    single, long = found["single"], found["long"]
    assert np.allclose(single.uar, long.uar)
    assert np.allclose(np.stack(single.probabilities), np.stack(long.probabilities), atol=1e-4)
    assert len(clips["single"]) == 3 and clips["single"] == clips["long"]


def test_predictions_say_from_when_to_when(both):
    tables = {"mini-de": mini_corpus("de"), "own": both[0]["long"].assign(emotion=None)}
    found = run_study(tables, methods={"logreg": BASELINES["logreg"]}, features="encoder", draws=2)
    told = predictions(found, tables["own"])
    assert np.allclose(told.start, both[0]["long"].start) and np.allclose(told.end, both[0]["long"].end)
    assert list(told.path) == list(map(str, both[0]["long"].path))


@pytest.mark.slow
def test_answers_of_ones_own_say_from_when_to_when(both, tmp_path):
    heard, table = hear_own(both[1] / "long"), own_table(both[1] / "long")
    assert len(heard.answers) == len(table) == len(both[0]["long"]) and "start" in table
    write_own(adapt_own(heard), tmp_path)
    written = pd.read_csv(tmp_path / "predictions.csv")
    assert list(written)[:4] == ["file", "start", "end", "emotion"] and np.allclose(
        written.start, table.start, atol=1e-3
    )
    rows = page_data(tmp_path / "report.html")["rows"]
    assert np.allclose([row["start"] for row in rows], table.start, atol=1e-3)
    assert all(row["part"] for row in rows) and len({row["audio"] for row in rows}) == len(rows)


# --- audformat --------------------------------------------------------------------------------------


def database(folder, form="csv", gold=None, name="mine"):
    "Recordings as an audformat database: speakers by file, emotions by time, as the library writes it."
    import audformat

    table = mini_corpus("it").groupby(["speaker", "emotion"]).head(3).reset_index(drop=True)
    made = audformat.Database(name, languages=["it"])
    made.schemes["emotion"] = audformat.Scheme(labels=sorted(set(table.emotion)))
    made.schemes["speaker"] = audformat.Scheme(labels=sorted(set(table.speaker)))
    files, ends = [], []
    folder.mkdir(exist_ok=True)
    for speaker, group in table.groupby("speaker"):
        every = [soundfile.read(path)[0] for path in group.path]
        soundfile.write(folder / f"{speaker}.wav", np.concatenate(every), SAMPLE_RATE)
        ends += list(np.cumsum([len(samples) for samples in every]) / SAMPLE_RATE)
        files += [f"{speaker}.wav"] * len(every)
    table = table.sort_values("speaker", kind="stable")
    starts = [0 if i == 0 or files[i] != files[i - 1] else ends[i - 1] for i in range(len(files))]
    last = [i + 1 == len(files) or files[i] != files[i + 1] for i in range(len(files))]
    until = [pd.NaT if end else pd.Timedelta(seconds=time) for end, time in zip(last, ends)]
    index = audformat.segmented_index(files, [pd.Timedelta(seconds=start) for start in starts], until)
    speakers = sorted(set(files))
    made["files"] = audformat.Table(audformat.filewise_index(speakers))
    made["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    made["files"]["speaker"].set([path.removesuffix(".wav") for path in speakers])
    made["felt"] = audformat.Table(index)
    made["felt"]["emotion"] = audformat.Column(scheme_id="emotion")
    made["felt"]["emotion"].set(list(table.emotion))
    if gold:
        made[gold] = audformat.Table(index[:1])
        made[gold]["emotion"] = audformat.Column(scheme_id="emotion")
        made[gold]["emotion"].set(["sadness" if table.emotion.iloc[0] != "sadness" else "anger"])
    made.save(folder, storage_format=form)
    return table


@needs("audformat")
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_audformat_database_is_a_corpus(tmp_path, form):
    meant = database(tmp_path / "db", form)
    read = load_corpus("mine", tmp_path / "db")
    assert list(read.emotion) == list(meant.emotion) and list(read.speaker) == list(meant.speaker)
    assert set(read.language) == {"it"} and np.allclose(read.seconds, meant.seconds, atol=1e-3)
    cut = [read_audio(place) for place in places(read)]
    assert all(abs(len(one) - len(read_audio(two))) < 20 for one, two in zip(cut, meant.path))
    assert check_corpus(read, listen=True).usable


@needs("audformat")
def test_the_gold_standard_counts_and_without_one_nobody_does(tmp_path):
    meant = database(tmp_path / "gold", gold="felt.gold_standard")
    read = load_corpus("mine", tmp_path / "gold")
    assert len(read) == 1 and read.emotion[0] != meant.emotion.iloc[0]
    database(tmp_path / "rater", gold="felt.rater2")
    assert "its tables disagree" in refusal(load_corpus, "mine", tmp_path / "rater")


class Bomb:
    "A pickle that would leave a trace."

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


@needs("audformat")
def test_no_code_of_a_stranger_runs(tmp_path):
    database(tmp_path / "db")
    (tmp_path / "db" / "db.felt.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "trace")))
    assert len(load_corpus("mine", tmp_path / "db")) and not (tmp_path / "trace").exists()
    (tmp_path / "db" / "db.felt.csv").unlink()
    assert "pickles can run code" in refusal(load_corpus, "mine", tmp_path / "db")
    header = (tmp_path / "db" / "db.yaml").read_text()
    bad = f"meta: !!python/object/apply:os.mkdir ['{tmp_path / 'trace'}']\n"
    (tmp_path / "db" / "db.yaml").write_text(header + bad)
    assert "no header of an audformat database" in refusal(load_corpus, "mine", tmp_path / "db")
    assert not (tmp_path / "trace").exists()


@needs("audformat")
@pytest.mark.parametrize("text", ["", "[]", "a: [", "name: 3", "\x00", "tables: {../x: {type: filewise}}"])
def test_headers_that_are_none(tmp_path, text):
    full = f"name: a\nsource: b\nusage: other\n{text}" if text.startswith("tables") else text
    (tmp_path / "db.yaml").write_text(full)
    assert "db.yaml" in refusal(load_corpus, "mine", tmp_path)


@needs("audformat")
@pytest.mark.parametrize(
    "row,said",
    [
        ("a.wav,0 days,0 days 00:00:09,joy", "row 1 of its tables: end 9.0 lies beyond a.wav"),
        ("a.wav,0 days 00:00:02,0 days 00:00:01,joy", "row 1: end 1.0 does not come after start 2.0"),
        ("none.wav,0 days,0 days 00:00:01,joy", "1 of 1 files in its tables are not there: none.wav"),
        ("a.wav,0 days,0 days 00:00:01,mad", 'row 1, a.wav: unknown emotion "mad"'),
    ],
)
def test_wrong_rows_of_a_database(tmp_path, row, said):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 48_000), 16_000)
    header = "name: a\nsource: b\nusage: other\nschemes: {emotion: {dtype: str}}\n"
    header += "tables: {felt: {type: segmented, columns: {emotion: {scheme_id: emotion}}}}\n"
    (tmp_path / "db.yaml").write_text(header)
    (tmp_path / "db.felt.csv").write_text(f"file,start,end,emotion\n{row}\n")
    assert said in refusal(load_corpus, "mine", tmp_path)


@needs("audformat")
def test_a_database_without_emotions_is_a_target(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 48_000), 16_000)
    (tmp_path / "db.yaml").write_text("name: a\nsource: b\nusage: other\ntables: {files: {type: filewise}}\n")
    (tmp_path / "db.files.csv").write_text("file\na.wav\n")
    (row,) = read_audformat(tmp_path, "mine")
    assert row == (tmp_path / "a.wav", "mine", "und", "(unknown)", None)


# --- datasets of Hugging Face -----------------------------------------------------------------------


def dataset(folder, rows, names=("ang", "neu", "sad", "hap"), split=False, **columns):
    "Rows (bytes or None, path, class, speaker) as the library saves them."
    import datasets

    datasets.disable_progress_bars()
    kinds = dict(audio=dict(bytes=datasets.Value("binary"), path=datasets.Value("string")))
    kinds |= dict(label=datasets.ClassLabel(names=list(names)), speaker_id=datasets.Value("int64"))
    kinds |= {name: datasets.Value("float64") for name in columns}
    said = dict(audio=[dict(bytes=data, path=path) for data, path, *_ in rows])
    said |= dict(label=[row[2] for row in rows], speaker_id=[row[3] for row in rows], **columns)
    made = datasets.Dataset.from_dict(said, features=datasets.Features(kinds))
    made = made.cast_column("audio", datasets.Audio())
    if split:
        cut = len(rows) // 2
        parts = dict(train=made.select(range(cut)), test=made.select(range(cut, len(rows))))
        made = datasets.DatasetDict(parts)
    made.save_to_disk(folder)
    return folder


@pytest.fixture
def twenty(monkeypatch, tmp_path):
    "Twenty recordings, and their bytes, names, classes, speakers; a folder for what is written out."
    monkeypatch.setenv("SERE_CACHE", str(tmp_path / "cache"))
    table = mini_corpus("it").query("emotion in ['anger', 'neutral', 'sadness', 'happiness']")
    table = table.groupby("emotion").head(5).reset_index(drop=True)
    emotions = ["anger", "neutral", "sadness", "happiness"]
    rows = [
        (path.read_bytes(), path.name, emotions.index(label), int(who[-1]))
        for path, label, who in zip(table.path, table.emotion, table.speaker)
    ]
    return table, rows


@needs("datasets")
@pytest.mark.parametrize("split", [False, True])
def test_a_saved_dataset_is_a_corpus(tmp_path, twenty, split):
    table, rows = twenty
    read = load_corpus("hub", dataset(tmp_path / "saved", rows, split=split))
    found = {
        audio_digest(path): (emotion, speaker)
        for path, emotion, speaker in zip(read.path, read.emotion, read.speaker)
    }
    assert len(read) == len(found) == 20 and read.seconds.notna().all()
    for path, emotion, who in zip(table.path, table.emotion, table.speaker):
        assert found[audio_digest(path)] == (emotion, str(int(who[-1])))
    before = {path: path.stat().st_mtime_ns for path in read.path}
    load_corpus("hub", tmp_path / "saved")
    assert before == {path: path.stat().st_mtime_ns for path in before}  # written out once
    order = [list(map(audio_digest, table.path)).index(audio_digest(path)) for path in read.path]
    assert np.array_equal(extract(read, "encoder"), extract(table.iloc[order], "encoder"))


@needs("datasets")
def test_times_classes_and_missing_sound_of_a_dataset(tmp_path, twenty):
    _, rows = twenty
    rows = [
        (data, path, -1 if number == 1 else label, who)
        for number, (data, path, label, who) in enumerate(rows[:3])
    ]
    times = dict(start=[0.1, float("nan"), 0.2], end=[0.6, float("nan"), 0.9])
    (one, *first), (two, *second), _ = read_dataset(dataset(tmp_path / "times", rows, **times), "hub")
    assert (one.start, one.end) == (0.1, 0.6) and not isinstance(two, Part)
    assert first[3] is not None and second[3] is None
    wrong = dict(start=[0.1, 0.5, 0.2], end=[0.6, 0.5, 0.9])
    assert "row 1: end 0.5 does not come after" in refusal(
        read_dataset, dataset(tmp_path / "wrong", rows, **wrong), "hub"
    )
    assert "unknown emotion" in refusal(
        read_dataset, dataset(tmp_path / "mad", rows, names=("mad", "b", "c", "d")), "hub"
    )
    assert "both name" in refusal(read_dataset, dataset(tmp_path / "twice", [rows[0], rows[0]]), "hub")


@needs("datasets")
def test_what_is_no_dataset_of_sounds(tmp_path, twenty):
    import datasets

    datasets.disable_progress_bars()
    datasets.Dataset.from_dict({"label": ["joy"]}).save_to_disk(tmp_path / "text")
    assert "0 columns of sound among label" in refusal(load_corpus, "hub", tmp_path / "text")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "state.json").write_text(json.dumps({}))
    assert "no dataset that can be read" in refusal(load_corpus, "hub", tmp_path / "empty")
    saved = dataset(tmp_path / "cut", twenty[1])
    for arrow in saved.glob("*.arrow"):
        arrow.write_bytes(arrow.read_bytes()[:1000])
    assert "cut" in refusal(load_corpus, "hub", saved)


# --- without the libraries --------------------------------------------------------------------------


@pytest.mark.parametrize("file,library", [("db.yaml", "audformat"), ("state.json", "datasets")])
def test_a_library_that_is_not_there_is_named(tmp_path, file, library, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / file).write_text("")
    assert "pip install 'sere_nb[tables]'" in refusal(load_corpus, "mine", tmp_path)


def test_a_folder_without_any_table(tmp_path):
    assert read_folder(tmp_path, "mine") is None
    line = refusal(load_corpus, "mine", tmp_path)
    assert "no metadata.csv" in line and "no db.yaml" in line and "no saved dataset" in line
    assert place_columns([tmp_path]) == {"path": [tmp_path]}
