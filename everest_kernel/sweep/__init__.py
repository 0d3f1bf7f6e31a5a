"""Sweeps: parameter spaces, fan-out, partial results, the labelled grid."""
