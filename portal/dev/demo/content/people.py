"""Invented people. The loader gives them passwords; here they have names, addresses and roles."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from portal.dev.demo.content.organizations import ORGANIZATIONS


@dataclass(frozen=True)
class PersonSpec:
    """Somebody: `memberships` are (organization slug, owner | manager | member)."""

    email: str
    full_name: str
    memberships: tuple[tuple[str, str], ...] = ()
    is_staff: bool = False

    def roles(self) -> tuple[tuple[UUID, str], ...]:
        """The memberships by the organization's uuid."""
        return tuple((ORGANIZATIONS[slug].uuid, role) for slug, role in self.memberships)


PEOPLE = (
    PersonSpec("staff@example.org", "Helen Saar", is_staff=True),
    PersonSpec("ingrid.holm@photon.example.org", "Ingrid Holm", (("photon", "owner"),)),
    PersonSpec("kaarel.tamm@structbio.example.org", "Kaarel Tamm", (("biology", "owner"),)),
    PersonSpec("aino.virtanen@saimaanano.example.org", "Aino Virtanen", (("nano", "owner"),)),
    PersonSpec("camila.rojas@plateado.example.org", "Camila Rojas", (("observatory", "owner"),)),
    PersonSpec("sigrid.nes@fjordline.example.org", "Sigrid Nes", (("marine", "owner"),)),
    PersonSpec("mari.kask@campus.example.org", "Mari Kask", (("campus", "owner"),)),
    PersonSpec("erik.sund@photon.example.org", "Erik Sund", (("photon", "manager"),)),
    PersonSpec("liis.oja@structbio.example.org", "Liis Oja", (("biology", "manager"), ("campus", "manager"))),
    PersonSpec("olav.berge@fjordline.example.org", "Olav Berge", (("marine", "manager"),)),
    PersonSpec("nora.ahmadi@photon.example.org", "Nora Ahmadi", (("photon", "member"),)),
    PersonSpec("rasmus.kivi@structbio.example.org", "Rasmus Kivi", (("biology", "member"),)),
    PersonSpec("jelena.petrova@structbio.example.org", "Jelena Petrova", (("biology", "member"),)),
    PersonSpec("mikko.laine@saimaanano.example.org", "Mikko Laine", (("nano", "member"),)),
    PersonSpec("diego.fuentes@plateado.example.org", "Diego Fuentes", (("observatory", "member"),)),
    PersonSpec("tuva.solberg@fjordline.example.org", "Tuva Solberg", (("marine", "member"),)),
    PersonSpec("priya.nair@campus.example.org", "Priya Nair", (("campus", "member"),)),
    PersonSpec("tomas.lepik@campus.example.org", "Tomas Lepik", (("campus", "member"), ("biology", "member"))),
)
