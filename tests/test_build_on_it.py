"""The page about adding a method, an encoder or a corpus: its blocks run in order, in one session.

What they print is what the page says."""

import os
import re
import subprocess
import sys

from conftest import ROOT
from test_first_steps import NUMBER

BLOCKS = re.compile(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", re.M | re.S)
END = "-- end of a block --"
LONGEST = 15  # lines of an example


def test_the_examples_run_and_print_what_the_page_says(tmp_path, installed):
    text = (ROOT / "nbs" / "build_on_it.md").read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text)
    assert len(blocks) == text.count("```python") == 6
    assert all(len(list(filter(str.strip, code.splitlines()))) <= LONGEST for code, _ in blocks)
    program = "".join(f"{code}print({END!r})\n" for code, _ in blocks)
    environment = {**os.environ, "PYTHONPATH": str(installed), "LC_ALL": "C.UTF-8"}
    options = dict(cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    done = subprocess.run([sys.executable, "-c", program], **options)
    assert done.returncode == 0, done.stderr
    for said, (code, printed) in zip(done.stdout.split(f"{END}\n"), blocks):
        assert NUMBER.sub("#", said).split() == NUMBER.sub("#", printed).split(), code
        pairs = zip(NUMBER.findall(said), NUMBER.findall(printed))
        assert max((abs(float(one) - float(other)) for one, other in pairs), default=0) < 0.1, code
