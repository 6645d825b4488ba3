"""Nothing of speech: names, files, processes, figures."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "core": """
            EMOTIONS shown SereError check_whole check_place emotion_name generator assert_same beside
            unwritable atomic_path file_stem feed require documented progress package_folder provenance
            results_file""",
        "files": "regular read_whole arriving as_new Output writable paths_in",
        "workers": "one_thread",
        "figures": """
            figure_text page_text heat_map plot_intervals emotion_colours mixed_colours as_png as_wav
            image_element audio_element Markup page_table page_section write_page""",
        "live": "placeholder script explore_field explore_chain explore_loop",
    },
)
