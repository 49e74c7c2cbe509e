"""Weights of a file as the start: what fits is taken, the rest is named, and a bad file changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from evaluators.trainer.initial_weights import Misfit, fit_weights
from space.errors import InputError


def network(classes: int = 3, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, classes))


def saved(weights: dict[str, Tensor], path: Path) -> Path:
    save_file(weights, path) if path.suffix == ".safetensors" else torch.save(weights, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth"])
def test_equal_networks_fit_whole(name: str, tmp_path: Path) -> None:
    start, trained = network(), network(seed=1)
    found = fit_weights(start, saved(trained.state_dict(), tmp_path / name))
    assert found.loaded == tuple(trained.state_dict())
    assert found.misfits == found.absent == found.unused == ()
    for key, tensor in trained.state_dict().items():
        assert torch.equal(start.state_dict()[key], tensor)


def test_what_does_not_fit_is_named_and_left(tmp_path: Path) -> None:
    weights = network(classes=5, seed=1).state_dict()
    del weights["0.bias"]
    weights["extra"] = torch.zeros(1)
    start = network()
    before = {name: tensor.clone() for name, tensor in start.state_dict().items()}
    found = fit_weights(start, saved(weights, tmp_path / "w.safetensors"))
    assert found.misfits == (Misfit("3.weight", (3, 4), (5, 4)), Misfit("3.bias", (3,), (5,)))
    assert (found.absent, found.unused) == (("0.bias",), ("extra",))
    assert len(found.loaded) == len(before) - 3
    for name, tensor in start.state_dict().items():
        assert torch.equal(tensor, weights[name] if name in found.loaded else before[name])


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", None])
def test_nested_and_prefixed_names(key: str | None, tmp_path: Path) -> None:
    trained = network(seed=1).half()
    weights: Any = {f"module._orig_mod.{name}": tensor for name, tensor in trained.state_dict().items()}
    torch.save({key: weights, "epoch": 3} if key else weights, tmp_path / "w.pt")
    start = network()
    assert not fit_weights(start, tmp_path / "w.pt").absent
    torch.testing.assert_close(start[0].weight, trained[0].weight.float())
    assert start[0].weight.dtype == torch.float32


class _Foreign:
    pass


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BAD: list[tuple[str, Callable[[Path], object]]] = [
    ("missing.pt", lambda path: None),
    ("damaged.pt", lambda path: cut(saved(network().state_dict(), path))),
    ("damaged.safetensors", lambda path: cut(saved(network().state_dict(), path))),
    ("empty.pt", lambda path: path.write_bytes(b"")),
    ("empty.safetensors", lambda path: path.write_bytes(b"")),
    ("text.pth", lambda path: path.write_text("weights")),
    ("code.pt", lambda path: torch.save({"model": _Foreign()}, path)),
    ("list.pt", lambda path: torch.save([torch.zeros(2)], path)),
    ("other.pt", lambda path: saved({"a": torch.zeros(2), "0.weight": torch.zeros(4, 3, 5, 5)}, path)),
    ("counters.pt", lambda path: saved({"1.num_batches_tracked": torch.tensor(5)}, path)),
    ("nothing.pt", lambda path: torch.save({"epoch": 3}, path)),
    ("weights.bin", lambda path: path.write_bytes(b"x")),
]


@pytest.mark.parametrize(("name", "write"), BAD, ids=[name for name, _ in BAD])
def test_bad_files_are_one_line_and_change_nothing(
    name: str, write: Callable[[Path], object], tmp_path: Path
) -> None:
    write(tmp_path / name)
    start = network()
    before = {key: tensor.clone() for key, tensor in start.state_dict().items()}
    with pytest.raises(InputError, match=r"^--teacher-weights: wanted ") as caught:
        fit_weights(start, tmp_path / name, "--teacher-weights")
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert all(torch.equal(before[key], tensor) for key, tensor in start.state_dict().items())
