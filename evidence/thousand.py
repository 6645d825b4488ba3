#!/usr/bin/env python3
"""What `sere predict` costs: one recording from a cold start, a hundred, a thousand with a bad file among
them, by one process and by two. Seconds on the clock, seconds of sound, and the most memory of the process.

    python evidence/thousand.py --corpora FOLDER

The second half of the cases asks the quick model. One process works on one thread. Run it on a machine that
does nothing else."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from common import Corpora, arguments, parsed, save

CASES = ((1, 1), (1, 1), (1, 1), (100, 1), (1000, 1), (1000, 2))  # recordings, processes
CASES = [(*case, quick) for quick in (False, True) for case in CASES]


def linked(paths, folder):
    "A folder with these recordings under meaningless names; the last of many is no recording."
    folder.mkdir()
    for number, path in enumerate(paths):
        (folder / f"{number:04}{Path(path).suffix}").symlink_to(path)
    if len(paths) >= 100:
        broken = sorted(folder.iterdir())[-1]
        broken.unlink()
        broken.write_text("no sound")
    return len(paths) >= 100


def asked(folder, out, jobs, quick):
    "Seconds, and megabytes at the most, of a command that answers a folder."
    words = [
        sys.executable,
        "-m",
        "sere_nb.command.cli",
        "predict",
        folder,
        "--out",
        out,
        "--jobs",
        str(jobs),
    ]
    words += ["--quick"] * quick
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SERE_PROGRESS": "0"}
    before = time.perf_counter()
    running = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE)
    said = running.stderr.read()
    _, code, used = os.wait4(running.pid, 0)
    return time.perf_counter() - before, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(code), said


def rows_of(table, folder):
    "A row for each case."
    for number, (count, jobs, quick) in enumerate(CASES):
        some = table.iloc[:count]
        count = len(some)  # fewer with --quick
        broken = linked(some.path, folder / str(number))
        seconds, megabytes, code, said = asked(folder / str(number), folder / f"{number}.txt", jobs, quick)
        answers = len((folder / f"{number}.txt").read_text().splitlines())
        if (code, answers, len(said.splitlines())) != (broken, count - broken, broken):
            sys.exit(f"{count} recordings: exit {code}, {answers} answers\n{said.decode()}")
        sound = some.seconds.iloc[: count - broken].sum()
        row = dict(recordings=count, jobs=jobs, quick=quick, sound=float(sound))
        row.update(seconds=seconds, megabytes=megabytes)
        print(row, flush=True)
        yield dict(row, times=sound / seconds)


def main():
    "Measure, and write."
    parser = arguments(__doc__, draws=0, features=("both",))
    options = parsed(parser)
    tables = Corpora(options).tables.values()
    table = pd.concat(tables).sample(frac=1, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        save("speech", {"thousand": list(rows_of(table, Path(folder)))}, options)


if __name__ == "__main__":
    main()
