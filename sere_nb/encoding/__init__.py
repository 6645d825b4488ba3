"""A frozen speech encoder, and features of recordings."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
