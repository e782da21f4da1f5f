"""Benchmarks; each has a README of its own."""
