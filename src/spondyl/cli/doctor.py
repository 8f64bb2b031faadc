"""``spondyl doctor``: is this installation complete? Versions, engines, networks."""

from __future__ import annotations

import platform
from importlib.util import find_spec

import typer

from spondyl import __version__
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told
from spondyl.cli.notice import NOTICE


def doctor() -> None:
    """Check the installation: engines, networks, extras. Ends with 5 where it cannot read a study."""
    typer.echo(f"{NOTICE}\nspondyl {__version__}, Python {platform.python_version()}, {platform.platform()}")
    with failures_told():
        engine_lines = _engines()
        network_lines, complete = _networks()
    for line in (*engine_lines, *network_lines, *_extras()):
        typer.echo(line)
    if not complete:
        raise typer.Exit(ExitCode.INSTALLATION)


def _engines() -> list[str]:
    from spondyl.adapters.engines import PRECISION, engine_version, resolve
    from spondyl.domain.network import Engine
    from spondyl.settings import load

    settings = load()
    used = resolve(settings.engine)
    lines = [f"ok       engine onnxruntime {engine_version(Engine.ONNXRUNTIME)}"]
    if find_spec("openvino"):
        lines.append(f"ok       engine openvino {engine_version(Engine.OPENVINO)}")
    else:
        lines.append("missing  engine openvino (faster): pip install 'spondyl[openvino]'")
    return [*lines, f"ok       used: {used.value}, {PRECISION}, {settings.threads} threads"]


def _networks() -> tuple[list[str], bool]:
    """A line per network, and whether all can be used."""
    from spondyl.settings import load
    from spondyl.weights import FOLDER, NETWORK_NAMES, WeightsError
    from spondyl.weights import load as load_weights

    folder = load().weights_folder or FOLDER
    lines, complete = [], True
    for name in NETWORK_NAMES:
        try:
            file = load_weights(name, folder)
            lines.append(f"ok       network {name} {file.version}, SHA-256 {file.sha256[:16]}… verified")
        except WeightsError as error:
            complete = False
            lines.append(f"FAILED   network {name}: {error}")
    return lines, complete


def _extras() -> list[str]:
    if find_spec("torch"):
        return ["ok       extra train (PyTorch): `spondyl train` can run"]
    return ["missing  extra train (only to train networks): pip install 'spondyl[train]'"]
