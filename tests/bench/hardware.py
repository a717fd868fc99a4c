"""What the multipliers of a GPU counted in a forward pass, beside the reference, layer by layer.

    python tests/bench/hardware.py MODEL FILE.csv     on a machine with a GPU and Nsight Compute (ncu)
    python tests/bench/hardware.py FILE.csv           the table of a file that is there

MODEL is one of torchvision's, in float32 without TF32, on one image of 224 x 224. Each kernel of a pass is
profiled: ``smsp__sass_thread_inst_executed_op_ffma_pred_on.sum``, the fused multiply-adds that its threads
carried out. A kernel works on tiles; what of a tile lies beyond the matrix is multiplied too.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchvision

from flop_harness import count

FFMA = "smsp__sass_thread_inst_executed_op_ffma_pred_on.sum"
RANGES = "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg"
RANGE = re.compile(r"<default domain>:([^:\"]*):")
TILE = re.compile(r"tilesize(\d+)x(\d+)x(\d+)")
NCU = (
    "ncu --clock-control none --profile-from-start off --nvtx --page raw --csv --metrics"
).split()


class Kernel(NamedTuple):
    """One launch: the module it belongs to, its name, and its fused multiply-adds."""

    module: str
    name: str
    ffma: int


class Layer(NamedTuple):
    """A layer as a product: rows x inner times inner x columns, and what its kernels counted."""

    module: str
    rows: int
    columns: int
    inner: int
    tile: tuple[int, ...]
    ffma: int

    @property
    def macs(self) -> int:
        return self.rows * self.columns * self.inner

    @property
    def tiled(self) -> int:
        """MACs of whole tiles, as the kernel's name gives them."""
        sizes = zip((self.rows, self.columns, self.inner), self.tile or (1, 1, 1), strict=True)
        rows, columns, inner = (-(-size // tile) * tile for size, tile in sizes)
        return rows * columns * inner


def profiled(model: str) -> list[Kernel]:
    """The kernels of a pass, one by one, in the order of their launch."""
    command = [*NCU, FFMA, sys.executable, __file__, "--pass", model]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(kernels(told))


def kernels(told: str) -> Iterator[Kernel]:
    """Rows of ncu's raw page; before its header stand lines of ncu's own, under it the units."""
    rows = csv.DictReader(io.StringIO(told[told.index('"ID"') :]))
    next(rows)
    for row in rows:
        module = RANGE.findall(row[RANGES])[-1]
        name = row["Kernel Name"].split("(")[0].split("<")[0]
        yield Kernel(module, name, int(row[FFMA].replace(",", "")))


def run_pass(name: str) -> None:
    """A forward pass between the start and the stop of the profiler, each leaf module in a range."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model = built(name).cuda()
    image = torch.randn(1, 3, 224, 224, device="cuda")
    with torch.inference_mode():
        for _ in range(3):
            model(image)
        for path, module in model.named_modules():
            if not list(module.children()):
                module.register_forward_pre_hook(lambda *_, path=path: entered(path))
                module.register_forward_hook(lambda *_: left())
        torch.cuda.synchronize()
        torch.cuda.cudart().cudaProfilerStart()
        entered("model")
        model(image)
        left()
        torch.cuda.synchronize()
        torch.cuda.cudart().cudaProfilerStop()


def entered(path: str) -> None:
    torch.cuda.nvtx.range_push(path)


def left() -> None:
    torch.cuda.nvtx.range_pop()


def built(name: str) -> Any:
    return getattr(torchvision.models, name)(weights=None).eval()


# ------------------------------------------------------------------------------------- the table


def layers(found: list[Kernel], model: str) -> list[Layer]:
    """Convolutions and linear layers, with the kernels that ran in them."""
    by_module = defaultdict(list)
    for kernel in found:
        by_module[kernel.module].append(kernel)
    return [
        Layer(path, *sizes, tile_of(by_module[path]), sum(each.ffma for each in by_module[path]))
        for path, sizes in products(model).items()
    ]


def tile_of(found: list[Kernel]) -> tuple[int, ...]:
    """Rows, columns and inner size of a tile where a kernel's name tells it; empty elsewhere."""
    named = (TILE.search(kernel.name) for kernel in found)
    return next((tuple(map(int, match.groups())) for match in named if match), ())


def products(name: str) -> dict[str, tuple[int, int, int]]:
    """(rows, columns, inner) by path: of a convolution positions, output channels and window."""
    sizes: dict[str, tuple[int, int, int]] = {}

    def note(path: str) -> Any:
        def hook(module: Any, args: Any, output: torch.Tensor) -> None:
            weight = module.weight
            rows = output.numel() // weight.shape[0]
            sizes[path] = rows, weight.shape[0], weight[0].numel()

        return hook

    model = built(name).to("meta")
    for path, module in model.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(note(path))
    model(torch.empty(1, 3, 224, 224, device="meta"))
    return sizes


def show(file: Path) -> None:
    with file.open() as lines:
        found = [Kernel(row["module"], row["kernel"], int(row["ffma"]))
                 for row in csv.DictReader(lines)]  # fmt: skip
    model = file.stem.partition("-")[0]
    known = layers(found, model)
    print(f"{'layer':24}{'reference':>14}{'whole tiles':>14}{'counted':>14}  counted / reference")
    for each in known:
        print(f"{each.module:24}{each.macs:14,}{each.tiled:14,}{each.ffma:14,}{each.ffma / each.macs:10.4f}")  # fmt: skip
    reference = count(f"torchvision:{model}").macs
    counted = sum(each.ffma for each in known)
    tiled = sum(each.tiled for each in known)
    print(f"{'all':24}{reference:14,}{tiled:14,}{counted:14,}{counted / reference:10.4f}")


def main(args: list[str]) -> None:
    if args[0] == "--pass":
        run_pass(args[1])
        return
    file = Path(args[-1])
    if len(args) > 1:
        with file.open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("module", "kernel", "ffma"))
            writer.writerows(profiled(args[0]))
    show(file)


if __name__ == "__main__":
    main(sys.argv[1:])
