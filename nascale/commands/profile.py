"""``nascale profile``: what networks cost, compared, layer by layer, and where the costs are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from nascale.architectures import resolve
from nascale.options import plot_option, storage_option
from nascale.output import chosen_format, echo, emit, render, table_options
from nascale.quantities import human_bytes, human_count
from results.files import write_file
from space import notation
from space.architecture import Architecture
from space.cost import DTYPES, OPTIMIZERS, costs
from space.errors import InputError
from space.layers import Layer, Share, layer_memory_bytes, layers, shares_by_kind

_COMPARED = ("params", "macs", "flops", "output_bytes", "activation_bytes")
_TOTALS = ("name", "resolution", *_COMPARED, "training_bytes")
_LATENCY = ("latency_seconds", "latency_spread", "roofline_seconds")


@click.command("profile")
@click.argument("archs", nargs=-1, metavar="ARCH...")
@click.option(
    "--blocks", multiple=True, metavar="STRINGS", help="A network as timm's block strings; repeatable."
)
@click.option("--layers", "by_layer", is_flag=True, help="One row for each layer.")
@click.option(
    "--resolution", type=int, metavar="PIXELS", help="Side of the images.  [default: each network's own]"
)
@click.option(
    "--batch", type=int, default=1, show_default=True, help="Images at once, for the memory columns."
)
@click.option(
    "--dtype", default="float32", show_default=True, help=f"What a number is held as: {', '.join(DTYPES)}."
)
@click.option(
    "--optimizer",
    default="momentum",
    show_default=True,
    help=f"Whose state training_bytes counts: {', '.join(OPTIMIZERS)}.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="Measure the latency there, beside a roofline estimate.",
)
@plot_option("Draw where memory, parameters and operations are")
@storage_option
@table_options
def command(
    archs: tuple[str, ...],
    blocks: tuple[str, ...],
    by_layer: bool,
    resolution: int | None,
    batch: int,
    dtype: str,
    optimizer: str,
    device: str | None,
    plot: str | None,
    storage: str | None,
    format_: str | None,
    output: str | None,
) -> None:
    """What each ARCH costs: parameters, MACs, FLOPs and memory.

    ARCH is a name of the zoo with settings (mobilenet_v2@width=1.4), a JSON file, or STUDY:NUMBER. Several are
    compared with the first. MACs, FLOPs and activations are per image; memory is for the whole batch.

    params leave out auxiliary classifiers. output_bytes adds up the outputs of all layers, activation_bytes
    is the most alive at once at inference, training_bytes what training holds: tensors kept for the backward
    pass, gradients, weights and the optimiser's state.
    """
    networks = [resolve(arch, storage) for arch in archs]
    networks += [notation.read(text, name=_label(i, blocks)) for i, text in enumerate(blocks)]
    if not networks:
        raise InputError.of("ARCH", "the name of a network, a JSON file, STUDY:NUMBER or --blocks", None)
    if resolution is not None:
        networks = [network.replace(resolution=resolution) for network in networks]
    for network in networks:
        if network.training_misfit:
            echo(f"{network.label}: {network.training_misfit}; training_bytes leave it out", err=True)
        if network.live() is not network:
            echo(_idle(network), err=True)
    totals = [_totals(network, batch, dtype, optimizer) for network in networks]
    rows = [layers(network, batch=batch, dtype=dtype) for network in networks]
    for total, found in zip(totals, rows, strict=True):
        total["output_bytes"] = layer_memory_bytes(found)
    if device:
        for network, total in zip(networks, totals, strict=True):
            total |= _measured(network, batch, dtype, device)
    if plot:
        from results.plots.costs import cost_bars
        from results.plots.picture import save

        save(cost_bars([(n.label, r) for n, r in zip(networks, rows, strict=True)]), plot, "--plot")
        echo(f"wrote {plot}", err=True)
    _print(totals, rows, by_layer, chosen_format(format_, output), output)


def _label(index: int, blocks: Sequence[str]) -> str:
    return "blocks" if len(blocks) == 1 else f"blocks {index + 1}"


def _idle(network: Architecture) -> str:
    """How much of the network has no part in its output."""
    whole, live = costs(network), costs(network.live())
    return (
        f"{network.label}: {human_count(whole.params - live.params)} params and {human_count(whole.macs - live.macs)} MACs have no "
        "part in the output; they run and count as in the benchmark, and exports leave them out"
    )


def _totals(network: Architecture, batch: int, dtype: str, optimizer: str) -> dict[str, Any]:
    cost = asdict(costs(network, batch=batch, dtype=dtype, optimizer=optimizer))
    return {
        "name": network.label,
        "resolution": network.resolution,
        **cost,
        "batch": batch,
        "dtype": dtype,
        "optimizer": optimizer,
        "key": network.key,
    }


def _measured(network: Architecture, batch: int, dtype: str, device: str) -> dict[str, float]:
    """Median latency of one batch, its spread, and what a roofline of this device predicts."""
    if dtype != "float32":
        raise InputError.of("--device", "--dtype float32, the one that is measured", dtype)
    from evaluators.latency import latency
    from evaluators.machine_speed import machine_of
    from space.roofline import estimate

    found = latency(network, device=device, batch=batch)
    seconds = estimate(network, machine_of(device, threads=found.threads), batch=batch)
    return dict(zip(_LATENCY, (found.median_seconds, found.spread, seconds), strict=True))


def _print(
    totals: list[dict[str, Any]],
    rows: list[tuple[Layer, ...]],
    by_layer: bool,
    format_: str,
    output: str | None,
) -> None:
    names = [total["name"] for total in totals]
    if format_ == "json":
        for total, found in zip(totals, rows, strict=True):
            total["kinds"] = [asdict(share) for share in shares_by_kind(found)]
            if by_layer:
                total["layers"] = [_layer_row(layer) for layer in found]
        emit(totals, "json", output)
        return
    per_layer = [
        {"name": name, **_layer_row(layer)}
        for name, found in zip(names, rows, strict=True)
        for layer in found
    ]
    if format_ != "table":
        emit(per_layer if by_layer else totals, format_, output)
        return
    tables = [_comparison(totals), *_kind_tables(names, rows)]
    if by_layer:
        tables += [_layer_table(name, found) for name, found in zip(names, rows, strict=True)]
    if output:
        write_file(output, b"".join(render(t, "table", title=title, width=200) for title, t in tables))
        return
    for title, table in tables:
        emit(table, "table", title=title)


def _comparison(totals: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The totals for the eye; behind each cost of the others, its ratio to the first network's."""
    first, *others = totals
    table = []
    for total in totals:
        row: dict[str, Any] = {}
        for column in (*_TOTALS, *(c for c in _LATENCY if c in total)):
            row[column] = total[column]
            if column in _COMPARED and others:
                write = human_bytes if column.endswith("_bytes") else human_count
                ratio = "" if total is first else f" ×{total[column] / first[column]:.3g}"
                row[column] = write(total[column]) + ratio
        if any(t["auxiliary_params"] for t in totals):
            row["auxiliary_params"] = total["auxiliary_params"]
        table.append(row)
    return f"memory: batch {first['batch']}, {first['dtype']}; macs and flops: per image", table


def _kind_tables(names: list[str], rows: list[tuple[Layer, ...]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """For each network its shares by kind of layer."""
    return [
        (
            f"{name}: shares by kind of layer",
            [{"kind": share.name, **_shares(share)} for share in shares_by_kind(found)],
        )
        for name, found in zip(names, rows, strict=True)
    ]


def _shares(share: Share) -> dict[str, str]:
    """The shares of a kind of layer in per cent, by title."""
    shares = {
        "memory": share.activation_share,
        "weights": share.weights_share,
        "params": share.params_share,
        "macs": share.macs_share,
        "flops": share.flops_share,
    }
    return {title: f"{100 * value:.2f} %" for title, value in shares.items()}


def _layer_row(layer: Layer) -> dict[str, Any]:
    row = asdict(layer)
    product = row.pop("product") or {}
    row["shape"] = "x".join(map(str, layer.shape))
    row["intensity"] = layer.intensity
    return row | {f"gemm_{key}": product.get(key) for key in ("m", "n", "k", "count")}


def _field(layer: Layer) -> str:
    """The receptive field: one number where both sides are equal, otherwise height and width."""
    height, width = layer.receptive_height, layer.receptive_width
    return str(height) if height == width else f"{height}x{width}"


def _layer_table(name: str, found: tuple[Layer, ...]) -> tuple[str, list[dict[str, Any]]]:
    table = []
    for layer in found:
        product = layer.product
        table.append(
            {
                "layer": layer.path,
                "operation": layer.operation,
                "output": "x".join(map(str, layer.shape)),
                "field": _field(layer),
                "stride": layer.stride,
                "params": layer.params,
                "macs": layer.macs,
                "activation_bytes": layer.activation_bytes,
                "M x N x K": "–"
                if product is None
                else f"{product.m}x{product.n}x{product.k}"
                + (f" ({product.count})" if product.count > 1 else ""),
                "im2col_bytes": layer.im2col_bytes,
                "flop/byte": f"{layer.intensity:.1f}",
            }
        )
    return f"{name}: layers (M weights × K, K × N patches; in brackets how many products)", table
