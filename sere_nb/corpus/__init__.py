"""Recordings, and what is known of them, as one table."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
