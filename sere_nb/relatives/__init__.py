"""Methods of others on the same tasks."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
