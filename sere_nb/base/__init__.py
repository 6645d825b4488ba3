"""Nothing of speech: names, files, processes, figures."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
