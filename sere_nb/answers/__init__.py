"""What people ask: a model of a method, answers to recordings, and one's own folder."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
