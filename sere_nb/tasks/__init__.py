"""Two corpora as a task, what measures an answer, and the ladder of baselines."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "metrics": """
            plot_confusion uar war Estimate bootstrap_mean paired_bootstrap score_array summarise norm_column
            settings ladder_lines task_lines verdict target_labels TransferMatrix mean_confusion compare
            plot_forest rank_methods direction_effects""",
        "confidence": "UNSURE tempered abstaining",
        "tasks": """
            TARGET_WEIGHT SCORES Task check_apart check_target_shots Pair prepare counted labels_used taught
            Method answer score run_task""",
        "conditions": "CONDITIONS arrange through",
        "baselines": """
            REGULARISATION BASELINES logreg_model logreg Linear balanced logreg_balanced most_certain self_train
            selftrain_model selftrain principal within_covariance power""",
    },
)
