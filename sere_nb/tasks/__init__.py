"""Two corpora as a task, what measures an answer, and the ladder of baselines."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
