"""What single rows say, given their content: embeddings, labels and training losses, and scores made of them."""

from __future__ import annotations
