"""Cases of texts: specs, written spaces, filters, architectures, block strings, budgets, points, tables, options."""

from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

import click

from nascale.cli import one_line
from nascale.options import option_of
from nascale.spec import SearchSpec
from space import notation, zoo
from space.codec import to_dict
from space.cost import costs
from space.errors import InputError
from space.setting import declared
from tests.fuzzing.mutation import NUMBERS, TEXTS, changed_text, changed_value, odd, toml
from tests.fuzzing.running import Case

TABLE = b"op0,op1,acc,acc2,macs,secs,name\n" + b"".join(
    f"{a},{b},{0.5 + 0.01 * i:.2f},{0.5 + 0.011 * i:.3f},{1000 * (i + 1)},{i + 1},n{i}\n".encode()
    for i, (a, b) in enumerate((a, b) for a in ("conv", "pool", "skip") for b in (3, 5, 7))
)
_TABLE = {
    "path": "t.csv",
    "decisions": ["op0", "op1"],
    "accuracy": ["acc", "acc2"],
    "truth": "acc2",
    "unit": "fraction",
    "macs": "macs",
    "seconds": {"column": "secs", "scale": 1.0},
    "key": "name",
    "rows": "networks",
}
_SPACE = {
    "name": "mine",
    "block_types": ["mbconv", "inception", "bottleneck", "convnext"],
    "resolution": 32,
    "stem_channels": 16,
    "activation": "relu",
    "dropout": 0.1,
    "head_channels": 64,
    "stages": [
        {"channels": 16},
        {"channels": 32, "stride": 2, "depths": [0, 1, 2], "widths": [0.5, 1.0]},
    ],
    "options": {"mbconv": {"kernel": [3, 5], "expansion": [2, 4]}, "bottleneck": {"groups": [1, 4]}},
}
_SPECS: tuple[dict[str, Any], ...] = (
    {"sampler": "random", "trials": 3, "table": _TABLE, "storage": "memory"},
    {"sampler": "tpe", "trials": 3, "objective": "mnas", "cost": "macs", "target": "5K", "table": _TABLE},
    {"sampler": "evolution", "data": "digits", "trials": 3, "epochs": 1, "space": "mbconv", "max_macs": "5M"},
    {
        "data": "digits",
        "trials": 3,
        "pruner": "halving",
        "rungs": "fraction=0.1,0.3",
        "workers": 0,
        "storage": "memory",
    },
    {
        "data": "digits",
        "evaluator": "supernet",
        "space": _SPACE,
        "trials": 2,
        "learning_rate": 0.1,
        "storage": "memory",
    },
)
_KEYS = tuple(declared(SearchSpec))


def spec(rng: random.Random) -> Case:
    """A spec file with one to three of its keys set to something else."""
    document: dict[str, Any] = dict(rng.choice(_SPECS))
    for _ in range(rng.choice((1, 1, 2, 3))):
        act = rng.random()
        if act < 0.6:
            key = rng.choice(_KEYS)
            document[key] = changed_value(document[key], rng) if key in document else odd(rng)
        else:
            changed = changed_value(document, rng)
            document = changed if isinstance(changed, dict) else {"data": changed}
    text = toml(document)
    if rng.random() < 0.2:
        text = changed_text(text, rng)
    return Case(["search", "spec.toml", "--quiet"], {"spec.toml": _encoded(text), "t.csv": TABLE})


def options(rng: random.Random) -> Case:
    """Options of a search over the spec of a table, with odd values."""
    arguments = ["search", "spec.toml", "--quiet"]
    for item in rng.sample(list(declared(SearchSpec).values()), rng.choice((1, 1, 2))):
        if item.metadata["kind"] == "flag":
            arguments.append(option_of(item))
        else:
            arguments.append(f"{option_of(item)}={_argument(odd(rng))}")
    return Case(arguments, {"spec.toml": toml(rng.choice(_SPECS)).encode(), "t.csv": TABLE})


def space(rng: random.Random) -> Case:
    """A written space."""
    document = changed_value(_SPACE, rng)
    for _ in range(rng.choice((0, 0, 1, 2))):
        document = changed_value(document, rng)
    text = toml(document if isinstance(document, dict) else {"space": document})
    if rng.random() < 0.15:
        text = changed_text(text, rng)
    arguments = ["spaces", "space.toml", "--samples", "20", *(["--decisions"] if rng.random() < 0.2 else [])]
    if rng.random() < 0.3:
        arguments += [
            f"--{rng.choice(('resolution', 'classes', 'in-channels', 'max-macs'))}={_argument(odd(rng))}"
        ]
    return Case(arguments, {"space.toml": _encoded(text)})


def table(rng: random.Random) -> Case:
    """A table of results: its description, its cells, or both."""
    section: Any = _TABLE
    data = TABLE.decode()
    if rng.random() < 0.6:
        section = changed_value(section, rng)
    if rng.random() < 0.3 and isinstance(section, dict):
        section = section | {rng.choice(("lookup", "rows", "unit", "where", "when", "space")): odd(rng)}
    if rng.random() < 0.6 or section is _TABLE:
        data = _changed_csv(data, rng)
    files = {"spec.toml": _encoded(toml({"table": section})), "t.csv": _encoded(data)}
    if rng.random() < 0.1:
        files["t.json"] = _encoded(changed_text(json.dumps([{"op0": 1, "op1": 2, "acc": 0.5}] * 3), rng))
        files["spec.toml"] = b'[table]\npath="t.json"\ndecisions=["op0","op1"]\naccuracy="acc"\n'
    if rng.random() < 0.5:
        return Case(["spaces", "spec.toml", "--samples", "20"], files)
    return Case(["search", "spec.toml", "--sampler", "random", "--trials", "2", "--quiet"], files)


_POINTS = "depth,width,resolution,accuracy\n" + "".join(
    f"{d},{w},{r},{0.6 + 0.05 * d + 0.03 * w + 0.02 * r:.4f}\n"
    for d, w, r in (
        (1, 1, 1),
        (1.2, 1, 1),
        (1, 1.1, 1),
        (1, 1, 1.15),
        (1.44, 1, 1),
        (1, 1.21, 1),
        (1, 1, 1.3),
        (1.2, 1.1, 1.15),
    )
)


def points(rng: random.Random) -> Case:
    """Measured points to fit a law to."""
    arguments = ["scale", "fit", "points.csv", "--resamples", "2"]
    if rng.random() < 0.8:  # all laws together take half a second
        arguments += ["--law", rng.choice(("separable", "quadratic"))]
    elif rng.random() < 0.5:
        arguments += [
            f"--{rng.choice(('law', 'growth', 'resamples', 'seed', 'format'))}={_argument(odd(rng))}"
        ]
    return Case(arguments, {"points.csv": _encoded(_changed_csv(_POINTS, rng))})


_FILTERS = (
    "macs < 5M and accuracy > 0.9",
    "0.8 < accuracy <= 0.9 or status == 'ok'",
    "not (status in ('ok', 'pruned')) and epochs != missing",
    "started > '2026-03-01 12:30' and feasible == true",
    "`stage1.depth` == 1 or stage1.block = 'mbconv'",
)


def where(rng: random.Random) -> Case:
    """A filter over the trials of a study."""
    from tests.fuzzing.files import study_file

    text = rng.choice(_FILTERS)
    act = rng.random()
    if act < 0.75:
        text = changed_text(text, rng)
    elif act < 0.85:
        pieces = ("(", "not ", "1", " ", "0" * 100, "'", "macs < ", " and ", "e", ".", "-", "`")
        text = "".join(rng.choice(pieces) * rng.choice((1, 1, 30, 3000)) for _ in range(rng.randint(1, 6)))
    else:
        text = rng.choice(
            (f"macs < {rng.choice(NUMBERS)}", f"accuracy == {rng.choice(TEXTS)!r}", str(odd(rng)))
        )
    arguments = [rng.choice(("trials", "front")), "digits", "--storage", "s.db", f"--where={_argument(text)}"]
    if rng.random() < 0.2:
        arguments += [f"--{rng.choice(('x', 'sort', 'format'))}={_argument(odd(rng))}"]
    return Case(arguments, {"s.db": study_file()})


@lru_cache
def _networks() -> tuple[dict[str, Any], ...]:
    names = (
        "mobilenet_v2",
        "resnet18",
        "googlenet",
        "efficientnet_b0",
        "densenet121",
        "convnext_tiny",
        "mobilenet_v3_small",
    )
    return tuple(to_dict(zoo.architecture(f"{name}@resolution=64")) for name in names)


def architecture(rng: random.Random) -> Case:
    """The JSON of a network, as a file or as text."""
    document = rng.choice(_networks())
    for _ in range(rng.choice((1, 1, 2))):
        document = changed_value(document, rng)
    text = json.dumps(document)
    if rng.random() < 0.15:
        text = changed_text(text, rng)
    arguments = ["profile", "net.json", *(["--layers"] if rng.random() < 0.2 else []), "--format", "json"]
    return Case(arguments, {"net.json": _encoded(text)})


_ARCHS = (
    "mobilenet_v2@width=1.4",
    "resnet50@depth=2",
    "efficientnet_b0@resolution=300,classes=5",
    "digits:3",
)


def names(rng: random.Random) -> Case:
    """A network by name, with settings, of a study, or as a cell."""
    from tests.fuzzing.files import study_file

    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|skip_connect~2|"
    act = rng.random()
    if act < 0.3:
        setting = rng.choice(("width", "depth", "resolution", "classes", "in_channels", "drop_path"))
        text = f"{rng.choice(('resnet18', 'mobilenet_v2'))}@{setting}={odd(rng)}"
    else:
        text = changed_text(rng.choice((*_ARCHS, cell)), rng)
    arguments = ["profile", _argument(text), "--storage", "s.db"]
    if rng.random() < 0.3:
        arguments += [f"--{rng.choice(('batch', 'resolution', 'dtype', 'format'))}={_argument(odd(rng))}"]
    return Case(arguments, {"s.db": study_file()})


_BLOCKS = (
    "ds_r1_k3_s1_e1_c16_se0.25,ir_r2_k3_s2_e6_c24_se0.25,ir_r2_k5_s2_e6_c40@act=relu6,dropout=0.1",
    "cn_r1_k3_s1_c24_skip,er_r2_k3_s2_e4_c48,uir_r1_a3_k5_s2_e4_c96+ir_r3_k3_s1_e4_c96@head=960,resolution=96",
    "[['ds_r1_k3_s1_e1_c16'], ['ir_r2_k3_s2_e6_c24', 'ir_r1_k3_s1_e6_c32_nhs']]",
)


def blocks(rng: random.Random) -> Case:
    """Block strings."""
    text = rng.choice(_BLOCKS)
    if rng.random() < 0.3:
        field = rng.choice(("_r2", "_k3", "_s2", "_e6", "_c24"))
        text = text.replace(field, f"{field[:2]}{rng.choice(NUMBERS)}")
    else:
        text = changed_text(text, rng)
    return Case(["blocks", text])


def read_blocks(text: str) -> int:
    """What a command line would make of block strings: reads and counts them."""
    try:
        costs(notation.read(text))
    except InputError as error:
        click.echo(f"error: {one_line(str(error))}", err=True)
        return 2
    return 0


def budgets(rng: random.Random) -> Case:
    """Budgets and φ of a family, and options of its scaling."""
    base = "resnet18@resolution=32,width=0.25"
    value = rng.choice((odd(rng), changed_text(rng.choice(("0.4G,0.8G", "8MB", "0..7", "-2,0,1.5")), rng)))
    option = rng.choice(
        ("budgets", "budgets", "phi", "phi", "alpha", "beta", "gamma", "pixels", "batch", "repeats")
    )
    arguments = ["scale", "family", base, f"--{option}={_argument(value)}"]
    if option not in ("budgets", "phi"):
        arguments += rng.choice((["--phi", "0,1"], ["--budgets", "50M"]))
    elif rng.random() < 0.3:
        measure = rng.choice(("params", "flops", "memory", "macs"))
        arguments += [f"--measure={measure}"]
    return Case([*arguments, "--format", "json"])


def _changed_csv(text: str, rng: random.Random) -> str:
    """A cell replaced, a row or a column changed, or the letters of the file."""
    if rng.random() < 0.35:
        return changed_text(text, rng)
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(rng.choice((1, 1, 3))):
        row = rng.randrange(len(rows))
        act = rng.random()
        if act < 0.7:
            rows[row][rng.randrange(len(rows[row]))] = _argument(odd(rng))
        elif act < 0.8:
            del rows[row]
        elif act < 0.9:
            rows.insert(row, list(rows[row]))
        else:
            rows[row] = rows[row] * rng.choice((0, 2, 40))
        if not rows:
            break
        rows = [row or [""] for row in rows]
    return "\n".join(",".join(row) for row in rows) + "\n"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _argument(value: Any) -> str:
    """``value`` as it can stand on a command line: without null bytes, as the system allows none."""
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, (list, dict))
        else str(value)
    )
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


_COMMANDS: tuple[tuple[str, ...], ...] = (
    *(
        ("data", "digits"),
        ("profile", "resnet18@resolution=32"),
        ("archs",),
        ("spaces",),
        ("spaces", "mixed"),
    ),
    *(
        ("scale", "reproduce"),
        ("scale", "family", "resnet18@resolution=32"),
        ("scale", "fit", "points.csv", "--resamples=2"),
    ),
    *(
        ("trials", "digits"),
        ("front", "digits"),
        ("show", "digits"),
        ("show", "digits", "1"),
        ("compare", "digits"),
    ),
    *(("studies",), ("plot", "digits"), ("report", "digits"), ("verify", "digits"), ("export", "digits:1")),
    *(("train", "resnet18"), ("predict", "run", "x.png"), ("test", "run"), ("reproduce", "passport.json")),
    *(("bench", "samplers", "spec.toml"),),
)
_FILES = ("output", "folder", "write", "out", "plot")
"""Options that name what is written: the fuzz would write wherever an odd value points to."""


def commands(rng: random.Random) -> Case:
    """Any command with one or two of its options or arguments odd."""
    from nascale.cli import cli
    from tests.fuzzing.files import study_file

    words = list(rng.choice(_COMMANDS))
    command: click.Command = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    offered = [p for p in command.params if isinstance(p, click.Option) and p.name not in _FILES]
    for option in rng.sample(offered, min(len(offered), rng.choice((1, 1, 2)))):
        name = max(option.opts, key=len)
        if option.is_flag:
            words.append(name)
        elif name == "--storage":
            words.append(
                f"{name}={rng.choice(('s.db', 's.db', 'none.db', 'points.csv', 'redis://x', 'sqlite://'))}"
            )
        else:
            words.append(f"{name}={_argument(odd(rng))}")
    if rng.random() < 0.2 and len(words) > 1:
        words[rng.randrange(1, len(words))] = _argument(odd(rng))
    if "--storage" not in " ".join(words) and any(o.name == "storage" for o in offered):
        words.append("--storage=s.db")
    files = {"s.db": study_file(), "points.csv": _POINTS.encode(), "t.csv": TABLE}
    return Case(words, files | {"spec.toml": toml(_SPECS[0]).encode()})
