"""The report of a siting study, in the rooms of the gap report: words, pictures, no renderer."""

__all__: list[str] = []
