"""Layers of every kind, one at a time or in a row."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, image, rows
from torch import nn

# ------------------------------------------------------------------------------ layers


def norms_of_each_kind():
    kinds = [nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4),
             nn.GroupNorm(2, 4, affine=False), nn.InstanceNorm2d(4),
             nn.InstanceNorm2d(4, affine=True), nn.LocalResponseNorm(2), nn.LayerNorm([4, 8, 8]),
             nn.LayerNorm([8, 8], elementwise_affine=False)]  # fmt: skip
    return nn.Sequential(*kinds), (image(),), {}


def pools_of_each_kind():
    def forward(m, x):
        return [pool(x) for pool in m.pools]

    pools = [nn.MaxPool2d(2), nn.AvgPool2d(3, stride=2, padding=1), nn.AdaptiveAvgPool2d((3, 5)),
             nn.AdaptiveMaxPool2d(3), nn.MaxPool2d(3, stride=1, ceil_mode=True), nn.LPPool2d(2, 2)]  # fmt: skip
    return Functional(forward, pools=nn.ModuleList(pools)), (image(),), {}


def transposed_convolutions():
    layers = [nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
              nn.ConvTranspose2d(6, 3, 2, bias=False)]  # fmt: skip
    return nn.Sequential(*layers), (image(),), {}


def convolutions_of_each_padding():
    modes = ["zeros", "reflect", "replicate", "circular"]
    layers = [nn.Conv2d(4, 4, 3, padding=1, padding_mode=mode) for mode in modes]
    return nn.Sequential(*layers, nn.Conv2d(4, 4, 3, padding="same")), (image(),), {}


def resamplings():
    def forward(m, x):
        y = F.interpolate(m.nearest(m.bilinear(x)), scale_factor=0.5, mode="bicubic")
        y = F.interpolate(y, size=(6, 6), mode="bilinear", align_corners=True)
        y = F.grid_sample(y, m.grid.expand(len(y), -1, -1, -1), align_corners=False)
        return m.unshuffle(m.shuffle(y))

    parts = {"nearest": nn.Upsample(scale_factor=2), "shuffle": nn.PixelShuffle(2),
             "bilinear": nn.UpsamplingBilinear2d(scale_factor=2),
             "unshuffle": nn.PixelUnshuffle(2)}  # fmt: skip
    module = Functional(forward, **parts)
    module.register_buffer("grid", torch.rand(1, 6, 6, 2))
    return module, (image(),), {}


def bilinear():
    return nn.Bilinear(3, 4, 5), (torch.rand(6, 3), torch.rand(6, 4)), {}


def embeddings():
    def forward(m, x):
        return m.bag(x) + m.table(x).mean(1)

    parts = {"table": nn.Embedding(11, 6), "bag": nn.EmbeddingBag(11, 6)}
    return Functional(forward, **parts), (torch.randint(0, 11, (3, 4)),), {}


def dropouts():
    layers = [nn.Dropout(), nn.Linear(6, 6), nn.AlphaDropout(), nn.Identity(), nn.Flatten(0)]
    return nn.Sequential(*layers), (torch.rand(3, 6),), {}


def convolutions_of_each_dimension():
    def forward(m, x):
        return m.line(x.flatten(2)), m.volume(x.unsqueeze(2).expand(-1, -1, 3, -1, -1))

    parts = {"line": nn.Conv1d(4, 6, 3, stride=2, dilation=2), "volume": nn.Conv3d(4, 2, 3)}
    return Functional(forward, **parts), (image(),), {}


def convolutions_of_each_shape():
    layers = [nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 6, (1, 3), (2, 1), (0, 2)),
              nn.Conv2d(6, 6, 3, dilation=(1, 2), groups=3, bias=False), nn.Conv2d(6, 5, 1),
              nn.Conv2d(5, 5, 2, padding="same"), nn.Conv2d(5, 5, 2, padding="valid")]  # fmt: skip
    return nn.Sequential(*layers), (image(size=12),), {}


def transposed_convolutions_of_each_dimension():
    def forward(m, x):
        line = m.line(x.flatten(2))
        volume = m.volume(x.unsqueeze(2))
        return line, volume, m.plane(x, output_size=(17, 16))

    parts = {"line": nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, dilation=2),
             "volume": nn.ConvTranspose3d(4, 2, (1, 3, 3), (1, 2, 2), bias=False),
             "plane": nn.ConvTranspose2d(4, 3, 2, 2, groups=1)}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def transposed_convolutions_unbatched():
    def forward(m, x):
        return m.line(x.flatten(1)), m.volume(x.unsqueeze(1))

    parts = {"line": nn.ConvTranspose1d(4, 6, 3), "volume": nn.ConvTranspose3d(4, 2, 2)}
    return Functional(forward, **parts), (image()[0],), {}


def norms_of_each_dimension():
    def forward(m, x):
        y = m.two(m.one(x.flatten(1)))
        return y, m.three(x.unsqueeze(2)), m.line(x.flatten(2)), m.rms(x), m.cross(x), m.sync(x)

    parts = {"one": nn.BatchNorm1d(256), "two": nn.LayerNorm(256, bias=False),
             "three": nn.BatchNorm3d(4, track_running_stats=False),
             "line": nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
             "rms": nn.RMSNorm(8), "cross": nn.CrossMapLRN2d(2), "sync": nn.SyncBatchNorm(4)}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def pools_of_each_dimension():
    def forward(m, x):
        line, volume = x.flatten(2), x.unsqueeze(2)
        outs = [m.average(line), m.maximum(line), m.adaptive(line), m.adaptive_max(line)]
        return [*outs, m.volume(volume), m.adaptive_volume(volume), m.power(line)]

    parts = {"average": nn.AvgPool1d(3, 2, 1), "maximum": nn.MaxPool1d(2),
             "adaptive": nn.AdaptiveAvgPool1d(5), "adaptive_max": nn.AdaptiveMaxPool1d(5),
             "volume": nn.AvgPool3d((1, 2, 2)), "adaptive_volume": nn.AdaptiveAvgPool3d((1, 3, None)),
             "power": nn.LPPool1d(2, 3)}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def pools_with_indices():
    def forward(m, x):
        y, where = m.pool(x)
        return m.back(y, where) + m.ragged(x), m.random(x)

    parts = {"pool": nn.MaxPool2d(2, return_indices=True), "back": nn.MaxUnpool2d(2),
             "ragged": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
             "random": nn.FractionalMaxPool2d(2, output_size=3)}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def activations_seldom_seen():
    kinds = [nn.Softmax2d(), nn.Softmin(dim=1), nn.Threshold(0.1, 1), nn.RReLU(), nn.Hardshrink(),
             nn.Softshrink(), nn.Tanhshrink(), nn.LogSigmoid(), nn.Softsign(), nn.Hardtanh(),
             nn.GLU(dim=1), nn.GELU(approximate="tanh"), nn.Softplus()]  # fmt: skip
    return nn.Sequential(*kinds), (image(),), {}


def adaptive_softmax():
    layer = nn.AdaptiveLogSoftmaxWithLoss(6, 12, [4, 8], div_value=2)
    return Functional(lambda m, x: m.layer.log_prob(x), layer=layer), (rows(),), {}


def losses_as_layers():
    def forward(m, x):
        y = m.fc(x)
        return m.mse(y, x) + m.cosine(y, x).sum() + m.distance(y, x).sum() + m.huber(y, x)

    parts = {"fc": nn.Linear(6, 6), "mse": nn.MSELoss(), "cosine": nn.CosineSimilarity(),
             "distance": nn.PairwiseDistance(), "huber": nn.HuberLoss()}  # fmt: skip
    return Functional(forward, **parts), (rows(),), {}


def movers():
    """Layers that move elements about."""
    layers = [nn.ChannelShuffle(2), nn.PixelUnshuffle(2), nn.PixelShuffle(2), nn.ZeroPad2d(1),
              nn.CircularPad2d(1), nn.ReflectionPad2d(1), nn.Unfold(3), nn.Fold((14, 14), 3),
              nn.Flatten(), nn.Unflatten(1, (4, 196))]  # fmt: skip
    return nn.Sequential(*layers), (image(),), {}


def resamplings_of_each_mode():
    def forward(m, x):
        outs = [F.interpolate(x, scale_factor=2, mode=mode) for mode in m.modes]
        outs += [m.line(x.flatten(2)), m.volume(x.unsqueeze(2)), m.smooth(x)]
        outs.append(F.interpolate(x, size=(5, 7), mode="bicubic", antialias=True))
        theta = torch.eye(2, 3, device=x.device).expand(len(x), -1, -1)
        grid = F.affine_grid(theta, [len(x), 4, 5, 5], align_corners=False)
        return outs, F.grid_sample(x, grid, mode="nearest", align_corners=False)

    parts = {"modes": ["nearest", "bilinear", "bicubic", "area", "nearest-exact"],
             "line": nn.Upsample(scale_factor=2, mode="linear"),
             "volume": nn.Upsample(size=(2, 4, 4), mode="trilinear"),
             "smooth": nn.Upsample(scale_factor=(2, 3), mode="bicubic")}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def embeddings_of_each_switch():
    def forward(m, x):
        bags = m.summed(x.flatten(), torch.tensor([0, 5], device=x.device))
        return m.table(x), bags, m.maximum(x), F.one_hot(x, 11)

    parts = {"table": nn.Embedding(11, 6, padding_idx=0, max_norm=1.0),
             "summed": nn.EmbeddingBag(11, 6, mode="sum"),
             "maximum": nn.EmbeddingBag(11, 6, mode="max")}  # fmt: skip
    return Functional(forward, **parts), (torch.randint(0, 11, (3, 4)),), {}


def squeeze_and_excite():
    def forward(m, x):
        return x * m.up(F.relu(m.down(x.mean((2, 3), keepdim=True)))).sigmoid()

    return Functional(forward, down=nn.Conv2d(4, 2, 1), up=nn.Conv2d(2, 4, 1)), (image(),), {}
