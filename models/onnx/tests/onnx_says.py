"""What others say of a file: the checker of ONNX, and ONNX Runtime.

Reads {"model": path, "inputs": {name: {"shape": [..], "values": [..]}}} and answers
{"outputs": {name: {"shape": [..], "values": [..]}}, "opset": n, "ir": n, "metadata": {..}, "nodes": [..]}.
"""

import json
import sys

import numpy
import onnx
import onnxruntime

ask = json.load(sys.stdin)
model = onnx.load(ask["model"])
# Infers every shape anew and fails where one differs from what the file says.
onnx.checker.check_model(model, full_check=True)

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
# What it would only warn of is a fault here.
options.log_severity_level = 3
session = onnxruntime.InferenceSession(ask["model"], options, providers=["CPUExecutionProvider"])
feed = {
    name: numpy.array(given["values"], dtype=numpy.float32).reshape(given["shape"])
    for name, given in ask["inputs"].items()
}
outputs = {
    output.name: {"shape": list(value.shape), "values": [float(number) for number in value.ravel()]}
    for output, value in zip(session.get_outputs(), session.run(None, feed))
}
print(
    json.dumps(
        {
            "outputs": outputs,
            "opset": model.opset_import[0].version,
            "ir": model.ir_version,
            "metadata": {entry.key: entry.value for entry in model.metadata_props},
            "nodes": [node.name for node in model.graph.node],
        }
    )
)
