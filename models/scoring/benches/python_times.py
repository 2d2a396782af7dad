"""How long ONNX Runtime takes, as Python has it: one thread, one row at a time.

Reads a line {"model": path, "input": name, "shape": [..], "runs": n} and answers with the median of n runs and the
processor's time of a run, both in seconds, for as many lines as come.
"""

import json
import statistics
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
        feed = {ask["input"]: numpy.full(ask["shape"], 0.5, dtype=numpy.float32)}
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
    print(statistics.median(times), busy, flush=True)
