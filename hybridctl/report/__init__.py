"""One result model, several reports: tables for people, JSON and JUnit for programs."""

from hybridctl.report.changes_text import changes_lines
from hybridctl.report.ci import ci_lines
from hybridctl.report.document import VERIFY_SCHEMA, verify_document
from hybridctl.report.junit import verify_junit
from hybridctl.report.language import in_language
from hybridctl.report.nagios import NagiosStatus, nagios_error, nagios_lines, nagios_status
from hybridctl.report.text import plain_lines, print_rich_report, summary_line
from hybridctl.report.textfile import verify_metrics

__all__ = [
    "VERIFY_SCHEMA",
    "NagiosStatus",
    "changes_lines",
    "ci_lines",
    "in_language",
    "nagios_error",
    "nagios_lines",
    "nagios_status",
    "plain_lines",
    "print_rich_report",
    "summary_line",
    "verify_document",
    "verify_junit",
    "verify_metrics",
]
