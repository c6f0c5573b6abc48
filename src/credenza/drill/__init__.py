"""The drill: what is the smallest attack that an audit of one's own data would catch?"""

from __future__ import annotations

from credenza.drill.conduct import drill
from credenza.drill.kinds import KINDS
from credenza.drill.result import Drill

__all__ = ["KINDS", "Drill", "drill"]
