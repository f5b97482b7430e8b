"""Whether an ONNX model is valid and computes what it should, within 1e-5: on the whole batch and on its first sample.

    pip install onnx onnxruntime && python3 wgan/tests/check_onnx.py MODEL FOLDER

FOLDER holds an array for each input and for each result, NAME.npy.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

model, folder = sys.argv[1], Path(sys.argv[2])
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
types = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
inputs = {value.name: arrays[value.name].astype(types[value.type]) for value in session.get_inputs()}
results = [value.name for value in session.get_outputs()]
for rows in [slice(None), slice(1)]:
    found = session.run(results, {name: array[rows] for name, array in inputs.items()})
    for name, values in zip(results, found):
        whole, batch = arrays[name], len(next(iter(inputs.values())))
        expected = whole[: len(whole) // batch] if rows == slice(1) else whole  # a batch of one has its share of the rows
        assert values.shape == expected.shape, f"{name}: {values.shape}, not {expected.shape}"
        error = np.abs(values - expected).max(initial=0.0)
        assert error < 1e-5, f"{name} is off by {error}"
print(f"{len(results)} results of {len(inputs)} inputs agree")
