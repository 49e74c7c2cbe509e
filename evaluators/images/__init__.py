"""Images: ``formats`` says where they come from, one file per format; ``evaluators.data`` makes an ``ImageSet`` of them.

``layout`` finds classes and splits in folders, ``pictures`` decodes one picture, ``reading`` decodes and keeps a whole
set, ``labels`` and ``splits`` number and divide it. ``summary`` and ``duplicates`` say what it holds. ``device_images``
and ``augmentation`` turn it into batches on the device, and are the only modules here that import torch.
"""
