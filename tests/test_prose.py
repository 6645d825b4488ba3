"What counts as a sentence of a page, and what as a long one."

import pytest
from prose import length, sentences

pytestmark = pytest.mark.book

PAGE = """---
title: A page
---

## A heading of four words

First, *one* sentence. Then `code(with, many, words)` counts once; so does $a + b$! [Links](page.md) are text.

| a | table |
|---|---|

```python
code = "is no prose"
```

$$a = b$$

- An item without a stop
- another, e.g. this one
"""


def test_a_page_is_cut_into_sentences():
    found = list(sentences(PAGE))
    assert found[:2] == ["First, *one* sentence.", "Then Code counts once; so does Code!"]
    assert found[2:] == ["Links are text.", "- An item without a stop", "- another, e.g this one"]


@pytest.mark.parametrize(
    ("sentence", "words"), [("It's 1,200 files.", 3), ("A half-written file", 3), ("–", 0), ("Yes.", 1)]
)
def test_words_are_counted(sentence, words):
    assert length(sentence) == words
