"""The models of the example project."""

from torch import nn


def classifier(width: int = 16) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 10),
    )


class Tagger(nn.Module):
    """A recurrent network over sequences of features, with a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(8, 12, batch_first=True)
        self.out = nn.Linear(12, 5)

    def forward(self, x, mask):
        hidden, _ = self.rnn(x)
        return self.out(hidden) * mask
