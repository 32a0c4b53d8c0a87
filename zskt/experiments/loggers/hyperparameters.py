"""What TensorBoard's page "HParams" reads: the columns of its table, and a run's line in it.

The page takes its columns from one of the runs that it shows. So all runs have the same: the settings of a run and of
every method, and all final metrics. PyTorch's ``add_hparams`` would open a second file in a folder of its own.
"""

from __future__ import annotations

import time
from dataclasses import MISSING, fields
from typing import Any

from zskt.experiments.config import RunConfig
from zskt.experiments.loggers.logger import FINAL, RunDescription, final_name
from zskt.methods import METHODS


def columns() -> Any:
    """Return the summary that names the columns: settings, and final metrics."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    kinds = {bool: api_pb2.DATA_TYPE_BOOL, int: api_pb2.DATA_TYPE_FLOAT64, float: api_pb2.DATA_TYPE_FLOAT64}
    settings = [api_pb2.HParamInfo(name=n, type=kinds.get(k, api_pb2.DATA_TYPE_STRING)) for n, k in _settings().items()]
    metrics = [
        api_pb2.MetricInfo(name=api_pb2.MetricName(tag=final_name(part, entry)), display_name=f"{part} {entry}".strip())
        for part, entries in FINAL.items()
        for entry in entries
    ]
    experiment = api_pb2.Experiment(
        name="zskt", time_created_secs=time.time(), hparam_infos=settings, metric_infos=metrics
    )
    return _summary(metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=experiment))


def _settings() -> dict[str, type]:
    """Return every setting of a run and of its method, with the type of its default."""
    kinds: dict[str, type] = {}
    configs: list[Any] = [RunConfig, *(kind.Config for kind in METHODS.values())]
    for config in configs:
        for f in fields(config):
            if f.name != "settings":
                kinds.setdefault(f.name, str if f.default is MISSING else type(f.default))
    return kinds


def begun(description: RunDescription) -> Any:
    """Return the summary with a run's settings."""
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    started = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
    for name, value in description.simple().items():
        if isinstance(value, bool):
            started.hparams[name].bool_value = value
        elif isinstance(value, str):
            started.hparams[name].string_value = value
        else:
            started.hparams[name].number_value = value
    data = plugin_data_pb2.HParamsPluginData(session_start_info=started)
    return _summary(metadata.SESSION_START_INFO_TAG, data)


def ended() -> Any:
    """Return the summary that says that a run has ended well."""
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=time.time())
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    return _summary(metadata.SESSION_END_INFO_TAG, data)


def _summary(tag: str, data: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import metadata

    data.version = metadata.PLUGIN_DATA_VERSION
    content = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=data.SerializeToString())
    return Summary(
        value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=content), tensor=metadata.NULL_TENSOR)]
    )
