"""Malformed input for the command line: generators of cases, and a runner that watches what becomes of each.

``mutation`` changes values, texts and bytes; ``texts`` and ``files`` make cases of them, by group; ``running`` runs a
group in a process of its own. ``tests/test_fuzz.py`` runs a few of each group, ``bench/fuzz.py`` many.
"""
