# SPDX-License-Identifier: Apache-2.0
"""Visual wake words: 1,000 images with and without a person, as 96 x 96 x 3 unsigned bytes or image files."""

from __future__ import annotations

from mlperf_tiny.models.tasks.task import InputTensor, Metric, OfficialList, SampleFiles, Task, WireInfo

VWW = Task(
    name="vww",
    title="visual wake words",
    model_id="vww01",
    data_id="vww01",
    folder_names=("vww", "vww01", "visualwakewords", "visualwakeword"),
    metric=Metric.TOP1,
    target=80.0,
    labels=("non_person", "person"),
    classes=2,
    file_bytes=27_648,
    window_bytes=27_648,
    stride_bytes=27_648,
    samples=1000,
    default_model="mlperf-vww",
    tensor=InputTensor(size_bytes=27_648, scale=1.0 / 255.0, zero_point=-128),
    wire=WireInfo(input="uint8", results="rounded", buffer_bytes=27_648),
    official_lists=(
        OfficialList(
            digest="04b8860587ec8bf2660761fa497f2f454d6f8ef8a28568e1fa99f1d4f630d1e4",
            files=1000,
            title="the official list",
        ),
    ),
    files=SampleFiles(decoders={".bin": "bytes", ".png": "image", ".jpg": "image"}, image_side=96),
    manual_download=(
        "it is made from images of COCO val2017, cropped to 96 x 96; put the .bin files as DIR/vww01/ beside the "
        "official y_labels.csv"
    ),
    synthetic="scenes",
)
