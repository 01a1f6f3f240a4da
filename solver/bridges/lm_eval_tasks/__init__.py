"""Tasks of lm-evaluation-harness that ask for our problems and grade with our judge.

The YAML files are data: `lm_eval --include_path $(solver lm-eval-path) --tasks solver_math500`.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
