"""What the peers run, made from our model file: ONNX, ONNX Runtime's and OpenVINO's INT8 models.

    prepare.py WHAT MODEL FOLDER HEIGHT WIDTH PICTURES

WHAT names a row of MAKERS: a file that is made in FOLDER. PICTURES: prepared pictures to calibrate
on, raw floats one after the other.
"""
import os
import sys
from pathlib import Path

import numpy as np


def pictures(path, height, width):
    """[count, 1, 3, height, width]"""
    values = np.fromfile(path, np.float32).reshape(-1, 1, height, width, 3)
    return np.ascontiguousarray(values.transpose(0, 1, 4, 2, 3))


def export(model, folder, height, width, _):
    """fp32.onnx, with operators for LayerNorm (17) and Gelu (20)."""
    import libprune
    import torch
    from module import Module
    module = Module(libprune.load(model), height, width).eval()
    image = torch.zeros(1, 3, height, width)
    with torch.inference_mode():
        torch.onnx.export(module, (image,), str(folder / "part.onnx"), dynamo=False,
                          opset_version=20, input_names=["image"], output_names=["depth"])
    (folder / "part.onnx").rename(folder / "fp32.onnx")


def preprocessed(folder):
    """Shapes inferred and fused as ONNX Runtime's quantizer wants it."""
    from onnxruntime.quantization.shape_inference import quant_pre_process
    path = folder / "preprocessed.onnx"
    if not path.exists():
        quant_pre_process(str(folder / "fp32.onnx"), str(path), skip_symbolic_shape=True)
    return str(path)


def dynamic(model, folder, height, width, _):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(preprocessed(folder), str(folder / "part.onnx"), per_channel=True,
                     weight_type=QuantType.QInt8, reduce_range=not has_vnni(),
                     op_types_to_quantize=["MatMul", "Gemm"])
    (folder / "part.onnx").rename(folder / "int8-dynamic.onnx")


def has_vnni():
    """Without VNNI, sums of two products of 8 bits saturate, and ONNX Runtime's documentation asks
    for weights of 7 bits."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return "vnni" in file.read()


def static(model, folder, height, width, path):
    from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                          quantize_static)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rows = iter(pictures(path, height, width))

        def get_next(self):
            row = next(self.rows, None)
            return None if row is None else {"image": row}

    quantize_static(preprocessed(folder), str(folder / "part.onnx"), Reader(),
                    quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    reduce_range=not has_vnni(),
                    op_types_to_quantize=["MatMul", "Gemm", "Conv", "ConvTranspose"])
    (folder / "part.onnx").rename(folder / "int8-static.onnx")


def compressed(model, folder, height, width, path):
    """NNCF's post-training quantization, with its transformer preset and SmoothQuant where there is
    attention."""
    import libprune
    import nncf
    import openvino
    kinds = {node["op"] for node in libprune.load(model).graph["nodes"]}
    transformer = "attention" in kinds
    samples = pictures(path, height, width)
    parameters = nncf.AdvancedQuantizationParameters(
        smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=0.5))
    quantized = nncf.quantize(
        openvino.Core().read_model(str(folder / "fp32.onnx")), nncf.Dataset(list(samples)),
        preset=nncf.QuantizationPreset.MIXED, subset_size=len(samples),
        model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        advanced_parameters=parameters if transformer else None)
    openvino.save_model(quantized, str(folder / "part.xml"), compress_to_fp16=False)
    os.rename(folder / "part.bin", folder / "int8.bin")
    os.rename(folder / "part.xml", folder / "int8.xml")


MAKERS = {"fp32.onnx": export, "int8-dynamic.onnx": dynamic, "int8-static.onnx": static,
          "int8.xml": compressed}


def main():
    what, model, folder, height, width, path = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    MAKERS[what](model, Path(folder), int(height), int(width), path)


if __name__ == "__main__":
    main()
