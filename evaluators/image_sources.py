"""Where images come from: each source says its shape, its classes, and hands its images over in chunks.

A source is checked when it is opened (missing and truncated files, wrong shapes) and never holds the whole
set: ``chunks`` yields (images uint8 (n, height, width, channels), labels, part), part being 0 for train,
1 for validation, 2 for test and -1 where the source does not say. Every error names the file.
"""

from __future__ import annotations

import gzip
import importlib.util
import pickle
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from space.errors import InputError

PARTS = ("train", "validation", "test")
Chunk = tuple[NDArray[np.uint8], NDArray[np.int64], int]
_CHUNK = 1024
_LARGEST_DECODED = 224
_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}


@dataclass
class Source:
    """A set of images before it is read.

    ``name`` is what error messages call it, ``shape`` is (height, width, channels). ``fingerprint`` names
    the content for the cache ("" where it is never cached); ``slow`` says that decoding is worth keeping.
    ``skipped`` fills while reading with the files that were left out.
    """

    name: str
    count: int
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    chunks: Callable[[], Iterator[Chunk]]
    fingerprint: str = ""
    slow: bool = False
    skipped: list[str] = field(default_factory=list)


def _existing(kind: str, text: str, folder: bool) -> Path:
    path = Path(text).expanduser()
    wanted = "a folder" if folder else "a file"
    if not text or not (path.is_dir() if folder else path.is_file()):
        raise InputError.of(
            f"data {kind}:{text}", wanted, "nothing there" if not path.exists() else "something else"
        )
    return path


def _fingerprint(*facts: object) -> str:
    return blake2b(repr(facts).encode(), digest_size=12).hexdigest()


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns


def digits(text: str, size: int | None, skip_bad: bool) -> Source:
    """1,797 handwritten digits of 8×8 pixels (UCI optdigits test set), as scikit-learn ships them."""
    if text:
        raise InputError.of("data", "digits without a path", f"digits:{text}")
    spec = importlib.util.find_spec("sklearn")
    roots = [] if spec is None else [Path(p) for p in spec.submodule_search_locations or ()]
    files = [f for f in (root / "datasets" / "data" / "digits.csv.gz" for root in roots) if f.exists()]
    if not files:
        raise InputError.of("data", "scikit-learn, which ships the digits", "an environment without it")
    # Reading the file itself spares the import of scikit-learn, a second of every start.
    with gzip.open(files[0], "rt") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    images = np.rint(table[:, :64].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = table[:, 64].astype(np.int64)
    names = tuple(str(d) for d in range(10))
    return Source("digits", len(images), (8, 8, 1), names, lambda: iter([(images, labels, -1)]))


def npz(text: str, size: int | None, skip_bad: bool) -> Source:
    """``x_train, y_train, x_test, y_test`` (and ``x_validation, y_validation``, ``classes``) in one npz file."""
    path = _existing("npz", text, folder=False)
    name = f"data npz:{text}"
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.removesuffix(".npy") for member in archive.namelist()}
            for needed in ("x_train", "y_train"):
                if needed not in members:
                    raise InputError.of(name, f"an array {needed}", ", ".join(sorted(members)) or "none")
            present = [(i, part) for i, part in enumerate(PARTS) if f"x_{part}" in members]
            headers = {part: _npy_header(archive, f"x_{part}.npy") for _, part in present}
        with np.load(path, allow_pickle=False) as arrays:
            labels = {part: _npz_labels(name, arrays, part, headers[part][0]) for _, part in present}
            names = tuple(str(c) for c in arrays["classes"]) if "classes" in members else None
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError) as error:
        raise InputError.of(name, "a readable npz file", f"{type(error).__name__}: {error}") from None
    shape = _npz_shape(name, headers)
    classes = names or tuple(str(c) for c in range(int(max(y.max(initial=0) for y in labels.values())) + 1))

    def chunks() -> Iterator[Chunk]:
        for index, part in present:
            read = 0
            for images in _npy_rows(path, name, f"x_{part}.npy", headers[part]):
                yield images, labels[part][read : read + len(images)], index
                read += len(images)

    count = sum(header[0][0] for header in headers.values())
    return Source(name, count, shape, classes, chunks, fingerprint=_fingerprint("npz", _stamp(path)))


Header = tuple[tuple[int, ...], np.dtype[Any]]


def _npy_header(archive: zipfile.ZipFile, member: str) -> Header:
    with archive.open(member) as stream:
        return _read_npy_header(stream)  # type: ignore[arg-type]


def _read_npy_header(stream: BinaryIO) -> Header:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if fortran:
        raise ValueError("an array in Fortran order")
    return shape, dtype


def _npy_rows(path: Path, name: str, member: str, header: Header) -> Iterator[NDArray[np.uint8]]:
    """The rows of one array of an npz, a chunk at a time, as (n, height, width, channels)."""
    shape = header[0] if len(header[0]) == 4 else (*header[0], 1)
    row = int(np.prod(shape[1:]))
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            _read_npy_header(stream)  # type: ignore[arg-type]
            for start in range(0, shape[0], _CHUNK):
                rows = min(_CHUNK, shape[0] - start)
                block = stream.read(rows * row)
                if len(block) != rows * row:
                    raise EOFError(f"{member} ends early")
                yield np.frombuffer(block, np.uint8).reshape(rows, *shape[1:])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise InputError.of(name, "a readable npz file", f"{type(error).__name__}: {error}") from None


def _npz_labels(name: str, arrays: Any, part: str, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if f"y_{part}" not in arrays:
        raise InputError.of(name, f"labels y_{part} beside x_{part}", "none")
    labels = np.asarray(arrays[f"y_{part}"])
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError.of(
            f"{name} y_{part}", "whole numbers of shape (n,)", f"{labels.dtype}{labels.shape}"
        )
    if len(labels) != shape[0]:
        raise InputError.of(f"{name} y_{part}", f"{shape[0]} labels, one an image", len(labels))
    return labels.astype(np.int64)


def _npz_shape(name: str, headers: dict[str, Header]) -> tuple[int, int, int]:
    shapes = set()
    for part, (shape, dtype) in headers.items():
        if dtype != np.uint8:
            raise InputError.of(f"{name} x_{part}", "uint8 images", str(dtype))
        full = shape if len(shape) == 4 else (*shape, 1)
        if len(full) != 4 or full[3] not in (1, 3):
            raise InputError.of(f"{name} x_{part}", "images (n, height, width, 1 or 3)", shape)
        shapes.add(full[1:])
    if len(shapes) != 1:
        raise InputError.of(name, "one image shape in all splits", sorted(shapes))
    height, width, channels = shapes.pop()
    return height, width, channels


def folder(text: str, size: int | None, skip_bad: bool) -> Source:
    """One folder per class, with optional ``train``/``validation``/``test`` folders above them."""
    path = _existing("folder", text, folder=True)
    name = f"data folder:{text}"
    files = _listing(path, name)
    classes = tuple(sorted({file.parent.name for file, _ in files}))
    label_of = {c: i for i, c in enumerate(classes)}
    skipped: list[str] = []
    side, channels = _decoded_shape(files, size, name)

    def chunks() -> Iterator[Chunk]:
        bad: list[str] = []
        with ThreadPoolExecutor() as threads:
            for start in range(0, len(files), _CHUNK):
                block = files[start : start + _CHUNK]
                decoded = list(threads.map(lambda f: _decode(f[0], side, channels), block))
                for (file, _), result in zip(block, decoded, strict=True):
                    if isinstance(result, str):
                        bad.append(f"{file.relative_to(path)} ({result})")
                if bad and not skip_bad:
                    continue
                for part in sorted({p for _, p in block}):
                    kept = [
                        (image, label_of[file.parent.name])
                        for (file, p), image in zip(block, decoded, strict=True)
                        if p == part and not isinstance(image, str)
                    ]
                    if kept:
                        yield np.stack([i for i, _ in kept]), np.array([y for _, y in kept], np.int64), part
        if bad and not skip_bad:
            few = "; ".join(bad[:3]) + ("; …" if len(bad) > 3 else "")
            raise InputError.of(
                name, "readable images (or --skip-bad)", f"{len(bad)} of {len(files)} that are not: {few}"
            )
        skipped.extend(bad)

    stamps = [(str(f.relative_to(path)), f.stat().st_size, f.stat().st_mtime_ns) for f, _ in files]
    mark = _fingerprint("folder", str(path.resolve()), side, channels, skip_bad, stamps)
    return Source(name, len(files), (side, side, channels), classes, chunks, mark, True, skipped)


_PART_FOLDERS = {"train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}


def _listing(path: Path, name: str) -> list[tuple[Path, int]]:
    """(file, part) of every image, in a fixed order; checks the layout."""
    tops = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not tops:
        raise InputError.of(name, "one folder per class", "no folder in it")
    parted = all(top.name in _PART_FOLDERS for top in tops) and any(top.name == "train" for top in tops)
    groups = [(top, _PART_FOLDERS[top.name]) for top in tops] if parted else [(path, -1)]
    files: list[tuple[Path, int]] = []
    seen: dict[int, set[str]] = {}
    for top, part in groups:
        for folder_ in sorted(p for p in top.iterdir() if p.is_dir() and not p.name.startswith(".")):
            images = sorted(f for f in folder_.iterdir() if f.suffix.lower() in _SUFFIXES)
            if images:
                seen.setdefault(part, set()).add(folder_.name)
                files += [(file, part) for file in images]
    if not files:
        raise InputError.of(name, f"image files ({', '.join(sorted(_SUFFIXES))}) in class folders", "none")
    known = seen.get(0, seen.get(-1, set()))
    for part, names in seen.items():
        if names - known:
            raise InputError.of(
                name, "the classes of train in every split", f"{sorted(names - known)[0]} in {PARTS[part]}"
            )
    return files


def _decoded_shape(files: list[tuple[Path, int]], size: int | None, name: str) -> tuple[int, int]:
    """(side, channels) to decode to: the commonest short side, at most 224; grey only if every image is."""
    from PIL import Image

    sides: Counter[int] = Counter()
    grey = True
    for file, _ in files:
        try:
            with Image.open(file) as image:
                sides[min(image.size)] += 1
                grey = grey and image.mode in ("1", "L", "I;16")
        except Exception:
            continue  # named, counted and refused or skipped when it is decoded
    if not sides:
        raise InputError.of(name, "readable images", f"none of {len(files)} files, e.g. {files[0][0].name}")
    commonest = max(sides, key=lambda side: (sides[side], side))
    return size or min(commonest, _LARGEST_DECODED), 1 if grey else 3


def _decode(file: Path, side: int, channels: int) -> NDArray[np.uint8] | str:
    """The image, its short side resized to ``side`` and its centre cropped; or why it cannot be read."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            image.draft("RGB" if channels == 3 else "L", (side, side))
            picture = image.convert("RGB" if channels == 3 else "L")
    except Exception as error:  # PIL raises OSError, SyntaxError, ValueError, struct.error … for bad files
        return f"{type(error).__name__}: {str(error).replace(str(file), file.name)}"
    width, height = picture.size
    if min(width, height) != side:
        ratio = side / min(width, height)
        width, height = max(side, round(width * ratio)), max(side, round(height * ratio))
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    array = np.asarray(picture.crop((left, top, left + side, top + side)), dtype=np.uint8)
    return array.reshape(side, side, channels)


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles what CIFAR's batches hold (numpy arrays, bytes, lists, dicts) and nothing that could run."""

    _ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"})

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self._ALLOWED:
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"holds {module}.{name}, which a CIFAR batch does not")


def _cifar(text: str, fine: bool) -> Source:
    kind = "cifar100" if fine else "cifar10"
    path = _existing(kind, text, folder=True)
    name = f"data {kind}:{text}"
    inner = path / ("cifar-100-python" if fine else "cifar-10-batches-py")
    binary = path / ("cifar-100-binary" if fine else "cifar-10-batches-bin")
    roots = [path, inner, binary]
    if fine:
        layouts = [(["train"], ["test"]), (["train.bin"], ["test.bin"])]
    else:
        numbers = range(1, 6)
        layouts = [
            ([f"data_batch_{i}" for i in numbers], ["test_batch"]),
            ([f"data_batch_{i}.bin" for i in numbers], ["test_batch.bin"]),
        ]
    for root in roots:
        for train, test in layouts:
            present = [(root / f, 0) for f in train if (root / f).is_file()]
            present += [(root / f, 2) for f in test if (root / f).is_file()]
            if any(part == 0 for _, part in present):
                missing = [f for f in (*train, *test) if not (root / f).is_file()]
                if missing:
                    raise InputError.of(
                        name, f"{len(train)} training files and a test file", f"no {missing[0]}"
                    )
                return _cifar_source(name, present, fine)
    raise InputError.of(name, "CIFAR's python batches or binary files", f"none in {path}")


def _cifar_source(name: str, files: list[tuple[Path, int]], fine: bool) -> Source:
    read = _cifar_binary if files[0][0].suffix == ".bin" else _cifar_pickle
    arrays = [(*read(name, file, fine), part) for file, part in files]
    classes = tuple(str(c) for c in range(100 if fine else 10))
    count = sum(len(images) for images, _, _ in arrays)
    mark = _fingerprint("cifar", [_stamp(file) for file, _ in files])
    return Source(name, count, (32, 32, 3), classes, lambda: iter(arrays), mark)


def _planes(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of 3,072 bytes, colour planes one after another → (n, 32, 32, 3)."""
    return np.ascontiguousarray(block.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _cifar_pickle(name: str, file: Path, fine: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        with file.open("rb") as stream:
            batch = _PlainUnpickler(stream, encoding="bytes").load()
        images = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3072)
        labels = np.asarray(batch[b"fine_labels" if fine else b"labels"], dtype=np.int64)
    except Exception as error:  # a broken pickle raises nearly anything
        raise InputError.of(
            f"{name} {file.name}", "a CIFAR python batch", f"{type(error).__name__}: {error}"
        ) from None
    if len(images) != len(labels):
        raise InputError.of(f"{name} {file.name}", f"{len(images)} labels", len(labels))
    return _planes(images), labels


def _cifar_binary(name: str, file: Path, fine: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    lead = 2 if fine else 1  # CIFAR-100 puts the coarse label before the fine one
    raw = np.frombuffer(file.read_bytes(), np.uint8)
    if len(raw) == 0 or len(raw) % (3072 + lead):
        raise InputError.of(f"{name} {file.name}", f"records of {3072 + lead} bytes", f"{len(raw)} bytes")
    rows = raw.reshape(-1, 3072 + lead)
    return _planes(rows[:, lead:]), rows[:, lead - 1].astype(np.int64)


def cifar10(text: str, size: int | None, skip_bad: bool) -> Source:
    """CIFAR-10 as Krizhevsky publishes it: the python batches or the binary files."""
    return _cifar(text, fine=False)


def cifar100(text: str, size: int | None, skip_bad: bool) -> Source:
    """CIFAR-100 with its fine labels: the python files or the binary ones."""
    return _cifar(text, fine=True)


def idx(text: str, size: int | None, skip_bad: bool) -> Source:
    """IDX files as MNIST's (``train-images-idx3-ubyte``, ``t10k-…``), gzipped or not; either half may be absent."""
    path = _existing("idx", text, folder=True)
    name = f"data idx:{text}"
    arrays: list[Chunk] = []
    stamps = []
    for prefix, part in (("train", 0), ("t10k", 2)):
        images = _idx_file(path, f"{prefix}-images", name)
        labels = _idx_file(path, f"{prefix}-labels", name)
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise InputError.of(name, f"both images and labels of {prefix}", "one of them")
        pictures, targets = _read_idx(images, 3, name), _read_idx(labels, 1, name)
        if len(pictures) != len(targets):
            raise InputError.of(f"{name} {labels.name}", f"{len(pictures)} labels", len(targets))
        arrays.append((pictures[..., None], targets.astype(np.int64), part))
        stamps += [_stamp(images), _stamp(labels)]
    if not arrays:
        raise InputError.of(
            name, "train-images-idx3-ubyte[.gz] or t10k-images-idx3-ubyte[.gz]", f"none in {path}"
        )
    if len(arrays) == 1:
        arrays = [(arrays[0][0], arrays[0][1], -1)]
    shapes = {chunk[0].shape[1:] for chunk in arrays}
    if len(shapes) != 1:
        raise InputError.of(name, "one image shape", sorted(shapes))
    height, width, channels = shapes.pop()
    classes = tuple(str(c) for c in range(int(max(labels.max(initial=0) for _, labels, _ in arrays)) + 1))
    count = sum(len(images) for images, _, _ in arrays)
    mark = _fingerprint("idx", stamps)
    return Source(name, count, (height, width, channels), classes, lambda: iter(arrays), mark)


def _idx_file(path: Path, prefix: str, name: str) -> Path | None:
    found = sorted(f for f in path.iterdir() if f.name.startswith(prefix) and "idx" in f.name)
    return found[0] if found else None


def _read_idx(file: Path, dimensions: int, name: str) -> NDArray[np.uint8]:
    """An IDX array of unsigned bytes (LeCun's format: 0, 0, 8, dimensions, big-endian extents, data)."""
    try:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        zero, kind, rank = struct.unpack(">HBB", raw[:4])
        extents = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise InputError.of(
            f"{name} {file.name}", "an IDX file", f"{type(error).__name__}: {error}"
        ) from None
    if (zero, kind, rank) != (0, 8, dimensions):
        raise InputError.of(
            f"{name} {file.name}", f"unsigned bytes in {dimensions} dimensions", raw[:4].hex()
        )
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if len(body) != int(np.prod(extents)):
        raise InputError.of(f"{name} {file.name}", f"{int(np.prod(extents))} bytes of data", len(body))
    return body.reshape(extents)


def hugging_face(text: str, size: int | None, skip_bad: bool) -> Source:
    """A Hugging Face dataset, by the path of a saved one or by hub name; needs the ``datasets`` package."""
    name = f"data hf:{text}"
    try:
        import datasets
    except ImportError:
        raise InputError.of(
            name, "the package 'datasets' (pip install 'nascale[hf]')", "no such package"
        ) from None
    try:
        saved = any((Path(text) / mark).is_file() for mark in ("dataset_dict.json", "state.json"))
        # A folder that was not written by save_to_disk may hold the files of a hub repository.
        loaded = datasets.load_from_disk(text) if saved else datasets.load_dataset(text)
    except Exception as error:  # the library raises many kinds, its own included
        raise InputError.of(
            name, "a data set", f"{type(error).__name__}: {str(error).splitlines()[0]}"
        ) from None
    splits = loaded if hasattr(loaded, "keys") else {"unsaid": loaded}
    parts = {"train": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}
    used = {k: parts.get(k, -1) for k in splits if k in parts or len(splits) == 1}
    if not used:
        raise InputError.of(name, "a split called train", ", ".join(splits))
    features = next(iter(splits.values())).features
    image = next((k for k, f in features.items() if type(f).__name__ == "Image"), None)
    label = next((k for k, f in features.items() if type(f).__name__ == "ClassLabel"), None)
    if image is None or label is None:
        raise InputError.of(name, "a column of images and one of class labels", ", ".join(features))
    first = splits[next(iter(used))][0][image]
    side = size or min(*first.size, _LARGEST_DECODED)
    channels = 1 if first.mode in ("1", "L") else 3

    def chunks() -> Iterator[Chunk]:
        for key, part in used.items():
            rows = iter(splits[key])
            while block := list(islice(rows, _CHUNK)):
                pictures = np.stack([_fitted(row[image], side, channels) for row in block])
                yield pictures, np.array([row[label] for row in block], np.int64), part

    count = sum(len(splits[key]) for key in used)
    mark = _fingerprint("hf", text, side, [getattr(splits[k], "_fingerprint", "") for k in used])
    classes = tuple(str(c) for c in features[label].names)
    return Source(name, count, (side, side, channels), classes, chunks, mark, slow=True)


def _fitted(picture: Any, side: int, channels: int) -> NDArray[np.uint8]:
    """A PIL image as (side, side, channels), short side resized and centre cropped."""
    from PIL import ImageOps

    fitted = ImageOps.fit(picture.convert("RGB" if channels == 3 else "L"), (side, side))
    return np.asarray(fitted, dtype=np.uint8).reshape(side, side, channels)


SOURCES: dict[str, Callable[[str, int | None, bool], Source]] = {
    "digits": digits,
    "npz": npz,
    "folder": folder,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "idx": idx,
    "hf": hugging_face,
}
