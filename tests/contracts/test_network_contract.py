"""What every inference engine must do, run over both on the same small network."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from spondyl.adapters.engines import EngineError, engine_version, open_network, resolve
from spondyl.domain.network import Engine

if TYPE_CHECKING:
    from spondyl.domain.network import Network

onnx = pytest.importorskip("onnx", reason="the package onnx (test extra) makes the small network")

SHAPE = (4, 6, 5)
NEEDS_OPENVINO = pytest.mark.skipif(
    find_spec("openvino") is None, reason="the openvino extra is not installed"
)
ENGINES = [
    pytest.param(Engine.ONNXRUNTIME, id="onnxruntime"),
    pytest.param(Engine.OPENVINO, id="openvino", marks=[pytest.mark.openvino, NEEDS_OPENVINO]),
]


def convolution(
    weights: np.ndarray, shape: tuple[object, ...] = (1, 1, *SHAPE), input_name: str = "patch"
) -> bytes:
    """An ONNX network of one 3x3x3 convolution with zero padding; weights are (channel, 1, 3, 3, 3)."""
    helper, tensor = onnx.helper, onnx.TensorProto
    node = helper.make_node("Conv", [input_name, "w"], ["output"], kernel_shape=[3, 3, 3], pads=[1] * 6)
    graph = helper.make_graph(
        [node],
        "small",
        [helper.make_tensor_value_info(input_name, tensor.FLOAT, list(shape))],
        [helper.make_tensor_value_info("output", tensor.FLOAT, [shape[0], len(weights), *shape[2:]])],
        [onnx.numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def shifts() -> np.ndarray:
    """Three channels: the voxel itself, its neighbour at k + 1, its neighbour at i - 1 doubled."""
    weights = np.zeros((3, 1, 3, 3, 3))
    weights[0, 0, 1, 1, 1] = 1.0
    weights[1, 0, 2, 1, 1] = 1.0
    weights[2, 0, 1, 1, 0] = 2.0
    return weights


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture
def network(engine: Engine) -> Network:
    return open_network(convolution(shifts()), engine, threads=1)


def patch(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 100, SHAPE).astype(np.float32)


def test_the_patch_shape_is_the_one_of_the_file(network: Network) -> None:
    assert network.patch_shape == SHAPE


def test_the_axes_stay_k_j_i_and_the_channels_come_first(network: Network) -> None:
    values = patch()
    output = network.run(values)
    assert output.dtype == np.float32
    assert output.shape == (3, *SHAPE)
    np.testing.assert_array_equal(output[0], values)
    np.testing.assert_array_equal(output[1, :-1], values[1:])
    np.testing.assert_array_equal(output[2, :, :, 1:], 2 * values[:, :, :-1])


def test_an_output_is_not_overwritten_by_the_next_patch(network: Network) -> None:
    first = network.run(patch(1))
    kept = first.copy()
    network.run(patch(2))
    np.testing.assert_array_equal(first, kept)


def test_the_patch_is_left_as_it_was(network: Network) -> None:
    values = patch()
    values.setflags(write=False)
    kept = values.copy()
    network.run(values)
    np.testing.assert_array_equal(values, kept)


def test_a_patch_that_is_not_contiguous_is_read_in_its_own_order(network: Network) -> None:
    values = patch()
    turned = np.ascontiguousarray(values.transpose(2, 1, 0)).transpose(2, 1, 0)
    np.testing.assert_array_equal(network.run(turned)[0], values)


def test_the_same_patch_gives_the_same_bits(engine: Engine) -> None:
    weights = np.random.default_rng(3).normal(0, 1, (8, 1, 3, 3, 3))
    outputs = [open_network(convolution(weights), engine, threads=2).run(patch()) for _ in range(2)]
    np.testing.assert_array_equal(outputs[0], outputs[1])


@pytest.mark.parametrize("wrong", [np.zeros((6, 4, 5), np.float32), np.zeros(SHAPE, np.float64)])
def test_another_shape_or_type_is_told(network: Network, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"float32 \(4, 6, 5\) is needed"):
        network.run(wrong)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no network", "cannot open the network"),
        (convolution(shifts(), input_name="image"), "'patch' and 'output' are needed"),
        (convolution(shifts(), shape=(2, 1, *SHAPE)), r"fixed \(1, 1, k, j, i\) is needed"),
    ],
    ids=["not-onnx", "other-name", "two-in-a-batch"],
)
def test_a_file_that_is_not_such_a_network_is_told(engine: Engine, content: bytes, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        open_network(content, engine, threads=1)


@pytest.mark.openvino
@NEEDS_OPENVINO
def test_both_engines_give_the_same_within_the_rounding_of_32_bit_floats() -> None:
    weights = np.random.default_rng(4).normal(0, 1, (8, 1, 3, 3, 3))
    content = convolution(weights)
    outputs = [
        open_network(content, x, threads=2).run(patch()) for x in (Engine.ONNXRUNTIME, Engine.OPENVINO)
    ]
    # 27 products summed: 27 x 2**-24 of the largest sum of magnitudes; bfloat16 would be 2**-8 of it
    magnitude = float(np.abs(weights).sum(axis=(1, 2, 3, 4)).max() * np.abs(patch()).max())
    assert np.abs(outputs[0] - outputs[1]).max() <= 27 * 2**-24 * magnitude


def test_no_thread_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        open_network(convolution(shifts()), engine, threads=0)


def test_an_engine_tells_its_version(engine: Engine) -> None:
    assert engine_version(engine)[0].isdigit()


def test_auto_prefers_openvino_and_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spondyl.adapters.engines.find_spec", lambda name: object())
    assert resolve(Engine.AUTO) is Engine.OPENVINO
    monkeypatch.setattr("spondyl.adapters.engines.find_spec", lambda name: None)
    assert resolve(Engine.AUTO) is Engine.ONNXRUNTIME


def test_a_missing_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spondyl.adapters.engines.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"spondyl\[openvino\]"):
        resolve(Engine.OPENVINO)
