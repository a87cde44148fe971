"""What is built of this checkout, and whether it is what people should get."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Iterator

from environment import ROOT, isolated, stop

PACKAGE, EXAMPLES = "airflow_provider_wiro", "example_dags"

# What the sdist must have beside the package, so that others can build it and run its tests.
SOURCES = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", "tests/conftest.py", "scripts/test")

# Run with the wheel alone on the path: says what is wrong with it.
INSTALLED = f"""
import importlib, importlib.metadata, importlib.resources, pkgutil, sys
import {PACKAGE}

home = importlib.resources.files({PACKAGE!r})
if not str(home).startswith(sys.argv[1]):
    print(f"the package is imported from {{home}}, not from the wheel")
if not (home / "py.typed").is_file():
    print("py.typed is missing: type checkers would ignore the package's types")
[found] = [one for one in importlib.metadata.entry_points(group="apache_airflow_provider") if {PACKAGE!r} in one.value]
if found.load()()["package-name"] != "airflow-provider-wiro":
    print("the entry point gives another provider's info")
from airflow.providers.common.compat.sdk import DAG
examples = importlib.import_module("{PACKAGE}.{EXAMPLES}")
for example in pkgutil.iter_modules(examples.__path__):
    module = importlib.import_module(f"{{examples.__name__}}.{{example.name}}")
    if not [value for value in vars(module).values() if isinstance(value, DAG)]:
        print(f"{{example.name}} makes no DAG")
"""


def wheel(commands: Path, folder: Path) -> Path:
    """Build the wheel into *folder*, with the builder that the environment has."""
    pip: list[str | Path] = [commands / "python", "-m", "pip", "-qq"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True)
    return next(folder.glob("*.whl"))


def install(commands: Path, built: Path, folder: Path) -> None:
    """Unpack *built* into *folder*, without what it depends on."""
    pip: list[str | Path] = [commands / "python", "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", folder, built], check=True)


def beside(commands: Path, folder: Path) -> Path:
    """Make an environment of what another one has, with the built wheel in place of the checkout.

    :returns: its folder of commands.
    """
    subprocess.run([str(commands / "python"), "-m", "venv", "--without-pip", str(folder)], check=True)
    [theirs] = commands.parent.glob("lib/python*/site-packages")
    [ours] = folder.glob("lib/python*/site-packages")
    # What a .pth file names is put on the path, but the .pth files in there are not read: one leads to the checkout.
    (ours / "others.pth").write_text(f"{theirs}\n")
    install(commands, wheel(commands, folder), ours)
    airflow = folder / "bin" / "airflow"
    airflow.write_text(f"#!{folder / 'bin' / 'python'}\nfrom airflow.__main__ import main\n\nmain()\n")
    airflow.chmod(0o755)
    asked: list[str | Path] = [folder / "bin" / "python", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"]
    there = subprocess.run(asked, cwd=folder, env=isolated(folder), capture_output=True, text=True, check=True).stdout
    if not there.startswith(str(ours)):
        stop(f"the wheel is installed, but {there.strip()} is imported")
    return folder / "bin"


def problems(commands: Path) -> list[str]:
    """Build sdist and wheel as a release does, and return what is wrong with them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build: list[str | Path] = [commands / "python", "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
        built = subprocess.run(build, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            return [f"python -m build fails:\n{built.stdout}{built.stderr}"]
        [sdist], [bdist] = folder.glob("*.tar.gz"), folder.glob("*.whl")
        twine: list[str | Path] = [commands / "twine", "check", "--strict", sdist, bdist]
        checked = subprocess.run(twine, capture_output=True, text=True, check=False)
        bad = [] if checked.returncode == 0 else [f"twine check fails:\n{checked.stdout}{checked.stderr}"]
        return [*bad, *_in_the_sdist(sdist), *_in_the_wheel(bdist), *_installed(commands, bdist, folder / "installed")]


def _in_the_sdist(sdist: Path) -> Iterator[str]:
    with tarfile.open(sdist) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    wanted = {*SOURCES, *(str(path.relative_to(ROOT)) for path in _files())}
    yield from (f"the sdist lacks {name}" for name in sorted(wanted - held))
    yield from (f"the sdist holds {name}" for name in sorted(held) if "__pycache__" in name or name.startswith(".venv"))


def _in_the_wheel(built: Path) -> Iterator[str]:
    """Compare with the checkout: all of the package and of the examples, and nothing else but the metadata."""
    with zipfile.ZipFile(built) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    examples = f"{PACKAGE}/{EXAMPLES}"
    wanted = {str(path.relative_to(ROOT)).replace(EXAMPLES, examples, 1): path for path in _files()}
    yield from (f"the wheel lacks {name}" for name in sorted(wanted.keys() - held.keys()))
    yield from (f"the wheel holds {name}" for name in sorted(held.keys() - wanted.keys()))
    same = wanted.keys() & held.keys()
    yield from (f"the wheel has another {name}" for name in sorted(same) if held[name] != wanted[name].read_bytes())


def _files() -> list[Path]:
    found = [path for folder in (PACKAGE, EXAMPLES) for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def _installed(commands: Path, built: Path, folder: Path) -> list[str]:
    install(commands, built, folder)
    variables = isolated(folder.parent / "airflow", PYTHONPATH=str(folder), PYTHONWARNINGS="ignore")
    command: list[str | Path] = [commands / "python", "-c", INSTALLED, str(folder)]
    asked = subprocess.run(command, cwd=folder.parent, env=variables, capture_output=True, text=True, check=False)
    told = [line for line in asked.stdout.splitlines() if line]
    return told if asked.returncode == 0 else [*told, f"the installed wheel fails:\n{asked.stderr[-2000:]}"]
