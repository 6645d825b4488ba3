"""Recordings, and what is known of them, as one table."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "audio": """
            SAMPLE_RATE AUDIO_SUFFIXES MEDIA_SUFFIXES SILENCE Part file_of container may_be_sound room convert
            audio_blocks at_16k Silent speech_fault open_audio read_audio duration listen audio_fault
            clipping""",
        "data": """
            load_corpus mini_corpus emodb_clips read_corpus common_emotions content_digest shared_recordings
            repeated_recordings content_warnings speaker_warnings check_corpus corpus_facts plot_counts
            draw_shots""",
        "metadata": "UNKNOWN_SPEAKER safe_cell",
        "names": "draft_metadata write_draft",
        "tables": """
            place_columns utterance_table path_texts check_table places read_folder read_speakers utf8_text
            recording_name write_answers read_answers""",
        "corpora": "CORPORA Corpus known_corpora parse_path",
    },
)
