"""Inference engines behind ``domain.network.Network``: ONNX Runtime (core) and OpenVINO (extra).

Both run in 32-bit floats with a stated number of threads and without busy waiting. A network file has
one input "patch" of fixed shape (1, 1, k, j, i) and one output "output" of shape (1, channel, k, j, i).
Why two engines, and why the precision is pinned: docs/decisions/0002-inference-engines.md.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from spondyl.domain.network import Engine, Network
from spondyl.geometry.arrays import Float32Array

if TYPE_CHECKING:
    from collections.abc import Sequence

PRECISION = "f32"
INPUT_NAME = "patch"
OUTPUT_NAME = "output"


class EngineError(Exception):
    """The engine is not installed, or cannot run this network."""


def resolve(engine: Engine) -> Engine:
    """The engine that will run: AUTO becomes the preferred one that is installed.

    Raises:
        EngineError: OpenVINO was asked for and is not installed.
    """
    has_openvino = find_spec("openvino") is not None
    if engine is Engine.OPENVINO and not has_openvino:
        raise EngineError(
            "the engine openvino is not installed; install it with `pip install 'spondyl[openvino]'`, "
            "or use --engine onnxruntime"
        )
    if engine is Engine.AUTO:
        return Engine.OPENVINO if has_openvino else Engine.ONNXRUNTIME
    return engine


def engine_version(engine: Engine) -> str:
    """Version of a resolved engine's package, as it names it."""
    if engine is Engine.OPENVINO:
        import openvino

        return str(openvino.get_version())
    import onnxruntime

    return str(onnxruntime.__version__)


def open_network(content: bytes, engine: Engine, threads: int) -> Network:
    """Open an ONNX network with a resolved engine.

    Raises:
        EngineError: the bytes are no ONNX network of the shape that this module names.
    """
    if threads < 1:
        raise ValueError(f"threads = {threads}; at least 1 is needed")
    opened: Network
    try:
        if engine is Engine.OPENVINO:
            opened = _OpenVinoNetwork(content, threads)
        else:
            opened = _OnnxRuntimeNetwork(content, threads)
    except (RuntimeError, ValueError) as error:
        raise EngineError(f"{engine.value} cannot open the network: {_last_line(error)}") from error
    return opened


class _OnnxRuntimeNetwork:
    """One ONNX Runtime session on the CPU."""

    def __init__(self, content: bytes, threads: int) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        # spinning threads burn a core between two patches, which the resampling needs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # its error types derive from Exception alone, so each that a bad network can raise is named
        bad_network = (errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.InvalidProtobuf,
                       errors.NoModel, errors.NotImplemented, errors.RuntimeException)  # fmt: skip
        try:
            self._session = onnxruntime.InferenceSession(
                content, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except bad_network as error:
            raise RuntimeError(str(error)) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._patch_shape = _checked_shape(
            [node.name for node in inputs], [node.name for node in outputs], inputs[0].shape
        )

    @property
    def patch_shape(self) -> tuple[int, int, int]:
        return self._patch_shape

    def run(self, patch: Float32Array) -> Float32Array:
        outputs = self._session.run([OUTPUT_NAME], {INPUT_NAME: _batch(patch, self._patch_shape)})
        return np.asarray(outputs[0][0], dtype=np.float32)


class _OpenVinoNetwork:
    """One OpenVINO model on the CPU, pinned to 32-bit floats."""

    def __init__(self, content: bytes, threads: int) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(content)
        self._patch_shape = _checked_shape(
            [port.any_name for port in model.inputs],
            [port.any_name for port in model.outputs],
            list(model.inputs[0].shape),
        )
        compiled = core.compile_model(
            model,
            "CPU",
            {
                # without the hint newer processors silently run in bfloat16 and give other heights
                "INFERENCE_PRECISION_HINT": PRECISION,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        _check_precision(compiled)
        self._request: Any = compiled.create_infer_request()  # Any: openvino publishes no types

    @property
    def patch_shape(self) -> tuple[int, int, int]:
        return self._patch_shape

    def run(self, patch: Float32Array) -> Float32Array:
        self._request.infer({INPUT_NAME: _batch(patch, self._patch_shape)}, share_inputs=True)
        # the request's output memory is reused by the next patch, so it is copied
        return np.array(self._request.get_output_tensor(0).data[0], dtype=np.float32)


def _last_line(error: Exception) -> str:
    """The line of an engine's long error that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _check_precision(compiled: Any) -> None:  # noqa: ANN401 - openvino publishes no types
    """Stop where the engine did not take the pinned precision.

    Raises:
        RuntimeError: the compiled model runs in another precision.
    """
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if precision != PRECISION:
        raise RuntimeError(f"precision {precision} instead of {PRECISION}")


def _checked_shape(
    inputs: Sequence[str], outputs: Sequence[str], shape: Sequence[int | str | None]
) -> tuple[int, int, int]:
    """The (k, j, i) of the input, where names and shape are those that a network of ours has.

    Raises:
        ValueError: other names, or a shape that is not (1, 1, k, j, i) of fixed sizes.
    """
    if list(inputs) != [INPUT_NAME] or list(outputs) != [OUTPUT_NAME]:
        raise ValueError(
            f"inputs {list(inputs)}, outputs {list(outputs)}; {INPUT_NAME!r} and {OUTPUT_NAME!r} are needed"
        )
    sizes = [size for size in shape if isinstance(size, int)]
    if len(sizes) != 5 or len(shape) != 5 or sizes[:2] != [1, 1]:
        raise ValueError(f"input shape {list(shape)}; fixed (1, 1, k, j, i) is needed")
    return sizes[2], sizes[3], sizes[4]


def _batch(patch: Float32Array, patch_shape: tuple[int, int, int]) -> Float32Array:
    """The patch as the (1, 1, k, j, i) array that the engines read in place.

    Raises:
        ValueError: another shape or type than the network's.
    """
    if patch.shape != patch_shape or patch.dtype != np.float32:
        raise ValueError(f"patch is {patch.dtype} {patch.shape}; float32 {patch_shape} is needed")
    return np.ascontiguousarray(patch)[np.newaxis, np.newaxis]
