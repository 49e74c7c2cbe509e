"""The formats of an export, one module each.

A module holds a ``Format``: its name, what it is, its files, and the function that writes them. Modules import
torch and onnx only when they write. A new module is a new format: the command's help and its errors list it.
"""
