"""Grid specifications: pydantic models, and presets as YAML."""

from bench.config.load import load_spec, preset_names
from bench.config.spec import GridSpec

__all__ = ["GridSpec", "load_spec", "preset_names"]
