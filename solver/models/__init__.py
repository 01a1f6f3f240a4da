"""Language models: what one can be asked, and how `provider/name` becomes one.

A provider is one file that exports a `PROVIDER`, in this folder or outside the package. Files whose
name starts with an underscore are shared by providers.
"""

from solver.models._model import (
    CompleteOptions,
    ContinueOptions,
    ContinuingModel,
    Extend,
    LoadingModel,
    Model,
    RawModel,
    ServedModel,
    Until,
    continuing,
)
from solver.models._providers import (
    PROVIDERS,
    Capability,
    Found,
    Provider,
    connect,
    found,
    provider_names,
    provider_of,
    provider_of_model,
    require,
)
from solver.models._rendered import rendered, template_identity
from solver.models._thinking import Thinking, needs, thinks_by_name, warnings_of
from solver.models._thoughts import begins_with_thoughts, keep_apart, refuse_thoughts

__all__ = [
    "PROVIDERS",
    "Capability",
    "CompleteOptions",
    "ContinueOptions",
    "ContinuingModel",
    "Extend",
    "Found",
    "LoadingModel",
    "Model",
    "Provider",
    "RawModel",
    "ServedModel",
    "Thinking",
    "Until",
    "begins_with_thoughts",
    "connect",
    "continuing",
    "found",
    "keep_apart",
    "needs",
    "provider_names",
    "provider_of",
    "provider_of_model",
    "refuse_thoughts",
    "rendered",
    "require",
    "template_identity",
    "thinks_by_name",
    "warnings_of",
]
