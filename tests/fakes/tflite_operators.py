# SPDX-License-Identifier: Apache-2.0
"""The TFLite operator of each kind of layer."""

OPERATORS = {
    "conv": "CONV_2D",
    "depthwise": "DEPTHWISE_CONV_2D",
    "dense": "FULLY_CONNECTED",
    "pool": "AVERAGE_POOL_2D",
    "pad": "PAD",
    "add": "ADD",
    "reshape": "RESHAPE",
    "softmax": "SOFTMAX",
}
