"""The stand-in for the tests: a real server on a free port, run by a thread of the test process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.standin.app import create_standin
from portal.standin.controls import grant, reset_world
from portal.standin.front import Front
from portal.standin.scopes import PREFIX, canonical
from portal.standin.server import Server, in_background
from portal.standin.world import World


@dataclass(frozen=True)
class RunningStandin:
    """A stand-in that answers at `base_url`. `world` is the same one, to look at and to break things in."""

    base_url: str
    world: World

    def grant(self, account: str, *scopes: str) -> dict[str, str]:
        """Tokens as a consent would give them; calendar scopes may be given without their address."""
        wanted = [PREFIX + name if name.startswith("calendar") else name for name in scopes or ("openid", "calendar")]
        granted, unknown = canonical(" ".join(wanted))
        if unknown:
            raise ValueError(f"unknown scopes: {unknown}")
        return grant(self.world, account, " ".join(granted))

    def reset(self) -> None:
        """As on the first start."""
        reset_world(self.world)


@contextmanager
def running_standin(data_path: Path | str, *, consent: str = "auto", port: int = 0) -> Iterator[RunningStandin]:
    """Run a stand-in on its data until the block ends; nothing of it is left then but the file."""
    world = World(data_path, consent=consent)
    try:
        server = Server(Front(create_standin(world), world), "127.0.0.1", port)
        with in_background(server) as base_url:
            yield RunningStandin(base_url, world)
    finally:
        world.close()
