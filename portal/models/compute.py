"""SLURM partitions and software catalogs of computing offerings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, HasUuid


class Partition(HasUuid, Base):
    """A SLURM partition. Memory in MB, times in minutes, grace time in seconds (Waldur API documentation)."""

    __tablename__ = "partitions"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    partition_name: Mapped[str] = mapped_column(Text, default="")
    cpu_bind: Mapped[int | None] = mapped_column(BigInteger)
    def_cpu_per_gpu: Mapped[int | None] = mapped_column(BigInteger)
    max_cpus_per_node: Mapped[int | None] = mapped_column(BigInteger)
    max_cpus_per_socket: Mapped[int | None] = mapped_column(BigInteger)
    def_mem_per_cpu: Mapped[int | None] = mapped_column(BigInteger)
    def_mem_per_gpu: Mapped[int | None] = mapped_column(BigInteger)
    def_mem_per_node: Mapped[int | None] = mapped_column(BigInteger)
    max_mem_per_cpu: Mapped[int | None] = mapped_column(BigInteger)
    max_mem_per_node: Mapped[int | None] = mapped_column(BigInteger)
    default_time: Mapped[int | None] = mapped_column(BigInteger)
    max_time: Mapped[int | None] = mapped_column(BigInteger)
    grace_time: Mapped[int | None] = mapped_column(BigInteger)
    max_nodes: Mapped[int | None] = mapped_column(BigInteger)
    min_nodes: Mapped[int | None] = mapped_column(BigInteger)
    exclusive_topo: Mapped[bool] = mapped_column(Boolean, default=False)
    exclusive_user: Mapped[bool] = mapped_column(Boolean, default=False)
    priority_tier: Mapped[int | None] = mapped_column(BigInteger)
    qos: Mapped[str] = mapped_column(Text, default="")
    req_resv: Mapped[bool] = mapped_column(Boolean, default=False)


class SoftwareCatalog(HasUuid, Base):
    """A collection of software that several offerings may offer (EESSI, Spack …)."""

    __tablename__ = "software_catalogs"

    name: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")


class OfferingSoftwareCatalog(HasUuid, Base):
    """A software catalog of an offering: enabled CPU families, number of packages, partition."""

    __tablename__ = "offering_software_catalogs"

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    catalog_id: Mapped[int] = mapped_column(ForeignKey("software_catalogs.id", ondelete="RESTRICT"), index=True)
    partition_id: Mapped[int | None] = mapped_column(ForeignKey("partitions.id", ondelete="SET NULL"), index=True)
    # The documentation types both as "any".
    enabled_cpu_family: Mapped[Any] = mapped_column(JSON, default=list)
    enabled_cpu_microarchitectures: Mapped[Any] = mapped_column(JSON, default=list)
    package_count: Mapped[int] = mapped_column(BigInteger, default=0)

    catalog: Mapped[SoftwareCatalog] = relationship()
    partition: Mapped[Partition | None] = relationship()
