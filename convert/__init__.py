"""From a trained model to a pack: quantise, verify, write."""

# Of the voice's graphs, as good as float in 60 KB more than int8-dynamic, and cheaper where
# tflite-runtime runs. Its hybrid int8 kernels crash on an emulated Cortex-A76, the Raspberry Pi 5
# (results/quantisation.json, docs/boards.md).
QUANTIZATION = "float16"
