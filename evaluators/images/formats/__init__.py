"""The formats that images can be read from, one file each.

A new format is a new module here that holds a ``SourceFormat``: its prefix, its line of help and its reader.
``evaluators.images.sources`` finds it. Modules import numpy and other libraries inside their functions, because the
command line imports all of them for its help.
"""
