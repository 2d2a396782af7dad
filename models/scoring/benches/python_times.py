"""How long ONNX Runtime takes, as Python has it: one thread, one row at a time.

Reads a line {"model": path, "inputs": {name: shape}, "runs": n} and answers with the median and the 95th percentile of n
runs and the processor's time of a run, all in seconds, for as many lines as come.
"""

import json
import sys
import time

import numpy
import onnxruntime

sessions = {}
for line in sys.stdin:
    ask = json.loads(line)
    if ask["model"] not in sessions:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.use_deterministic_compute = True
        session = onnxruntime.InferenceSession(ask["model"], options, providers=["CPUExecutionProvider"])
        feed = {name: numpy.full(shape, 0.5, dtype=numpy.float32) for name, shape in ask["inputs"].items()}
        for _ in range(3):
            session.run(None, feed)
        sessions[ask["model"]] = (session, feed)
    session, feed = sessions[ask["model"]]
    times = []
    busy = time.process_time()
    for _ in range(ask["runs"]):
        begin = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - begin)
    busy = (time.process_time() - busy) / ask["runs"]
    times.sort()
    print(times[len(times) // 2], times[len(times) * 95 // 100], busy, flush=True)
