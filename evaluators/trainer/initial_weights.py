"""Weights of a file as the start of a training: what fits a network by name and shape is taken, the rest is named."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from space.errors import InputError

SUFFIXES = (".safetensors", ".pt", ".pth")
_NESTED = ("state_dict", "model", "model_state_dict")
_PREFIXES = ("module.", "_orig_mod.")  # added by DistributedDataParallel and by torch.compile


@dataclass(frozen=True)
class Misfit:
    """A tensor whose name fits and whose shape does not."""

    name: str
    wanted: tuple[int, ...]
    came: tuple[int, ...]


@dataclass(frozen=True)
class FittedWeights:
    """What became of the tensors of a file.

    ``loaded`` were taken; ``misfits`` have another shape; ``absent`` are the network's and not in the file, ``unused``
    the file's and not in the network. The network keeps its own tensors for the misfits and the absent.
    """

    loaded: tuple[str, ...]
    misfits: tuple[Misfit, ...]
    absent: tuple[str, ...]
    unused: tuple[str, ...]


def fit_weights(network: nn.Module, file: str | Path, argument: str = "--init") -> FittedWeights:
    """Loads into ``network`` the tensors of ``file`` that fit by name and shape, and says which did.

    A .safetensors file, or a .pt or .pth file that torch wrote: tensors by name, also under ``state_dict``, ``model`` or
    ``model_state_dict``. Nothing of a file is executed. The prefixes of DistributedDataParallel and torch.compile are
    dropped from the names.

    Raises InputError naming ``argument`` where the file is missing, is damaged, holds something else, or where no
    trained tensor of it fits; the network is then unchanged.
    """
    came = tensors_of(Path(file), argument)
    own = network.state_dict()
    fits = {n: came[n] for n in own if n in came and came[n].shape == own[n].shape}
    if not fits.keys() & dict(network.named_parameters()).keys():
        wanted = f"weights with names and shapes of the network, such as {_example(own)}"
        example = _example(came) if came else "no tensors"
        raise InputError.of(argument, wanted, f"{file} ({example})")
    with torch.no_grad():
        for name, tensor in fits.items():
            own[name].copy_(tensor)
    return FittedWeights(
        loaded=tuple(fits),
        misfits=tuple(
            Misfit(name, tuple(tensor.shape), tuple(came[name].shape))
            for name, tensor in own.items()
            if name in came and name not in fits
        ),
        absent=tuple(name for name in own if name not in came),
        unused=tuple(name for name in came if name not in own),
    )


def tensors_of(file: Path, argument: str = "--init") -> dict[str, Tensor]:
    """The tensors of a weights file by name, prefixes dropped. Raises InputError naming ``argument``."""
    if file.suffix not in SUFFIXES:
        raise InputError.of(argument, f"a file ending in {', '.join(SUFFIXES)}", str(file))
    if not file.is_file():
        raise InputError.of(argument, "a file of weights", f"{file} (no such file)")
    document = _read(file, argument)
    for key in _NESTED:
        if isinstance(document, Mapping) and isinstance(document.get(key), Mapping):
            document = document[key]
            break
    if not isinstance(document, Mapping):
        raise InputError.of(argument, "tensors by name", f"{file} (a {type(document).__name__})")
    return {_bare(str(name)): item for name, item in document.items() if isinstance(item, Tensor)}


def _read(file: Path, argument: str) -> Any:
    """What the file holds, on the CPU."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # The message of torch is a page of advice on how to run the code in the file.
        reason = "not a file of torch, or one that holds more than tensors"
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
    raise InputError.of(argument, "a whole file that holds only weights", f"{file} ({reason})")


def _bare(name: str) -> str:
    """The name of a tensor without what wrappers put before it."""
    while name.startswith(_PREFIXES):
        name = name.removeprefix(_PREFIXES[0]).removeprefix(_PREFIXES[1])
    return name


def _example(tensors: Mapping[str, Tensor]) -> str:
    """The first tensor, as ``name (8, 3, 3, 3)``."""
    name, tensor = next(iter(tensors.items()))
    return f"{name} {tuple(tensor.shape)}"
