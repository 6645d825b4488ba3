"""Methods on every draw of every pair, stored, reported and drawn."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "study": "METHODS GROUPS SHIPPED named_methods answering usable_folder run_study",
        "report": "default_baseline result_files write_results write_report write_pages",
        "results": "kept per_task lead",
    },
)
