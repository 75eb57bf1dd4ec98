"""A small network that tells two kinds of rows apart, and nothing beside its products that takes time.

Written by hand because autograd costs half as much again as the arithmetic where layers are as small as here: it makes
a graph a step, a tensor a gradient, and an update a parameter. A test holds every gradient against autograd's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Discriminator:
    """A multi-layer perceptron with ReLU and two outputs, trained by Adam on cross-entropy.

    All parameters are views of one vector, as are their gradients, so that an update is one operation.
    """

    def __init__(self, widths: list[int], learning_rate: float, rng: torch.Generator, device: torch.device) -> None:
        """Draw weights as the authors' library (Keras) does: Xavier's uniform ones, and biases of 0.

        Args:
            widths: of the input, the hidden layers, and the output, which is 2.
            learning_rate: of Adam.
            rng: of the weights; on the CPU.
            device: that computes.
        """
        import torch

        shapes = [(outputs, inputs) for inputs, outputs in pairwise(widths)]
        sizes = [size for outputs, inputs in shapes for size in (outputs * inputs, outputs)]
        values = torch.zeros(sum(sizes), device=device)
        values.grad = torch.zeros_like(values)
        self._adam = torch.optim.Adam([values], lr=learning_rate, fused=True)
        self.weights, self.biases = _views(values, sizes, shapes)
        self.weight_gradients, self.bias_gradients = _views(values.grad, sizes, shapes)
        for weight, shape in zip(self.weights, shapes, strict=True):
            weight.copy_(torch.nn.init.xavier_uniform_(torch.empty(shape), generator=rng))

    def logits(self, X: torch.Tensor) -> torch.Tensor:
        """Return how much more likely rows (n, d) are of kind 1 than of kind 0: log odds, (n,)."""
        return self._log_odds(self._hidden(X)[-1])

    def step(self, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Make one step of Adam on the mean cross-entropy.

        Args:
            X: (n, d) float32.
            y: (n,) float32, the kinds: 0 or 1.

        Returns:
            (n,) the log odds before the step.
        """
        hidden = self._hidden(X)
        logits = self._log_odds(hidden[-1])
        self._backward(hidden, (logits.sigmoid() - y) / len(y))
        self._adam.step()
        return logits

    def _hidden(self, X: torch.Tensor) -> list[torch.Tensor]:
        """Return the inputs of all layers."""
        import torch

        inputs = [X]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            inputs.append(torch.addmm(bias, inputs[-1], weight.T).relu_())
        return inputs

    def _log_odds(self, hidden: torch.Tensor) -> torch.Tensor:
        import torch

        outputs = torch.addmm(self.biases[-1], hidden, self.weights[-1].T)
        return outputs[:, 1] - outputs[:, 0]

    def _backward(self, inputs: list[torch.Tensor], by_log_odds: torch.Tensor) -> None:
        """Write the gradients, given the inputs of all layers and the derivative of the loss by the log odds, (n,)."""
        import torch

        gradient = torch.stack([-by_log_odds, by_log_odds], dim=1)
        for layer in reversed(range(len(self.weights))):
            torch.mm(gradient.T, inputs[layer], out=self.weight_gradients[layer])
            torch.sum(gradient, 0, out=self.bias_gradients[layer])
            if layer:
                gradient = torch.mm(gradient, self.weights[layer])
                torch.ops.aten.threshold_backward.grad_input(gradient, inputs[layer], 0, grad_input=gradient)


def _views(
    vector: torch.Tensor, sizes: list[int], shapes: list[tuple[int, int]]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the weights (outputs, inputs) and the biases (outputs,) of all layers that a vector holds."""
    parts = vector.split(sizes)
    return [weight.view(shape) for weight, shape in zip(parts[::2], shapes, strict=True)], list(parts[1::2])
