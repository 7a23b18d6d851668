"""Emajõe Science Campus, machine hall: processors, accelerators and a rack to build in."""

from __future__ import annotations

from typing import Any

from portal.dev.demo.content.spec import EVERY_DAY, Component, Hours, Offering, Plan, Price, Shot, ask, choice

PLATFORM: dict[str, Any] = {
    "auto_approve_in_service_provider_projects": True,
    "maximal_resource_count_per_project": 6,
    "is_resource_termination_date_required": True,
    "default_resource_termination_offset_in_days": 30,
    "max_resource_termination_offset_in_days": 180,
    "username_generation_policy": "waldur_username",
}


def _partition(name: str, **more: Any) -> dict[str, Any]:
    """A SLURM partition: memory in MB, times in minutes, grace time in seconds."""
    usual: dict[str, Any] = {
        "partition_name": name,
        "cpu_bind": None,
        "def_cpu_per_gpu": None,
        "max_cpus_per_node": 128,
        "max_cpus_per_socket": 64,
        "def_mem_per_cpu": 3900,
        "def_mem_per_gpu": None,
        "def_mem_per_node": None,
        "max_mem_per_cpu": 7800,
        "max_mem_per_node": 515000,
        "default_time": 60,
        "max_time": 2880,
        "grace_time": 120,
        "max_nodes": 16,
        "min_nodes": 1,
        "exclusive_topo": False,
        "exclusive_user": False,
        "priority_tier": 5,
        "qos": "normal",
        "req_resv": False,
    }
    return usual | more


def _catalog(name: str, version: str, partition: str, packages: int, about: str, *architectures: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "description": about,
        "partition": partition,
        "packages": packages,
        "families": ["x86_64"],
        "architectures": list(architectures),
    }


EESSI = "Scientific software built for many architectures, shared by European sites."
SPACK = "Packages built on site from source, with debug variants."

OFFERINGS = (
    Offering(
        "metsa-cpu",
        "Metsa CPU cluster: whole-node reservation",
        "computing",
        "gpu",
        "Nodes of 128 cores reserved for you alone, for courses, deadlines and large runs.",
        Hours("00:00", "24:00", 6, EVERY_DAY),
        (
            Component(
                "node_hour", "Node hours", "node hour", "usage", more={"unit_factor": 60, "article_code": "HPC-N"}
            ),
            Component("scratch", "Scratch space", "TB", "limit", more={"limit_period": "month", "max_value": 100}),
        ),
        (
            Plan("Campus", "hour", {"node_hour": "0.85", "scratch": "4"}, resources=38),
            Plan("External", "hour", {"node_hour": Price("2.40", discount=(5000, 20)), "scratch": "9.50"}, resources=8),
        ),
        (0.0005, 0.0004),
        "Machine hall",
        attributes={"cores_per_node": 128, "nodes": 96},
        options={
            "nodes": ask("integer", "Nodes", True, min=1, max=16, default=1),
            "purpose": choice("Purpose", "Course", "Deadline", "Scaling test", "Production"),
        },
        plugin_options=PLATFORM,
        guide=True,
        roles=("Cluster user",),
        orders=176,
        endpoints=(("Login node", "ssh://login.metsa.campus.example.org"),),
        partitions=(_partition("main"), _partition("long", max_time=20160, max_nodes=4, priority_tier=2, qos="long")),
        catalogs=(_catalog("EESSI", "2023.06", "main", 712, EESSI, "generic", "zen3", "zen4"),),
        twin=True,
    ),
    Offering(
        "kratt-gpu",
        "Kratt GPU partition: accelerator reservation",
        "computing",
        "gpu",
        "Eight nodes with four 96 GB accelerators each, reserved by the block for training and teaching.",
        Hours("00:00", "24:00", 4, EVERY_DAY, ((-8, 12, "Continuous operation"), (13, 26, "After the cooling works"))),
        (
            Component(
                "gpu_hour",
                "Accelerator hours",
                "GPU hour",
                "limit",
                "Reserved ahead.",
                {
                    "limit_period": "month",
                    "limit_amount": 2000,
                    "max_value": 4000,
                    "min_value": 4,
                    "article_code": "HPC-G",
                    "max_available_limit": 23040,
                    "default_limit": 64,
                    "factor": 60,
                    "unit_factor": 60,
                    "is_builtin": False,
                    "is_prepaid": True,
                    "overage_component": "gpu_over",
                    "min_prepaid_duration": 1,
                    "max_prepaid_duration": 12,
                },
            ),
            Component("gpu_over", "Accelerator hours beyond the reservation", "GPU hour", "usage", "From the job log."),
            Component("support", "Named support engineer", "month", "fixed", "Answers within a working day."),
            Component("onboarding", "Onboarding", "project", "one", "A session with your own code."),
            Component(
                "switch", "Change of queue", "change", "few", "Between plans.", {"is_boolean": True, "max_value": 1}
            ),
        ),
        (
            Plan(
                "Consortium",
                "month",
                {
                    "gpu_hour": Price("0.62", future="0.66", discount=(1000, 15)),
                    "gpu_over": "0.95",
                    "support": Price("120", 1),
                    "onboarding": "60",
                    "switch": "25",
                },
                "For members of the Baltic research consortium.",
                groups=("estonian", "baltic"),
                resources=27,
                max_amount=80,
            ),
            Plan(
                "Pay as you go", "hour", {"gpu_over": "1.90"}, "No reservation needed, no promise made.", resources=12
            ),
        ),
        (0.0005, 0.0005),
        "Machine hall",
        groups=("estonian", "baltic"),
        attributes={"accelerators": 32, "memory_per_accelerator_gb": 96, "interconnect_gbit": 400},
        options={
            "gpus": ask("integer", "Accelerators", True, min=1, max=32, default=4),
            "framework": choice(
                "Framework", "PyTorch", "JAX", "TensorFlow", "Own container", help_text="For the image."
            ),
            "data": ask("boolean", "Personal data are processed"),
        },
        resource_options={"notes": ask("text", "Notes for the operators")},
        plugin_options=PLATFORM,
        shots=(
            Shot("The row", "Four of the racks.", "gpu", True),
            Shot("Operations", "Load and temperature.", "console"),
            Shot("Inside", "A node on its rails.", "rack"),
        ),
        guide=True,
        roles=("Project owner", "Reservation user"),
        endpoints=(
            ("Login node", "ssh://login.kratt.campus.example.org"),
            ("Notebook hub", "https://hub.campus.example.org/"),
        ),
        quotas=(("gpu_hour", 14220, 23040), ("storage_tb", 118, 400)),
        partitions=(
            _partition(
                "kratt",
                cpu_bind=1,
                def_cpu_per_gpu=24,
                def_mem_per_gpu=120000,
                def_mem_per_node=480000,
                max_cpus_per_node=96,
                max_cpus_per_socket=48,
                max_nodes=8,
                exclusive_user=True,
                priority_tier=20,
                qos="gpu",
                req_resv=True,
                grace_time=300,
            ),
            _partition(
                "kratt-teach",
                cpu_bind=1,
                def_cpu_per_gpu=12,
                def_mem_per_gpu=60000,
                def_mem_per_node=240000,
                max_time=240,
                max_nodes=2,
                exclusive_topo=True,
                priority_tier=30,
                qos="teaching",
                req_resv=True,
            ),
        ),
        catalogs=(
            _catalog("EESSI", "2023.06", "kratt", 698, EESSI, "generic", "zen4"),
            _catalog("Spack", "0.23", "kratt-teach", 164, SPACK, "zen4"),
        ),
        vendor="Liquid-cooled nodes; parts on site within four hours.",
        integration="<p>Reservations appear in the scheduler five minutes before they start.</p>",
        doi="10.5072/esc.kratt",
        citations=23,
        orders=342,
        checklist="data-protection",
        consent=True,
        parent="metsa-cpu",
        totals=(14, 61250, 70480),
        scope=("OK", "Last pull: 1 node in maintenance."),
        metadata={"racks": "R11–R14"},
    ),
    Offering(
        "staging-rack",
        "Staging rack with power and network",
        "computing",
        "rack",
        "Half a rack to build and burn in equipment before it moves to the machine hall.",
        Hours("08:00", "20:00", 4),
        (
            Component("rack_hour", "Rack", "hour", "usage"),
            Component("power", "Electricity", "kWh", "usage"),
            Component("hands", "Remote hands", "hour", "usage"),
        ),
        (
            Plan("Campus", "day", {"rack_hour": "2.50", "power": "0.19", "hands": "48"}, resources=13),
            Plan("Month", "month", {"power": "0.19", "hands": "48"}, "For long burn-ins.", resources=2),
        ),
        (0.0005, 0.0003),
        "Machine hall, cage 3",
        options={
            "units": ask("integer", "Height (U)", True, min=1, max=21),
            "amps": choice("Feed", "16 A", "32 A", "2 × 32 A"),
        },
        shots=(Shot("Open rack", "Tools are on the trolley.", "rack", True),),
        orders=47,
    ),
)
