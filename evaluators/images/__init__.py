"""Images: ``formats`` says where they come from, one file per format; ``loading`` reads them into an ``ImageSet``.

``splits`` divides them into training, validation and test images. ``device_images`` and ``augmentation`` turn them into
batches on the device, and are the only modules here that import torch.
"""
