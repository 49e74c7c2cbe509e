"""What stands around the network in the file: preprocessing, class names, loading, predicting, the command line."""

from __future__ import annotations

import json

from evaluators.export.python_source.layout import Call, laid_out
from evaluators.images.preparing import SMALLEST_STD
from evaluators.trained.run_folder import Preprocessing

_PREPROCESS = '''
def preprocess(images: Tensor) -> Tensor:
    """uint8 images (n, height, width, {channels}) of any size → what the network takes (n, {channels}, {resolution}, {resolution}).

    The largest centred square is resized, scaled to 0 to 1, and normalised.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = images[:, top : top + side, left : left + side].permute(0, 3, 1, 2).float()
    x = F.interpolate(square, (RESOLUTION, RESOLUTION), mode="bilinear", antialias=True) / 255
    mean, std = (torch.tensor(v, device=x.device).view(1, -1, 1, 1) for v in (MEAN, STD))
    return (x - mean) / std
'''

_PREDICT = '''
@torch.inference_mode()
def predict(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 images (n, height, width, {channels}) → probabilities (n, {classes}) and the likeliest labels (n)."""
    probabilities = network(preprocess(images)).softmax(dim=1)
    return probabilities, probabilities.argmax(dim=1)
'''

_LOAD = '''
def load(path: str | Path = WEIGHTS) -> Network:
    """The network with the weights of a safetensors file, ready to predict."""
    network = Network()
    network.load_state_dict(read_tensors(path))
    return network.eval()


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file: the header's length, a JSON header, and the numbers."""
    content = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    types = {{"F32": torch.float32, "I64": torch.int64}}
    tensors = {{}}
    for name, tensor in header.items():
        first, last = (start + offset for offset in tensor["data_offsets"])
        values = torch.frombuffer(content[first:last], dtype=types[tensor["dtype"]])
        tensors[name] = values.reshape(tensor["shape"])
    return tensors
'''

_MAIN = '''
def main(photos: list[str]) -> None:
    """Prints what is in each photo."""
    from PIL import Image, ImageOps

    network = load()
    for photo in photos:
        picture = ImageOps.exif_transpose(Image.open(photo)).convert("{mode}")
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        image = pixels.view(1, picture.height, picture.width, {channels})
        probabilities, labels = predict(network, image)
        print(f"{{photo}}: {{CLASSES[labels.item()]}} ({{probabilities.max():.1%}})")


if __name__ == "__main__":
    main(sys.argv[1:])
'''


# How Pillow calls pictures of so many channels; photos of others cannot be opened by the file.
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def imports(channels: int) -> list[str]:
    """The imports of the file of a network for images of ``channels``."""
    return [
        "from __future__ import annotations",
        "",
        "import json",
        *(["import sys"] if channels in _MODES else []),
        "from pathlib import Path",
        "",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor, nn",
    ]


def constants(preprocessing: Preprocessing, classes: tuple[str, ...], weights: str) -> str:
    """The constants of the file, whose weights lie beside it in the file ``weights``."""
    deviations = [max(std, SMALLEST_STD) for std in preprocessing.std]
    lines = [
        *laid_out("CLASSES = ", Call("", tuple(map(quoted, classes)), brackets="[]")),
        f"RESOLUTION = {preprocessing.resolution}",
        *laid_out("MEAN = ", Call("", tuple(map(repr, preprocessing.mean)), brackets="[]")),
        *laid_out("STD = ", Call("", tuple(map(repr, deviations)), brackets="[]")),
        f'WEIGHTS = Path(__file__).with_name("{weights}")',
    ]
    return "\n".join(lines)


def prediction(preprocessing: Preprocessing, classes: tuple[str, ...]) -> list[str]:
    """The functions ``preprocess`` and ``predict``."""
    return [_filled(text, preprocessing, classes) for text in (_PREPROCESS, _PREDICT)]


def use(preprocessing: Preprocessing, classes: tuple[str, ...]) -> list[str]:
    """The parts of the file behind the network, in order."""
    last = (_LOAD, _MAIN) if preprocessing.channels in _MODES else (_LOAD,)
    return [
        constants(preprocessing, classes, "model.safetensors"),
        *prediction(preprocessing, classes),
        *[_filled(text, preprocessing, classes) for text in last],
    ]


def _filled(text: str, preprocessing: Preprocessing, classes: tuple[str, ...]) -> str:
    return text.strip("\n").format(
        channels=preprocessing.channels,
        classes=len(classes),
        resolution=preprocessing.resolution,
        mode=_MODES.get(preprocessing.channels, ""),
    )


def title(label: str) -> str:
    """A network's label as it can stand in a docstring."""
    return " ".join(label.replace("\\", "/").replace('"', "'").split())


def quoted(name: str) -> str:
    """A string literal in double quotes."""
    return json.dumps(name, ensure_ascii=False)
