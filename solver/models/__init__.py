"""Language models: what one can be asked, and how `provider/name` becomes one.

A provider is one file that exports a `PROVIDER`, in this folder or outside the package. Files whose
name starts with an underscore are shared by providers.
"""

from solver.models._model import ContinueOptions, ContinuingModel, Extend, Model, Until, continuing
from solver.models._providers import (
    PROVIDERS,
    Capability,
    Provider,
    connect,
    provider_names,
    provider_of,
    provider_of_model,
    require,
)

__all__ = [
    "PROVIDERS",
    "Capability",
    "ContinueOptions",
    "ContinuingModel",
    "Extend",
    "Model",
    "Provider",
    "Until",
    "connect",
    "continuing",
    "provider_names",
    "provider_of",
    "provider_of_model",
    "require",
]
