from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: `make train-extra` installs it")
onnx = pytest.importorskip("onnx", reason="the package onnx (train extra) is not installed")

from spondyl import weights
from spondyl.adapters.engines import open_network
from spondyl.domain.network import Engine
from spondyl.training import TrainingError, TrainingSettings, loop, publish, train
from spondyl.training.checkpoint import FILE_NAME
from spondyl.training.make_network import export_onnx, make_network, patch_shape
from spondyl.training.publish import store_as_half

pytestmark = pytest.mark.torch


def settings(network: str, folder: Path, iterations: int, log_every: int = 5) -> TrainingSettings:
    return TrainingSettings(
        network=network, folder=folder, hours=1.0, max_iterations=iterations, workers=0, threads=1,
        pool_size=1, new_share=0.0, log_every=log_every,
    )  # fmt: skip


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def spent(folder: Path) -> tuple[int, float]:
    state = torch.load(folder / FILE_NAME, weights_only=True)
    return int(state["iterations"]), float(state["seconds"])


@pytest.fixture(scope="module")
def refiner_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refiner")
    train(settings("refiner", folder, 20))
    return folder


@pytest.fixture(scope="module")
def finder_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finder")
    train(settings("finder", folder, 1))
    return folder


def test_twenty_steps_on_one_patch_lower_the_loss(refiner_run: Path) -> None:
    lines = log_of(refiner_run)
    assert [x["iteration"] for x in lines] == [5, 10, 15, 20]
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.1


def test_a_stopped_run_goes_on_from_its_checkpoint(refiner_run: Path, tmp_path: Path) -> None:
    for name in (FILE_NAME, "log.jsonl"):
        (tmp_path / name).write_bytes((refiner_run / name).read_bytes())
    before = spent(refiner_run)
    train(settings("refiner", tmp_path, 22, log_every=1))
    after = spent(tmp_path)
    assert (before[0], after[0]) == (20, 22)
    assert after[1] > before[1]
    lines = log_of(tmp_path)
    assert lines[-1]["iteration"] == 22
    assert lines[-1]["seconds"] >= lines[-2]["seconds"]
    assert lines[-1]["loss"] < lines[0]["loss"] - 0.1  # it did not begin again


def test_steps_without_a_finite_gradient_are_left_out_and_too_many_of_them_stop_the_run(
    finder_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE_NAME).write_bytes((finder_run / FILE_NAME).read_bytes())

    def overflowing(_name: str, output: Any, _batch: object) -> tuple[Any, dict[str, float]]:
        return output.sum() * torch.inf, {"loss": float("inf")}

    monkeypatch.setattr(loop, "loss", overflowing)
    monkeypatch.setattr(loop, "_MOST_LEFT_OUT", 2)
    before = torch.load(tmp_path / FILE_NAME, weights_only=True)["net"]
    train(settings("finder", tmp_path, 2))
    after = torch.load(tmp_path / FILE_NAME, weights_only=True)["net"]
    assert all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(settings("finder", tmp_path, 100))


def test_a_run_whose_time_is_spent_only_exports(refiner_run: Path, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes((refiner_run / FILE_NAME).read_bytes())
    path = train(settings("refiner", tmp_path, 20))
    assert spent(tmp_path)[0] == 20
    assert path.name == "refiner.onnx"


@pytest.mark.parametrize("name", ["finder", "refiner"])
def test_the_exported_network_gives_what_torch_gives(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = make_network(name).eval()
    content = export_onnx(network, name, tmp_path / f"{name}.onnx").read_bytes()
    patch = np.random.default_rng(0).normal(size=patch_shape(name)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(patch)[None, None])[0].numpy()
    got = open_network(content, Engine.ONNXRUNTIME, threads=1).run(patch)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_published_networks_are_found_checked_and_give_the_same(
    finder_run: Path, refiner_run: Path, tmp_path: Path
) -> None:
    manifest = publish([refiner_run, finder_run], tmp_path, version="7", commit="abc")
    entries = json.loads(manifest.read_text(encoding="utf-8"))["networks"]
    assert list(entries) == ["finder", "refiner"]
    for name, run in (("finder", finder_run), ("refiner", refiner_run)):
        file = weights.load(name, tmp_path)
        assert (file.version, file.sha256) == ("7", hashlib.sha256(file.content).hexdigest())
        entry = entries[name]
        assert (entry["seed"], entry["iterations"], entry["commit"]) == (1, spent(run)[0], "abc")
        assert entry["command"].startswith(f"spondyl train {name} --folder RUN --hours 1.0 --seed 1")
        assert entry["stored"] == "float16"
        assert len(file.content) < 3_000_000
    patch = np.random.default_rng(1).normal(size=patch_shape("refiner")).astype(np.float32)
    whole = open_network((refiner_run / "refiner.onnx").read_bytes(), Engine.ONNXRUNTIME, threads=1)
    halved = open_network(weights.load("refiner", tmp_path).content, Engine.ONNXRUNTIME, threads=1)
    np.testing.assert_allclose(halved.run(patch), whole.run(patch), atol=1e-2)


def test_weights_that_half_precision_would_change_stay_as_they_are(
    finder_run: Path, refiner_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / FILE_NAME).write_bytes((refiner_run / FILE_NAME).read_bytes())
    model = onnx.load(refiner_run / "refiner.onnx")
    last = [x for x in model.graph.initializer if x.name.startswith("finish.weight")]
    values = onnx.numpy_helper.to_array(last[0]) * 1e4
    last[0].CopyFrom(onnx.numpy_helper.from_array(values, last[0].name))
    (run / "refiner.onnx").write_bytes(model.SerializeToString())
    manifest = publish([run, finder_run], tmp_path / "weights", version="7", commit="abc")
    entries = json.loads(manifest.read_text(encoding="utf-8"))["networks"]
    assert entries["refiner"]["stored"] == "float32"
    assert weights.load("refiner", tmp_path / "weights").content == (run / "refiner.onnx").read_bytes()


def test_half_storage_halves_the_file_and_keeps_32_bit_arithmetic(refiner_run: Path) -> None:
    content = (refiner_run / "refiner.onnx").read_bytes()
    halved = store_as_half(content)
    assert len(halved) < 0.55 * len(content)
    graph = onnx.load_from_string(halved).graph
    assert all(
        node.attribute[0].i == onnx.TensorProto.FLOAT
        for node in graph.node
        if node.op_type == "Cast" and node.input[0].endswith("_half")
    )


def test_missing_runs_and_networks_are_told(finder_run: Path, refiner_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        publish([tmp_path], tmp_path / "w", version="1", commit="abc")
    with pytest.raises(ValueError, match="one run each"):
        publish([refiner_run], tmp_path / "w", version="1", commit="abc")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("change", "said"), [({"network": "other"}, "'other'"), ({"hours": 0.0}, "positive")]
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        TrainingSettings(**({"network": "finder", "folder": tmp_path} | change))  # type: ignore[arg-type]


def test_the_how_to_publishes_as_it_says(
    finder_run: Path, refiner_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "train.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "finder").symlink_to(finder_run)
    (tmp_path / "runs" / "refiner").symlink_to(refiner_run)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(page), "exec"), {})
    assert weights.load("finder", tmp_path / "my-weights").version == "1"
