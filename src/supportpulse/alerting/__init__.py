"""Alert rules: what is recorded, what is alerted on, and how Prometheus and Grafana are told.

One declaration (`declared.py`) is written out for both, so what promtool proves of the one holds for the other.
"""
