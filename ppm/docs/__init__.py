"""The generated documents. `python -m ppm.docs` writes them, `--check` names those that are stale."""
