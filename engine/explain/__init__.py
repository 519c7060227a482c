"""Why a person gets a figure: the same evaluation, told step by step with the origin of every value."""
