# SPDX-License-Identifier: Apache-2.0
"""Device time on an emulated core: cycles of code blocks, from one constant a class up to a pipeline and memory."""
