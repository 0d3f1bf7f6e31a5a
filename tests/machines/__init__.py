"""Agents on hosts of their own: network namespaces joined by a bridge, real processes in each."""
