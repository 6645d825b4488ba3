"""Methods of others on the same tasks."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "aligning": "ALIGNING",
        "neighbours": "NEIGHBOURS",
        "adapting": "ADAPTING",
        "consistency": "CONSISTENCY",
    },
)
