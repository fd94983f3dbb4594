# SPDX-License-Identifier: Apache-2.0
"""Keyword spotting: 1,000 clips as the official int8 MFCC files (49 frames x 10 coefficients, frame-major)."""

from __future__ import annotations

from mlperf_tiny.models.tasks.task import (
    InputTensor,
    Metric,
    OfficialDownload,
    OfficialList,
    SampleFiles,
    Task,
    WireInfo,
)
from mlperf_tiny.models.tasks.upstream import label_list_url

KWS = Task(
    name="kws",
    title="keyword spotting",
    model_id="kws01",
    data_id="kws01",
    folder_names=("kws", "kws01", "keywordspotting"),
    metric=Metric.TOP1,
    target=90.0,
    labels=("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "silence", "unknown"),
    classes=12,
    file_bytes=490,
    window_bytes=490,
    stride_bytes=490,
    samples=1000,
    default_model="mlperf-kws",
    # The official files are quantised for this tensor of the reference model.
    tensor=InputTensor(size_bytes=490, scale=0.5847029089927673, zero_point=83),
    wire=WireInfo(input="int8", results="truncated", buffer_bytes=490),
    official_lists=(
        OfficialList(
            digest="c29dee25f94d56439828dca5c7d6950cd09d71f091d76760cecebd93e87e7a99",
            files=1000,
            title="the official list",
        ),
    ),
    files=SampleFiles(decoders={".bin": "bytes"}),
    download=OfficialDownload(
        archive_url="https://github.com/eembc/energyrunner/archive/cf7c2f2634608a7c0ea7458ab7cb3379f2863424.zip",
        list_url=label_list_url("kws01"),
        list_sha256="6cb3709762d53fe64eb00eaf4a75796248bb3c1386f1d1f93ccdb07b071e9698",
        content_sha256="c2e5f02def82726f5c49dfe85c311c52f295ad68561f6bae89931fdadaaedc73",
        picker="keyword files",
    ),
)
