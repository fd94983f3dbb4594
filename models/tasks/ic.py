# SPDX-License-Identifier: Apache-2.0
"""Image classification: 200 CIFAR-10 test images as 32 x 32 x 3 unsigned bytes, interleaved, row-major, or as PNG.

IC2 is the same benchmark with a larger network and a higher target, since round v1.4.
"""

from __future__ import annotations

from dataclasses import replace

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

IC = Task(
    name="ic",
    title="image classification",
    model_id="ic01",
    data_id="ic01",
    folder_names=("ic", "ic01", "imageclassification"),
    metric=Metric.TOP1,
    target=85.0,
    labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    classes=10,
    file_bytes=3_072,
    window_bytes=3_072,
    stride_bytes=3_072,
    samples=200,
    default_model="mlperf-ic",
    tensor=InputTensor(size_bytes=3_072, scale=1.0, zero_point=-128),
    wire=WireInfo(input="uint8", results="rounded", buffer_bytes=3_072),
    official_lists=(
        OfficialList(
            digest="209a004e1c5a99e5a0da0f3442d85a6adef27ebc5c300027984cecda90fe7e3e",
            files=200,
            title="the official list",
        ),
        OfficialList(
            digest="3ebb5b6bb54772cfa2a1c33d25ae01466117e5284f3cb9191d4b165dbd8490fd",
            files=200,
            title="the EEMBC runner's list",
        ),
    ),
    files=SampleFiles(decoders={".bin": "bytes", ".png": "image"}, image_side=32),
    download=OfficialDownload(
        archive_url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        archive_sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        list_url=label_list_url("ic01"),
        list_sha256="79e1f19ad731f046983a1a4480bda6369df26c5acee47505a860f164fb58ccd4",
        picker="CIFAR-10 images",
    ),
)

IC2 = replace(
    IC,
    name="ic2",
    title="image classification, larger network",
    model_id="ic02",
    folder_names=("ic2", "ic02"),
    runnable=False,
    target=91.0,
    default_model="",
)
