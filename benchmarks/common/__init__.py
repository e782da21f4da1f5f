"""What the benchmarks share: results, the machine, programs of other people, labs, plots."""
