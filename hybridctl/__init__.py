"""hybridctl: from bare Kunpeng and A100 servers to a verified vLLM service."""

__version__ = "0.1.0"
