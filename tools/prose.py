"How long the sentences of a page are: a reader should not have to take a second breath."

import re
from statistics import median

from notebooks import NOTEBOOKS, ROOT, notebooks, read

LONGEST_SENTENCE = 40  # words
MEDIAN_SENTENCE = 16
BLOCKS = re.compile(r"(?ms)\A---$.*?^---$|^```.*?^```|<!--.*?-->|\$\$.*?\$\$")
LINES = re.compile(r"(?m)^\s*(#|\||:::|<|!\[|\[!\[).*$")
ATOMS = re.compile(r"`[^`\n]*`|\$[^$\n]+\$")  # code and formulas count as one word
LINKS = re.compile(r"!?\[([^\]]*)\]\([^)\s]*(?: \"[^\"]*\")?\)")
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*>]|\d+\.) )")
STOP = re.compile(r"(?<=[.!?…])[\"'”’)*_]*\s+(?=[\"'“‘(*_]*[A-Z0-9])")
ABBREVIATION = re.compile(r"\b(e\.g|i\.e|et al|vs|cf|approx|Dr|No)\.")


def sentences(text):
    "The sentences of a page's prose: no code, tables, headings or formulas."
    text = LINES.sub("", BLOCKS.sub("\n\n", text))
    text = ABBREVIATION.sub(r"\1", LINKS.sub(r"\1", ATOMS.sub("Code", text)))
    for paragraph in PARAGRAPH.split(text):
        yield from (" ".join(found.split()) for found in STOP.split(paragraph) if length(found))


def length(sentence):
    "The number of words in a sentence."
    return len(re.findall(r"\w[\w'’.,-]*", sentence))


def pages():
    "(path, prose) of every page that people write."
    for path in notebooks():
        cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
        yield path, "\n\n".join(cells)
    for path in [*sorted(NOTEBOOKS.glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        yield path, path.read_text(encoding="utf-8")


def report():
    "Print how many words and sentences every page has, and which are long: questions to a reviewer."
    for path, text in pages():
        found = list(sentences(text))
        words = [length(sentence) for sentence in found]
        name, middle = path.relative_to(ROOT), median(words) if words else 0
        mark = f"  (more than {MEDIAN_SENTENCE})" if middle > MEDIAN_SENTENCE else ""
        print(
            f"{name}: {sum(words)} words, {len(found)} sentences, half of them up to {middle:g} words{mark}"
        )
        for sentence, count in zip(found, words):
            if count > LONGEST_SENTENCE:
                print(f"    {count} words: {sentence[:80]}…")
