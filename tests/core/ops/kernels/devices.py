"""Where the kernels are tested: on the GPU, or, without one, in Triton's interpreter."""

import torch

HAS_GPU = torch.cuda.is_available()
DEVICE = "cuda" if HAS_GPU else "cpu"
