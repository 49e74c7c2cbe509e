"""The card: what a person has to know of an exported network, in the form of Hugging Face's model cards.

A YAML header for machines, then Markdown. Every figure comes from the run, its images and the certificate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.export import card_sections as sections
from evaluators.export.card_sections import Story, looks, source_name
from evaluators.export.certificate import Certificate
from evaluators.export.subject import Subject
from space.cost import costs

CARD = "README.md"


def card(subject: Subject, certificate: Certificate, story: Story) -> str:
    """The text of ``README.md``."""
    parts = {
        "Use": sections.use(subject, certificate),
        "Intended use": sections.intended(subject),
        "Figures": sections.figures(subject, certificate),
        "Costs": sections.costs(subject, certificate),
        "Data": sections.data(subject.images),
        "How it was found": sections.found(subject, story),
        "Limits": sections.limits(subject, certificate),
    }
    lines = [*header(subject, certificate, story), "", f"# {subject.run.name}", "", _about(subject)]
    for title, text in parts.items():
        lines += ["", f"## {title}", "", *text]
    return "\n".join(lines) + "\n"


def header(subject: Subject, certificate: Certificate, story: Story) -> list[str]:
    """The YAML header; values are written as JSON, which YAML includes."""
    run = subject.run
    tags = ["image-classification", "neural-architecture-search", "nascale"]
    tags += [row.format for row in certificate.rows if row.written and row.format in ("onnx", "int8")]
    split, figures = _headline(subject)
    result = {
        "task": {"type": "image-classification", "name": "Image classification"},
        "dataset": {"type": "image-folder", "name": source_name(subject.images.name), "split": split},
        "metrics": [
            {"type": "accuracy", "name": f"{split} accuracy", "value": round(figures["accuracy"], 4)}
        ],
    }
    fields: dict[str, Any] = {
        "pipeline_tag": "image-classification",
        "tags": tags,
        "metrics": ["accuracy"],
        "model-index": [{"name": run.name, "results": [result]}],
    }
    if story.licence:
        fields = {"license": story.licence, **fields}
    return [
        "---",
        *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()),
        "---",
    ]


def _headline(subject: Subject) -> tuple[str, Mapping[str, Any]]:
    """(split, figures) of the accuracy to name first: that of the first look at the test images, if there was one."""
    tests = looks(subject)
    return ("test", tests[0]) if tests else ("validation", subject.run.metrics or {"accuracy": 0.0})


def _about(subject: Subject) -> str:
    run, size = subject.run, subject.run.preprocessing.resolution
    known = costs(run.architecture.live())
    return (
        f"A convolutional network that sorts images into {len(run.classes)} classes "
        f"({_listed(run.classes)}). It sees {size} × {size} pixels and has {known.params:,} parameters."
    )


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
