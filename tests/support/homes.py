"""The folders that programs of ours and of Jupyter's keep things in, by the variables that name them."""

__all__ = ["HOMES"]

HOMES = {
    "EVEREST_HUB_HOME": "hub",
    "EVEREST_RECORDS_HOME": "records",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "JUPYTER_CONFIG_DIR": "jupyter-config",
    "JUPYTER_DATA_DIR": "jupyter-data",
    "JUPYTER_RUNTIME_DIR": "jupyter-runtime",
    "IPYTHONDIR": "ipython",
}
"""Variable to folder, below a test's own home."""
