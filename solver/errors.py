"""Exceptions for the user's mistakes and the model endpoint's failures.

    Exception
    ├── ConfigError          the user's: one line, exit code 2
    ├── ModelError           ours: the endpoint failed, so nothing was learned about the model
    ├── sandbox.SandboxError ours: the sandbox failed, so nothing was learned about the program
    └── judge.JudgeError     ours: the judge gave no usable verdict

Failures of the model under test (no code, a crash, a wrong answer) are values, never exceptions.
"""


class ConfigError(Exception):
    """A mistake in a config, an argument or a data file: what, where, what to do, in one line."""


class ModelError(Exception):
    """A model endpoint failed. The trial records it, runs again on resume, and is never scored."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status, where there was one."""
        self.retryable = retryable
        """False where asking again cannot help: 400, 401, 403, 404, an unknown model."""
        self.retry_after = retry_after
        """Seconds the server asked us to wait."""
