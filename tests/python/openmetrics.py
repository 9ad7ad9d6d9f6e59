"""Reads OpenMetrics text as Prometheus' own parser does, and prints its samples as JSON.

What the parser does not take ends with an error: it knows the rules for names, units, types and order."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
json.dump(
    [
        {"type": family.type, "unit": family.unit, "name": sample.name, "labels": sample.labels, "value": sample.value}
        for family in families
        for sample in family.samples
    ],
    sys.stdout,
)
