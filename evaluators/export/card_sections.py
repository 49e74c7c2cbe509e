"""The sections of a card, as lines of Markdown."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from evaluators.export.certificate import REFERENCE, Certificate, Row
from evaluators.export.subject import Subject
from evaluators.export.usage import programs
from evaluators.images.image_set import ImageSet
from evaluators.images.summary import DataSummary
from results.intervals import proportion
from space import cost

_UNITS = {
    "params": "parameters",
    "macs": "multiply-accumulates for an image",
    "flops": "floating-point operations for an image",
    "activation_bytes": "bytes of activations at once, one image",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What only the user's side knows: ``commands`` that found and exported the network, ``sentences`` about the search,
    and the ``licence`` that the user gives it (an identifier such as ``apache-2.0``)."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    licence: str | None = None


def looks(subject: Subject) -> list[Mapping[str, Any]]:
    """The looks at the test images with the weights that are exported."""
    weights = subject.run.weights_checksum()
    return [test for test in subject.run.tests if test.get("weights") == weights]


def use(subject: Subject, certificate: Certificate) -> Iterator[str]:
    taken = subject.takes == "uint8"
    yield from ("| file | is |", "|---|---|")
    for row in certificate.rows:
        for name in row.files if row.written else ():
            text = (
                row.description
                if name == next(iter(row.files))
                else f"the weights of {next(iter(row.files))}"
            )
            yield f"| `{name}` | {text} |"
    yield "| `classes.json` | the names of the classes, in the order of the probabilities |"
    yield "| `certificate.json` | every file against the network that was trained |"
    yield "| `passport.json` | what `nascale reproduce passport.json` needs to repeat the training |"
    yield ""
    if taken:
        yield (
            "The graphs take photos as bytes, uint8 (batch, height, width, channels), of any size. Cutting the largest "
            "centred square, resizing and normalising are part of the graph: do none of it before."
        )
    else:
        yield (
            "The graphs take float32 (batch, channels, height, width): the largest centred square, resized, scaled to 0 "
            "to 1 and normalised, as in the programs below."
        )
    yield "They give `probabilities` (batch, classes) and `label` (batch), the index of the likeliest class."
    written = {row.format for row in certificate.rows if row.written}
    for title, text in programs(subject, written).items():
        yield from ("", f"{title}:", "", "```python", text.rstrip("\n"), "```")


def intended(subject: Subject) -> Iterator[str]:
    yield (
        f"For images like those of `{source_name(subject.images.name)}`, one subject in the middle of each. For anything of "
        "consequence to people, measure it on your own images first."
    )


def figures(subject: Subject, certificate: Certificate) -> Iterator[str]:
    run = subject.run
    yield from ("| images | count | accuracy | 95 % interval | balanced accuracy |", "|---|---|---|---|---|")
    tests = looks(subject)
    for look, test in enumerate(tests, start=1):
        yield (
            f"| test, look {look} of {len(tests)} | {test['images']:,} | {test['accuracy']:.4f} "
            f"| {test['low']:.4f}–{test['high']:.4f} | {test['balanced_accuracy']:.4f} |"
        )
    if run.metrics:
        count, accuracy = len(subject.images.validation), run.metrics["accuracy"]
        interval = proportion(round(accuracy * count), count)
        balanced = f"{run.metrics['balanced_accuracy']:.4f}"
        yield f"| validation | {count:,} | {accuracy:.4f} | {interval.low:.4f}–{interval.high:.4f} | {balanced} |"
    yield ""
    yield (
        "The weights were chosen by the validation images, so that figure is a little too good"
        + ("." if tests else "; the test images were not looked at.")
    )
    yield ""
    yield f"The files against the network, on {certificate.photos:,} {certificate.split} images (`certificate.json`):"
    yield ""
    tested = any(row.test_accuracy is not None for row in certificate.rows)
    yield f"| | same class | largest difference of a logit | validation accuracy | {'test accuracy | ' * tested}one image | size |"
    yield f"|---|---|---|---|{'---|' * tested}---|---|"
    for row in certificate.rows:
        if row.images is not None:
            yield _figures_row(row, tested)
    yield ""
    yield (
        f"Times are medians on {certificate.machine}, threads: {certificate.threads}, with "
        + ", ".join(f"{name} {version}" for name, version in certificate.packages.items())
        + "."
    )


def _figures_row(row: Row, tested: bool) -> str:
    name = "PyTorch, operation by operation" if row.format == REFERENCE else row.format
    left_out = "" if row.written else f" (not written: {row.problem})"
    cells = [
        f"{name}{left_out}",
        f"{row.same_class} of {row.images}",
        f"{row.logit_difference:.1e}",
        f"{row.validation_accuracy:.4f}",
        *([f"{row.test_accuracy:.4f}" if row.test_accuracy is not None else ""] if tested else []),
        f"{1000 * (row.latency_seconds or 0):.2f} ms",
        f"{(row.bytes or 0) / 1e6:.2f} MB" if row.bytes else "",
    ]
    return f"| {' | '.join(cells)} |"


def costs(subject: Subject, certificate: Certificate) -> Iterator[str]:
    known = asdict(cost.costs(subject.run.architecture.live()))
    yield from ("| cost | |", "|---|---|")
    for name, unit in _UNITS.items():
        yield f"| {unit} | {known[name]:,} |"
    seconds = (subject.run.metrics or {}).get("seconds")
    if seconds:
        yield f"| seconds of training | {seconds:,.0f} |"


def data(images: ImageSet) -> Iterator[str]:
    known = DataSummary.of(images)
    yield f"`{source_name(known.name)}`: {known.images:,} images, {known.height} × {known.width} × {known.channels}."
    yield f"Checksum of pixels and labels `{known.checksum}`, of the splits `{images.describe()['split']['checksum']}`."
    yield ""
    yield f"| class | {' | '.join(known.splits)} |"
    yield f"|---|{'---|' * len(known.splits)}"
    for name in known.classes:
        yield f"| {name} | {' | '.join(f'{split.counts.get(name, 0):,}' for split in known.splits.values())} |"
    yield f"| all | {' | '.join(f'{split.images:,}' for split in known.splits.values())} |"
    yield ""
    for name, split in known.splits.items():
        yield f"* {name}: {split.origin or 'the rest'}"
    if known.left_out:
        yield f"* left out: {known.few_left_out()}"


def found(subject: Subject, story: Story) -> Iterator[str]:
    run, origin = subject.run, subject.run.provenance
    yield from story.sentences
    commands = [*story.before]
    if origin.get("command"):
        commands.append(command_of(str(origin["command"])))
    commands += [command_of(str(test["command"])) for test in looks(subject) if test.get("command")]
    commands += story.after
    if story.sentences:
        yield ""
    yield from ("```", *commands, "```", "")
    packages = ", ".join(f"{name} {version}" for name, version in (origin.get("packages") or {}).items())
    known = {
        "nascale": origin.get("nascale"),
        "commit": origin.get("git_commit"),
        "packages": packages,
        "machine": origin.get("device"),
        "trained": origin.get("created"),
        "seed": run.spec.get("seed"),
        "threads": run.spec.get("threads"),
        "weights (SHA-256)": run.weights_checksum(),
    }
    for name, value in known.items():
        if value not in (None, ""):
            yield f"* {name}: {value}"
    yield ""
    yield "`nascale reproduce passport.json` repeats the training and says whether the same weights come out."


def source_name(source: str) -> str:
    """A source of images as others may read it: a file or a folder by its own name, without the way to it."""
    _, _, place = source.partition(":")
    return PurePath(place).name if place.startswith(("/", "~")) else source


def command_of(line: str) -> str:
    """A recorded command line as one types it: without the folder of the program."""
    words = shlex.split(line)
    if words and PurePath(words[0]).name in ("nascale", "__main__.py"):
        words[0] = "nascale"
    return shlex.join(words)


def limits(subject: Subject, certificate: Certificate) -> Iterator[str]:
    run, before = subject.run, subject.run.preprocessing
    yield "* It knows these classes only: whatever an image shows, one of them is the answer."
    yield f"* It looks at the largest centred square of an image, at {before.resolution} × {before.resolution} pixels; what is outside or smaller is lost."
    tests = looks(subject)
    temperature = tests[0].get("temperature") if tests else None
    if temperature:
        yield (
            f"* The probabilities are not calibrated. Fitted on the validation images, a temperature of {temperature:.2f} "
            "(divide the logits by it) makes them fit better."
        )
    else:
        yield "* The probabilities are not calibrated."
    for warning in DataSummary.of(subject.images).warnings:
        yield f"* Training images: {warning}."
    if not run.finished:
        yield "* The training had not come to its end when this was exported."
    for problem in certificate.problems:
        yield f"* {problem}."
