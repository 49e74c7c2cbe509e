"""A table of six rows by decisions a and b: observed accuracy, true accuracy and MACs."""

from __future__ import annotations

from pathlib import Path

OBSERVED = {(0, 0): 0.50, (0, 1): 0.55, (1, 0): 0.60, (1, 1): 0.71, (2, 0): 0.65, (2, 1): 0.75}
TRUTH = {(0, 0): 0.51, (0, 1): 0.53, (1, 0): 0.61, (1, 1): 0.72, (2, 0): 0.66, (2, 1): 0.70}
MACS = {(0, 0): 50.0, (0, 1): 100.0, (1, 0): 100.0, (1, 1): 200.0, (2, 0): 300.0, (2, 1): 400.0}


def write_small_table(folder: Path) -> Path:
    """The table as CSV and the TOML file that describes it."""
    rows = [f"{a},{b},{OBSERVED[a, b]},{TRUTH[a, b]},{MACS[a, b]}" for a, b in OBSERVED]
    (folder / "small.csv").write_text("\n".join(["a,b,seed0,truth,macs", *rows]) + "\n")
    spec = folder / "small.toml"
    spec.write_text(
        '[table]\npath = "small.csv"\ndecisions = ["a", "b"]\naccuracy = ["seed0"]\ntruth = "truth"\nmacs = "macs"\n'
    )
    return spec
