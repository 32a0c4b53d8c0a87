"""Earlier names of settings, so that recorded runs and old command lines stay readable."""

SETTING_ALIASES: dict[str, str] = {
    "pseudo_batches": "iterations",
    "growth": "step_growth",
    "reuse": "reuse_generator_batch",
    "fresh": "resample_each_step",
    "replay": "replay_fraction",
    "pool": "replay_size",
    "balance": "replay_balance",
    "beta": "attention_weight",
    "hint": "hint_weight",
    "regression": "regression_weight",
    "coverage": "class_entropy_weight",
    "certainty": "confidence_weight",
    "moments": "bn_statistics_weight",
    "push": "perturbation_radius",
    "inherit": "init_from_teacher",
    "average": "ema_decay",
    "alpha": "kd_fraction",
    "images_per_class": "samples_per_class",
    "start": "init_from_run",
    "clip": "max_grad_norm",
}
"""Old name -> the name of today."""
