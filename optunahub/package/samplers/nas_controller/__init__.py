from .sampler import NASControllerSampler

__all__ = ["NASControllerSampler"]
