"""One peer as a process of its own, with the protocol of bench_worker:

    worker.py ENGINE MODEL FOLDER HEIGHT WIDTH THREADS INPUT OUTPUT

ENGINE names a row of ENGINES; FOLDER holds what prepare.py made of the model.
"""
import json
import resource
import sys
import time
from pathlib import Path


class Arguments:
    def __init__(self, argv):
        self.engine, self.model, folder, height, width, threads, self.input, self.output = argv
        self.folder = Path(folder)
        self.height, self.width, self.threads = int(height), int(width), int(threads)


def picture(arguments):
    import numpy as np
    pixels = np.fromfile(arguments.input, np.float32)
    pixels = pixels.reshape(1, arguments.height, arguments.width, 3)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def torch_engine(arguments, dtype, compiled):
    import libprune
    import torch
    from module import Module
    torch.set_num_threads(arguments.threads)
    torch.set_num_interop_threads(1)
    model = libprune.load(arguments.model)
    module = Module(model, arguments.height, arguments.width).eval()
    x = torch.from_numpy(picture(arguments))
    module, x = (y.to(memory_format=torch.channels_last) for y in (module, x))
    if compiled:
        import torch._inductor.config
        torch._inductor.config.freezing = True
    if dtype == "bf16":
        module, x = module.to(torch.bfloat16), x.to(torch.bfloat16)
    call = torch.compile(module) if compiled else module

    def run():
        with torch.inference_mode():
            return call(x)

    return run, lambda y: y.float().numpy(), f"torch {torch.__version__}"


def onnxruntime_engine(arguments, name):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(arguments.folder / name), options,
                                           providers=["CPUExecutionProvider"])
    feeds = {session.get_inputs()[0].name: picture(arguments)}
    return (lambda: session.run(None, feeds)), (lambda y: y[0]), \
        f"onnxruntime {onnxruntime.__version__}"


def openvino_engine(arguments, name, precision):
    import openvino
    core = openvino.Core()
    config = {"INFERENCE_NUM_THREADS": arguments.threads, "NUM_STREAMS": 1,
              "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision,
              "ENABLE_CPU_PINNING": False}  # the process is pinned already
    compiled = core.compile_model(str(arguments.folder / name), "CPU", config)
    used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if used != precision:
        raise RuntimeError(f"asked for {precision}, it would compute in {used} on this processor")
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(picture(arguments)))

    def run():
        request.infer()
        return request.get_output_tensor()

    return run, lambda y: y.data, f"openvino {openvino.__version__}"


ENGINES = {
    "torch-fp32": lambda a: torch_engine(a, "fp32", False),
    "torch-compile-fp32": lambda a: torch_engine(a, "fp32", True),
    "torch-bf16": lambda a: torch_engine(a, "bf16", False),
    "torch-compile-bf16": lambda a: torch_engine(a, "bf16", True),
    "onnxruntime-fp32": lambda a: onnxruntime_engine(a, "fp32.onnx"),
    "onnxruntime-int8-dynamic": lambda a: onnxruntime_engine(a, "int8-dynamic.onnx"),
    "onnxruntime-int8-static": lambda a: onnxruntime_engine(a, "int8-static.onnx"),
    "openvino-fp32": lambda a: openvino_engine(a, "fp32.onnx", "f32"),
    "openvino-bf16": lambda a: openvino_engine(a, "fp32.onnx", "bf16"),
    "openvino-int8": lambda a: openvino_engine(a, "int8.xml", "f32"),
    "openvino-int8-bf16": lambda a: openvino_engine(a, "int8.xml", "bf16"),
}


def main():
    import numpy as np
    arguments = Arguments(sys.argv[1:])
    start = time.perf_counter()
    run, array, version = ENGINES[arguments.engine](arguments)
    opened = time.perf_counter()
    y = run()
    first = time.perf_counter()
    np.ascontiguousarray(array(y), dtype=np.float32).tofile(arguments.output)
    print(json.dumps({"version": version, "threads": arguments.threads,
                      "size": [arguments.height, arguments.width],
                      "open_ms": 1e3 * (opened - start), "first_ms": 1e3 * (first - opened),
                      "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}),
          flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line.split()[1])):
            begin = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - begin))
        print(json.dumps({"times": times}), flush=True)


if __name__ == "__main__":
    main()
