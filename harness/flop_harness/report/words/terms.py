"""The terms of bridges in words: what they are of, and how a counter departs from the reference.

A term is a name out of ``NOUNS`` and an ending out of ``MANNERS``, or stands whole in ``WHOLE``.
One that nobody described still makes a correct sentence, with its own name as the noun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from flop_harness.records import AGAIN, HERE, HOOKED, UNSEEN, Metric
from flop_harness.report.words.text import few

DOUBLING = "2 FLOPs per MAC"
SHARED = " of a shared module counted again"
NESTED = " counted again by a nested function"
INTEGER = "quantised "
"""How a term of layers begins whose weights are whole numbers"""
NOUNS = {
    "convolution": "convolutions",
    "transposed convolution": "transposed convolutions",
    "linear": "linear layers",
    "bilinear": "bilinear layers",
    "matrix product": "matrix products outside of layers",
    "einsum": "einsum",
    "attention projection": "the projections of attention",
    "attention product": "the two products of attention",
    "attention scaling": "the scaling of attention's queries",
    "attention softmax": "the softmax of attention",
    "attention": "attention's projections",
    "recurrent product": "the products of recurrent layers",
    "recurrent cell arithmetic": "the gates of recurrent cells",
    "recurrent": "recurrent layers",
    "addition": "additions called by name",
    "multiplication": "multiplications called by name",
    "element-wise multiplication": "element-wise multiplications",
    "embedding table": "the weights of embeddings",
    "mean": "means",
    "deformable sampling": "the sampling of deformable convolutions",
}
# How a term ends -> what its counter does; {} is the noun. The longer endings come first.
MANNERS = {
    UNSEEN + HOOKED: "is read in a context in which the model itself, once it has hooks or finds functions replaced, does less of {}",
    AGAIN + HOOKED: "is read in a context in which the model itself, once it has hooks or finds functions replaced, does more of {}",
    UNSEEN + HERE: "is read in a context in which the model itself does less of {}",
    AGAIN + HERE:
        "is read in a context in which the model itself does more of {}",
    SHARED:
        "charges {} of a shared module once for each place where the model holds it",
    " counted twice (hook and patched function)":
        "charges {} twice: by the hook on the layer, and by the patched function that it calls",
    NESTED:
        "charges {} twice where one patched function calls another",
    " counted where torch looks for a shape":
        "charges {} where torch, once, looks for the shape of a distributed tensor and computes nothing",
    " counted on its output":
        "charges {} by the shape of their output, which the multiplications do not follow",
    " charged by its parameters": "charges {} by the number of its parameters",
    " padding arithmetic": "charges arithmetic for the padding of {}",
    " by its shapes": "charges {} by shapes that do not tell what runs",
    " read as a batch": "takes the input of an {} for a batch",
    UNSEEN: "does not see {}",
    AGAIN: "charges more for {} than the reference",
}  # fmt: skip
WHOLE = {
    DOUBLING: "counts two FLOPs for each MAC that it sees",
    DOUBLING + NESTED:
        "counts two FLOPs for each MAC that it charges twice",
    DOUBLING + SHARED:
        "counts two FLOPs for each MAC that it charges to a shared module again",
    "layers averaged over the batch":
        "divides the sum over layers, but not over functions, by the length of the first "
        "positional input",
    "linear layer multiplied by its first dimension only":
        "multiplies the weights of linear layers by the first dimension of the output only",
    "linear layer read as two-dimensional":
        "reads the inputs of linear layers as two-dimensional, whatever they are",
    "recurrent steps taken from the first two dimensions":
        "takes the steps of recurrent layers from the first two dimensions of the output",
    "recurrent steps or projection counted differently":
        "counts steps of recurrent layers that do not run, or leaves out their projection",
    "recurrent layers, directions or steps counted differently":
        "charges recurrent layers by one layer's, direction's or step's share",
    "recurrent steps, directions or projection counted differently":
        "charges recurrent layers by other steps, directions or projections than those that run",
    "K - 1 additions per recurrent output":
        "charges one addition less than multiplications for each output of recurrent layers",
    "unbatched convolution: second dimension taken for channels":
        "takes the second dimension of an unbatched input for its channels",
    "attention product read from input lengths":
        "reads the two products of attention off the lengths of its inputs, which do not tell "
        "what runs",
    "attention projection read from input widths":
        "reads the projections of attention off the widths of its inputs, which do not tell "
        "what runs",
    "odd 'same' padding rounded": "rounds the odd padding of 'same' convolutions down",
    "vector or broadcast operand misread":
        "misreads the shapes of vectors and of operands that are broadcast",
    "einsum counted by numpy's contraction path":
        "charges einsum what numpy's contraction path would cost",
    "transposed convolution bias of a forward convolution":
        "charges the bias of transposed convolutions on the output that a forward one would have",
    "transposed convolution divided by its groups twice":
        "divides transposed convolutions by their groups twice",
    "sizes multiplied as tensors under torch.jit":
        "charges products of sizes, which are tensors while torch.jit traces",
    "grouped weight gradient taken for a dense one":
        "takes the weight gradient of grouped convolutions for that of dense ones: g times too much",
    "other branch of a condition":
        "counts the branch of torch.cond that is not taken, instead of the other or beside it",
    "the backward pass as two forward passes":
        "takes the backward pass for two forward passes, whatever is differentiated",
    "frozen parameters not counted": "does not count frozen parameters",
    "pruned elements not counted": "does not count elements that a mask has pruned",
    "parameters made in the forward pass not counted":
        "reads the parameters before the forward pass makes more of them",
    "parameters removed in the forward pass counted":
        "reads the parameters before the forward pass takes some away",
    "parameters changed before their layer is called":
        "reads the parameters of a layer as it is called, after the model has changed them",
    "shared parameters counted again":
        "counts parameters that two layers share once for each of them",
    "shared parameters counted differently":
        "counts shared parameters more or less often than once",
    "rounded to single precision": "rounds its sums to single precision",
    "attention read sequence first, with biases, scaling and softmax":
        "reads the inputs of attention as sequence first, and charges its biases, scaling and softmax",
    "residual": "leaves a residual",
}  # fmt: skip
KERNELS = {
    "aten._scaled_dot_product_flash_attention_for_cpu": "the fused attention kernel of the CPU",
    "aten._scaled_dot_product_flash_attention_for_cpu_backward":
        "the fused attention kernel of the CPU, backwards",
    "aten.mkldnn_rnn_layer_backward": "the fused recurrent kernel of the CPU, backwards",
    "aten._scaled_dot_product_flash_attention": "a fused attention kernel",
    "aten._scaled_dot_product_efficient_attention": "a fused attention kernel",
    "aten._scaled_dot_product_cudnn_attention": "a fused attention kernel",
    "aten._native_multi_head_attention":
        "the fast path that MultiheadAttention takes under no_grad",
    "aten._transformer_encoder_layer_fwd":
        "the fast path that TransformerEncoderLayer takes under no_grad",
    "aten.mkldnn_rnn_layer": "the fused recurrent kernel of the CPU",
    "aten._cudnn_rnn": "the fused recurrent kernel of cuDNN",
}  # fmt: skip
Extent = Literal["all", "part", "mixed", "twice", ""]
"""How much a term is of what the reference has of its kind: ``mixed`` is all in places"""


@dataclass(frozen=True, slots=True)
class Term:
    """A term taken apart: ``linear bias`` + `` not seen``."""

    noun: str
    manner: str

    @classmethod
    def of(cls, text: str) -> Term:
        manner = next((ending for ending in MANNERS if text.endswith(ending)), "")
        return cls(text.removesuffix(manner), manner)


PARTS = (
    (" bias", "the bias"),
    (" parameters", "the parameters"),
    (", backward", "the backward pass"),
    (", recomputed", "the recomputation"),
    (", optimizer", "the optimizer's step"),
)


def noun_of(name: str) -> str:
    """What a name stands for in a sentence."""
    if name in NOUNS:
        return NOUNS[name]
    if name.startswith(INTEGER):
        return INTEGER + noun_of(name.removeprefix(INTEGER))
    for ending, part in PARTS:
        if name.endswith(ending):
            return f"{part} of {noun_of(name.removesuffix(ending))}"
    return name


def predicate(
    text: str,
    metric: Metric = "compute",
    extent: Extent = "",
    negative: bool = False,
    operators: Iterable[str] = (),
    classes: Iterable[str] = (),
) -> str:
    """What a counter does, as the rest of a sentence that begins with its name."""
    if text in WHOLE:
        return WHOLE[text]
    term = Term.of(text)
    noun = noun_of(term.noun)
    if term.manner == UNSEEN:
        return _unseen(noun, metric, extent, operators, classes)
    if term.manner == AGAIN and metric == "params":
        return f"counts the parameters of {few(classes, 3) or noun} more than once"
    if term.manner == AGAIN and extent == "twice":
        return f"charges {noun} twice"
    if term.manner:
        return MANNERS[term.manner].format(noun)
    if negative:
        return f"charges less for {noun} than the reference"
    return f"charges {noun}{BEYOND}"


Way = Literal["now", "no longer", "more", "less"]
"""How a term moved from one release to the next: it is new, gone, or of another amount"""
OPPOSITE: dict[Way, Way] = {"now": "no longer", "no longer": "now"}
BEYOND = ", which the reference does not"
DENIED = ("does not see ", "does not count ")


def change_in_words(text: str, way: Way) -> str:
    """What a release does otherwise, by a term: ``no longer charges ReLU``.

    A term that says what is not counted is told by what is: once it is gone, ``now counts linear layers``.
    """
    did = predicate(text).removesuffix(BEYOND)
    for denial in DENIED:
        if did.startswith(denial):
            did, way = f"counts {did.removeprefix(denial)}", OPPOSITE.get(way, way)
    return f"{did}: {way} than before" if way in ("more", "less") else f"{way} {did}"


def _unseen(
    noun: str, metric: Metric, extent: Extent, operators: Iterable[str], classes: Iterable[str]
) -> str:
    """With the kernels that hide the work where we know them, else with the classes it is in."""
    told = few((name for name in classes if name), 3)
    if metric == "params":
        return f"leaves out {'' if extent == 'all' else 'some of '}the parameters of {told or noun}"
    parts = {"part": f"sees only a part of {noun}", "mixed": f"does not see all of {noun}"}
    words = parts.get(extent, f"does not see {noun}")
    known = [name for name in operators if name in KERNELS]
    if known and extent not in parts:
        places = " or ".join(f"{KERNELS[name]} ({name})" for name in known)
        return f"{words}, which run in {places}, for which it has no rule"
    if not told:
        return words
    return f"{words}: not those of {told}" if extent in parts else f"{words} (of {told})"
