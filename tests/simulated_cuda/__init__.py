"""Simulated GPUs: tensors that say `cuda:0` and compute on the CPU, for machines without a GPU.

The real code runs, with real numbers. As on a GPU, an operation on tensors of two devices raises,
so does `.numpy()`, and autocast follows the lists of CUDA. What a GPU would make the host wait for
is logged with the line that caused it; memory can run out, in each of the forms that drivers and
libraries report; and kernels take the seconds that a test says. There are no gradients: the
autograd engine asks for a real device. Nothing that passes here has run on a GPU.
"""

from tests.simulated_cuda.gpus import MEMORY_ERRORS, SimulatedGpus
from tests.simulated_cuda.simulate import simulate_gpus

__all__ = ["MEMORY_ERRORS", "SimulatedGpus", "simulate_gpus"]
