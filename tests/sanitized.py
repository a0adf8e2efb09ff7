"""Builds with sanitizers: what their programs are told, and how much longer they may take."""
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
SLOWER = 6  # AddressSanitizer and UndefinedBehaviorSanitizer, with -O1


def is_sanitized(build):
    cache = Path(build) / "CMakeCache.txt"
    return cache.exists() and "-fsanitize=" in cache.read_text()


def patience(build):
    """By how much every limit of time is multiplied for programs of that build."""
    return SLOWER if is_sanitized(build) else 1


def environment(build):
    """What the sanitizers read; empty for a build without them. Reports of any process lie in BUILD/sanitizer-reports,
    so that one in a child that nobody waits for is seen too."""
    if not is_sanitized(build):
        return {}
    reports = Path(build) / "sanitizer-reports"
    reports.mkdir(exist_ok=True)
    # tests/faults preloads a library before the sanitizer's own; tests of running out of memory want a refusal, no abort.
    address = f"verify_asan_link_order=0:allocator_may_return_null=1:detect_stack_use_after_return=1:log_path={reports}/report"
    return {"ASAN_OPTIONS": address, "LSAN_OPTIONS": f"suppressions={HERE}/leaks.supp:print_suppressions=0",
            "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={reports}/report"}
