"""What stands in the way of a provision, on the control node and on every host, each with its remedy."""

from hybridctl.doctor.control import examine_control
from hybridctl.doctor.findings import Examination, Finding
from hybridctl.doctor.fleet import examine_hosts

__all__ = ["Examination", "Finding", "examine_control", "examine_hosts"]
