"""Add the shipped configs to the package; everything else is in pyproject.toml.

They lie in `configs/`, where readers look, and are installed as `solver/configs`.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["solver*", "sandbox*", "judge*"]), "solver.configs"],
    package_dir={"solver.configs": "configs"},
)
