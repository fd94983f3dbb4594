# SPDX-License-Identifier: Apache-2.0
"""Anomaly detection: toy-car clips as log-mel feature files (200 frames x 128 bands, float32), or .wav clips."""

from __future__ import annotations

from mlperf_tiny.models.tasks.task import InputTensor, Metric, OfficialList, SampleFiles, Task, WireInfo

AD = Task(
    name="ad",
    title="anomaly detection",
    model_id="ad01",
    data_id="ad01",
    folder_names=("ad", "ad01", "anomalydetection"),
    metric=Metric.AUC,
    target=0.85,
    labels=("normal", "anomaly"),
    classes=1,
    file_bytes=102_400,
    # 5 frames of 128 float32 values; the next window starts one frame later.
    window_bytes=2_560,
    stride_bytes=512,
    samples=248,
    default_model="ad-s",
    tensor=InputTensor(size_bytes=640),
    wire=WireInfo(input="float32", results="mse", buffer_bytes=5_120),
    official_lists=(
        OfficialList(
            digest="c28edc4a43bf29df6108062742dfcb7ecd8e9ee7e60db45b9ded0c5bed732bb4",
            files=248,
            title="the official list",
        ),
        OfficialList(
            digest="564a33690b270464f6a9a48134422187cc99aa7894096f5905b313c5c01b58dc",
            files=72,
            title="the official short list",
        ),
    ),
    files=SampleFiles(decoders={".bin": "bytes", ".wav": "ad features"}, names="machine clips"),
    manual_download=(
        "it is made from the test clips of dev_data_ToyCar.zip (https://zenodo.org/records/3678171, non-commercial "
        "terms); unpack them as DIR/ad01/ beside the official y_labels.csv"
    ),
    synthetic="machine clips",
)
